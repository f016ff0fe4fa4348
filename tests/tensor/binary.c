/* Operations on the elements of two tensors, which broadcast. */
#include "support/gradcheck.h"
#include "support/tensors.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct binary {
        const char *name;
        struct scion_tensor *(*operation)(struct scion_tensor *, struct scion_tensor *);
        char sign;
};

static const struct binary binaries[] = { { "add", scion_add, '+' },
                                          { "sub", scion_sub, '-' },
                                          { "mul", scion_mul, '*' },
                                          { "div", scion_div, '/' },
                                          { "add_relu", scion_add_relu, 'r' } };

/* Every kind of broadcasting, by the shapes of a, b and the result. */
static const struct scion_shape cases[][3] = {
        { { 0, { 0 } }, { 0, { 0 } }, { 0, { 0 } } },
        { { 1, { 1 } }, { 0, { 0 } }, { 1, { 1 } } },
        { { 1, { 17 } }, { 1, { 17 } }, { 1, { 17 } } },
        { { 2, { 3, 35 } }, { 2, { 3, 35 } }, { 2, { 3, 35 } } },
        { { 2, { 5, 10 } }, { 1, { 10 } }, { 2, { 5, 10 } } },
        { { 1, { 10 } }, { 2, { 5, 10 } }, { 2, { 5, 10 } } },
        { { 2, { 5, 19 } }, { 2, { 5, 1 } }, { 2, { 5, 19 } } },
        { { 2, { 5, 1 } }, { 2, { 1, 7 } }, { 2, { 5, 7 } } },
        { { 2, { 5, 7 } }, { 0, { 0 } }, { 2, { 5, 7 } } },
        { { 0, { 0 } }, { 2, { 5, 7 } }, { 2, { 5, 7 } } },
        { { 2, { 5, 7 } }, { 3, { 1, 1, 1 } }, { 3, { 1, 5, 7 } } },
        { { 4, { 2, 3, 4, 5 } }, { 4, { 1, 3, 1, 1 } }, { 4, { 2, 3, 4, 5 } } },
        { { 4, { 2, 3, 4, 5 } }, { 3, { 3, 1, 5 } }, { 4, { 2, 3, 4, 5 } } },
        { { 4, { 2, 1, 4, 1 } }, { 4, { 1, 3, 1, 5 } }, { 4, { 2, 3, 4, 5 } } },
        { { 6, { 2, 1, 2, 1, 2, 1 } }, { 6, { 1, 3, 1, 2, 1, 3 } }, { 6, { 2, 3, 2, 2, 2, 3 } } },
        { { 3, { 1, 1, 4 } }, { 2, { 3, 1 } }, { 3, { 1, 3, 4 } } },
};

/* Returns the offset of element `index` of `to` in a tensor of shape `from` that is broadcast to `to`. */
static int64_t broadcast_offset(const struct scion_shape *from, const struct scion_shape *to, int64_t index)
{
        int64_t offset = 0, step = 1;

        for (int i = 1; i <= to->ndim; i++) {
                int64_t position = index % to->dim[to->ndim - i];

                index /= to->dim[to->ndim - i];
                if (i > from->ndim)
                        continue;
                if (from->dim[from->ndim - i] > 1)
                        offset += position * step;
                step *= from->dim[from->ndim - i];
        }
        return offset;
}

static double value_of(char sign, double a, double b)
{
        if (sign == 'r')
                return fmax(a + b, 0);
        return sign == '+' ? a + b : sign == '-' ? a - b : sign == '*' ? a * b : a / b;
}

static void values(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++)
                for (size_t j = 0; j < COUNT(binaries); j++) {
                        const struct scion_shape *shape = cases[i];
                        struct scion_tensor *a = random_tensor(shape[0], i, -2, 2);
                        struct scion_tensor *b = random_tensor(shape[1], i + 100, 0.5f, 2);
                        struct scion_tensor *y = binaries[j].operation(a, b);

                        assert_shape(y, shape[2]);
                        for (int64_t k = 0; k < scion_size(y); k++) {
                                double left =
                                        (double)scion_data(a)[broadcast_offset(&shape[0], &shape[2], k)];
                                double right =
                                        (double)scion_data(b)[broadcast_offset(&shape[1], &shape[2], k)];

                                assert_true(is_close((double)scion_data(y)[k],
                                                     value_of(binaries[j].sign, left, right), 1e-7));
                        }
                        scion_tape_reset(tape);
                }
}

static struct scion_tensor *build(struct scion_tensor *const *leaf, const void *context)
{
        return ((const struct binary *)context)->operation(leaf[0], leaf[1]);
}

static void gradients(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++)
                for (size_t j = 0; j < COUNT(binaries); j++)
                        gradcheck(&(struct gradcheck){ .name = binaries[j].name,
                                                       .build = build,
                                                       .context = &binaries[j],
                                                       .leaves = 2,
                                                       .shape = { cases[i][0], cases[i][1] },
                                                       .low = 0.5f,
                                                       .high = 2 });
}

static struct scion_tensor *build_same(struct scion_tensor *const *leaf, const void *context)
{
        return ((const struct binary *)context)->operation(leaf[0], leaf[0]);
}

static struct scion_tensor *build_formula(struct scion_tensor *const *leaf, const void *context)
{
        struct scion_tensor *sum = scion_add(leaf[0], leaf[1]);
        struct scion_tensor *product = scion_mul(scion_mul(sum, leaf[0]), sum);

        (void)context;
        return scion_div(scion_sub(product, leaf[1]), scion_shift(scion_mul(leaf[0], leaf[0]), 1));
}

static void gradients_of_shared_inputs(void **state)
{
        (void)state;
        for (size_t j = 0; j < COUNT(binaries); j++)
                gradcheck(&(struct gradcheck){ .name = binaries[j].name,
                                               .build = build_same,
                                               .context = &binaries[j],
                                               .leaves = 1,
                                               .shape = { SCION_SHAPE(3, 5) },
                                               .low = 0.5f,
                                               .high = 2 });
        gradcheck(&(struct gradcheck){ .name = "a formula",
                                       .build = build_formula,
                                       .leaves = 2,
                                       .shape = { SCION_SHAPE(3, 5), SCION_SHAPE(5) } });
}

/* add_relu gives the same bits as add and relu: values, and the gradients of both inputs, one of which is broadcast. */
static void add_relu_equals_add_and_relu(void **state)
{
        struct scion_tensor *leaf[4], *y[2];

        (void)state;
        for (int i = 0; i < 4; i++)
                leaf[i] = scion_require_grad(i % 2 ? numbers(SCION_SHAPE(3, 1, 5), 2)
                                                   : numbers(SCION_SHAPE(4, 3, 6, 5), 1));
        y[0] = scion_add_relu(leaf[0], leaf[1]);
        y[1] = scion_relu(scion_add(leaf[2], leaf[3]));
        struct scion_tensor *weight = numbers(y[0]->shape, 3);

        assert_true(scion_backward(scion_add(scion_sum(scion_mul(y[0], weight), SCION_ALL_AXES, false),
                                             scion_sum(scion_mul(y[1], weight), SCION_ALL_AXES, false))));
        assert_memory_equal(scion_data(y[0]), scion_data(y[1]), y[0]->length * sizeof(float));
        for (int i = 0; i < 2; i++)
                assert_memory_equal(scion_data(scion_grad(leaf[i])), scion_data(scion_grad(leaf[i + 2])),
                                    leaf[i]->length * sizeof(float));
        assert_true(isnan(scion_data(scion_add_relu(scion_scalar(NAN), scion_scalar(1)))[0]));
}

/* The sum over a stretched axis of many small gradients keeps its precision. */
static void long_sums_are_accurate(void **state)
{
        struct scion_tensor *x = scion_require_grad(scion_scalar(1));

        (void)state;
        assert_true(scion_backward(
                scion_sum(scion_mul(x, scion_full(SCION_SHAPE(1000, 1003), 0.1f)), SCION_ALL_AXES, false)));
        assert_float_equal(scion_item(scion_grad(x)), 100300, 0.02);
}

static void errors(void **state)
{
        struct scion_tensor *labels = scion_from_i32(SCION_SHAPE(2), (const int32_t[]){ 1, 2 });
        struct scion_tensor *a = scion_zeros(SCION_SHAPE(2, 3)), *b = scion_zeros(SCION_SHAPE(4, 1));

        (void)state;
        for (size_t i = 0; i < COUNT(binaries); i++) {
                assert_null(binaries[i].operation(a, b));
                assert_error_has(binaries[i].name, "shapes 2x3 and 4x1 do not fit together", NULL);
                assert_null(binaries[i].operation(labels, a));
                assert_error_has(binaries[i].name, "takes float32, got int32", NULL);
                assert_null(binaries[i].operation(a, labels));
                assert_error_has(binaries[i].name, "takes float32, got int32", NULL);
                scion_fail("the first message");
                assert_null(binaries[i].operation(NULL, b));
                assert_null(binaries[i].operation(a, NULL));
                assert_null(binaries[i].operation(binaries[i].operation(NULL, NULL), a));
                assert_string_equal(scion_error(), "the first message");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(values),
                tape_test(gradients),
                tape_test(gradients_of_shared_inputs),
                tape_test(add_relu_equals_add_and_relu),
                tape_test(long_sums_are_accurate),
                tape_test(errors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
