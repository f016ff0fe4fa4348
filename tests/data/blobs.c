#include "data_support.h"

#include <math.h>

/* Without noise each example is the centre of its cluster. */
#define CENTRES "use: blobs\nnoise: 0\nshape: [5]\nnum_classes: 2\nclusters: 1\ntrain_size: 4\ntest_size: 2\n"

static double distance(const float *a, const float *b, int count)
{
        double square = 0;

        for (int i = 0; i < count; i++)
                square += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        return sqrt(square);
}

static void centres_follow_from_the_layout_alone(void **state)
{
        struct scion_data *one = OPEN_DATA(1, CENTRES), *other_seed = OPEN_DATA(2, CENTRES),
                          *other_layout = OPEN_DATA(1, CENTRES "layout: 2\n");
        struct scion_batch a = split_read(one, SCION_TRAIN), b = split_read(other_seed, SCION_TEST),
                           c = split_read(other_layout, SCION_TRAIN);
        const float *x = scion_data(a.inputs);

        (void)state;
        for (int i = 0; i < 4; i++)
                assert_int_equal(scion_data_i32(a.labels)[i], i % 2);
        assert_memory_equal(x, x + 10, 10 * sizeof(float)); /* the same centres again */
        assert_memory_equal(x, scion_data(b.inputs), 10 * sizeof(float));
        assert_true(distance(x, x + 5, 5) > 0.1);
        assert_true(distance(x, scion_data(c.inputs), 5) > 0.1);
        scion_tape_reset(tape);
        scion_data_close(one);
        scion_data_close(other_seed);
        scion_data_close(other_layout);
}

static void all_points_are_shifted_alike(void **state)
{
        struct scion_data *here = OPEN_DATA(1, CENTRES), *there = OPEN_DATA(1, CENTRES "shift: 2.5\n");
        struct scion_batch a = split_read(here, SCION_TRAIN), b = split_read(there, SCION_TRAIN);
        const float *x = scion_data(a.inputs), *y = scion_data(b.inputs);

        (void)state;
        for (int i = 0; i < 4; i++)
                assert_true(fabs(distance(x + 5 * i, y + 5 * i, 5) - 2.5) < 1e-4);
        for (int i = 0; i < 5; i++)
                assert_true(fabsf((y[i] - x[i]) - (y[5 + i] - x[5 + i])) < 1e-4f);
        scion_tape_reset(tape);
        scion_data_close(here);
        scion_data_close(there);
}

static void an_example_depends_on_seed_split_and_index_alone(void **state)
{
        const char *yaml = "use: blobs\nshape: [2, 3]\ntrain_size: %d\ntest_size: 10\n";
        struct scion_data *few = OPEN_DATA(1, yaml, 10), *many = OPEN_DATA(1, yaml, 40),
                          *other = OPEN_DATA(2, yaml, 10);
        struct scion_batch a = split_read(few, SCION_TRAIN), b = split_read(many, SCION_TRAIN),
                           c = split_read(other, SCION_TRAIN), d = split_read(few, SCION_TEST);
        size_t inputs = 60 * sizeof(float);

        (void)state;
        assert_memory_equal(scion_data(a.inputs), scion_data(b.inputs), inputs);
        assert_memory_not_equal(scion_data(a.inputs), scion_data(c.inputs), inputs);
        assert_memory_not_equal(scion_data(a.inputs), scion_data(d.inputs), inputs);
        scion_tape_reset(tape);
        scion_data_close(few);
        scion_data_close(many);
        scion_data_close(other);
}

/* The noise around the centre of one cluster has the expected mean and standard deviation, within five standard errors. */
static void noise_and_clusters(void **state)
{
        const char *yaml =
                "use: blobs\nshape: [10]\nnum_classes: 2\nclusters: %d\nnoise: %g\ntrain_size: 2000\n";
        struct scion_data *bare = OPEN_DATA(1, yaml, 1, 0.0), *noisy = OPEN_DATA(1, yaml, 1, 0.5),
                          *three = OPEN_DATA(1, yaml, 3, 0.0);
        struct scion_batch a = split_read(bare, SCION_TRAIN), b = split_read(noisy, SCION_TRAIN),
                           c = split_read(three, SCION_TRAIN);
        const float *x = scion_data(a.inputs), *y = scion_data(b.inputs), *z = scion_data(c.inputs);
        double sum = 0, square = 0, n = 20000;
        int kinds = 0, counts[8] = { 0 }, first[8];

        (void)state;
        for (int i = 0; i < 20000; i++) {
                double e = (double)(y[i] - x[i]);

                sum += e;
                square += e * e;
        }
        assert_true(fabs(sum / n) < 5 * 0.5 / sqrt(n));
        assert_true(fabs(square / n / 0.25 - 1) < 5 * sqrt(2 / n));
        for (int i = 0; i < 2000; i += 2) { /* all of label 0 */
                int kind = 0;

                while (kind < kinds && distance(z + 10 * i, z + 10 * first[kind], 10) > 0)
                        kind++;
                assert_in_range(kind, 0, 7);
                if (kind == kinds)
                        first[kinds++] = i;
                counts[kind]++;
        }
        assert_int_equal(kinds, 3);
        for (int i = 0; i < 3; i++)
                assert_in_range(counts[i], 260, 410);
        scion_tape_reset(tape);
        scion_data_close(bare);
        scion_data_close(noisy);
        scion_data_close(three);
}

static void bad_parameters(void **state)
{
        static const struct {
                const char *yaml, *text;
        } cases[] = {
                { "shape: []\n", "has 0 axes" },
                { "shape: [1, 1, 1, 1, 1, 1]\n", "has 6 axes; an input has 1 to 5" },
                { "shape: [5000, 5000]\n", "shape: more than 16777216 values" },
                { "shape: [4096, 4096]\n", "4 classes of 3 clusters: their centres have more than" },
                { "clusters: 0\n", "clusters" },
                { "num_classes: 1\n", "num_classes" },
                { "noise: -1\n", "noise" },
                { "shift: -1\n", "shift" },
                { "layuot: 1\n", "layout" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                scion_error_clear();
                if (open_data(1, "use: blobs\n%s", cases[i].yaml))
                        fail_msg("no error from:\n%s", cases[i].yaml);
                assert_error_has("test.yaml:", cases[i].text, NULL);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(centres_follow_from_the_layout_alone),
                cmocka_unit_test(all_points_are_shifted_alike),
                cmocka_unit_test(an_example_depends_on_seed_split_and_index_alone),
                cmocka_unit_test(noise_and_clusters),
                cmocka_unit_test(bad_parameters),
        };

        return cmocka_run_group_tests(tests, start_data, drop_tape);
}
