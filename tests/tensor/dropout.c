/* Dropout. */
#include "support/gradcheck.h"
#include "support/tensors.h"

#define COUNT 100000

static void evaluation_changes_nothing(void **state)
{
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(5));

        (void)state;
        assert_ptr_equal(scion_dropout(x, 0.5f), x);
        scion_tape_set_training(tape, true);
        assert_ptr_equal(scion_dropout(x, 0), x);
        assert_ptr_not_equal(scion_dropout(x, 0.5f), x);
}

static void drops_the_share_and_keeps_the_mean(void **state)
{
        const float share[] = { 0.1f, 0.5f, 0.9f };

        (void)state;
        scion_tape_set_training(tape, true);
        scion_tape_set_seed(tape, 1, 0);
        for (int i = 0; i < 3; i++) {
                const float *y = scion_data(scion_dropout(scion_full(SCION_SHAPE(COUNT), 3), share[i]));
                double deviation = sqrt(COUNT * (double)share[i] * (1 - (double)share[i]));
                int dropped = 0;

                for (int j = 0; j < COUNT; j++) {
                        dropped += y[j] == 0;
                        assert_true(y[j] == 0 || fabsf(y[j] - 3 / (1 - share[i])) < 1e-5f);
                }
                assert_true(fabs(dropped - COUNT * (double)share[i]) < 4 * deviation);
        }
}

static void drops_all_of_it(void **state)
{
        struct scion_tensor *x = scion_require_grad(scion_full(SCION_SHAPE(4), INFINITY));

        (void)state;
        scion_tape_set_training(tape, true);
        struct scion_tensor *y = scion_dropout(x, 1);

        assert_values(y, (const float[]){ 0, 0, 0, 0 }, 0);
        assert_true(scion_backward(scion_sum(y, SCION_ALL_AXES, false)));
        assert_values(scion_grad(x), (const float[]){ 0, 0, 0, 0 }, 0);
}

static int same(struct scion_tensor *a, struct scion_tensor *b)
{
        return memcmp(scion_data(a), scion_data(b), (size_t)scion_size(a) * sizeof(float)) == 0;
}

static void masks_follow_seed_and_step(void **state)
{
        struct scion_tensor *x = scion_full(SCION_SHAPE(10, 10), 1);

        (void)state;
        scion_tape_set_training(tape, true);
        scion_tape_set_seed(tape, 1, 7);
        struct scion_tensor *first = scion_dropout(x, 0.5f), *second = scion_dropout(x, 0.5f);

        assert_false(same(first, second));
        scion_tape_set_seed(tape, 1, 7);
        assert_true(same(first, scion_dropout(x, 0.5f)));
        assert_true(same(second, scion_dropout(x, 0.5f)));
        scion_tape_set_seed(tape, 1, 8);
        assert_false(same(first, scion_dropout(x, 0.5f)));
        scion_tape_set_seed(tape, 2, 7);
        assert_false(same(first, scion_dropout(x, 0.5f)));
}

/* The mask consists of the numbers of the dropout stream, in order. */
static void mask_is_the_stream_s(void **state)
{
        struct scion_random random = scion_random(11, SCION_RANDOM_DROPOUT, 3 << 12);

        (void)state;
        scion_tape_set_training(tape, true);
        scion_tape_set_seed(tape, 11, 3);
        const float *y = scion_data(scion_dropout(scion_full(SCION_SHAPE(1003), 1), 0.25f));

        for (int i = 0; i < 1003; i++)
                assert_int_equal(y[i] == 0, scion_random_bits(&random) < 1u << 30);
}

static struct scion_tensor *build(struct scion_tensor *const *leaf, const void *context)
{
        return scion_dropout(scion_dropout(leaf[0], 0.3f), *(const float *)context);
}

static void gradients(void **state)
{
        const float share[] = { 0.5f, 0.8f };

        (void)state;
        for (int i = 0; i < 2; i++)
                gradcheck(&(struct gradcheck){ .name = "dropout",
                                               .build = build,
                                               .context = &share[i],
                                               .leaves = 1,
                                               .shape = { SCION_SHAPE(7, 13) },
                                               .training = true });
}

static void errors(void **state)
{
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(3));
        const float wrong[] = { -0.1f, 1.1f, NAN };

        (void)state;
        for (int i = 0; i < 3; i++) {
                assert_null(scion_dropout(x, wrong[i]));
                assert_error_has("dropout: the probability is in 0 .. 1, got ", NULL);
        }
        assert_null(scion_dropout(scion_from_i32(SCION_SHAPE(1), (const int32_t[]){ 1 }), 0.5f));
        assert_error_has("dropout: takes float32, got int32", NULL);
        scion_fail("the first message");
        assert_null(scion_dropout(NULL, 0.5f));
        assert_string_equal(scion_error(), "the first message");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(evaluation_changes_nothing),
                tape_test(drops_the_share_and_keeps_the_mean),
                tape_test(drops_all_of_it),
                tape_test(masks_follow_seed_and_step),
                tape_test(mask_is_the_stream_s),
                tape_test(gradients),
                tape_test(errors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
