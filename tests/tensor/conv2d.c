/* Convolution against loops in double precision, and its gradients. */
#include "backend/backend.h"
#include "support/device.h"
#include "support/gradcheck.h"
#include "support/tensors.h"

struct shape {
        int64_t n, c, h, w, o, kh, kw;
        struct scion_window window;
        bool bias;
};

/* Numbers of channels around the block sizes of the kernels, odd sizes, and every option of a window. */
static const struct shape shapes[] = {
        { 1, 1, 5, 5, 1, 3, 3, { .groups = 0 }, false },
        { 2, 1, 28, 28, 6, 5, 5, { .padding = { 2, 2 } }, true },
        { 2, 6, 14, 14, 16, 5, 5, { .groups = 0 }, true },
        { 1, 3, 9, 7, 5, 3, 1, { .padding = { 1, 0 } }, true },
        { 3, 3, 16, 11, 32, 7, 7, { .stride = { 2, 2 }, .padding = { 3, 3 } }, false },
        { 2, 5, 7, 7, 6, 1, 1, { .groups = 0 }, true },
        { 2, 16, 7, 5, 17, 3, 3, { .stride = { 1, 2 }, .padding = { 1, 1 } }, true },
        { 1, 17, 6, 6, 16, 3, 3, { .stride = { 2, 1 }, .padding = { 0, 1 } }, true },
        { 2, 32, 8, 8, 32, 3, 3, { .padding = { 1, 1 } }, false },
        { 2, 32, 8, 8, 16, 1, 1, { .stride = { 2, 2 } }, true },
        { 1, 3, 11, 13, 5, 3, 3, { .padding = { 2, 2 }, .dilation = { 2, 2 } }, true },
        { 2, 16, 9, 9, 16, 3, 2, { .padding = { 1, 2 }, .dilation = { 1, 3 } }, false },
        { 2, 6, 7, 7, 4, 3, 3, { .padding = { 1, 1 }, .groups = 2 }, true },
        { 2, 32, 6, 6, 32, 3, 3, { .stride = { 2, 2 }, .padding = { 1, 1 }, .groups = 32 }, true },
        { 1, 5, 7, 7, 5, 3, 3, { .padding = { 1, 1 }, .groups = 5 }, true },
        { 2, 5, 6, 6, 10, 3, 3, { .groups = 5 }, false },
        { 2, 48, 5, 5, 32, 3, 3, { .padding = { 1, 1 }, .groups = 2 }, true },
        { 1, 3, 3, 3, 4, 3, 3, { .groups = 0 }, true },           /* one position of the window */
        { 1, 2, 4, 4, 3, 2, 2, { .padding = { 3, 3 } }, true },   /* windows wholly in the padding */
        { 2, 3, 10, 10, 7, 3, 3, { .stride = { 4, 4 } }, true },  /* rows that no window reaches */
        { 5, 1, 1, 33, 17, 1, 5, { .padding = { 0, 2 } }, true }, /* a signal of one row */
        /* Images in groups, of which the last is full or partly filled. */
        { 32, 1, 9, 13, 6, 5, 5, { .padding = { 2, 2 } }, true },
        { 16, 6, 8, 7, 16, 5, 5, { .groups = 0 }, true },
        { 19, 5, 6, 5, 7, 3, 2, { .padding = { 0, 1 } }, true },
        { 33, 7, 5, 6, 9, 4, 3, { .padding = { 3, 1 } }, false },
        { 18, 2, 4, 4, 3, 2, 2, { .padding = { 3, 3 } }, true }, /* windows wholly in the padding */
        { 17, 4, 3, 3, 5, 1, 1, { .groups = 0 }, true },
        { 16, 9, 1, 21, 11, 1, 7, { .padding = { 0, 3 } }, true },
};

/* Convolutions for which Winograd's algorithm is used, and some that just miss its conditions: full and partly filled
 * tiles, and numbers of channels around the block sizes. */
static const struct shape tiled[] = {
        { 4, 32, 8, 8, 32, 3, 3, { .padding = { 1, 1 } }, false },
        { 3, 48, 11, 12, 40, 3, 3, { .padding = { 1, 1 } }, true },
        { 2, 33, 18, 14, 47, 3, 3, { .groups = 0 }, true },
        { 3, 32, 12, 12, 64, 3, 3, { .padding = { 1, 0 } }, false },
        { 16, 64, 4, 4, 32, 3, 3, { .padding = { 1, 1 } }, true },
        { 2, 32, 18, 12, 32, 3, 3, { .padding = { 2, 2 } }, false },
        { 2, 32, 10, 10, 31, 3, 3, { .padding = { 1, 1 } }, true },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static int value_or_one(int value)
{
        return value ? value : 1;
}

/* Calls a function for every product in the convolution, with the indices of its elements of x, weight and y. */
struct reference {
        const struct shape *shape;
        int64_t oh, ow;
        const float *x, *weight, *bias, *grad;
        double *y, *x_grad, *weight_grad, *bias_grad;
};

static void at_place(struct reference *r, int64_t n, int64_t o, int64_t i, int64_t j)
{
        const struct shape *s = r->shape;
        const struct scion_window *w = &s->window;
        int64_t groups = value_or_one(w->groups), channels = s->c / groups,
                first = o / (s->o / groups) * channels;
        int64_t at_y = ((n * s->o + o) * r->oh + i) * r->ow + j;

        r->y[at_y] = s->bias ? r->bias[o] : 0;
        r->bias_grad[o] += r->grad[at_y];
        for (int64_t c = 0; c < channels; c++)
                for (int64_t u = 0; u < s->kh; u++)
                        for (int64_t v = 0; v < s->kw; v++) {
                                int64_t row = i * value_or_one(w->stride[0]) - w->padding[0] +
                                              u * value_or_one(w->dilation[0]);
                                int64_t column = j * value_or_one(w->stride[1]) - w->padding[1] +
                                                 v * value_or_one(w->dilation[1]);
                                int64_t at_w = ((o * channels + c) * s->kh + u) * s->kw + v;
                                int64_t at_x = ((n * s->c + first + c) * s->h + row) * s->w + column;

                                if (row < 0 || row >= s->h || column < 0 || column >= s->w)
                                        continue;
                                r->y[at_y] += (double)r->x[at_x] * (double)r->weight[at_w];
                                r->x_grad[at_x] += (double)r->grad[at_y] * (double)r->weight[at_w];
                                r->weight_grad[at_w] += (double)r->grad[at_y] * (double)r->x[at_x];
                        }
}

static void check_shape(const struct shape *s)
{
        const struct scion_window *w = &s->window;
        int64_t oh = (s->h + 2 * w->padding[0] - value_or_one(w->dilation[0]) * (s->kh - 1) - 1) /
                             value_or_one(w->stride[0]) +
                     1;
        int64_t ow = (s->w + 2 * w->padding[1] - value_or_one(w->dilation[1]) * (s->kw - 1) - 1) /
                             value_or_one(w->stride[1]) +
                     1;
        struct scion_tensor *x = scion_require_grad(numbers(SCION_SHAPE(s->n, s->c, s->h, s->w), 1));
        struct scion_tensor *weight = scion_require_grad(
                numbers(SCION_SHAPE(s->o, s->c / value_or_one(w->groups), s->kh, s->kw), 2));
        struct scion_tensor *bias = s->bias ? scion_require_grad(numbers(SCION_SHAPE(s->o), 3)) : NULL;
        struct scion_tensor *grad = numbers(SCION_SHAPE(s->n, s->o, oh, ow), 4);
        struct scion_tensor *y = scion_conv2d(x, weight, bias, w);
        struct reference r = { .shape = s,
                               .oh = oh,
                               .ow = ow,
                               .x = scion_data(x),
                               .weight = scion_data(weight),
                               .bias = bias ? scion_data(bias) : NULL,
                               .grad = scion_data(grad),
                               .y = doubles(scion_size(grad)),
                               .x_grad = doubles(scion_size(x)),
                               .weight_grad = doubles(scion_size(weight)),
                               .bias_grad = doubles(s->o) };
        char name[200];

        snprintf(name, sizeof name, "conv2d of %lldx%lldx%lldx%lld, weight %lldx%lldx%lld", (long long)s->n,
                 (long long)s->c, (long long)s->h, (long long)s->w, (long long)s->o, (long long)s->kh,
                 (long long)s->kw);
        for (int64_t n = 0; n < s->n; n++)
                for (int64_t o = 0; o < s->o; o++)
                        for (int64_t i = 0; i < oh; i++)
                                for (int64_t j = 0; j < ow; j++)
                                        at_place(&r, n, o, i, j);
        assert_close(name, y, r.y, 1e-5);
        assert_true(scion_shape_equal(&y->shape, &grad->shape));
        backward_from(y, grad);
        assert_close(name, scion_grad(x), r.x_grad, 1e-5);
        assert_close(name, scion_grad(weight), r.weight_grad, 1e-5);
        if (bias)
                assert_close(name, scion_grad(bias), r.bias_grad, 1e-5);
        free(r.y);
        free(r.x_grad);
        free(r.weight_grad);
        free(r.bias_grad);
        scion_tape_reset(tape);
}

static void equals_loops(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(shapes); i++)
                check_shape(&shapes[i]);
}

/* Both algorithms have the same error bounds. */
static void tiles_equal_loops(void **state)
{
        (void)state;
        for (int winograd = 0; winograd < 2; winograd++) {
                device_set_winograd(winograd);
                for (size_t i = 0; i < COUNT(tiled); i++)
                        check_shape(&tiled[i]);
        }
}

struct made {
        struct scion_tensor *made[3]; /* y, and the gradients of x and of the weight */
};

static struct made convolve(struct scion_tensor *x, struct scion_tensor *weight, struct scion_tensor *grad,
                            bool winograd)
{
        const struct scion_window window = { .padding = { 1, 1 } };

        device_set_winograd(winograd);
        x = scion_require_grad(scion_from(scion_shape(x), scion_data(x)));
        weight = scion_require_grad(scion_from(scion_shape(weight), scion_data(weight)));
        struct scion_tensor *y = scion_conv2d(x, weight, NULL, &window);

        backward_from(y, grad);
        device_set_winograd(true);
        return (struct made){ { y, scion_grad(x), scion_grad(weight) } };
}

/* Returns x with one element changed. */
static struct scion_tensor *tensor_with_element(struct scion_tensor *x, int64_t index, float value)
{
        size_t bytes = (size_t)scion_size(x) * sizeof value;
        float *values = malloc(bytes);

        assert_non_null(values);
        memcpy(values, scion_data(x), bytes);
        values[index] = value;
        struct scion_tensor *changed = scion_from(scion_shape(x), values);

        free(values);
        assert_non_null(changed);
        return changed;
}

/* With Winograd's algorithm a value that is not finite makes all results of its tiles not finite, because they are sums and
 * differences that include it. */
static void values_not_finite_stay_in_tiles(void **state)
{
        struct scion_tensor *operand[3] = { numbers(SCION_SHAPE(3, 32, 11, 10), 1),
                                            numbers(SCION_SHAPE(48, 32, 3, 3), 2),
                                            numbers(SCION_SHAPE(3, 48, 11, 10), 3) };
        const float bad[] = { INFINITY, -INFINITY, NAN };

        (void)state;
        for (int i = 0; i < 27; i++) {
                struct scion_tensor *x = operand[i % 3], *with[3] = { operand[0], operand[1], operand[2] };

                with[i % 3] = tensor_with_element(x, (scion_size(x) - 1) * (i / 9) / 2, bad[i / 3 % 3]);
                struct made direct = convolve(with[0], with[1], with[2], false);
                struct made tiles = convolve(with[0], with[1], with[2], true);
                int64_t found = 0;

                for (int k = 0; k < 3; k++) {
                        const float *one = scion_data(direct.made[k]), *other = scion_data(tiles.made[k]);

                        for (int64_t j = 0; j < scion_size(direct.made[k]); j++) {
                                found += !isfinite(one[j]);
                                assert_true(isfinite(one[j]) || !isfinite(other[j]));
                        }
                }
                assert_true(found > 0);
        }
        scion_tape_reset(tape);
}

static struct scion_tensor *build(struct scion_tensor *const *leaf, const void *context)
{
        const struct shape *shape = context;

        return scion_conv2d(leaf[0], leaf[1], shape->bias ? leaf[2] : NULL, &shape->window);
}

/* gradcheck() also tests each leaf alone, and parameters, whose gradients have fixed memory. */
static void gradients(void **state)
{
        static const struct shape small[] = {
                { 2, 3, 5, 4, 5, 3, 3, { .padding = { 1, 1 }, .stride = { 2, 1 } }, true },
                { 2, 4, 4, 4, 6, 3, 3, { .padding = { 2, 2 }, .dilation = { 2, 1 }, .groups = 2 }, true },
                { 1, 17, 3, 3, 2, 2, 2, { .groups = 0 }, false },
        };

        (void)state;
        for (size_t i = 0; i < COUNT(small); i++) {
                const struct shape *s = &small[i];

                gradcheck(&(struct gradcheck){
                        .name = "conv2d",
                        .build = build,
                        .context = s,
                        .leaves = s->bias ? 3 : 2,
                        .shape = { SCION_SHAPE(s->n, s->c, s->h, s->w),
                                   SCION_SHAPE(s->o, s->c / value_or_one(s->window.groups), s->kh, s->kw),
                                   SCION_SHAPE(s->o) } });
        }
}

/* Inputs that do not require a gradient get none, and no kernel is created for it. */
static void only_required_gradients(void **state)
{
        struct scion_tensor *x = numbers(SCION_SHAPE(2, 3, 6, 6), 1);
        struct scion_tensor *weight = scion_require_grad(numbers(SCION_SHAPE(4, 3, 3, 3), 2));
        struct scion_tensor *bias = numbers(SCION_SHAPE(4), 3);
        struct scion_tensor *grad = numbers(SCION_SHAPE(2, 4, 4, 4), 4);
        size_t kernels;

        (void)state;
        backward_from(scion_conv2d(x, weight, bias, NULL), grad);
        assert_null(scion_grad(x));
        assert_null(scion_grad(bias));
        assert_non_null(scion_grad(weight));

        kernels = scion_device_usage().kernels;
        backward_from(scion_conv2d(x, weight, bias, NULL), grad);
        assert_int_equal(scion_device_usage().kernels, kernels);
        scion_require_grad(x);
        backward_from(scion_conv2d(x, weight, bias, NULL), grad);
        assert_non_null(scion_grad(x));
        assert_true(scion_device_usage().kernels > kernels);

        scion_no_grad_begin();
        assert_null(scion_conv2d(x, weight, bias, NULL)->node);
        scion_no_grad_end();
        scion_tape_reset(tape);
}

static void refuses(struct scion_shape x, struct scion_shape weight, int64_t bias, struct scion_window window,
                    const char *says, const char *also)
{
        assert_null(scion_conv2d(numbers(x, 1), numbers(weight, 2),
                                 bias ? numbers(SCION_SHAPE(bias), 3) : NULL, &window));
        assert_error_has("conv2d", says, also, NULL);
}

static void error_messages(void **state)
{
        const struct scion_window none = { 0 };
        const int32_t label[] = { 1 };

        (void)state;
        refuses(SCION_SHAPE(64, 1, 28, 28), SCION_SHAPE(6, 3, 5, 5), 0, none,
                "the weight 6x3x5x5 takes 3 channels", "the input 64x1x28x28 has 1");
        refuses(SCION_SHAPE(1, 28, 28), SCION_SHAPE(6, 1, 5, 5), 0, none, "N x C x H x W", "1x28x28");
        refuses(SCION_SHAPE(1, 1, 28, 28), SCION_SHAPE(6, 25), 0, none, "a weight of shape", "6x25");
        refuses(SCION_SHAPE(1, 1, 4, 8), SCION_SHAPE(6, 1, 5, 5), 0, none, "height of 5 is larger",
                "1x1x4x8");
        refuses(SCION_SHAPE(1, 1, 8, 8), SCION_SHAPE(6, 1, 5, 5), 0,
                (struct scion_window){ .dilation = { 1, 2 } }, "width of 9 is larger", "1x1x8x8");
        refuses(SCION_SHAPE(1, 6, 8, 8), SCION_SHAPE(6, 2, 3, 3), 0, (struct scion_window){ .groups = 4 },
                "4 groups do not divide", "1x6x8x8");
        refuses(SCION_SHAPE(1, 6, 8, 8), SCION_SHAPE(5, 3, 3, 3), 0, (struct scion_window){ .groups = 2 },
                "2 groups do not divide", "5x3x3x3");
        refuses(SCION_SHAPE(1, 6, 8, 8), SCION_SHAPE(4, 6, 3, 3), 0, (struct scion_window){ .groups = 2 },
                "takes 12 channels in its groups", "1x6x8x8 has 6");
        refuses(SCION_SHAPE(1, 1, 8, 8), SCION_SHAPE(4, 1, 3, 3), 5, none, "makes 4 channels",
                "the bias has shape 5");
        refuses(SCION_SHAPE(1, 1, 8, 8), SCION_SHAPE(4, 1, 3, 3), 0,
                (struct scion_window){ .padding = { -1, 0 } }, "padding -1", "negative");
        refuses(SCION_SHAPE(1, 1, 8, 8), SCION_SHAPE(4, 1, 3, 3), 0, (struct scion_window){ .groups = -2 },
                "the number of groups must not be negative, got -2", "conv2d");
        assert_null(scion_conv2d(scion_from_i32(SCION_SHAPE(1, 1, 1, 1), label),
                                 numbers(SCION_SHAPE(1, 1, 1, 1), 1), NULL, NULL));
        assert_error_has("conv2d: takes float32, got int32", NULL);

        /* The first message is kept. */
        scion_fail("the first");
        assert_null(scion_conv2d(NULL, numbers(SCION_SHAPE(1, 1, 1, 1), 1), NULL, NULL));
        assert_string_equal(scion_error(), "the first");
        scion_tape_reset(tape);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(equals_loops),
                cmocka_unit_test(tiles_equal_loops),
                cmocka_unit_test(values_not_finite_stay_in_tiles),
                cmocka_unit_test(gradients),
                cmocka_unit_test(only_required_gradients),
                cmocka_unit_test(error_messages),
        };

        return cmocka_run_group_tests(tests, use_tape, drop_tape);
}
