#include "data_support.h"

#define PROBE "use: probe\nshape: [2, 3]\n"

static void the_last_batch_is_smaller(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE);
        struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 32);
        struct scion_batch batch;

        (void)state;
        assert_int_equal(scion_batches_count(batches), 4);
        for (int pass = 0; pass < 2; pass++) {
                for (int64_t b = 0; b < 4; b++) {
                        int64_t size = b < 3 ? 32 : 4;

                        must_next(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
                        struct scion_shape inputs = scion_shape(batch.inputs),
                                           labels = scion_shape(batch.labels);

                        assert_int_equal(batch.size, size);
                        assert_int_equal(batch.classes, 5);
                        assert_null(batch.targets);
                        assert_true(scion_shape_equal(&inputs, &SCION_SHAPE(size, 2, 3)));
                        assert_true(scion_shape_equal(&labels, &SCION_SHAPE(size)));
                        for (int64_t i = 0; i < size; i++) {
                                for (int64_t v = 0; v < 6; v++)
                                        assert_float_equal(scion_data(batch.inputs)[i * 6 + v],
                                                           (float)(b * 32 + i) + 0.5f * (float)v, 0);
                                assert_int_equal(scion_data_i32(batch.labels)[i], (b * 32 + i) % 5);
                        }
                        scion_tape_reset(tape);
                }
                must_next(scion_batches_next(batches, &batch), SCION_NEXT_END);
                must_next(scion_batches_next(batches, &batch), SCION_NEXT_END);
                scion_batches_rewind(batches);
        }
        scion_batches_destroy(batches);
        scion_batches_destroy(NULL);
        scion_data_close(data);
}

static void values_for_targets(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE "num_classes: 0\ntargets: 3\n");
        struct scion_batches *batches = scion_batches_create(data, SCION_TEST, 16);
        struct scion_batch batch;

        (void)state;
        must_next(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        must_next(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        struct scion_shape targets = scion_shape(batch.targets);

        assert_int_equal(batch.classes, 0);
        assert_null(batch.labels);
        assert_true(scion_shape_equal(&targets, &SCION_SHAPE(4, 3)));
        for (int64_t i = 0; i < 4; i++)
                for (int64_t k = 0; k < 3; k++)
                        assert_float_equal(scion_data(batch.targets)[i * 3 + k], (float)(-16 - i - k), 0);
        scion_tape_reset(tape);
        scion_batches_destroy(batches);
        scion_data_close(data);
}

static void a_shuffle_is_a_permutation(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE);
        struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 7);
        struct seen plain, first, second, other, again;

        (void)state;
        look(batches, &plain);
        scion_batches_shuffle(batches, 9, 0);
        look(batches, &first);
        scion_batches_shuffle(batches, 9, 1);
        look(batches, &second);
        scion_batches_shuffle(batches, 10, 0);
        look(batches, &other);
        scion_batches_shuffle(batches, 9, 0); /* independent of earlier passes */
        look(batches, &again);
        assert_int_equal(first.count, 100);
        for (int64_t id = 0; id < 100; id++)
                assert_true(contains(&first, id));
        for (int64_t i = 0; i < 100; i++)
                assert_int_equal(first.label[i], first.id[i] % 5);
        assert_memory_equal(first.id, again.id, 100 * sizeof first.id[0]);
        assert_memory_not_equal(first.id, plain.id, 100 * sizeof first.id[0]);
        assert_memory_not_equal(first.id, second.id, 100 * sizeof first.id[0]);
        assert_memory_not_equal(first.id, other.id, 100 * sizeof first.id[0]);
        scion_batches_rewind(batches);
        look(batches, &again);
        assert_memory_equal(plain.id, again.id, 100 * sizeof first.id[0]);
        scion_batches_destroy(batches);
        scion_data_close(data);
}

static void two_passes_do_not_disturb_each_other(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE);
        struct scion_batches *a = scion_batches_create(data, SCION_TRAIN, 10);
        struct scion_batches *b = scion_batches_create(data, SCION_TRAIN, 10);
        struct scion_batch batch;
        struct seen alone, beside;

        (void)state;
        scion_batches_shuffle(a, 1, 1);
        look(a, &alone);
        scion_batches_shuffle(a, 1, 1);
        scion_batches_shuffle(b, 1, 2);
        must_next(scion_batches_next(b, &batch), SCION_NEXT_BATCH);
        look(a, &beside);
        assert_memory_equal(alone.id, beside.id, 100 * sizeof alone.id[0]);
        scion_batches_destroy(a);
        scion_batches_destroy(b);
        scion_data_close(data);
}

static void a_steady_epoch_allocates_nothing(void **state)
{
        static const char *const element[] = { "bytes", "floats" };

        (void)state;
        for (int e = 0; e < 2; e++) {
                struct scion_data *data =
                        OPEN_DATA(1, PROBE "normalize: standard\nelement: %s\n", element[e]);
                struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 32);
                struct scion_batch batch;
                struct scion_tape_usage first = { 0 };

                for (uint64_t epoch = 0; epoch < 4; epoch++) {
                        scion_batches_shuffle(batches, 1, epoch);
                        while (scion_batches_next(batches, &batch) == SCION_NEXT_BATCH)
                                scion_tape_reset(tape);
                        struct scion_tape_usage usage = scion_tape_usage(tape);

                        assert_true(usage.allocations > 0);
                        if (epoch == 0)
                                first = usage;
                        assert_int_equal(usage.bytes, first.bytes);
                        assert_int_equal(usage.allocations, first.allocations);
                }
                scion_batches_destroy(batches);
                scion_data_close(data);
        }
}

static void an_empty_split_ends_at_once(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE "test_size: 0\n");
        struct scion_batches *batches = scion_batches_create(data, SCION_TEST, 8);
        struct scion_batch batch;

        (void)state;
        assert_int_equal(scion_batches_count(batches), 0);
        must_next(scion_batches_next(batches, &batch), SCION_NEXT_END);
        scion_batches_shuffle(batches, 1, 1);
        must_next(scion_batches_next(batches, &batch), SCION_NEXT_END);
        scion_batches_destroy(batches);
        scion_data_close(data);
}

static void invalid_batches(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE);
        struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 8);
        struct scion_batch batch;

        (void)state;
        assert_null(scion_batches_create(data, SCION_TRAIN, 0));
        assert_error_has("at least one example, got 0", NULL);

        scion_tape_use(NULL);
        must_next(scion_batches_next(batches, &batch), SCION_NEXT_FAILED);
        scion_tape_use(tape);
        must_next(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        assert_float_equal(scion_data(batch.inputs)[0], 0, 0); /* nothing was skipped */
        scion_batches_destroy(batches);
        scion_data_close(data);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_last_batch_is_smaller),
                cmocka_unit_test(values_for_targets),
                cmocka_unit_test(a_shuffle_is_a_permutation),
                cmocka_unit_test(two_passes_do_not_disturb_each_other),
                cmocka_unit_test(a_steady_epoch_allocates_nothing),
                cmocka_unit_test(an_empty_split_ends_at_once),
                cmocka_unit_test(invalid_batches),
        };

        return cmocka_run_group_tests(tests, start_data, drop_tape);
}
