/* Debian's Fashion-MNIST (dataset-fashion-mnist), if it is installed. */
#include <math.h>
#include <unistd.h>

#include "data_support.h"

#define FASHION "/usr/share/datasets/fashion-mnist"

static void first_labels(struct scion_data *data, enum scion_split split, const int32_t expected[5],
                         int64_t sum)
{
        struct scion_batches *batches = scion_batches_create(data, split, 5);
        struct scion_batch batch;
        double pixels = 0;

        must_next(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        assert_memory_equal(scion_data_i32(batch.labels), expected, 5 * sizeof expected[0]);
        for (int i = 0; i < 784; i++)
                pixels += scion_data(batch.inputs)[i];
        if (sum > 0)
                assert_int_equal(lround(pixels * 255), sum);
        scion_tape_reset(tape);
        scion_batches_destroy(batches);
}

static void fashion_mnist(void **state)
{
        (void)state;
        if (access(FASHION "/train-images-idx3-ubyte.gz", R_OK) != 0)
                skip();
        struct scion_data *data = OPEN_DATA(1, "{ use: idx, root: " FASHION " }");

        assert_int_equal(scion_data_size(data, SCION_TRAIN), 60000);
        assert_int_equal(scion_data_size(data, SCION_TEST), 10000);
        assert_int_equal(scion_data_classes(data), 10);
        first_labels(data, SCION_TRAIN, (const int32_t[5]){ 9, 0, 0, 3, 0 }, 76247);
        first_labels(data, SCION_TEST, (const int32_t[5]){ 9, 2, 1, 1, 6 }, 0);

        struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 1000);
        struct scion_batch batch;
        double sum = 0, square = 0;

        while (scion_batches_next(batches, &batch) == SCION_NEXT_BATCH) {
                const float *inputs = scion_data(batch.inputs);

                for (int64_t i = 0; i < batch.size * 784; i++) {
                        sum += inputs[i];
                        square += (double)inputs[i] * inputs[i];
                }
                scion_tape_reset(tape);
        }
        double mean = sum / 47040000;

        assert_float_equal(mean, 0.2860, 5e-5);
        assert_float_equal(sqrt(square / 47040000 - mean * mean), 0.3530, 5e-5);
        scion_batches_destroy(batches);
        scion_data_close(data);
}

static void fashion_mnist_subset(void **state)
{
        (void)state;
        if (access(FASHION "/train-images-idx3-ubyte.gz", R_OK) != 0)
                skip();
        struct scion_data *data = OPEN_DATA(1, "{ use: idx, root: " FASHION ", classes: [5, 6, 7, 8, 9], "
                                               "per_class: 10, normalize: standard }");
        struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 50);
        struct scion_batch batch;
        int64_t label[5] = { 0 };
        float least = 0;

        assert_int_equal(scion_data_size(data, SCION_TRAIN), 50);
        assert_int_equal(scion_data_size(data, SCION_TEST), 5000);
        must_next(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        for (int64_t i = 0; i < 50; i++)
                label[scion_data_i32(batch.labels)[i]]++;
        for (int c = 0; c < 5; c++)
                assert_int_equal(label[c], 10);
        /* A black pixel, normalised by the mean and deviation of all 60000 images. */
        for (int64_t i = 0; i < 50 * 784; i++)
                least = fminf(least, scion_data(batch.inputs)[i]);
        assert_float_equal(least, -0.2860405969887955 / 0.3530242445149226, 1e-6);
        scion_tape_reset(tape);
        scion_batches_destroy(batches);
        scion_data_close(data);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(fashion_mnist),
                cmocka_unit_test(fashion_mnist_subset),
        };

        return cmocka_run_group_tests(tests, start_data, drop_tape);
}
