/* Sums, means and maxima over axes. */
#include "support/gradcheck.h"
#include "support/tensors.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct reduction {
        const char *name;
        struct scion_tensor *(*operation)(struct scion_tensor *, unsigned, bool);
};

static const struct reduction reductions[] = { { "sum", scion_sum },
                                               { "mean", scion_mean },
                                               { "max", scion_max } };

static const struct scion_shape shapes[] = {
        { 0, { 0 } },
        { 1, { 1 } },
        { 1, { 37 } },
        { 2, { 5, 19 } },
        { 2, { 33, 16 } },
        { 2, { 1, 7 } },
        { 3, { 3, 4, 5 } },
        { 4, { 2, 3, 4, 17 } },
        { 4, { 2, 1, 4, 1 } },
        { 5, { 2, 3, 2, 3, 2 } },
        { 6, { 2, 3, 2, 3, 1, 2 } },
};

/* Returns whether the reduction over `axes`, one bit each, includes element i of x in element j of the result. */
static bool reduction_includes(const struct scion_shape *shape, unsigned axes, int64_t i, int64_t j)
{
        for (int k = shape->ndim - 1; k >= 0; k--) {
                int64_t position = i % shape->dim[k];

                i /= shape->dim[k];
                if (axes >> k & 1)
                        continue;
                if (position != j % shape->dim[k])
                        return false;
                j /= shape->dim[k];
        }
        return true;
}

static double expected_value(const char *name, const float *x, const struct scion_shape *shape, unsigned axes,
                             int64_t j)
{
        double sum = 0, max = -INFINITY;
        int64_t count = 0;

        for (int64_t i = 0; i < scion_shape_size(shape); i++) {
                if (!reduction_includes(shape, axes, i, j))
                        continue;
                sum += (double)x[i];
                max = fmax(max, (double)x[i]);
                count++;
        }
        return name[0] == 's' ? sum : name[1] == 'e' ? sum / (double)count : max;
}

/* Returns a set of axes in which each axis is counted from the front or from the back. */
static unsigned axes_named(unsigned axes, int ndim, bool from_the_back)
{
        unsigned names = 0;

        for (int k = 0; k < ndim; k++)
                if (axes >> k & 1)
                        names |= SCION_AXIS(from_the_back ? k - ndim : k);
        return names;
}

static void check_values(const struct reduction *reduction, const struct scion_shape *shape, unsigned axes)
{
        struct scion_tensor *x = random_tensor(*shape, axes, -3, 3);
        struct scion_shape kept = *shape, dropped = SCION_SCALAR;

        for (int k = 0; k < shape->ndim; k++) {
                if (axes >> k & 1)
                        kept.dim[k] = 1;
                else
                        dropped.dim[dropped.ndim++] = shape->dim[k];
        }
        for (int keep = 0; keep <= 1; keep++) {
                struct scion_tensor *y = reduction->operation(x, axes_named(axes, shape->ndim, keep), keep);

                assert_shape(y, keep ? kept : dropped);
                for (int64_t j = 0; j < scion_size(y); j++)
                        assert_true(is_close((double)scion_data(y)[j],
                                             expected_value(reduction->name, scion_data(x), shape, axes, j),
                                             2e-7));
        }
}

static void values(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(reductions); i++)
                for (size_t j = 0; j < COUNT(shapes); j++)
                        for (unsigned axes = 0; axes < 1u << shapes[j].ndim; axes++) {
                                check_values(&reductions[i], &shapes[j], axes);
                                scion_tape_reset(tape);
                        }
}

static void all_axes(void **state)
{
        struct scion_tensor *x = scion_from(SCION_SHAPE(2, 2), (const float[]){ 1, -2, 3, 5 });

        (void)state;
        assert_shape(scion_sum(x, SCION_ALL_AXES, false), SCION_SCALAR);
        assert_shape(scion_sum(x, SCION_ALL_AXES, true), SCION_SHAPE(1, 1));
        assert_float_equal(scion_item(scion_sum(x, SCION_ALL_AXES, false)), 7, 0);
        assert_float_equal(scion_item(scion_mean(x, SCION_ALL_AXES, false)), 1.75, 0);
        assert_float_equal(scion_item(scion_max(x, SCION_ALL_AXES, false)), 5, 0);
}

/* A running sum in single precision would be far from this. */
static void long_sums_are_accurate(void **state)
{
        struct scion_tensor *x = scion_full(SCION_SHAPE(1000, 2003), 0.1f);

        (void)state;
        assert_float_equal(scion_item(scion_sum(x, SCION_ALL_AXES, false)), 200300, 0.02);
        assert_float_equal(scion_item(scion_mean(x, SCION_ALL_AXES, false)), 0.1, 1e-8);
        assert_float_equal(scion_data(scion_sum(x, SCION_AXIS(0), false))[2002], 100, 1e-5);
        assert_float_equal(scion_data(scion_sum(x, SCION_AXIS(1), false))[999], 200.3, 2e-5);
}

struct context {
        const struct reduction *reduction;
        unsigned axes;
        bool keep;
};

static struct scion_tensor *build(struct scion_tensor *const *leaf, const void *context)
{
        const struct context *c = context;

        return c->reduction->operation(leaf[0], c->axes, c->keep);
}

static void gradients(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(reductions); i++)
                for (size_t j = 0; j < COUNT(shapes); j++)
                        for (unsigned axes = 0; axes < 1u << shapes[j].ndim; axes++) {
                                struct context context = { &reductions[i],
                                                           axes_named(axes, shapes[j].ndim, axes & 1),
                                                           axes & 2 };

                                if (scion_shape_size(&shapes[j]) > 100 && axes % 3)
                                        continue;
                                gradcheck(&(struct gradcheck){ .name = reductions[i].name,
                                                               .build = build,
                                                               .context = &context,
                                                               .leaves = 1,
                                                               .shape = { shapes[j] },
                                                               .distinct = true });
                        }
}

static void equal_maxima(void **state)
{
        struct scion_tensor *x = scion_require_grad(
                scion_from(SCION_SHAPE(3, 3), (const float[]){ 1, 2, 2, 2, 2, 1, 0, 2, 2 }));

        (void)state;
        assert_true(scion_backward(scion_sum(scion_max(x, SCION_AXIS(1), false), SCION_ALL_AXES, false)));
        assert_values(scion_grad(x), (const float[]){ 0, 1, 0, 1, 0, 0, 0, 1, 0 }, 0);
        assert_true(scion_backward(scion_sum(scion_max(x, SCION_AXIS(0), false), SCION_ALL_AXES, false)));
        assert_values(scion_grad(x), (const float[]){ 0, 1, 1, 1, 0, 0, 0, 0, 0 }, 0);
        assert_true(scion_backward(scion_max(x, SCION_ALL_AXES, false)));
        assert_values(scion_grad(x), (const float[]){ 0, 1, 0, 0, 0, 0, 0, 0, 0 }, 0);
}

static void maxima_of_nan(void **state)
{
        float values[40];

        (void)state;
        for (int place = 0; place < 40; place += 13) {
                for (int i = 0; i < 40; i++)
                        values[i] = (float)i;
                values[place] = NAN;
                struct scion_tensor *x = scion_from(SCION_SHAPE(40), values);

                assert_true(isnan(scion_item(scion_max(x, SCION_ALL_AXES, false))));
                assert_true(isnan(scion_data(
                        scion_max(scion_reshape(x, SCION_SHAPE(20, 2)), SCION_AXIS(0), false))[place % 2]));
        }
        for (int i = 0; i < 40; i++)
                values[i] = -INFINITY;
        assert_true(scion_item(scion_max(scion_from(SCION_SHAPE(40), values), SCION_ALL_AXES, false)) ==
                    -INFINITY);
}

static void errors(void **state)
{
        struct scion_tensor *labels = scion_from_i32(SCION_SHAPE(2), (const int32_t[]){ 1, 2 });
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(2, 3));

        (void)state;
        for (size_t i = 0; i < COUNT(reductions); i++) {
                assert_null(reductions[i].operation(labels, SCION_ALL_AXES, false));
                assert_error_has(reductions[i].name, "takes float32, got int32", NULL);
                assert_null(reductions[i].operation(x, SCION_AXIS(2), false));
                assert_error_has(reductions[i].name, "no axis 2 in a tensor of shape 2x3", NULL);
                assert_null(reductions[i].operation(x, SCION_AXIS(0) | SCION_AXIS(-3), false));
                assert_error_has(reductions[i].name, "no axis -3 in a tensor of shape 2x3", NULL);
                scion_fail("the first message");
                assert_null(reductions[i].operation(NULL, SCION_ALL_AXES, false));
                assert_string_equal(scion_error(), "the first message");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(values),       tape_test(all_axes),
                tape_test(gradients),    tape_test(long_sums_are_accurate),
                tape_test(equal_maxima), tape_test(maxima_of_nan),
                tape_test(errors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
