/* Matrix products and fully connected layers against loops in double precision, and their gradients. */
#include "backend/backend.h"
#include "support/gradcheck.h"
#include "support/tensors.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct product {
        struct scion_shape a, b;
        bool transpose_a, transpose_b;
};

/* Returns the index in x of an element of the matrix for the result's batch entry `index`. */
static int64_t place(const struct scion_shape *x, const struct scion_shape *result, const int64_t *index,
                     int64_t row, int64_t column)
{
        int64_t at = 0;

        for (int i = 0; i < x->ndim - 2; i++) {
                int64_t there = index[i + result->ndim - x->ndim];

                at = at * x->dim[i] + (x->dim[i] == 1 ? 0 : there);
        }
        return (at * x->dim[x->ndim - 2] + row) * x->dim[x->ndim - 1] + column;
}

struct reference {
        double *c, *a_grad, *b_grad;
};

static void multiply_by_loops(const struct product *p, const struct scion_shape *shape, const float *a,
                              const float *b, const float *grad, struct reference *r)
{
        int64_t m = shape->dim[shape->ndim - 2], n = shape->dim[shape->ndim - 1], index[SCION_MAX_DIMS];
        int64_t k = p->a.dim[p->a.ndim - (p->transpose_a ? 2 : 1)];
        int64_t count = scion_shape_size(shape) / (m * n);

        for (int64_t entry = 0; entry < count; entry++) {
                int64_t rest = entry;

                for (int i = shape->ndim - 3; i >= 0; i--) {
                        index[i] = rest % shape->dim[i];
                        rest /= shape->dim[i];
                }
                for (int64_t i = 0; i < m; i++)
                        for (int64_t j = 0; j < n; j++)
                                for (int64_t l = 0; l < k; l++) {
                                        int64_t at_a = place(&p->a, shape, index, p->transpose_a ? l : i,
                                                             p->transpose_a ? i : l);
                                        int64_t at_b = place(&p->b, shape, index, p->transpose_b ? j : l,
                                                             p->transpose_b ? l : j);
                                        int64_t at_c = (entry * m + i) * n + j;

                                        r->c[at_c] += (double)a[at_a] * (double)b[at_b];
                                        r->a_grad[at_a] += (double)grad[at_c] * (double)b[at_b];
                                        r->b_grad[at_b] += (double)grad[at_c] * (double)a[at_a];
                                }
        }
}

static void check_product(const struct product *p, struct scion_shape shape)
{
        struct scion_tensor *a = scion_require_grad(numbers(p->a, 1));
        struct scion_tensor *b = scion_require_grad(numbers(p->b, 2));
        struct scion_tensor *grad = numbers(shape, 3);
        struct scion_tensor *c = scion_matmul(a, b, p->transpose_a, p->transpose_b);
        struct reference r = { doubles(scion_size(grad)), doubles(scion_size(a)), doubles(scion_size(b)) };
        char name[256], of_a[96], of_b[96];

        snprintf(name, sizeof name, "matmul of %s%s and %s%s", scion_shape_text(&p->a, of_a, sizeof of_a),
                 p->transpose_a ? "'" : "", scion_shape_text(&p->b, of_b, sizeof of_b),
                 p->transpose_b ? "'" : "");
        multiply_by_loops(p, &shape, scion_data(a), scion_data(b), scion_data(grad), &r);
        assert_close(name, c, r.c, 1e-5);
        assert_true(scion_shape_equal(&c->shape, &shape));
        backward_from(c, grad);
        assert_close(name, scion_grad(a), r.a_grad, 1e-5);
        assert_close(name, scion_grad(b), r.b_grad, 1e-5);
        free(r.c);
        free(r.a_grad);
        free(r.b_grad);
        scion_tape_reset(tape);
}

/* Checks every combination of transposes of an [m, k] and a [k, n] matrix with these leading axes. */
static void check_leading(struct scion_shape left, struct scion_shape right, struct scion_shape both,
                          int64_t m, int64_t n, int64_t k)
{
        for (int way = 0; way < 4; way++) {
                struct product p = { .a = left, .b = right, .transpose_a = way & 1, .transpose_b = way >> 1 };
                struct scion_shape shape = both;

                p.a.dim[p.a.ndim++] = p.transpose_a ? k : m;
                p.a.dim[p.a.ndim++] = p.transpose_a ? m : k;
                p.b.dim[p.b.ndim++] = p.transpose_b ? n : k;
                p.b.dim[p.b.ndim++] = p.transpose_b ? k : n;
                shape.dim[shape.ndim++] = m;
                shape.dim[shape.ndim++] = n;
                check_product(&p, shape);
        }
}

static void equals_loops(void **state)
{
        static const int64_t sizes[][3] = { { 1, 1, 1 },      { 3, 5, 7 },   { 64, 10, 128 },
                                            { 17, 33, 1 },    { 1, 16, 31 }, { 31, 1, 9 },
                                            { 64, 128, 784 }, { 5, 64, 64 }, { 1, 1, 100 } };

        (void)state;
        for (size_t i = 0; i < COUNT(sizes); i++)
                check_leading(SCION_SCALAR, SCION_SCALAR, SCION_SCALAR, sizes[i][0], sizes[i][1],
                              sizes[i][2]);
}

static void leading_axes_broadcast(void **state)
{
        static const int64_t sizes[][3] = {
                { 3, 4, 5 }, { 1, 6, 2 }, { 17, 1, 3 }, { 2, 3, 1 }, { 1, 1, 16 }
        };

        (void)state;
        for (size_t i = 0; i < COUNT(sizes); i++) {
                int64_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];

                check_leading(SCION_SHAPE(4), SCION_SHAPE(4), SCION_SHAPE(4), m, n, k);
                check_leading(SCION_SHAPE(1), SCION_SHAPE(1), SCION_SHAPE(1), m, n, k);
                check_leading(SCION_SHAPE(2, 3), SCION_SHAPE(2, 3), SCION_SHAPE(2, 3), m, n, k);
                check_leading(SCION_SHAPE(4), SCION_SCALAR, SCION_SHAPE(4), m, n, k);
                check_leading(SCION_SCALAR, SCION_SHAPE(4), SCION_SHAPE(4), m, n, k);
                check_leading(SCION_SHAPE(2, 1), SCION_SHAPE(3), SCION_SHAPE(2, 3), m, n, k);
                check_leading(SCION_SHAPE(1, 3), SCION_SHAPE(2, 3), SCION_SHAPE(2, 3), m, n, k);
                check_leading(SCION_SHAPE(2, 1, 2, 1), SCION_SHAPE(1, 3, 1, 2), SCION_SHAPE(2, 3, 2, 2), m, n,
                              k);
        }
}

static struct scion_tensor *build_matmul(struct scion_tensor *const *leaf, const void *context)
{
        const struct product *p = context;

        return scion_matmul(leaf[0], leaf[1], p->transpose_a, p->transpose_b);
}

static struct scion_tensor *build_linear(struct scion_tensor *const *leaf, const void *context)
{
        return scion_linear(leaf[0], leaf[1], context ? leaf[2] : NULL);
}

/* With one tensor as both factors, its gradient is a sum of two terms. */
static struct scion_tensor *build_square(struct scion_tensor *const *leaf, const void *context)
{
        (void)context;
        return scion_matmul(leaf[0], leaf[0], false, true);
}

static void gradients(void **state)
{
        static const struct product products[] = {
                { { 2, { 3, 4 } }, { 2, { 4, 5 } }, false, false },
                { { 3, { 2, 4, 3 } }, { 3, { 1, 5, 4 } }, true, true },
                { { 4, { 2, 1, 3, 4 } }, { 3, { 3, 4, 2 } }, false, false },
        };

        (void)state;
        for (size_t i = 0; i < COUNT(products); i++)
                gradcheck(&(struct gradcheck){ .name = "matmul",
                                               .build = build_matmul,
                                               .context = &products[i],
                                               .leaves = 2,
                                               .shape = { products[i].a, products[i].b } });
        gradcheck(&(struct gradcheck){ .name = "matmul with itself",
                                       .build = build_square,
                                       .leaves = 1,
                                       .shape = { SCION_SHAPE(2, 3, 5) } });
        gradcheck(&(struct gradcheck){ .name = "linear without bias",
                                       .build = build_linear,
                                       .leaves = 2,
                                       .shape = { SCION_SHAPE(7, 5), SCION_SHAPE(3, 5) } });
        gradcheck(&(struct gradcheck){
                .name = "linear",
                .build = build_linear,
                .context = products,
                .leaves = 3,
                .shape = { SCION_SHAPE(2, 3, 17), SCION_SHAPE(6, 17), SCION_SHAPE(6) } });
        gradcheck(&(struct gradcheck){ .name = "linear of one vector",
                                       .build = build_linear,
                                       .context = products,
                                       .leaves = 3,
                                       .shape = { SCION_SHAPE(5), SCION_SHAPE(1, 5), SCION_SHAPE(1) } });
}

static void check_linear(struct scion_shape shape, int64_t inputs, int64_t outputs)
{
        struct scion_tensor *x, *weight, *bias, *grad, *y;
        int64_t rows = scion_shape_size(&shape);

        shape.dim[shape.ndim++] = inputs;
        x = scion_require_grad(numbers(shape, 1));
        weight = scion_require_grad(numbers(SCION_SHAPE(outputs, inputs), 2));
        bias = scion_require_grad(numbers(SCION_SHAPE(outputs), 3));
        shape.dim[shape.ndim - 1] = outputs;
        grad = numbers(shape, 4);
        y = scion_linear(x, weight, bias);

        double *y_expected = doubles(rows * outputs), *x_expected = doubles(rows * inputs);
        double *weight_expected = doubles(outputs * inputs), *bias_expected = doubles(outputs);
        const float *of_x = scion_data(x), *of_w = scion_data(weight), *of_b = scion_data(bias);
        const float *of_g = scion_data(grad);

        for (int64_t r = 0; r < rows; r++)
                for (int64_t o = 0; o < outputs; o++) {
                        double g = (double)of_g[r * outputs + o];

                        y_expected[r * outputs + o] = (double)of_b[o];
                        bias_expected[o] += g;
                        for (int64_t i = 0; i < inputs; i++) {
                                y_expected[r * outputs + o] +=
                                        (double)of_x[r * inputs + i] * (double)of_w[o * inputs + i];
                                x_expected[r * inputs + i] += g * (double)of_w[o * inputs + i];
                                weight_expected[o * inputs + i] += g * (double)of_x[r * inputs + i];
                        }
                }
        assert_close("linear", y, y_expected, 1e-5);
        assert_true(scion_shape_equal(&y->shape, &shape));
        backward_from(y, grad);
        assert_close("linear's x", scion_grad(x), x_expected, 1e-5);
        assert_close("linear's weight", scion_grad(weight), weight_expected, 1e-5);
        assert_close("linear's bias", scion_grad(bias), bias_expected, 1e-5);
        free(y_expected);
        free(x_expected);
        free(weight_expected);
        free(bias_expected);
        scion_tape_reset(tape);
}

static void linear_equals_loops(void **state)
{
        (void)state;
        check_linear(SCION_SHAPE(64), 784, 128);
        check_linear(SCION_SHAPE(64), 128, 10);
        check_linear(SCION_SHAPE(1), 17, 33);
        check_linear(SCION_SHAPE(300), 3, 1); /* more rows than the bias's gradient adds up at a time */
        check_linear(SCION_SHAPE(3), 2, 515); /* and more columns */
        check_linear(SCION_SHAPE(2, 3, 4), 5, 6);
        check_linear(SCION_SCALAR, 9, 4);
        check_linear(SCION_SHAPE(1), 1, 1);
}

static void error_messages(void **state)
{
        const int32_t labels[] = { 1, 2 };

        (void)state;
        assert_null(scion_matmul(numbers(SCION_SHAPE(64, 784), 1), numbers(SCION_SHAPE(128, 784), 2), false,
                                 false));
        assert_error_has("matmul", "64x784", "128x784", "784 and 128", NULL);
        assert_null(scion_matmul(numbers(SCION_SHAPE(4, 3), 1), numbers(SCION_SHAPE(3, 4), 2), true, false));
        assert_error_has("matmul", "4x3 transposed", "4 and 3", NULL);
        assert_null(scion_matmul(numbers(SCION_SHAPE(3), 1), numbers(SCION_SHAPE(3, 4), 2), false, false));
        assert_error_has("matmul", "two axes", "3 and 3x4", NULL);
        assert_null(scion_matmul(numbers(SCION_SHAPE(2, 3, 4), 1), numbers(SCION_SHAPE(5, 4, 3), 2), false,
                                 false));
        assert_error_has("matmul", "leading axes", "2x3x4", "5x4x3", NULL);
        assert_null(scion_matmul(scion_from_i32(SCION_SHAPE(1, 2), labels), numbers(SCION_SHAPE(2, 1), 1),
                                 false, false));
        assert_error_has("matmul: takes float32, got int32", NULL);

        assert_null(scion_linear(numbers(SCION_SHAPE(64, 1, 28, 28), 1), numbers(SCION_SHAPE(128, 784), 2),
                                 NULL));
        assert_error_has("linear", "128x784 takes 784 inputs", "64x1x28x28 has 28", NULL);
        assert_null(scion_linear(numbers(SCION_SCALAR, 1), numbers(SCION_SHAPE(2, 3), 2), NULL));
        assert_error_has("linear", "scalar", NULL);
        assert_null(scion_linear(numbers(SCION_SHAPE(4, 3), 1), numbers(SCION_SHAPE(3), 2), NULL));
        assert_error_has("linear", "outputs x inputs", "got 3", NULL);
        assert_null(scion_linear(numbers(SCION_SHAPE(4, 3), 1), numbers(SCION_SHAPE(2, 3), 2),
                                 numbers(SCION_SHAPE(3), 3)));
        assert_error_has("linear", "makes 2 outputs", "the bias has shape 3", NULL);

        scion_fail("the first");
        assert_null(scion_matmul(NULL, numbers(SCION_SHAPE(3, 4), 2), true, false));
        assert_null(scion_linear(numbers(SCION_SHAPE(3, 4), 2), NULL, NULL));
        assert_string_equal(scion_error(), "the first");
        scion_tape_reset(tape);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(equals_loops),        cmocka_unit_test(leading_axes_broadcast),
                cmocka_unit_test(linear_equals_loops), cmocka_unit_test(gradients),
                cmocka_unit_test(error_messages),
        };

        return cmocka_run_group_tests(tests, use_tape, drop_tape);
}
