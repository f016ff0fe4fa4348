/* bfloat16 factors: convolutions and fully connected layers against the same with float32 factors. */
#include "backend/backend.h"
#include "support/device.h"
#include "support/tensors.h"
#include "tensor/window.h"

enum { CONV, WINOGRAD, LINEAR };

struct results {
        struct scion_tensor *made[3]; /* the output, the gradients of x and weight */
};

static struct results results_of(int what, bool bf16)
{
        const struct scion_window around = { .padding = { 1, 1 } };
        int64_t n = what == WINOGRAD ? 16 : 2, channels = what == WINOGRAD ? 32 : 48;
        bool linear = what == LINEAR;
        struct scion_tensor *x =
                scion_require_grad(numbers(linear ? SCION_SHAPE(7, 33) : SCION_SHAPE(n, channels, 9, 8), 1));
        struct scion_tensor *weight = scion_require_grad(
                numbers(linear ? SCION_SHAPE(21, 33) : SCION_SHAPE(channels, channels, 3, 3), 2));
        struct scion_tensor *y;

        scion_device_set_bf16(bf16);
        y = linear ? scion_linear(x, weight, NULL) : scion_conv2d(x, weight, NULL, &around);
        if (!y)
                fail_msg("%s", scion_error());
        backward_from(y, numbers(y->shape, 3));
        scion_device_set_bf16(false);
        return (struct results){ { y, scion_grad(x), scion_grad(weight) } };
}

/* The largest difference relative to the largest element. */
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

/* Rounding changes a factor by up to 2^-9 of its value, and so a product by up to 2^-8. */
static void rounding_is_within_bounds(void **state)
{
        (void)state;
        for (int what = CONV; what <= LINEAR; what++) {
                struct results full = results_of(what, false), rounded = results_of(what, true),
                               again = results_of(what, true);

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

/* Without Winograd's algorithm all convolutions of many channels have bfloat16 factors. */
static void all_convolutions_round_without_winograd(void **state)
{
        (void)state;
        device_set_winograd(false);
        struct results full = results_of(WINOGRAD, false), rounded = results_of(WINOGRAD, true);

        device_set_winograd(true);
        for (int i = 0; i < 3; i++) {
                double apart = distance(full.made[i], rounded.made[i]);

                assert_true(apart > 0 && apart < 1.0 / 128);
        }
        scion_tape_reset(tape);
}

/* Conversion rounds to the nearest number with eight significant bits, ties to even. */
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
                { 1e-39F, 0 },                      /* subnormal numbers become 0 */
        };
        enum { PAIRS = sizeof pairs / sizeof *pairs };
        const float one = 1;
        float x[PAIRS], rounded[PAIRS];

        (void)state;
        for (int i = 0; i < PAIRS; i++) {
                x[i] = pairs[i][0];
                rounded[i] = pairs[i][1];
        }
        scion_device_set_bf16(true);
        struct scion_tensor *y =
                scion_linear(scion_from(SCION_SHAPE(PAIRS, 1), x), scion_from(SCION_SHAPE(1, 1), &one), NULL);

        scion_device_set_bf16(false);
        assert_values(y, rounded, 0);
        scion_tape_reset(tape);
}

/* bfloat16 elements take two bytes each, both in row-major layout and in a kernel's layout. */
static void elements_take_two_bytes(void **state)
{
        const struct scion_geometry geometry = {
                .x = SCION_SHAPE(2, 48, 9, 8),
                .weight = SCION_SHAPE(48, 48, 3, 3),
                .y = SCION_SHAPE(2, 48, 7, 6),
                .window = { .kernel = { 3, 3 }, .stride = { 1, 1 }, .dilation = { 1, 1 }, .groups = 1 }
        };
        struct scion_tensor *x = numbers(geometry.x, 1);
        struct scion_tensor *rounded = scion_tensor_in_form(x, SCION_BF16, NULL);

        (void)state;
        assert_non_null(rounded);
        assert_int_equal(rounded->dtype, SCION_BF16);
        assert_int_equal(rounded->length, x->length);

        scion_device_set_bf16(true);
        struct scion_kernel *kernel = SCION_ON_DEVICE(conv2d, SCION_FORWARD, &geometry, false);

        scion_device_set_bf16(false);
        assert_non_null(kernel);
        struct scion_tensor *blocked = scion_tensor_for_kernel(x, kernel, SCION_X);
        struct scion_tensor *again = scion_tensor_for_kernel(rounded, kernel, SCION_X);

        assert_non_null(blocked);
        assert_non_null(again);
        assert_int_equal(blocked->dtype, SCION_BF16);
        assert_in_range(blocked->length, x->length, 2 * x->length);
        assert_int_equal(scion_device.plugin->kernel_bytes(kernel, SCION_X), 2 * blocked->length);
        x = scion_tensor_in_form(blocked, SCION_F32, NULL);
        again = scion_tensor_in_form(again, SCION_F32, NULL);
        rounded = scion_tensor_in_form(rounded, SCION_F32, NULL);
        assert_values(x, scion_data(rounded), 0);
        assert_values(again, scion_data(rounded), 0);

        const int32_t label[2] = { 0, 1 };

        assert_null(scion_tensor_in_form(scion_from_i32(SCION_SHAPE(2), label), SCION_BF16, NULL));
        assert_error_has("reorder: ", "int32", NULL);
        scion_tape_reset(tape);
}

static void casts(void **state)
{
        static const float values[] = { 1, 1.00390625f, 1.01171875f, -3.0e38f }; /* the middle two are ties */
        static const float rounded[] = { 1, 1, 1.015625f, -0x1.c4p127f };
        struct scion_tensor *x = scion_require_grad(scion_from(SCION_SHAPE(4), values));
        struct scion_tensor *y = scion_cast(x, SCION_BF16), *back = scion_cast(y, SCION_F32);

        (void)state;
        assert_int_equal(scion_dtype(y), SCION_BF16);
        assert_ptr_equal(scion_cast(y, SCION_BF16), y);
        assert_values(back, rounded, 0);
        assert_true(scion_backward(scion_sum(scion_scale(back, 2), SCION_ALL_AXES, false)));
        assert_values(scion_grad(x), (const float[]){ 2, 2, 2, 2 }, 0);
        assert_null(scion_add(y, y));
        assert_error_has("add: takes float32, got bfloat16", NULL);
        assert_null(scion_data(y));
        assert_null(scion_cast(x, SCION_I32));
        assert_error_has("cast: converts between float32 and bfloat16, not float32 to int32", NULL);
        assert_null(scion_cast(NULL, SCION_BF16));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rounding_is_within_bounds),
                cmocka_unit_test(all_convolutions_round_without_winograd),
                cmocka_unit_test(rounds_to_nearest_even),
                cmocka_unit_test(elements_take_two_bytes),
                cmocka_unit_test(casts),
        };

        if (!scion_device.plugin->has_bf16(scion_device.self))
                return 77;
        return cmocka_run_group_tests(tests, use_tape, drop_tape);
}
