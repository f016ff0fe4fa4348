/* Softmax and its logarithm. */
#include "support/gradcheck.h"
#include "support/tensors.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Short rows, rows that do not fill a block, and longer rows; other axes, with few and many columns. */
static const struct {
        struct scion_shape shape;
        int axis;
} cases[] = {
        { { 1, { 1 } }, 0 },           { { 1, { 10 } }, -1 },     { { 2, { 7, 10 } }, 1 },
        { { 2, { 300, 5 } }, -1 },     { { 2, { 3, 1023 } }, 1 }, { { 2, { 3, 1024 } }, 1 },
        { { 2, { 2, 2500 } }, -1 },    { { 2, { 9, 7 } }, 0 },    { { 2, { 1, 5 } }, 0 },
        { { 2, { 12, 130 } }, -2 },    { { 3, { 4, 6, 3 } }, 1 }, { { 4, { 2, 10, 3, 5 } }, 1 },
        { { 4, { 2, 10, 3, 5 } }, 0 }, { { 3, { 3, 4, 1 } }, 1 },
};

static void check_row(const float *x, const float *soft, const float *logarithm, int64_t length, int64_t step)
{
        double max = -INFINITY, sum = 0;

        for (int64_t i = 0; i < length; i++)
                max = fmax(max, (double)x[i * step]);
        for (int64_t i = 0; i < length; i++)
                sum += exp((double)x[i * step] - max);
        for (int64_t i = 0; i < length; i++) {
                double expected = (double)x[i * step] - max - log(sum);

                assert_true(is_close((double)logarithm[i * step], expected, 5e-7));
                assert_true(fabs((double)soft[i * step] - exp(expected)) <= 2e-6 * exp(expected) + 1e-44);
        }
}

static void values(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                const struct scion_shape *shape = &cases[i].shape;
                int axis = cases[i].axis < 0 ? cases[i].axis + shape->ndim : cases[i].axis;
                int64_t inner = 1, length = shape->dim[axis];
                struct scion_tensor *x = random_tensor(*shape, i, -8, 8);
                struct scion_tensor *soft = scion_softmax(x, cases[i].axis);
                struct scion_tensor *logarithm = scion_log_softmax(x, cases[i].axis);

                assert_shape(soft, *shape);
                assert_shape(logarithm, *shape);
                /* ln p = x - logsumexp x */
                struct scion_shape kept = *shape;

                kept.dim[axis] = 1;
                assert_values(scion_sub(x, scion_reshape(scion_logsumexp(x, cases[i].axis), kept)),
                              scion_data(logarithm), 2e-6);
                for (int k = axis + 1; k < shape->ndim; k++)
                        inner *= shape->dim[k];
                for (int64_t j = 0; j < scion_size(x); j++)
                        if (j / inner % length == 0)
                                check_row(scion_data(x) + j, scion_data(soft) + j, scion_data(logarithm) + j,
                                          length, inner);
                scion_tape_reset(tape);
        }
}

/* Both axes, because the code for them differs. */
static void extreme_values(void **state)
{
        const float x[] = { 1e30f, 1e30f, -1e30f, -INFINITY }, soft[] = { 0.5f, 0.5f, 0, 0 };
        const float logarithm[] = { -0.69314718f, -0.69314718f, -2e30f, -INFINITY };
        const float low[] = { -1e38f, -1e38f, -1e38f, -1e38f }, even[] = { 0.25f, 0.25f, 0.25f, 0.25f };
        const float far[] = { 1000, 1000, -1000, -INFINITY };
        const float bad[] = { 1, NAN, 2, 3 }, nans[] = { NAN, NAN, NAN, NAN };

        (void)state;
        for (int axis = 0; axis < 2; axis++) {
                struct scion_shape shape = axis ? SCION_SHAPE(1, 4) : SCION_SHAPE(4, 1, 1);

                assert_values(scion_softmax(scion_from(shape, x), axis), soft, 1e-7);
                assert_values(scion_log_softmax(scion_from(shape, x), axis), logarithm, 1e-7);
                assert_values(scion_softmax(scion_from(shape, low), axis), even, 0);
                assert_true(fabsf(scion_item(scion_logsumexp(scion_from(shape, far), axis)) - 1000.6931f) <
                            1e-3f);
                assert_values(scion_softmax(scion_from(shape, bad), axis), nans, 0);
                assert_values(scion_log_softmax(scion_from(shape, bad), axis), nans, 0);
        }
        struct scion_tensor *wide =
                scion_transpose(scion_concat((struct scion_tensor *[]){ scion_from(SCION_SHAPE(1, 4), x),
                                                                        scion_from(SCION_SHAPE(1, 4), low) },
                                             2, 0),
                                0, 1);
        const float both[] = { 0.5f, 0.25f, 0.5f, 0.25f, 0, 0.25f, 0, 0.25f };

        assert_values(scion_softmax(wide, 0), both, 1e-7);
}

static struct scion_tensor *build_softmax(struct scion_tensor *const *leaf, const void *context)
{
        return scion_softmax(leaf[0], *(const int *)context);
}

static struct scion_tensor *build_log_softmax(struct scion_tensor *const *leaf, const void *context)
{
        return scion_log_softmax(leaf[0], *(const int *)context);
}

static struct scion_tensor *build_logsumexp(struct scion_tensor *const *leaf, const void *context)
{
        return scion_logsumexp(leaf[0], *(const int *)context);
}

static void gradients(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                if (scion_shape_size(&cases[i].shape) > 1100)
                        continue;
                struct gradcheck check = { .name = "softmax",
                                           .build = build_softmax,
                                           .context = &cases[i].axis,
                                           .leaves = 1,
                                           .shape = { cases[i].shape } };

                gradcheck(&check);
                check.name = "log_softmax";
                check.build = build_log_softmax;
                gradcheck(&check);
                check.name = "logsumexp";
                check.build = build_logsumexp;
                gradcheck(&check);
        }
}

/* Rows longer than a block have small gradients, which are compared with the formula. */
static void gradients_of_long_rows(void **state)
{
        const int64_t length = 2500;
        struct scion_tensor *x = scion_require_grad(random_tensor(SCION_SHAPE(2, length), 1, -3, 3));
        struct scion_tensor *weight = random_tensor(SCION_SHAPE(2, length), 2, -1, 1);
        struct scion_tensor *y = scion_log_softmax(x, 1);

        (void)state;
        assert_true(scion_backward(scion_sum(scion_mul(y, weight), SCION_ALL_AXES, false)));
        for (int64_t i = 0; i < 2; i++) {
                const float *w = scion_data(weight) + i * length;
                double sum = 0;

                for (int64_t j = 0; j < length; j++)
                        sum += (double)w[j];
                for (int64_t j = 0; j < length; j++)
                        assert_true(is_close((double)scion_data(scion_grad(x))[i * length + j],
                                             (double)w[j] - exp((double)scion_data(y)[i * length + j]) * sum,
                                             1e-6));
        }
}

static void errors(void **state)
{
        struct scion_tensor *labels = scion_from_i32(SCION_SHAPE(2), (const int32_t[]){ 1, 2 });
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(2, 3));

        (void)state;
        assert_null(scion_softmax(labels, 0));
        assert_error_has("softmax: takes float32, got int32", NULL);
        assert_null(scion_log_softmax(labels, 0));
        assert_error_has("log_softmax: takes float32, got int32", NULL);
        assert_null(scion_softmax(x, 2));
        assert_error_has("softmax: no axis 2 in a tensor of shape 2x3", NULL);
        assert_null(scion_log_softmax(x, -3));
        assert_error_has("log_softmax: no axis -3 in a tensor of shape 2x3", NULL);
        assert_null(scion_softmax(scion_scalar(1), 0));
        assert_error_has("softmax: no axis 0 in a tensor of shape scalar", NULL);
        assert_null(scion_logsumexp(labels, 0));
        assert_error_has("logsumexp: takes float32, got int32", NULL);
        assert_null(scion_logsumexp(x, 2));
        assert_error_has("logsumexp: no axis 2 in a tensor of shape 2x3", NULL);
        scion_fail("the first message");
        assert_null(scion_logsumexp(NULL, 0));
        assert_null(scion_softmax(NULL, 0));
        assert_null(scion_log_softmax(NULL, 0));
        assert_string_equal(scion_error(), "the first message");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(values),    tape_test(extreme_values),
                tape_test(gradients), tape_test(gradients_of_long_rows),
                tape_test(errors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
