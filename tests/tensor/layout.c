/* Operations on tensors in a kernel's layout, with and without padding, compared with those on row-major tensors. */
#include "backend/backend.h"
#include "support/elements.h"
#include "tensor/window.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The layout of a convolution's result of shape [2, channels, 5, 3]; NULL when it is row-major. */
static const struct scion_layout *layout_of(int64_t channels)
{
        struct scion_geometry geometry = {
                .x = SCION_SHAPE(2, 8, 5, 3),
                .weight = SCION_SHAPE(channels, 8, 1, 1),
                .y = SCION_SHAPE(2, channels, 5, 3),
                .window = { .kernel = { 1, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 }, .groups = 1 }
        };
        struct scion_kernel *kernel = SCION_ON_DEVICE(conv2d, SCION_FORWARD, &geometry, false);

        assert_non_null(kernel);
        return scion_kernel_layout(kernel, SCION_Y);
}

/* A reorder from row-major writes zeros into the padding, so elements are equal when the padding was 0. */
static void assert_padding_is_zero(struct scion_tensor *x)
{
        struct scion_tensor *again;

        scion_no_grad_begin();
        again = scion_tensor_in_layout(scion_tensor_in_layout(x, NULL), x->layout);
        scion_no_grad_end();
        assert_non_null(again);
        const float *before = elements_of(x), *after = elements_of(again);

        for (size_t i = 0; i < x->length; i++)
                assert_true(before[i] == after[i]);
}

static struct scion_tensor *power(struct scion_tensor *x)
{
        return scion_pow(x, 2);
}

static struct scion_tensor *root_power(struct scion_tensor *x)
{
        return scion_pow(x, -1.5f);
}

static struct scion_tensor *scaled(struct scion_tensor *x)
{
        return scion_scale(x, -3);
}

/* Infinity times padding would be NaN. */
static struct scion_tensor *exploded(struct scion_tensor *x)
{
        return scion_scale(x, INFINITY);
}

static struct scion_tensor *shifted(struct scion_tensor *x)
{
        return scion_shift(x, 3);
}

static struct scion_tensor *squared(struct scion_tensor *x)
{
        return scion_mul(x, x);
}

static struct scion_tensor *divided(struct scion_tensor *x)
{
        return scion_div(scion_scale(x, 2), x);
}

static struct scion_tensor *another(struct scion_tensor *x)
{
        return random_tensor(scion_shape(x), 5, 0.5f, 1);
}

static struct scion_tensor *residual(struct scion_tensor *x)
{
        return scion_add(another(x), scion_add(scion_relu(x), another(x)));
}

static struct scion_tensor *difference(struct scion_tensor *x)
{
        return scion_sub(scion_sub(another(x), x), another(x));
}

static struct scion_tensor *quotient(struct scion_tensor *x)
{
        return scion_div(scion_div(another(x), x), another(x));
}

static struct scion_tensor *by_channel(struct scion_tensor *x)
{
        struct scion_tensor *factor = random_tensor(SCION_SHAPE(scion_dim(x, 1), 1, 1), 6, 0.5f, 1);

        return scion_mul(scion_add(x, factor), scion_scalar(3));
}

static struct scion_tensor *normalized(struct scion_tensor *x)
{
        const unsigned axes = SCION_AXIS(0) | SCION_AXIS(2) | SCION_AXIS(3);
        struct scion_tensor *centred = scion_sub(x, scion_mean(x, axes, true));

        return scion_div(centred, scion_sqrt(scion_shift(scion_mean(power(centred), axes, true), 0.1f)));
}

static struct scion_tensor *sum(struct scion_tensor *x)
{
        return scion_sum(x, SCION_ALL_AXES, true);
}

static struct scion_tensor *mean(struct scion_tensor *x)
{
        return scion_mean(x, SCION_ALL_AXES, false);
}

static struct scion_tensor *largest(struct scion_tensor *x)
{
        return scion_max(scion_neg(x), SCION_ALL_AXES,
                         false); /* padding would be larger than every element */
}

static struct scion_tensor *softmax(struct scion_tensor *x)
{
        return scion_add(scion_softmax(x, 1), scion_log_softmax(x, -1));
}

static struct scion_tensor *moved(struct scion_tensor *x)
{
        struct scion_tensor *last = scion_permute(x, (const int[]){ 0, 2, 3, 1 });
        struct scion_tensor *part = scion_slice(last, 3, 1, 3);

        return scion_concat((struct scion_tensor *[]){ part, last }, 2, -1);
}

static struct scion_tensor *reshaped(struct scion_tensor *x)
{
        return scion_add(scion_flatten(x, 1), scion_reshape(x, SCION_SHAPE(2, -1)));
}

static struct scion_tensor *parts(struct scion_tensor *x)
{
        return scion_concat((struct scion_tensor *[]){ scion_slice(x, 1, 2, 3), x, scion_detach(x) }, 3, 1);
}

static const struct {
        const char *name;
        struct scion_tensor *(*build)(struct scion_tensor *);
        enum { ALWAYS, UNPADDED, NEVER } kept; /* when the result has the input's layout */
} cases[] = {
        { "neg", scion_neg, ALWAYS },
        { "scale", scaled, ALWAYS },
        { "scale by infinity", exploded, UNPADDED },
        { "shift", shifted, UNPADDED },
        { "exp", scion_exp, UNPADDED },
        { "log", scion_log, UNPADDED },
        { "sqrt", scion_sqrt, UNPADDED },
        { "square", power, ALWAYS },
        { "pow", root_power, UNPADDED },
        { "abs", scion_abs, ALWAYS },
        { "relu", scion_relu, ALWAYS },
        { "sigmoid", scion_sigmoid, UNPADDED },
        { "tanh", scion_tanh, ALWAYS },
        { "mul", squared, ALWAYS },
        { "div", divided, UNPADDED },
        { "add", residual, ALWAYS },
        { "sub", difference, ALWAYS },
        { "quotient", quotient, UNPADDED },
        { "by channel", by_channel, NEVER },
        { "normalized", normalized, NEVER },
        { "sum", sum, NEVER },
        { "mean", mean, NEVER },
        { "max", largest, NEVER },
        { "softmax", softmax, NEVER },
        { "permute", moved, NEVER },
        { "reshape", reshaped, NEVER },
        { "slice and concat", parts, NEVER },
};

/* Returns the gradient of the leaf for sum(weight * y). */
static struct scion_tensor *gradient(struct scion_tensor *y, struct scion_tensor *leaf)
{
        if (!scion_backward(
                    scion_sum(scion_mul(y, random_tensor(scion_shape(y), 7, -1, 1)), SCION_ALL_AXES, false)))
                fail_msg("%s", scion_error());
        return scion_grad(leaf);
}

static void check_case(size_t i, const struct scion_layout *layout, int64_t channels)
{
        struct scion_tensor *plain_leaf =
                scion_require_grad(random_tensor(SCION_SHAPE(2, channels, 5, 3), 1, 0.5f, 2));
        struct scion_tensor *leaf =
                scion_require_grad(random_tensor(SCION_SHAPE(2, channels, 5, 3), 1, 0.5f, 2));
        struct scion_tensor *x = scion_tensor_in_layout(leaf, layout);
        struct scion_tensor *y = cases[i].build(x), *expected = cases[i].build(plain_leaf);
        bool kept = cases[i].kept == ALWAYS || (cases[i].kept == UNPADDED && !scion_tensor_padded(x));

        assert_non_null(y);
        print_message("%s, %d channels\n", cases[i].name, (int)channels);
        if (cases[i].kept == NEVER)
                assert_null(y->layout);
        else
                assert_ptr_equal(y->layout, kept ? layout : NULL);
        assert_padding_is_zero(y);
        assert_values(y, scion_data(expected), 1e-6);
        assert_values(gradient(y, leaf), scion_data(gradient(expected, plain_leaf)), 1e-6);
        assert_values(gradient(y, leaf), scion_data(scion_grad(x)), 0);
        assert_padding_is_zero(scion_grad(x));
}

static void equals_row_major(void **state)
{
        const int64_t channels[] = { 6, 32 };

        (void)state;
        for (int j = 0; j < 2; j++) {
                const struct scion_layout *layout = layout_of(channels[j]);

                for (size_t i = 0; layout && i < COUNT(cases); i++) {
                        check_case(i, layout, channels[j]);
                        scion_tape_reset(tape);
                }
        }
}

static void dropout_keeps_the_layout(void **state)
{
        const struct scion_layout *layout = layout_of(6);
        struct scion_tensor *leaf = scion_require_grad(random_tensor(SCION_SHAPE(2, 6, 5, 3), 1, 0.5f, 2));
        struct scion_tensor *x = scion_tensor_in_layout(leaf, layout);

        (void)state;
        scion_tape_set_training(tape, true);
        struct scion_tensor *y = scion_dropout(x, 0.5f);

        assert_ptr_equal(y->layout, layout);
        assert_padding_is_zero(y);
        assert_true(scion_backward(scion_sum(y, SCION_ALL_AXES, false)));
        for (int64_t i = 0; i < scion_size(leaf); i++) {
                float share = scion_data(y)[i] == 0 ? 0 : 2;

                assert_float_equal(scion_data(y)[i], share * scion_data(leaf)[i], 0);
                assert_float_equal(scion_data(scion_grad(leaf))[i], share, 0);
        }
        assert_padding_is_zero(scion_grad(x));
}

static void copies_are_made_once(void **state)
{
        const struct scion_layout *layout = layout_of(6);
        struct scion_tensor *x =
                scion_tensor_in_layout(random_tensor(SCION_SHAPE(2, 6, 5, 3), 1, 0, 1), layout);
        struct scion_tensor *leaf =
                scion_tensor_in_layout(random_tensor(SCION_SHAPE(2, 6, 5, 3), 1, 0, 1), layout);

        (void)state;
        assert_ptr_equal(scion_data(x), scion_data(x));
        assert_ptr_equal(scion_tensor_row_major(x), scion_tensor_row_major(x));
        /* A copy made while gradients were off must not be used when they are on. */
        scion_require_grad(leaf);
        assert_non_null(scion_data(leaf));
        assert_true(scion_backward(scion_sum(scion_exp(leaf), SCION_ALL_AXES, false)));
        assert_values(scion_grad(leaf), scion_data(scion_exp(leaf)), 1e-6);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(equals_row_major),
                tape_test(dropout_keeps_the_layout),
                tape_test(copies_are_made_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
