/* Batch normalisation against its formula in double precision, in every layout, and its gradients. */
#include "backend/backend.h"
#include "support/elements.h"
#include "support/gradcheck.h"

#define EPS 1e-5f

/* Returns a tensor of that shape. With `blocked` it is the result of a convolution, in the convolution's layout. */
static struct scion_tensor *image(struct scion_shape shape, bool blocked, uint64_t seed)
{
        struct scion_tensor *x = numbers(shape, seed);

        if (!blocked)
                return x;
        struct scion_tensor *weight = numbers(SCION_SHAPE(shape.dim[1], shape.dim[1], 1, 1), seed + 1);

        return scion_conv2d(x, weight, NULL, NULL);
}

/* Returns element i of channel c of a row-major x. */
static double element_at(const struct scion_shape *shape, const float *x, int64_t c, int64_t i)
{
        int64_t inner = scion_shape_size(shape) / (shape->dim[0] * shape->dim[1]);

        return (double)x[(i / inner * shape->dim[1] + c) * inner + i % inner];
}

static void reference(struct scion_tensor *x, double *mean, double *variance)
{
        const struct scion_shape shape = scion_shape(x);
        const int64_t count = scion_size(x) / shape.dim[1];
        const float *data = scion_data(x);

        for (int64_t c = 0; c < shape.dim[1]; c++) {
                mean[c] = variance[c] = 0;
                for (int64_t i = 0; i < count; i++)
                        mean[c] += element_at(&shape, data, c, i) / (double)count;
                for (int64_t i = 0; i < count; i++)
                        variance[c] += pow(element_at(&shape, data, c, i) - mean[c], 2) / (double)count;
        }
}

static void check_output(struct scion_tensor *y, struct scion_tensor *x, struct scion_tensor *weight,
                         struct scion_tensor *bias, const double *mean, const double *variance)
{
        const struct scion_shape shape = scion_shape(x);
        const int64_t inner = scion_size(x) / (shape.dim[0] * shape.dim[1]);
        double *wanted = doubles(scion_size(x));
        const float *data = scion_data(x);

        for (int64_t i = 0; i < scion_size(x); i++) {
                int64_t c = i / inner % shape.dim[1];

                wanted[i] = ((double)data[i] - mean[c]) / sqrt(variance[c] + (double)EPS);
                wanted[i] = wanted[i] * (weight ? (double)scion_data(weight)[c] : 1) +
                            (bias ? (double)scion_data(bias)[c] : 0);
        }
        assert_shape(y, shape);
        assert_close("output", y, wanted, 3e-6);
        free(wanted);
}

/* The padding of a layout must stay 0, because operations also read it. */
static void check_padding(const struct scion_tensor *y)
{
        const float *element = elements_of(y);
        size_t others = 0;

        for (size_t i = 0; i < y->length; i++)
                others += element[i] != 0;
        assert_in_range(others, 0, scion_shape_size(&y->shape));
}

static void formula(struct scion_shape shape, bool blocked, bool with_weight, bool with_bias)
{
        const int64_t channels = shape.dim[1], count = scion_shape_size(&shape) / channels;
        const struct scion_shape vector = SCION_SHAPE(channels);
        struct scion_tensor *x = image(shape, blocked, 3);
        struct scion_tensor *weight = with_weight ? numbers(vector, 4) : NULL;
        struct scion_tensor *bias = with_bias ? numbers(vector, 5) : NULL;
        struct scion_tensor *mean = numbers(vector, 6), *variance = random_tensor(vector, 7, 0.5f, 2);
        double *old_mean = doubles(channels), *old_variance = doubles(channels);
        double *of_mean = doubles(channels), *of_variance = doubles(channels);

        for (int64_t i = 0; i < channels; i++) {
                old_mean[i] = (double)scion_data(mean)[i];
                old_variance[i] = (double)scion_data(variance)[i];
        }
        struct scion_tensor *y = scion_batch_norm(x, weight, bias, mean, variance, false, 0.25f, EPS);

        check_output(y, x, weight, bias, old_mean, old_variance);
        assert_ptr_equal(y->layout, SCION_ON_DEVICE(batch_norm_layout, x->layout));
        assert_close("mean", mean, old_mean, 0); /* unchanged */
        assert_close("variance", variance, old_variance, 0);
        if (count == 1)
                goto out;

        reference(x, of_mean, of_variance);
        y = scion_batch_norm(x, weight, bias, mean, variance, true, 0.25f, EPS);
        check_output(y, x, weight, bias, of_mean, of_variance);
        if (!with_bias)
                check_padding(y);
        for (int64_t i = 0; i < channels; i++) {
                old_mean[i] = 0.75 * old_mean[i] + 0.25 * of_mean[i];
                old_variance[i] =
                        0.75 * old_variance[i] + 0.25 * of_variance[i] * (double)count / (double)(count - 1);
        }
        assert_close("moved mean", mean, old_mean, 1e-6);
        assert_close("moved variance", variance, old_variance, 1e-6);
        check_output(scion_batch_norm(x, weight, bias, NULL, NULL, true, 0, EPS), x, weight, bias, of_mean,
                     of_variance);
out:
        free(old_mean);
        free(old_variance);
        free(of_mean);
        free(of_variance);
}

static void equals_the_formula(void **state)
{
        (void)state;
        for (int i = 0; i < 4; i++) {
                bool weight = i & 1, bias = i & 2;

                formula(SCION_SHAPE(5, 3), false, weight, bias);
                formula(SCION_SHAPE(2, 1), false, weight, bias);
                formula(SCION_SHAPE(4, 17, 6), false, weight, bias);
                formula(SCION_SHAPE(3, 5, 4, 7), false, weight, bias);
                formula(SCION_SHAPE(1, 3, 2, 3), false, weight, bias);
                formula(SCION_SHAPE(2, 16, 5, 5), true, weight, bias);
                formula(SCION_SHAPE(2, 17, 3, 4), true, weight, bias);
                formula(SCION_SHAPE(17, 5, 3, 4), true, weight, bias); /* images in groups */
                formula(SCION_SHAPE(2, 3, 2, 3, 2), false, weight, bias);
                formula(SCION_SHAPE(1, 3, 1, 1), false, weight, bias);
        }
}

/* --- Gradients ------------------------------------------------------------------------------------------ */

struct form {
        bool training, blocked;
};

/* The leaves are x, weight and bias, and with `blocked` the weight of a preceding convolution. */
static struct scion_tensor *build(struct scion_tensor *const *leaf, const void *context)
{
        const struct form *form = context;
        struct scion_tensor *x = form->blocked ? scion_conv2d(leaf[0], leaf[3], NULL, NULL) : leaf[0];
        struct scion_shape vector = SCION_SHAPE(scion_dim(x, 1));

        return scion_batch_norm(x, leaf[1], leaf[2], scion_full(vector, 0.1f), scion_full(vector, 0.5f),
                                form->training, 0.1f, 0.1f);
}

static void gradients(void **state)
{
        (void)state;
        for (int training = 0; training < 2; training++) {
                const struct form form = { .training = training }, blocked = { training, true };

                gradcheck(&(struct gradcheck){
                        .name = "batch_norm of vectors",
                        .build = build,
                        .context = &form,
                        .leaves = 3,
                        .shape = { SCION_SHAPE(5, 3), SCION_SHAPE(3), SCION_SHAPE(3) } });
                gradcheck(&(struct gradcheck){
                        .name = "batch_norm of images",
                        .build = build,
                        .context = &form,
                        .leaves = 3,
                        .shape = { SCION_SHAPE(2, 3, 2, 4), SCION_SHAPE(3), SCION_SHAPE(3) } });
                gradcheck(&(struct gradcheck){ .name = "batch_norm after a convolution",
                                               .build = build,
                                               .context = &blocked,
                                               .leaves = 4,
                                               .shape = { SCION_SHAPE(3, 2, 3, 3), SCION_SHAPE(17),
                                                          SCION_SHAPE(17), SCION_SHAPE(17, 2, 1, 1) } });
        }
}

/* The running statistics may change between the passes of a step; the gradient is that of the output computed before. */
static void gradient_ignores_later_statistics(void **state)
{
        struct scion_tensor *x = scion_require_grad(numbers(SCION_SHAPE(4, 2), 1));
        struct scion_tensor *mean = scion_zeros(SCION_SHAPE(2)), *variance = scion_full(SCION_SHAPE(2), 4);
        struct scion_tensor *y = scion_batch_norm(x, NULL, NULL, mean, variance, false, 0.5f, 1e-9f);
        const float half[8] = { 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f };

        (void)state;
        assert_non_null(scion_batch_norm(x, NULL, NULL, mean, variance, true, 0.5f, 1e-9f));
        assert_true(scion_backward(scion_sum(y, SCION_ALL_AXES, false)));
        assert_values(scion_grad(x), half, 1e-6);
}

/* --- Errors --------------------------------------------------------------------------------------------- */

static void refuse(struct scion_tensor *y, const char *why)
{
        assert_null(y);
        assert_error_has("batch_norm: ", why, NULL);
        scion_error_clear();
}

static void refused(void **state)
{
        struct scion_tensor *x = numbers(SCION_SHAPE(2, 3, 2, 2), 1),
                            *one = numbers(SCION_SHAPE(1, 3, 1, 1), 1);
        struct scion_tensor *c = scion_full(SCION_SHAPE(3), 1), *two = scion_full(SCION_SHAPE(2), 1);
        const int32_t label[2] = { 0, 1 };

        (void)state;
        refuse(scion_batch_norm(one, c, c, c, c, true, 0.1f, EPS),
               "takes more than one value per channel in training, got inputs of shape 1x3x1x1");
        assert_non_null(scion_batch_norm(one, c, c, c, c, false, 0.1f, EPS));
        refuse(scion_batch_norm(x, c, c, c, c, true, 0.1f, 0), "eps must be above 0, got 0");
        refuse(scion_batch_norm(x, c, c, c, c, true, 0.1f, -1), "eps must be above 0, got -1");
        refuse(scion_batch_norm(x, c, c, c, c, true, 0.1f, NAN), "eps must be above 0");
        refuse(scion_batch_norm(x, c, c, c, c, true, 1.5f, EPS), "momentum must be in 0 .. 1, got 1.5");
        refuse(scion_batch_norm(x, two, c, c, c, true, 0.1f, EPS),
               "the weight has shape 2, the input 2x3x2x2 has 3");
        refuse(scion_batch_norm(x, c, two, c, c, true, 0.1f, EPS), "the bias has shape 2");
        refuse(scion_batch_norm(x, c, c, two, c, true, 0.1f, EPS), "the running mean has shape 2");
        refuse(scion_batch_norm(x, c, c, c, x, true, 0.1f, EPS), "the running variance has shape 2x3x2x2");
        refuse(scion_batch_norm(x, c, c, c, NULL, true, 0.1f, EPS), "or neither");
        refuse(scion_batch_norm(x, c, c, NULL, NULL, false, 0.1f, EPS), "running statistics in evaluation");
        refuse(scion_batch_norm(c, c, c, c, c, true, 0.1f, EPS), "N x C x ..., got 3");
        refuse(scion_batch_norm(scion_from_i32(SCION_SHAPE(2, 1), label), NULL, NULL, NULL, NULL, true, 0.1f,
                                EPS),
               "takes float32, got int32");
        refuse(scion_batch_norm(x, c, c, scion_require_grad(scion_zeros(SCION_SHAPE(3))), c, true, 0.1f, EPS),
               "without a gradient");
        assert_null(scion_batch_norm(NULL, c, c, c, c, true, 0.1f, EPS));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(equals_the_formula),
                cmocka_unit_test(gradients),
                tape_test(gradient_ignores_later_statistics),
                tape_test(refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
