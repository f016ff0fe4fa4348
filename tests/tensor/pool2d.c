/* Pooling against loops in double precision, and its gradients. */
#include "backend/backend.h"
#include "support/gradcheck.h"
#include "support/tensors.h"
#include "tensor/window.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct shape {
        int64_t n, c, h, w;
        struct scion_window window;
};

static const struct shape shapes[] = {
        { 2, 6, 28, 28, { .kernel = { 2, 2 } } },
        { 1, 1, 5, 5, { .kernel = { 1, 1 } } },
        { 2, 16, 7, 9, { .kernel = { 2, 2 } } }, /* a row and a column that no window reaches */
        { 2, 17, 9, 7, { .kernel = { 3, 3 }, .stride = { 2, 2 }, .padding = { 1, 1 } } },
        { 1, 32, 8, 8, { .kernel = { 3, 3 }, .stride = { 1, 1 }, .padding = { 1, 1 } } },
        { 3, 5, 6, 11, { .kernel = { 2, 3 }, .stride = { 1, 2 }, .padding = { 1, 0 } } },
        { 2, 3, 7, 7, { .kernel = { 7, 7 } } },
        { 1, 16, 6, 6, { .kernel = { 1, 4 }, .padding = { 0, 2 } } },
        { 1, 3, 10, 10, { .kernel = { 2, 2 }, .stride = { 4, 3 } } }, /* gaps between windows */
        /* Images in groups, of which the last is full or partly filled. */
        { 32, 6, 8, 6, { .kernel = { 2, 2 } } },
        { 18, 5, 9, 7, { .kernel = { 3, 3 }, .stride = { 2, 2 }, .padding = { 1, 1 } } },
        { 17, 3, 5, 6, { .kernel = { 2, 3 }, .stride = { 1, 2 }, .padding = { 1, 0 } } },
        { 16, 3, 10, 10, { .kernel = { 2, 2 }, .stride = { 4, 3 } } },
};

/* The layout of x: row-major, or that of the result of a convolution. */
enum lie { ROW_MAJOR, BLOCKED };

/* Returns the layout of a convolution's result of that shape; NULL when it is row-major. */
static const struct scion_layout *blocked(const struct scion_shape *x)
{
        struct scion_geometry geometry = { .x = *x,
                                           .weight = SCION_SHAPE(x->dim[1], x->dim[1], 1, 1),
                                           .y = *x,
                                           .window = { { 1, 1 }, { 1, 1 }, { 0, 0 }, { 1, 1 }, 1, false } };
        struct scion_kernel *kernel = SCION_ON_DEVICE(conv2d, SCION_FORWARD, &geometry, false);

        assert_non_null(kernel);
        return scion_kernel_layout(kernel, SCION_Y);
}

/* One window of one image's channel. */
struct place {
        const struct shape *shape;
        const float *x;
        double *x_grad;
        int64_t top, left;
};

static double at_place(const struct place *p, bool average, double grad)
{
        const struct scion_window *w = &p->shape->window;
        int64_t bottom = p->top + w->kernel[0], right = p->left + w->kernel[1], largest = -1;
        int64_t first = p->top > 0 ? p->top : 0, last = bottom < p->shape->h ? bottom : p->shape->h;
        int64_t begin = p->left > 0 ? p->left : 0, end = right < p->shape->w ? right : p->shape->w;
        int64_t count =
                w->exclude_padding ? (last - first) * (end - begin) : (int64_t)w->kernel[0] * w->kernel[1];
        double sum = 0;

        for (int64_t i = first; i < last; i++)
                for (int64_t j = begin; j < end; j++) {
                        int64_t at = i * p->shape->w + j;

                        sum += (double)p->x[at];
                        if (largest < 0 || p->x[at] > p->x[largest])
                                largest = at;
                        if (average)
                                p->x_grad[at] += grad / (double)count;
                }
        if (average)
                return sum / (double)count;
        p->x_grad[largest] += grad;
        return (double)p->x[largest];
}

/* A tensor of distinct numbers, so that every window has one maximum. */
static struct scion_tensor *distinct(struct scion_shape shape)
{
        int64_t size = scion_shape_size(&shape), *order = malloc((size_t)size * sizeof *order);
        float *value = malloc((size_t)size * sizeof *value);
        struct scion_random random = scion_random(5, SCION_RANDOM_DATA, 0);

        assert_non_null(order);
        assert_non_null(value);
        for (int64_t i = 0; i < size; i++)
                order[i] = i - size / 2;
        scion_random_shuffle(&random, order, (size_t)size);
        for (int64_t i = 0; i < size; i++)
                value[i] = 2 * (float)order[i] / (float)size;
        struct scion_tensor *x = scion_from(shape, value);

        free(order);
        free(value);
        assert_non_null(x);
        return x;
}

static void check_pool(const struct shape *s, bool average, bool exclude, enum lie lie)
{
        struct shape shape = *s;
        struct scion_window *w = &shape.window;
        int64_t stride[2] = { w->stride[0] ? w->stride[0] : w->kernel[0],
                              w->stride[1] ? w->stride[1] : w->kernel[1] };
        int64_t oh = (s->h + 2 * w->padding[0] - w->kernel[0]) / stride[0] + 1;
        int64_t ow = (s->w + 2 * w->padding[1] - w->kernel[1]) / stride[1] + 1;
        struct scion_tensor *x = scion_require_grad(distinct(SCION_SHAPE(s->n, s->c, s->h, s->w)));
        struct scion_tensor *grad = numbers(SCION_SHAPE(s->n, s->c, oh, ow), 4), *y, *in = x;
        double *expected = doubles(scion_size(grad)), *x_grad = doubles(scion_size(x));
        char name[200];

        w->exclude_padding = exclude;
        snprintf(name, sizeof name, "%s pool of %lldx%lldx%lldx%lld, kernel %dx%d, %s",
                 average ? exclude ? "average (padding excluded)" : "average" : "max", (long long)s->n,
                 (long long)s->c, (long long)s->h, (long long)s->w, w->kernel[0], w->kernel[1],
                 lie == BLOCKED ? "blocked" : "row-major");
        for (int64_t image = 0; image < s->n * s->c; image++)
                for (int64_t i = 0; i < oh; i++)
                        for (int64_t j = 0; j < ow; j++) {
                                int64_t at = (image * oh + i) * ow + j;
                                struct place place = { .shape = &shape,
                                                       .x = scion_data(x) + image * s->h * s->w,
                                                       .x_grad = x_grad + image * s->h * s->w,
                                                       .top = i * stride[0] - w->padding[0],
                                                       .left = j * stride[1] - w->padding[1] };

                                expected[at] = at_place(&place, average, (double)scion_data(grad)[at]);
                        }
        if (lie == BLOCKED)
                in = scion_tensor_in_layout(x, blocked(&x->shape));
        y = average ? scion_avg_pool2d(in, w) : scion_max_pool2d(in, w);
        assert_close(name, y, expected, 1e-6);
        assert_true(scion_shape_equal(&y->shape, &grad->shape));
        backward_from(y, grad);
        assert_close(name, scion_grad(x), x_grad, 1e-6);

        /* Without gradients the values are the same and nothing is recorded. */
        scion_no_grad_begin();
        y = average ? scion_avg_pool2d(in, w) : scion_max_pool2d(in, w);
        scion_no_grad_end();
        assert_close(name, y, expected, 1e-6);
        assert_null(y->node);
        free(expected);
        free(x_grad);
        scion_tape_reset(tape);
}

static void equals_loops(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(shapes); i++)
                for (enum lie lie = ROW_MAJOR; lie <= BLOCKED; lie++) {
                        check_pool(&shapes[i], false, false, lie);
                        check_pool(&shapes[i], true, false, lie);
                        check_pool(&shapes[i], true, true, lie);
                }
}

/* As in PyTorch, padding is never the maximum, even if all elements are negative. */
static void padding_is_never_the_maximum(void **state)
{
        struct scion_window window = { .kernel = { 3, 3 }, .stride = { 2, 2 }, .padding = { 1, 1 } };
        struct scion_tensor *y = scion_max_pool2d(scion_full(SCION_SHAPE(1, 3, 5, 5), -2), &window);

        (void)state;
        assert_non_null(y);
        for (int64_t i = 0; i < scion_size(y); i++)
                assert_true(scion_data(y)[i] == -2.0f);
        scion_tape_reset(tape);
}

static struct scion_tensor *build_max(struct scion_tensor *const *leaf, const void *context)
{
        return scion_max_pool2d(leaf[0], context);
}

static struct scion_tensor *build_avg(struct scion_tensor *const *leaf, const void *context)
{
        return scion_avg_pool2d(leaf[0], context);
}

static void gradients(void **state)
{
        static const struct scion_window overlapping = { .kernel = { 3, 3 },
                                                         .stride = { 2, 1 },
                                                         .padding = { 1, 1 } };
        static const struct scion_window excluding = { .kernel = { 2, 3 },
                                                       .padding = { 1, 1 },
                                                       .exclude_padding = true };

        (void)state;
        gradcheck(&(struct gradcheck){ .name = "max_pool2d",
                                       .build = build_max,
                                       .context = &overlapping,
                                       .leaves = 1,
                                       .shape = { SCION_SHAPE(2, 3, 5, 6) },
                                       .distinct = true });
        gradcheck(&(struct gradcheck){ .name = "avg_pool2d",
                                       .build = build_avg,
                                       .context = &overlapping,
                                       .leaves = 1,
                                       .shape = { SCION_SHAPE(2, 3, 5, 6) } });
        gradcheck(&(struct gradcheck){ .name = "avg_pool2d without padding",
                                       .build = build_avg,
                                       .context = &excluding,
                                       .leaves = 1,
                                       .shape = { SCION_SHAPE(2, 3, 5, 6) } });
}

static void refuses(struct scion_shape x, struct scion_window window, const char *says, const char *also)
{
        assert_null(scion_max_pool2d(numbers(x, 1), &window));
        assert_error_has("max_pool2d", says, also, NULL);
        assert_null(scion_avg_pool2d(numbers(x, 1), &window));
        assert_error_has("avg_pool2d", says, also, NULL);
}

static void error_messages(void **state)
{
        const struct scion_window two = { .kernel = { 2, 2 } };

        (void)state;
        refuses(SCION_SHAPE(3, 8, 8), two, "N x C x H x W", "3x8x8");
        refuses(SCION_SHAPE(1, 3, 1, 8), two, "height of 2 is larger", "1x3x1x8");
        refuses(SCION_SHAPE(1, 3, 8, 8), (struct scion_window){ .kernel = { 3, 0 } },
                "kernel's width must be positive, got 0", "");
        refuses(SCION_SHAPE(1, 3, 8, 8), (struct scion_window){ .kernel = { 2, 2 }, .padding = { 0, 2 } },
                "padding of 0x2", "half the kernel of 2x2");
        refuses(SCION_SHAPE(1, 3, 8, 8), (struct scion_window){ .kernel = { 2, 2 }, .dilation = { 2, 2 } },
                "no dilation", "2x2");
        refuses(SCION_SHAPE(1, 3, 8, 8), (struct scion_window){ .kernel = { 2, 2 }, .groups = 3 },
                "no groups", "3");
        refuses(SCION_SHAPE(1, 3, 8, 8), (struct scion_window){ .kernel = { 2, 2 }, .stride = { -1, 1 } },
                "stride -1", "negative");
        assert_null(scion_max_pool2d(numbers(SCION_SHAPE(1, 3, 8, 8), 1), NULL));
        assert_error_has("max_pool2d", "takes a window", NULL);

        scion_fail("the first");
        assert_null(scion_max_pool2d(NULL, &two));
        assert_null(scion_avg_pool2d(NULL, &two));
        assert_string_equal(scion_error(), "the first");
        scion_tape_reset(tape);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(equals_loops),
                cmocka_unit_test(padding_is_never_the_maximum),
                cmocka_unit_test(gradients),
                cmocka_unit_test(error_messages),
        };

        return cmocka_run_group_tests(tests, use_tape, drop_tape);
}
