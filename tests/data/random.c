#include "data_support.h"

#include <math.h>

static void defaults_and_sizes(void **state)
{
        struct scion_data *data =
                OPEN_DATA(1, "use: random\ntrain_size: 30\nvalid_size: 20\ntest_size: 10\nshape: [3, 4]\n");
        struct scion_shape shape = scion_data_shape(data);

        (void)state;
        assert_int_equal(scion_data_size(data, SCION_TRAIN), 30);
        assert_int_equal(scion_data_size(data, SCION_VALID), 20);
        assert_int_equal(scion_data_size(data, SCION_TEST), 10);
        assert_int_equal(scion_data_classes(data), 10);
        assert_true(scion_shape_equal(&shape, &SCION_SHAPE(3, 4)));
        scion_data_close(data);

        data = OPEN_DATA(1, "use: random\ntrain_size: 2\ntest_size: 0\n");
        shape = scion_data_shape(data);
        assert_true(scion_shape_equal(&shape, &SCION_SHAPE(1, 28, 28)));
        scion_data_close(data);
}

static void an_example_depends_on_seed_split_and_index_alone(void **state)
{
        const char *yaml = "use: random\nshape: [50]\ntrain_size: %d\ntest_size: 10\n";
        struct scion_data *few = OPEN_DATA(1, yaml, 10), *many = OPEN_DATA(1, yaml, 40),
                          *other = OPEN_DATA(2, yaml, 10);
        struct scion_batch a = split_read(few, SCION_TRAIN), b = split_read(many, SCION_TRAIN),
                           c = split_read(other, SCION_TRAIN), d = split_read(few, SCION_TEST);
        size_t inputs = 500 * sizeof(float);

        (void)state;
        assert_memory_equal(scion_data(a.inputs), scion_data(b.inputs), inputs);
        assert_memory_equal(scion_data_i32(a.labels), scion_data_i32(b.labels), 10 * sizeof(int32_t));
        assert_memory_not_equal(scion_data(a.inputs), scion_data(c.inputs), inputs);
        assert_memory_not_equal(scion_data(a.inputs), scion_data(d.inputs), inputs);
        assert_memory_not_equal(scion_data(a.inputs), scion_data(a.inputs) + 50, 50 * sizeof(float));
        scion_tape_reset(tape);
        scion_data_close(few);
        scion_data_close(many);
        scion_data_close(other);
}

static void moments_and_labels(void **state)
{
        struct scion_data *data =
                OPEN_DATA(1, "use: random\nshape: [100]\ntrain_size: 2000\nnum_classes: 4\n");
        struct scion_batch batch = split_read(data, SCION_TRAIN);
        double sum = 0, square = 0;
        int64_t n = 2000 * 100, label[4] = { 0 };

        (void)state;
        for (int64_t i = 0; i < n; i++) {
                double x = scion_data(batch.inputs)[i];

                sum += x;
                square += x * x;
        }
        /* Five standard errors of the mean. */
        assert_true(fabs(sum / (double)n) < 5 / sqrt((double)n));
        assert_true(fabs(square / (double)n - 1) < 5 * sqrt(2 / (double)n));
        for (int64_t i = 0; i < 2000; i++)
                label[scion_data_i32(batch.labels)[i]]++;
        for (int c = 0; c < 4; c++)
                assert_in_range(label[c], 400, 600);
        scion_tape_reset(tape);
        scion_data_close(data);
}

static void values(void **state)
{
        struct scion_data *data = OPEN_DATA(1, "use: random\nshape: [5]\nnum_classes: 0\ntargets: 300\n");
        struct scion_batch batch = split_read(data, SCION_TRAIN);
        struct scion_shape shape = scion_shape(batch.targets);
        double square = 0;

        (void)state;
        assert_int_equal(scion_data_outputs(data), 300);
        assert_true(scion_shape_equal(&shape, &SCION_SHAPE(1000, 300)));
        for (int64_t i = 0; i < 300000; i++)
                square += (double)scion_data(batch.targets)[i] * scion_data(batch.targets)[i];
        assert_true(fabs(square / 300000 - 1) < 5 * sqrt(2.0 / 300000));
        scion_tape_reset(tape);
        scion_data_close(data);
}

static void bad_parameters(void **state)
{
        static const struct {
                const char *yaml, *text;
        } cases[] = {
                { "train_size: 0\n", "train_size" },
                { "test_size: -1\n", "test_size" },
                { "shape: [3, 0]\n", "shape" },
                { "shape: []\n", "has 0 axes" },
                { "shape: [1, 1, 1, 1, 1, 1]\n", "has 6 axes; an input has 1 to 5" },
                { "shape: [1000000000, 1000000000]\n", "more values than fit into memory" },
                { "shape: [1000000000]\ntrain_size: 1000000000\n", "impossible" },
                { "num_classes: -1\n", "num_classes" },
                { "num_classes: 0\ntargets: 0\n", "targets" },
                { "num_clases: 3\n", "num_classes" },
                { "classes: 5\n", "num_classes sets their number" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                scion_error_clear();
                if (open_data(1, "use: random\n%s", cases[i].yaml))
                        fail_msg("no error from:\n%s", cases[i].yaml);
                assert_error_has("test.yaml:", cases[i].text, NULL);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(defaults_and_sizes),
                cmocka_unit_test(an_example_depends_on_seed_split_and_index_alone),
                cmocka_unit_test(moments_and_labels),
                cmocka_unit_test(values),
                cmocka_unit_test(bad_parameters),
        };

        return cmocka_run_group_tests(tests, start_data, drop_tape);
}
