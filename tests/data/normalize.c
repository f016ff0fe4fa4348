#include "data_support.h"

#include <math.h>

#define MOST 256

/* Returns a value of the probe's example, before transforms and normalisation. */
static double example_value(bool bytes, int64_t index, int64_t i)
{
        return bytes ? (double)((31 * index + 7 * i) & 255) : (double)index + 0.5 * (double)i;
}

/* Computes mean and deviation of values first .. first+count-1 of the first 100 examples, in two passes. */
static void moments_naive(bool bytes, int64_t first, int64_t count, double *mean, double *deviation)
{
        double sum = 0, square = 0;

        for (int64_t index = 0; index < 100; index++)
                for (int64_t i = first; i < first + count; i++)
                        sum += example_value(bytes, index, i);
        *mean = sum / (double)(100 * count);
        for (int64_t index = 0; index < 100; index++)
                for (int64_t i = first; i < first + count; i++)
                        square += (example_value(bytes, index, i) - *mean) *
                                  (example_value(bytes, index, i) - *mean);
        *deviation = sqrt(square / (double)(100 * count));
}

/* Checks the first batch of a training split of the examples start, start + step, ... */
static void check(struct scion_data *data, bool bytes, int64_t channels, int64_t area, int64_t start,
                  int64_t step)
{
        struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 10);
        struct scion_batch batch;
        double mean[MOST], deviation[MOST];

        for (int64_t c = 0; c < channels; c++)
                moments_naive(bytes, c * area, area, &mean[c], &deviation[c]);
        must_next(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        for (int64_t n = 0; n < batch.size; n++)
                for (int64_t i = 0; i < channels * area; i++) {
                        double expected = (example_value(bytes, start + n * step, i) - mean[i / area]) /
                                          deviation[i / area];

                        assert_float_equal(scion_data(batch.inputs)[n * channels * area + i], expected, 1e-6);
                }
        scion_tape_reset(tape);
        scion_batches_destroy(batches);
        scion_data_close(data);
}

static void against_a_naive_computation(void **state)
{
        (void)state;
        for (int bytes = 0; bytes < 2; bytes++) {
                const char *element = bytes ? "bytes" : "floats";
                const char *common = "use: probe\nnormalize: standard\n";

                /* Inputs that do not have three axes have one mean for all values. */
                check(OPEN_DATA(1, "%selement: %s\nshape: [37]\n", common, element), bytes, 1, 37, 0, 1);
                check(OPEN_DATA(1, "%selement: %s\nshape: [3, 5]\n", common, element), bytes, 1, 15, 0, 1);
                check(OPEN_DATA(1, "%selement: %s\nshape: [1, 7, 5]\n", common, element), bytes, 1, 35, 0, 1);
                check(OPEN_DATA(1, "%selement: %s\nshape: [3, 4, 5]\n", common, element), bytes, 3, 20, 0, 1);
                check(OPEN_DATA(1, "%selement: %s\nshape: [4, 1, 1]\n", common, element), bytes, 4, 1, 0, 1);
                /* A subset is normalised by the mean and deviation of the whole training split. */
                check(OPEN_DATA(1, "%selement: %s\nshape: [3, 4, 5]\nclasses: [2]\n", common, element), bytes,
                      3, 20, 2, 5);
        }
}

static void none_by_default(void **state)
{
        (void)state;
        for (int bytes = 0; bytes < 2; bytes++) {
                struct scion_data *data =
                        OPEN_DATA(1, "use: probe\nelement: %s\nshape: [5]\n", bytes ? "bytes" : "floats");
                struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 100);
                struct scion_batch batch;

                must_next(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
                for (int64_t n = 0; n < 100; n++)
                        for (int64_t i = 0; i < 5; i++)
                                assert_float_equal(scion_data(batch.inputs)[n * 5 + i],
                                                   bytes ? example_value(true, n, i) / 255
                                                         : example_value(false, n, i),
                                                   bytes ? 1e-7 : 0);
                scion_tape_reset(tape);
                scion_batches_destroy(batches);
                scion_data_close(data);
        }
}

/* Inputs with a deviation of 0 become 0. */
static void constant_inputs(void **state)
{
        (void)state;
        for (int bytes = 0; bytes < 2; bytes++) {
                struct scion_data *data = OPEN_DATA(
                        1, "use: probe\nelement: %s\nconstant: true\nnormalize: standard\nshape: [9]\n",
                        bytes ? "bytes" : "floats");
                struct scion_batches *batches = scion_batches_create(data, SCION_TEST, 20);
                struct scion_batch batch;

                must_next(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
                for (int64_t i = 0; i < 20 * 9; i++)
                        assert_float_equal(scion_data(batch.inputs)[i], 0, 1e-7);
                scion_tape_reset(tape);
                scion_batches_destroy(batches);
                scion_data_close(data);
        }
}

/* More than a sum in 32 bits could hold: 3 examples of 300000 bytes each. */
static void long_inputs(void **state)
{
        struct scion_data *data = OPEN_DATA(1, "use: probe\nelement: bytes\nshape: [300000]\ntrain_size: "
                                               "3\ntest_size: 0\nnormalize: standard\n");
        struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 3);
        struct scion_batch batch;
        double sum = 0, square = 0;

        (void)state;
        must_next(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        for (int64_t i = 0; i < 900000; i++) {
                double x = scion_data(batch.inputs)[i];

                sum += x;
                square += x * x;
        }
        assert_float_equal(sum / 900000, 0, 1e-6);
        assert_float_equal(square / 900000, 1, 1e-6);
        scion_tape_reset(tape);
        scion_batches_destroy(batches);
        scion_data_close(data);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(against_a_naive_computation),
                cmocka_unit_test(none_by_default),
                cmocka_unit_test(constant_inputs),
                cmocka_unit_test(long_inputs),
        };

        return cmocka_run_group_tests(tests, start_data, drop_tape);
}
