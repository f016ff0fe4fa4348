/* Transforms of whole datasets. tests/parity/transforms.c compares the results of each kind with PyTorch. */
#include "data_support.h"

#include <math.h>

#define BYTES "use: probe\nelement: bytes\nshape: [1, 6, 6]\n"
#define FLOATS "use: probe\nelement: floats\nshape: [1, 6, 6]\n"
#define MOST 32768

/* Reads the inputs of a split as floats. */
struct inputs {
        int64_t count, values;
        float value[MOST];
};

static void read_inputs(struct scion_data *data, enum scion_split split, struct inputs *inputs)
{
        int64_t count = scion_data_size(data, split);
        struct scion_batches *batches = scion_batches_create(data, split, count);
        struct scion_batch batch;

        must_next(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        inputs->count = count;
        inputs->values = scion_size(batch.inputs) / count;
        assert_in_range(count * inputs->values, 1, MOST);
        memcpy(inputs->value, scion_data(batch.inputs),
               (size_t)(count * inputs->values) * sizeof inputs->value[0]);
        scion_tape_reset(tape);
        scion_batches_destroy(batches);
}

/* The same, for a dataset that is opened and closed again. */
static void open_inputs(struct inputs *inputs, enum scion_split split, uint64_t seed, const char *map)
{
        struct scion_data *data = OPEN_DATA(seed, "%s", map);

        read_inputs(data, split, inputs);
        scion_data_close(data);
}

static void same(const struct inputs *a, const struct inputs *b)
{
        assert_int_equal(a->count, b->count);
        assert_int_equal(a->values, b->values);
        assert_memory_equal(a->value, b->value, (size_t)(a->count * a->values) * sizeof a->value[0]);
}

static struct inputs a, b, c;

/* --- Shapes and values ---------------------------------------------------------------------------------- */

static void shape_is_that_of_the_outputs(void **state)
{
        static const struct {
                const char *map;
                struct scion_shape shape;
        } cases[] = {
                { "shape: [1, 6, 6]\ntransform: { use: resize, size: [4, 9] }", { 3, { 1, 4, 9 } } },
                { "shape: [6, 8]\ntransform: [{ use: resize, size: 5 }]", { 2, { 5, 5 } } },
                { "shape: [6, 8]\ntransform: [{ use: channels, count: 1 }]", { 3, { 1, 6, 8 } } },
                { "shape: [6, 8]\ntransform: [{ use: channels, count: 3 }, { use: resize, size: 32 }]",
                  { 3, { 3, 32, 32 } } },
                { "shape: [3, 6, 8]\ntransform: [{ use: channels, count: 1 }]", { 3, { 1, 6, 8 } } },
                { "shape: [7]\ntransform: [invert, { use: noise, deviation: 1 }]", { 1, { 7 } } },
                { "shape: [3, 6, 8]\ntransform: []", { 3, { 3, 6, 8 } } },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct scion_data *data = OPEN_DATA(1, "use: probe\nelement: bytes\n%s\n", cases[i].map);
                struct scion_shape shape = scion_data_shape(data);

                assert_int_equal(shape.ndim, cases[i].shape.ndim);
                for (int d = 0; d < shape.ndim; d++)
                        assert_int_equal(shape.dim[d], cases[i].shape.dim[d]);
                scion_data_close(data);
        }
}

/* Transforms are applied in the order of the list, in all splits. */
static void in_order_and_in_all_splits(void **state)
{
        (void)state;
        for (int split = 0; split < SCION_SPLITS; split++) {
                enum scion_split s = (enum scion_split)split;

                open_inputs(&a, s, 1, BYTES "valid_size: 10\n");
                open_inputs(&b, s, 1, BYTES "valid_size: 10\ntransform: invert\n");
                open_inputs(&c, s, 1, BYTES "valid_size: 10\ntransform: [invert, { use: invert }]\n");
                for (int64_t i = 0; i < a.count * a.values; i++)
                        assert_float_equal(b.value[i], 1 - a.value[i], 2e-7);
                same(&a, &c);

                /* The outside is filled with white, before or after the inversion. */
                open_inputs(&b, s, 1,
                            BYTES "valid_size: 10\ntransform: [invert, { use: rotate, degrees: 45 }]\n");
                open_inputs(&c, s, 1,
                            BYTES
                            "valid_size: 10\ntransform: [{ use: rotate, degrees: 45, fill: 1 }, invert]\n");
                for (int64_t i = 0; i < b.count * b.values; i++)
                        assert_float_equal(b.value[i], c.value[i], 1e-6);
                open_inputs(&c, s, 1,
                            BYTES "valid_size: 10\ntransform: [{ use: rotate, degrees: 45 }, invert]\n");
                assert_float_equal(b.value[0], 0, 1e-6);
                assert_float_equal(c.value[0], 1, 1e-6);
        }
}

static void transforms_without_effect(void **state)
{
        static const char *const list[] = {
                "[]",
                "{ use: rotate, degrees: 0 }",
                "[{ use: rotate, degrees: 360, fill: 1 }, { use: rotate, degrees: -360 }]",
                "{ use: noise, deviation: 0 }",
                "{ use: blur, sigma: 0 }",
                "{ use: resize, size: 6 }",
                "{ use: channels, count: 1 }",
                "[invert, { use: blur, sigma: 0 }, invert]",
        };

        (void)state;
        open_inputs(&a, SCION_TRAIN, 1, BYTES);
        for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
                char map[256];

                snprintf(map, sizeof map, BYTES "transform: %s\n", list[i]);
                open_inputs(&b, SCION_TRAIN, 1, map);
                same(&a, &b);
        }
}

static void right_angles_only_move_pixels(void **state)
{
        (void)state;
        open_inputs(&a, SCION_TRAIN, 1, FLOATS);
        open_inputs(&b, SCION_TRAIN, 1, FLOATS "transform: { use: rotate, degrees: 90 }\n");
        for (int64_t n = 0; n < a.count; n++)
                for (int64_t y = 0; y < 6; y++)
                        for (int64_t x = 0; x < 6; x++)
                                assert_float_equal(b.value[n * 36 + (5 - x) * 6 + y],
                                                   a.value[n * 36 + y * 6 + x], 0);
        open_inputs(&c, SCION_TRAIN, 1, FLOATS "transform: { use: rotate, degrees: -270 }\n");
        same(&b, &c);
        open_inputs(&c, SCION_TRAIN, 1,
                    FLOATS "transform: [{ use: rotate, degrees: 90 }, { use: rotate, degrees: 180 }, "
                           "{ use: rotate, degrees: 90 }]\n");
        same(&a, &c);
}

/* --- With subsets and normalisation --------------------------------------------------------------------- */

/* Normalisation uses the whole transformed training split, whatever subset is used. */
static void statistics_use_transformed_inputs(void **state)
{
#define TURNED                                                                                             \
        FLOATS "normalize: standard\ntransform: [{ use: rotate, degrees: 30 }, { use: channels, count: 2 " \
               "}]\n"
        double sum = 0, square = 0;

        (void)state;
        open_inputs(&a, SCION_TRAIN, 1, TURNED);
        assert_int_equal(a.values, 72);
        for (int64_t n = 0; n < a.count; n++)
                for (int64_t i = 0; i < 36; i++) {
                        sum += a.value[n * 72 + i];
                        square += a.value[n * 72 + i] * a.value[n * 72 + i];
                }
        assert_float_equal(sum / 3600, 0, 1e-5);
        assert_float_equal(square / 3600, 1, 1e-5);
        open_inputs(&b, SCION_TRAIN, 1, TURNED "classes: [2]\n");
        assert_int_equal(b.count, 20);
        for (int64_t n = 0; n < 20; n++)
                assert_memory_equal(b.value + n * 72, a.value + (5 * n + 2) * 72, 72 * sizeof(float));

        /* The same for inputs that stay bytes. */
        open_inputs(&a, SCION_TRAIN, 1, BYTES "normalize: standard\n");
        open_inputs(&b, SCION_TRAIN, 1, BYTES "normalize: standard\ntransform: invert\n");
        for (int64_t i = 0; i < a.count * a.values; i++)
                assert_float_equal(b.value[i], -a.value[i], 1e-5);
}

static void the_pool_is_transformed(void **state)
{
        struct scion_data *data = OPEN_DATA(1, BYTES "limit: 7\nunlabelled: true\ntransform: invert\n");
        struct scion_batches *pool = scion_batches_create_unlabelled(data, 100);
        struct scion_batch batch;

        (void)state;
        open_inputs(&a, SCION_TRAIN, 1, BYTES "transform: invert\n");
        must_next(scion_batches_next(pool, &batch), SCION_NEXT_BATCH);
        assert_int_equal(batch.size, 100);
        assert_memory_equal(scion_data(batch.inputs), a.value, 3600 * sizeof(float));
        scion_tape_reset(tape);
        scion_batches_destroy(pool);
        scion_data_close(data);
}

/* --- Noise ---------------------------------------------------------------------------------------------- */

#define FLAT "use: probe\nelement: floats\nconstant: true\nshape: [290]\n"

/* Checks the first four moments, and that neighbouring values, also of different examples, are uncorrelated. */
static void noise_is_gaussian(void **state)
{
        int64_t count;
        double sum[5] = { 0 }, next = 0, below = 0;

        (void)state;
        open_inputs(&a, SCION_TRAIN, 1, FLAT "transform: { use: noise, deviation: 0.5 }\n");
        count = a.count * a.values;
        assert_int_equal(count, 29000);
        for (int64_t i = 0; i < count; i++) {
                double z = (a.value[i] - 7) / 0.5, power = 1;

                for (int k = 1; k <= 4; k++)
                        sum[k] += power *= z;
                if (i + 1 < count)
                        next += z * (a.value[i + 1] - 7) / 0.5;
                if (i + a.values < count)
                        below += z * (a.value[i + a.values] - 7) / 0.5;
        }
        /* Five deviations of each mean: sqrt(Var z^k / n), with n = 29000. */
        assert_float_equal(sum[1] / (double)count, 0, 5 * sqrt(1.0 / 29000));
        assert_float_equal(sum[2] / (double)count, 1, 5 * sqrt(2.0 / 29000));
        assert_float_equal(sum[3] / (double)count, 0, 5 * sqrt(15.0 / 29000));
        assert_float_equal(sum[4] / (double)count, 3, 5 * sqrt(96.0 / 29000));
        assert_float_equal(next / (double)count, 0, 5 * sqrt(1.0 / 29000));
        assert_float_equal(below / (double)count, 0, 5 * sqrt(1.0 / 29000));
}

/* The Kolmogorov-Smirnov test for a normal distribution, at a level of 0.001. */
static int ascending(const void *x, const void *y)
{
        float p = *(const float *)x, q = *(const float *)y;

        return (p > q) - (p < q);
}

static void noise_has_the_normal_distribution(void **state)
{
        double worst = 0;

        (void)state;
        open_inputs(&a, SCION_TRAIN, 2, FLAT "transform: { use: noise, deviation: 1 }\n");
        qsort(a.value, 29000, sizeof a.value[0], ascending);
        for (int i = 0; i < 29000; i++) {
                double normal = 0.5 * erfc(-((double)a.value[i] - 7) / sqrt(2.0));

                worst = fmax(worst, fabs(normal - (i + 0.5) / 29000));
        }
        assert_float_equal(worst, 0, 1.95 / sqrt(29000.0));
}

static void differs(const char *one, enum scion_split one_split, uint64_t one_seed, const char *other,
                    enum scion_split other_split, uint64_t other_seed)
{
        int64_t equal = 0;

        open_inputs(&a, one_split, one_seed, one);
        open_inputs(&b, other_split, other_seed, other);
        for (int64_t i = 0; i < 1000; i++)
                equal += a.value[i] == b.value[i];
        assert_in_range(equal, 0, 2);
}

/* The noise of an example depends on the seed, the split, the index of the example in the dataset and the position of the
 * transform in the list. */
static void noise_depends_on_the_example(void **state)
{
#define NOISY FLAT "test_size: 100\ntransform: { use: noise, deviation: 0.5 }\n"
        (void)state;
        open_inputs(&a, SCION_TRAIN, 3, NOISY);
        open_inputs(&b, SCION_TRAIN, 3, NOISY);
        same(&a, &b);
        open_inputs(&b, SCION_TRAIN, 3, NOISY "classes: [4, 1]\n");
        assert_int_equal(b.count, 40);
        for (int64_t n = 0; n < 40; n++)
                assert_memory_equal(b.value + n * 290, a.value + (n / 2 * 5 + (n % 2 ? 4 : 1)) * 290,
                                    290 * sizeof(float));

        struct scion_data *data = OPEN_DATA(3, NOISY "valid: 0.2\n");
        struct inputs *part = &b;
        int64_t found = 0;

        for (int split = SCION_TRAIN; split <= SCION_VALID; split++) {
                read_inputs(data, (enum scion_split)split, part);
                for (int64_t n = 0; n < part->count; n++)
                        for (int64_t m = 0; m < a.count; m++)
                                found += memcmp(part->value + n * 290, a.value + m * 290,
                                                290 * sizeof(float)) == 0;
        }
        assert_int_equal(found, 100);
        scion_data_close(data);

        for (int64_t i = 0; i < 290; i++)
                assert_true(a.value[i] != a.value[290 + i] || a.value[i] != a.value[580 + i]);
        differs(NOISY, SCION_TRAIN, 3, NOISY, SCION_TRAIN, 4);
        differs(NOISY, SCION_TRAIN, 3, NOISY, SCION_TEST, 3);
        differs(NOISY, SCION_TRAIN, 3,
                FLAT "transform: [{ use: noise, deviation: 0 }, { use: noise, deviation: 0.5 }]\n",
                SCION_TRAIN, 3);
}

/* --- Errors --------------------------------------------------------------------------------------------- */

static void refuse(const char *map, const char *place, const char *first, const char *second)
{
        if (open_data(1, "use: probe\n%s\n", map))
                fail_msg("%s was taken", map);
        assert_error_has(place, first, second, NULL);
}

static void bad_lists(void **state)
{
        (void)state;
        refuse("transform: { use: rotat }", "test.yaml:2:19: ", "no transform 'rotat'",
               "did you mean 'rotate'?");
        refuse("transform: [invert, sharpen]", "test.yaml:2:21: ", "no transform 'sharpen'",
               "there are rotate, resize, blur, invert, noise, channels");
        refuse("transform: [{ rotate: 30 }]", "test.yaml:2:13: ", "write { use: rotate, ... }", "by name");
        refuse("transform: rotate", "test.yaml:2:12: ", "degrees is required",
               "{ use: rotate, degrees: ... }");
        refuse("transform: { use: rotate }", "test.yaml:2:12: ", "transform 'rotate'", "degrees is required");
        refuse("transform: [{ degrees: 30 }]", "test.yaml:2:13: ", "{ use: NAME, ... }", "got a map");
        refuse("transform: [[invert]]", "test.yaml:2:13: ", "{ use: NAME, ... }", "got a list");
        refuse("transform: [{ use: [invert] }]", "test.yaml:2:13: ", "{ use: NAME, ... }", "got a map");
        refuse("transform:", "test.yaml:2:", "takes a list of transforms", "[] for none");
        refuse("transform: [invert, ~]", "test.yaml:2:21: ", "{ use: NAME, ... }", "got nothing");
        refuse("transform: [{ use: rotate, degres: 3 }]", "test.yaml:2:28: ", "'degres'",
               "did you mean 'degrees'?");
        refuse("transform: [{ use: rotate, degrees: .inf }]", "test.yaml:2:37: ", "degrees must be finite",
               "");
        refuse("transform: [{ use: rotate, degrees: 361 }]", "test.yaml:2:37: ", "at most 360", "got 361");
        refuse("transform: [{ use: blur, sigma: -1 }]", "test.yaml:2:33: ", "sigma must be at least 0", "");
        refuse("transform: [{ use: noise, deviation: big }]", "test.yaml:2:38: ", "must be a number",
               "'big'");
        refuse("transform: [{ use: resize, size: 0 }]", "test.yaml:2:34: ", "at least 1", "got 0");
        refuse("transforms: invert", "test.yaml:2:1: ", "'transforms'", "did you mean 'transform'?");
}

static void a_plugin_cannot_take_the_name(void **state)
{
        (void)state;
        assert_null(open_data(1, "{ use: clash }"));
        assert_error_has("test.yaml:1:8: ", "'clash'", "its parameter 'transform'", "must rename it", NULL);
}

/* An invalid transform after valid ones, and one that fails after others were planned. */
static void inputs_that_do_not_fit(void **state)
{
        static const char *const images[] = { "{ use: rotate, degrees: 5 }", "{ use: blur, sigma: 1 }",
                                              "{ use: resize, size: 3 }", "{ use: channels, count: 3 }" };
        char map[256];

        (void)state;
        for (size_t i = 0; i < sizeof images / sizeof *images; i++) {
                snprintf(map, sizeof map, "shape: [784]\ntransform: %s", images[i]);
                refuse(map, "test.yaml:3:12: ", "[height, width]", "784");
                snprintf(map, sizeof map, "shape: [3, 4, 5, 6]\ntransform: [%s]", images[i]);
                refuse(map, "test.yaml:3:13: ", "[height, width]", "3x4x5x6");
        }
        refuse("shape: [2, 4, 4]\nelement: bytes\ntransform: [invert, { use: rotate, degrees: 5 }, { use: "
               "blur, "
               "sigma: 2 }, { use: channels, count: 1 }]",
               "test.yaml:4:75: ", "transform 'channels'", "2 channels do not become 1");
        refuse("shape: [4, 4]\ntransform: [{ use: channels, count: 3 }, { use: channels, count: 2 }]",
               "test.yaml:3:", "transform 'channels'", "3 channels do not become 2");
        refuse("shape: [4, 4]\nelement: floats\ntransform: [{ use: blur, sigma: 1 }, invert]",
               "test.yaml:4:38: ", "transform 'invert'", "floats of any range");
        refuse("shape: [4, 4]\ntransform: { use: resize, size: [1, 2, 3] }",
               "test.yaml:3:12: ", "transform 'resize'", "got 3 numbers");
        refuse("shape: [4, 4]\ntransform: { use: resize, size: [] }",
               "test.yaml:3:12: ", "transform 'resize'", "got 0 numbers");
        refuse("shape: [1, 4096, 4096]\ntransform: { use: channels, count: 65536 }",
               "test.yaml:3:12: ", "transform 'channels'", "more than memory can hold");
        refuse("shape: [1, 65536, 16384]\ntransform: { use: blur, sigma: 1 }",
               "test.yaml:3:12: ", "transform 'blur'", "too large");
}

/* Failures of the plugin's read() are still reported. */
static void examples_that_cannot_be_read(void **state)
{
        (void)state;
        refuse("shape: [4, 4]\nnan_at: 3\ntransform: { use: rotate, degrees: 5 }",
               "test.yaml:1:", "train example 3", "not a number");
        refuse("shape: [4, 4]\nfail_at: 3\ntransform: { use: rotate, degrees: 5 }",
               "test.yaml:1:", "train example 3", "the disk is gone");
}

/* --- The resolved file ---------------------------------------------------------------------------------- */

static void completed(const char *text, const char *expected)
{
        struct scion_config *map = scion_config_parse(text, "test.yaml");
        struct scion_config *wanted = scion_config_parse(expected, "expected");

        assert_non_null(map);
        assert_non_null(wanted);
        for (int times = 0; times < 2; times++) {
                if (!scion_data_complete(map))
                        fail_msg("%s", scion_error());
                assert_true(scion_config_equal(scion_config_get(map, "transform"),
                                               scion_config_get(wanted, "transform")));
        }
        scion_config_destroy(map);
        scion_config_destroy(wanted);
}

static void a_completed_list_has_all_parameters(void **state)
{
        struct scion_config *map = scion_config_parse("transform: [invert, { use: blur }]", "test.yaml");

        (void)state;
        completed("transform: invert", "transform: [{ use: invert }]");
        completed("transform: { use: rotate, degrees: 5 }",
                  "transform: [{ use: rotate, degrees: 5, fill: 0 }]");
        completed("transform: [{ use: resize, size: 32 }, invert]",
                  "transform: [{ use: resize, size: 32 }, { use: invert }]");
        completed("transform: []", "transform: []");
        assert_false(scion_data_complete(map));
        assert_error_has("test.yaml:1:21: ", "sigma is required", NULL);
        scion_config_destroy(map);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(shape_is_that_of_the_outputs),
                cmocka_unit_test(in_order_and_in_all_splits),
                cmocka_unit_test(transforms_without_effect),
                cmocka_unit_test(right_angles_only_move_pixels),
                cmocka_unit_test(statistics_use_transformed_inputs),
                cmocka_unit_test(the_pool_is_transformed),
                cmocka_unit_test(noise_is_gaussian),
                cmocka_unit_test(noise_has_the_normal_distribution),
                cmocka_unit_test(noise_depends_on_the_example),
                cmocka_unit_test(bad_lists),
                cmocka_unit_test(a_plugin_cannot_take_the_name),
                cmocka_unit_test(inputs_that_do_not_fit),
                cmocka_unit_test(examples_that_cannot_be_read),
                cmocka_unit_test(a_completed_list_has_all_parameters),
        };

        return cmocka_run_group_tests(tests, start_data, drop_tape);
}
