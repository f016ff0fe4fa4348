/* Rounded factors: convolutions and fully connected layers against what they make of floats. */
#include "backend/backend.h"
#include "support/tensors.h"

enum { CONV, WINOGRAD, LINEAR };

struct results {
        struct scion_tensor *made[3]; /* the output, the gradients of x and of the weight */
};

static struct results run(int what, bool bf16)
{
        const struct scion_window around = { .padding = { 1, 1 } };
        int64_t n = what == WINOGRAD ? 16 : 2, channels = what == WINOGRAD ? 32 : 48;
        bool linear = what == LINEAR;
        struct scion_tensor *x =
                scion_require_grad(numbers(linear ? SCION_SHAPE(7, 33) : SCION_SHAPE(n, channels, 9, 8), 1));
        struct scion_tensor *weight = scion_require_grad(
                numbers(linear ? SCION_SHAPE(21, 33) : SCION_SHAPE(channels, channels, 3, 3), 2));
        struct scion_tensor *y;

        scion_backend_set_bf16(bf16);
        y = linear ? scion_linear(x, weight, NULL) : scion_conv2d(x, weight, NULL, &around);
        if (!y)
                fail_msg("%s", scion_error());
        backward_from(y, numbers(y->shape, 3));
        scion_backend_set_bf16(false);
        return (struct results){ { y, scion_grad(x), scion_grad(weight) } };
}

/* The largest difference, as a share of the largest element. */
static double distance(struct scion_tensor *a, struct scion_tensor *b)
{
        const float *x = scion_data(a), *y = scion_data(b);
        double largest = 0, apart = 0;

        for (int64_t i = 0; i < scion_size(a); i++) {
                largest = fmax(largest, fabs((double)x[i]));
                apart = fmax(apart, fabs((double)x[i] - (double)y[i]));
        }
        assert_true(largest > 0);
        return apart / largest;
}

/* A factor is rounded by up to 2^-9 of itself, and so its products by twice that. */
static void rounds_as_much_as_it_must(void **state)
{
        (void)state;
        for (int what = CONV; what <= LINEAR; what++) {
                struct results full = run(what, false), rounded = run(what, true), again = run(what, true);

                for (int i = 0; i < 3; i++) {
                        double apart = distance(full.made[i], rounded.made[i]);

                        if (!(apart < 1.0 / 128) || (apart > 0) != (what != WINOGRAD))
                                fail_msg("part %d of %d is %g apart", i, what, apart);
                        assert_memory_equal(scion_data(rounded.made[i]), scion_data(again.made[i]),
                                            (size_t)scion_size(again.made[i]) * sizeof(float));
                }
                scion_tape_reset(tape);
        }
}

/* Without Winograd's algorithm every convolution of many channels is rounded. */
static void without_winograd_all_is_rounded(void **state)
{
        (void)state;
        scion_backend_set_winograd(false);
        struct results full = run(WINOGRAD, false), rounded = run(WINOGRAD, true);

        scion_backend_set_winograd(true);
        for (int i = 0; i < 3; i++) {
                double apart = distance(full.made[i], rounded.made[i]);

                assert_true(apart > 0 && apart < 1.0 / 128);
        }
        scion_tape_reset(tape);
}

/* The nearest number of eight binary digits, of two the even one. */
static void rounds_to_nearest_even(void **state)
{
        static const float pairs[][2] = {
                { 1, 1 },
                { 1.00390625F, 1 },         /* half way, down */
                { 1.01171875F, 1.015625F }, /* half way, up */
                { 1.0039064F, 1.0078125F }, /* just above half way */
                { -258.9F, -258 },
                { 1e30F, 0x1.94p+99F },
                { 3.3895314e38F, 3.3895314e38F }, /* the largest */
                { 3.4028235e38F, INFINITY },
                { -3.4028235e38F, -INFINITY },
                { INFINITY, INFINITY },
                { -INFINITY, -INFINITY },
                { NAN, NAN },
                { 1.1754944e-38F, 1.1754944e-38F }, /* the smallest */
                { 1e-39F, 0 },                      /* what is smaller counts as 0 */
        };
        enum { PAIRS = sizeof pairs / sizeof *pairs };
        const float one = 1;
        float x[PAIRS], rounded[PAIRS];

        (void)state;
        for (int i = 0; i < PAIRS; i++) {
                x[i] = pairs[i][0];
                rounded[i] = pairs[i][1];
        }
        scion_backend_set_bf16(true);
        struct scion_tensor *y =
                scion_linear(scion_from(SCION_SHAPE(PAIRS, 1), x), scion_from(SCION_SHAPE(1, 1), &one), NULL);

        scion_backend_set_bf16(false);
        assert_values(y, rounded, 0);
        scion_tape_reset(tape);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rounds_as_much_as_it_must),
                cmocka_unit_test(without_winograd_all_is_rounded),
                cmocka_unit_test(rounds_to_nearest_even),
        };

        if (!scion_backend_has_bf16())
                return 77;
        return cmocka_run_group_tests(tests, use_tape, drop_tape);
}
