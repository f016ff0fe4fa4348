/* Endless streams of batches, and batches of examples without labels. */
#include "data_support.h"

#define PROBE "use: probe\nshape: [3]\n"

/* Reads the ids of the batch at a step. */
static struct seen at(struct scion_batches *batches, uint64_t seed, uint64_t step)
{
        struct scion_batch batch;
        struct seen seen = { 0 };

        if (!scion_batches_at(batches, seed, step, &batch))
                fail_msg("%s", scion_error());
        assert_in_range(batch.size, 1, 255);
        seen.count = batch.size;
        for (int64_t i = 0; i < batch.size; i++) {
                seen.id[i] = (int64_t)scion_data(batch.inputs)[i * 3];
                seen.label[i] = batch.labels ? scion_data_i32(batch.labels)[i] : -1;
        }
        scion_tape_reset(tape);
        return seen;
}

static void same(const struct seen *a, const struct seen *b)
{
        assert_int_equal(a->count, b->count);
        assert_memory_equal(a->id, b->id, (size_t)a->count * sizeof a->id[0]);
        assert_memory_equal(a->label, b->label, (size_t)a->count * sizeof a->label[0]);
}

/* 100 examples in batches of 32 make three batches per pass. The four examples left over differ between passes. */
static void full_batches_pass_after_pass(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE);
        struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 32);
        bool ever[100] = { false };

        (void)state;
        for (uint64_t pass = 0; pass < 8; pass++) {
                bool now[100] = { false };

                for (uint64_t b = 0; b < 3; b++) {
                        struct seen seen = at(batches, 5, 3 * pass + b);

                        assert_int_equal(seen.count, 32);
                        for (int64_t i = 0; i < 32; i++) {
                                assert_false(now[seen.id[i]]);
                                now[seen.id[i]] = ever[seen.id[i]] = true;
                                assert_int_equal(seen.label[i], seen.id[i] % 5);
                        }
                }
        }
        for (int id = 0; id < 100; id++)
                assert_true(ever[id]);
        scion_batches_destroy(batches);
        scion_data_close(data);
}

/* A batch does not depend on earlier calls, including those of scion_batches_next(). */
static void a_step_is_found_directly(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE);
        struct scion_batches *a = scion_batches_create(data, SCION_TRAIN, 7);
        struct scion_batches *b = scion_batches_create(data, SCION_TRAIN, 7);
        struct seen plain, whole, other;

        (void)state;
        look(a, &plain);
        for (uint64_t step = 0; step < 50; step++) {
                struct seen forth = at(a, 5, step), back;

                (void)at(b, 5, 997 * step);
                back = at(b, 5, step);
                same(&forth, &back);
                other = at(b, 6, step);
                assert_memory_not_equal(forth.id, other.id, 7 * sizeof forth.id[0]);
        }
        (void)at(a, 5, UINT64_MAX);
        scion_batches_rewind(a);
        look(a, &whole);
        same(&plain, &whole);
        scion_batches_destroy(a);
        scion_batches_destroy(b);
        scion_data_close(data);
}

/* The orders differ from those of training epochs with the same seed. */
static void passes_differ(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE);
        struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 100);
        struct seen first = at(batches, 5, 0), second = at(batches, 5, 1), epoch;

        (void)state;
        assert_memory_not_equal(first.id, second.id, 100 * sizeof first.id[0]);
        for (uint64_t number = 0; number < 2; number++) {
                scion_batches_shuffle(batches, 5, number);
                look(batches, &epoch);
                assert_memory_not_equal(first.id, epoch.id, 100 * sizeof first.id[0]);
                assert_memory_not_equal(second.id, epoch.id, 100 * sizeof first.id[0]);
        }
        scion_batches_destroy(batches);
        scion_data_close(data);
}

static void a_small_split_is_a_batch(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE "limit: 9\n");
        struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 32);
        struct seen chosen = look_at(data, SCION_TRAIN);

        (void)state;
        for (uint64_t step = 0; step < 5; step++) {
                struct seen seen = at(batches, 5, step);

                assert_int_equal(seen.count, 9);
                for (int64_t i = 0; i < 9; i++)
                        assert_true(contains(&seen, chosen.id[i]));
        }
        scion_batches_destroy(batches);
        scion_data_close(data);
}

static void empty_splits_fail(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE "test_size: 0\n");
        struct scion_batches *batches = scion_batches_create(data, SCION_TEST, 8);
        struct scion_batch batch;

        (void)state;
        assert_false(scion_batches_at(batches, 1, 0, &batch));
        assert_error_has("no examples", NULL);
        scion_batches_destroy(batches);

        batches = scion_batches_create(data, SCION_TRAIN, 8);
        scion_tape_use(NULL);
        assert_false(scion_batches_at(batches, 1, 3, &batch));
        scion_tape_use(tape);
        struct seen again = at(batches, 1, 3);

        assert_int_equal(again.count, 8);
        scion_batches_destroy(batches);
        scion_data_close(data);
}

/* --- Without labels ------------------------------------------------------------------------------------- */

static struct seen look_unlabelled(struct scion_data *data)
{
        struct scion_batches *batches = scion_batches_create_unlabelled(data, 16);
        struct seen seen;

        assert_non_null(batches);
        look(batches, &seen);
        scion_batches_destroy(batches);
        assert_int_equal(seen.count, scion_data_unlabelled(data));
        for (int64_t i = 0; i < seen.count; i++)
                assert_int_equal(seen.label[i], -1);
        return seen;
}

/* All examples of the classes that are not held out, in the dataset's order. The other splits are unchanged. */
static void all_examples_of_the_classes(void **state)
{
        static const char *const subset[] = { "per_class: 4\n", "per_class: 10\nlimit: 11\n",
                                              "per_class: 4\nvalid: 0.25\n", "valid: 0.25\n", "" };
        static const int64_t held_out[] = { 0, 0, 3, 15, 0 };

        (void)state;
        for (size_t s = 0; s < sizeof subset / sizeof *subset; s++) {
                struct scion_data *with =
                        OPEN_DATA(1, PROBE "classes: [3, 0, 1]\nunlabelled: true\n%s", subset[s]);
                struct scion_data *without = OPEN_DATA(1, PROBE "classes: [3, 0, 1]\n%s", subset[s]);
                struct seen pool = look_unlabelled(with);

                assert_int_equal(pool.count, 60 - held_out[s]);
                for (int64_t i = 0; i < pool.count; i++) {
                        assert_true(pool.id[i] % 5 == 3 || pool.id[i] % 5 < 2);
                        assert_true(i == 0 || pool.id[i] > pool.id[i - 1]);
                }
                for (int split = 0; split < SCION_SPLITS; split++) {
                        struct seen a = look_at(with, (enum scion_split)split);
                        struct seen b = look_at(without, (enum scion_split)split);

                        same(&a, &b);
                        for (int64_t i = 0; split != SCION_TEST && i < a.count; i++)
                                assert_true(contains(&pool, a.id[i]) == (split == SCION_TRAIN));
                }
                assert_int_equal(look_unlabelled(without).count, 0);
                scion_data_close(with);
                scion_data_close(without);
        }
}

/* The order of an epoch is the same with and without unlabelled examples. */
static void training_is_unchanged(void **state)
{
        struct scion_data *with = OPEN_DATA(1, PROBE "per_class: 6\nunlabelled: true\n");
        struct scion_data *without = OPEN_DATA(1, PROBE "per_class: 6\n");
        struct scion_batches *a = scion_batches_create(with, SCION_TRAIN, 8);
        struct scion_batches *b = scion_batches_create(without, SCION_TRAIN, 8);
        struct seen seen, expected;

        (void)state;
        scion_batches_shuffle(a, 3, 1);
        scion_batches_shuffle(b, 3, 1);
        look(a, &seen);
        look(b, &expected);
        assert_int_equal(seen.count, 30);
        same(&seen, &expected);
        seen = at(a, 3, 20);
        expected = at(b, 3, 20);
        same(&seen, &expected);
        scion_batches_destroy(a);
        scion_batches_destroy(b);
        scion_data_close(with);
        scion_data_close(without);
}

static void a_batch_without_labels(void **state)
{
        static const char *const kind[] = { "num_classes: 5\nelement: bytes\nper_class: 2\n",
                                            "num_classes: 0\nelement: floats\nlimit: 10\n" };

        (void)state;
        for (int k = 0; k < 2; k++) {
                struct scion_data *data =
                        OPEN_DATA(1, PROBE "unlabelled: true\nnormalize: standard\n%s", kind[k]);
                struct scion_batches *pool = scion_batches_create_unlabelled(data, 12);
                struct scion_batches *train = scion_batches_create(data, SCION_TRAIN, 12);
                struct scion_batch batch;

                assert_int_equal(scion_data_unlabelled(data), 100);
                assert_true(scion_batches_at(pool, 1, 9, &batch));
                assert_int_equal(batch.size, 12);
                assert_int_equal(batch.classes, k == 0 ? 5 : 0);
                assert_null(batch.labels);
                assert_null(batch.targets);
                assert_true(scion_batches_at(train, 1, 9, &batch));
                assert_int_equal(batch.size, 10);
                assert_true((batch.labels != NULL) == (k == 0));
                assert_true((batch.targets != NULL) == (k == 1));
                scion_tape_reset(tape);
                scion_batches_destroy(pool);
                scion_batches_destroy(train);
                scion_data_close(data);
        }
}

/* Targets match their inputs when the training split is a part of the store. */
static void targets_of_a_subset(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE "num_classes: 0\nlimit: 30\nunlabelled: true\n");
        struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 30);
        struct scion_batch batch;

        (void)state;
        assert_true(scion_batches_at(batches, 1, 0, &batch));
        assert_int_equal(batch.size, 30);
        for (int64_t i = 0; i < 30; i++)
                for (int64_t k = 0; k < 2; k++)
                        assert_float_equal(scion_data(batch.targets)[2 * i + k],
                                           -scion_data(batch.inputs)[3 * i] - (float)k, 0);
        scion_tape_reset(tape);
        scion_batches_destroy(batches);
        scion_data_close(data);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(full_batches_pass_after_pass),
                cmocka_unit_test(a_step_is_found_directly),
                cmocka_unit_test(passes_differ),
                cmocka_unit_test(a_small_split_is_a_batch),
                cmocka_unit_test(empty_splits_fail),
                cmocka_unit_test(all_examples_of_the_classes),
                cmocka_unit_test(training_is_unchanged),
                cmocka_unit_test(a_batch_without_labels),
                cmocka_unit_test(targets_of_a_subset),
        };

        return cmocka_run_group_tests(tests, start_data, drop_tape);
}
