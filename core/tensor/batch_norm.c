/* Batch normalisation: Ioffe, Szegedy. ICML 2015, arXiv:1502.03167. */
#include <math.h>

#include "backend/backend.h"
#include "tensor/gradient.h"

static const char name[] = "batch_norm";

struct saved {
        struct scion_shape shape; /* of x, as the kernel sees it */
        bool training;
        float eps;
        struct scion_tensor *scale, *shift, *mean, *variance;
};

/* Returns the shape under which a kernel sees x. Kernels take images, so a row-major tensor [N, C, ...] is [N, C, H, 1]. */
static struct scion_shape tensor_image_shape(const struct scion_tensor *x)
{
        const int64_t *dim = x->shape.dim;

        return x->layout ? x->shape : SCION_SHAPE(dim[0], dim[1], scion_size(x) / (dim[0] * dim[1]), 1);
}

/* Returns a tensor for the gradient of an input. The kernel writes every gradient, whether or not it is required. */
static struct scion_tensor *gradient_target(struct scion_tensor *input, struct scion_shape shape,
                                            const struct scion_layout *layout)
{
        return input && input->requires_grad ? scion_grad_target(input, layout)
                                             : scion_tensor_float(shape, layout);
}

static bool gradient_done(struct scion_tensor *input, struct scion_tensor *target)
{
        return !input || !input->requires_grad || scion_grad_done(input, target);
}

static bool batch_norm_backward(struct scion_node *node)
{
        const struct saved *saved = node->saved;
        struct scion_tensor *x = node->input[0], *weight = node->input[1], *bias = node->input[2];
        struct scion_kernel *kernel = SCION_ON_DEVICE(batch_norm, SCION_BACKWARD_X, &saved->shape, x->layout,
                                                      saved->training, saved->eps);
        struct scion_tensor *g = kernel ? scion_tensor_in_layout(node->output->grad, x->layout) : NULL;

        if (!g)
                return false;
        struct scion_tensor *to_x = gradient_target(x, x->shape, x->layout);
        struct scion_tensor *to_weight = gradient_target(weight, saved->scale->shape, NULL);
        struct scion_tensor *to_bias = gradient_target(bias, saved->scale->shape, NULL);

        scion_grad_allow_reuse();
        return to_x && to_weight && to_bias &&
               SCION_ON_DEVICE(kernel_run, kernel,
                               (const struct scion_array *[SCION_OPERANDS]){
                                       [SCION_X] = &x->array,
                                       [SCION_SCALE] = &saved->scale->array,
                                       [SCION_SHIFT] = &saved->shift->array,
                                       [SCION_MEAN] = &saved->mean->array,
                                       [SCION_VARIANCE] = &saved->variance->array,
                                       [SCION_Y_GRAD] = &g->array,
                                       [SCION_X_GRAD] = &to_x->array,
                                       [SCION_SCALE_GRAD] = &to_weight->array,
                                       [SCION_SHIFT_GRAD] = &to_bias->array,
                               }) &&
               gradient_done(x, to_x) && gradient_done(weight, to_weight) && gradient_done(bias, to_bias);
}

static const struct scion_op batch_norm = { name, batch_norm_backward };

/* Checks that `vector` is NULL or float32 [C] for x [N, C, ...]. */
static bool vector_check(const char *what, const struct scion_tensor *vector, const struct scion_tensor *x)
{
        char is[96], of_x[96];

        if (!vector)
                return true;
        if (!scion_check_float(name, vector))
                return false;
        return (vector->shape.ndim == 1 && vector->shape.dim[0] == x->shape.dim[1]) ||
               scion_refuse("%s: the %s has shape %s, the input %s has %lld channels", name, what,
                            scion_shape_text(&vector->shape, is, sizeof is),
                            scion_shape_text(&x->shape, of_x, sizeof of_x), (long long)x->shape.dim[1]);
}

static bool statistics_check(const struct scion_tensor *mean, const struct scion_tensor *variance,
                             bool training)
{
        if (!mean != !variance)
                return scion_refuse("%s: takes a running mean and a running variance, or neither", name);
        if (!mean)
                return training || scion_refuse("%s: takes running statistics in evaluation", name);
        return !(mean->requires_grad || variance->requires_grad || mean->layout || variance->layout) ||
               scion_refuse("%s: running statistics must be row-major and without a gradient", name);
}

static bool arguments_check(const struct scion_tensor *x, const struct scion_tensor *weight,
                            const struct scion_tensor *bias, const struct scion_tensor *mean,
                            const struct scion_tensor *variance, bool training)
{
        char text[96];

        if (!scion_check_float(name, x))
                return false;
        scion_shape_text(&x->shape, text, sizeof text);
        if (x->shape.ndim < 2)
                return scion_refuse("%s: takes inputs of shape N x C x ..., got %s", name, text);
        if (training && scion_size(x) == x->shape.dim[1])
                return scion_refuse("%s: takes more than one value per channel in training, got inputs of "
                                    "shape %s",
                                    name, text);
        return vector_check("weight", weight, x) && vector_check("bias", bias, x) &&
               vector_check("running mean", mean, x) && vector_check("running variance", variance, x) &&
               statistics_check(mean, variance, training);
}

/* running = (1 - momentum) running + momentum batch, for the mean and for the unbiased variance. */
static bool running_update(struct scion_tensor *mean, struct scion_tensor *variance,
                           const struct saved *saved, double momentum)
{
        const struct scion_shape *shape = &saved->shape;
        double count = (double)(scion_shape_size(shape) / shape->dim[1]);

        scion_tensor_changed(mean);
        scion_tensor_changed(variance);
        return SCION_ON_DEVICE(average, &saved->mean->array, 1, momentum, &mean->array) &&
               SCION_ON_DEVICE(average, &saved->variance->array, count / (count - 1), momentum,
                               &variance->array);
}

/* Returns a tensor for the statistics of the batch. In evaluation it is a copy of the running statistics, which may change
 * before the backward pass. */
static struct scion_tensor *statistics_new(const struct scion_tensor *running, struct scion_shape channels,
                                           bool training)
{
        struct scion_tensor *x = scion_tensor_float(channels, NULL);

        return x && (training || scion_tensor_copy(running, x)) ? x : NULL;
}

struct scion_tensor *scion_batch_norm(struct scion_tensor *x, struct scion_tensor *weight,
                                      struct scion_tensor *bias, struct scion_tensor *running_mean,
                                      struct scion_tensor *running_var, bool training, float momentum,
                                      float eps)
{
        if (!arguments_check(x, weight, bias, running_mean, running_var, training))
                return NULL;
        if (!(eps > 0 && isfinite(eps)))
                return scion_refuse_null("%s: eps must be above 0, got %g", name, (double)eps);
        if (!(momentum >= 0 && momentum <= 1))
                return scion_refuse_null("%s: the momentum must be in 0 .. 1, got %g", name,
                                         (double)momentum);
        const struct scion_layout *layout = SCION_ON_DEVICE(batch_norm_layout, x->layout);

        if (!(x = layout ? x : scion_tensor_row_major(x)))
                return NULL;
        if ((weight && !(weight = scion_tensor_row_major(weight))) ||
            (bias && !(bias = scion_tensor_row_major(bias))))
                return NULL;

        const struct scion_shape channels = SCION_SHAPE(x->shape.dim[1]);
        struct saved saved = { .shape = tensor_image_shape(x), .training = training, .eps = eps };
        struct scion_tensor *y = scion_tensor_float(x->shape, x->layout);
        struct scion_kernel *kernel =
                SCION_ON_DEVICE(batch_norm, SCION_FORWARD, &saved.shape, x->layout, training, eps);

        saved.scale = weight ? weight : scion_full(channels, 1);
        saved.shift = bias ? bias : scion_zeros(channels);
        saved.mean = statistics_new(running_mean, channels, training);
        saved.variance = statistics_new(running_var, channels, training);
        if (!saved.scale || !saved.shift || !saved.mean || !saved.variance || !y || !kernel ||
            !SCION_ON_DEVICE(kernel_run, kernel,
                             (const struct scion_array *[SCION_OPERANDS]){
                                     [SCION_X] = &x->array,
                                     [SCION_SCALE] = &saved.scale->array,
                                     [SCION_SHIFT] = &saved.shift->array,
                                     [SCION_MEAN] = &saved.mean->array,
                                     [SCION_VARIANCE] = &saved.variance->array,
                                     [SCION_Y] = &y->array,
                             }))
                return NULL;
        if (training && running_mean && !running_update(running_mean, running_var, &saved, (double)momentum))
                return NULL;
        struct scion_node *node = scion_record(&batch_norm, y, x, weight, bias, sizeof saved);

        if (node)
                *(struct saved *)node->saved = saved;
        return y;
}
