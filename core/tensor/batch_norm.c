/* Batch normalisation: Ioffe, Szegedy. ICML 2015, arXiv:1502.03167. */
#include <math.h>
#include <string.h>

#include "backend/backend.h"
#include "tensor/gradient.h"

static const char name[] = "batch_norm";

struct saved {
        struct scion_shape shape; /* as the kernels see it */
        bool training;
        float eps;
        struct scion_tensor *scale, *shift, *mean, *variance;
};

/* The kernels take images. What lies row-major is one, however many axes it has. */
static struct scion_shape as_image(const struct scion_tensor *x)
{
        const int64_t *dim = x->shape.dim;

        return x->layout ? x->shape : SCION_SHAPE(dim[0], dim[1], scion_size(x) / (dim[0] * dim[1]), 1);
}

/* Where the kernel writes the gradient of an input, wanted or not. */
static struct scion_tensor *target_of(struct scion_tensor *input, struct scion_shape shape,
                                      const struct scion_layout *layout)
{
        return input && input->requires_grad ? scion_grad_target(input, layout)
                                             : scion_tensor_new(shape, SCION_F32, layout);
}

static bool done(struct scion_tensor *input, struct scion_tensor *target)
{
        return !input || !input->requires_grad || scion_grad_done(input, target);
}

static bool batch_norm_backward(struct scion_node *node)
{
        const struct saved *saved = node->saved;
        struct scion_tensor *x = node->input[0], *weight = node->input[1], *bias = node->input[2];
        struct scion_kernel *kernel = scion_backend_batch_norm(SCION_BACKWARD_X, &saved->shape, x->layout,
                                                               saved->training, saved->eps);
        struct scion_tensor *g = kernel ? scion_tensor_in_layout(node->output->grad, x->layout) : NULL;

        if (!g)
                return false;
        struct scion_tensor *to_x = target_of(x, x->shape, x->layout);
        struct scion_tensor *to_weight = target_of(weight, saved->scale->shape, NULL);
        struct scion_tensor *to_bias = target_of(bias, saved->scale->shape, NULL);

        scion_gradient_used_up();
        return to_x && to_weight && to_bias &&
               scion_kernel_run(kernel, (void *[SCION_OPERANDS]){ [SCION_X] = x->data,
                                                                  [SCION_SCALE] = saved->scale->data,
                                                                  [SCION_SHIFT] = saved->shift->data,
                                                                  [SCION_MEAN] = saved->mean->data,
                                                                  [SCION_VARIANCE] = saved->variance->data,
                                                                  [SCION_Y_GRAD] = g->data,
                                                                  [SCION_X_GRAD] = to_x->data,
                                                                  [SCION_SCALE_GRAD] = to_weight->data,
                                                                  [SCION_SHIFT_GRAD] = to_bias->data }) &&
               done(x, to_x) && done(weight, to_weight) && done(bias, to_bias);
}

static const struct scion_op batch_norm = { name, batch_norm_backward };

/* Is `vector`, when there is one, a float for each channel of x? */
static bool check_vector(const char *what, const struct scion_tensor *vector, const struct scion_tensor *x)
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

static bool check_statistics(const struct scion_tensor *mean, const struct scion_tensor *variance,
                             bool training)
{
        if (!mean != !variance)
                return scion_refuse("%s: takes a running mean and a running variance, or neither", name);
        if (!mean)
                return training || scion_refuse("%s: takes running statistics in evaluation", name);
        return !(mean->requires_grad || variance->requires_grad || mean->layout || variance->layout) ||
               scion_refuse("%s: running statistics are buffers: row-major, and without a gradient", name);
}

static bool check(const struct scion_tensor *x, const struct scion_tensor *weight,
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
        return check_vector("weight", weight, x) && check_vector("bias", bias, x) &&
               check_vector("running mean", mean, x) && check_vector("running variance", variance, x) &&
               check_statistics(mean, variance, training);
}

/* new = (1 - momentum) old + momentum batch's; the variance without its bias. */
static void move_running(struct scion_tensor *mean, struct scion_tensor *variance, const struct saved *saved,
                         double momentum)
{
        const struct scion_shape *shape = &saved->shape;
        const float *of_batch = saved->mean->data, *variance_of_batch = saved->variance->data;
        double count = (double)(scion_shape_size(shape) / shape->dim[1]);
        float *m = mean->data, *v = variance->data;

        for (int64_t i = 0; i < shape->dim[1]; i++) {
                double unbiased = (double)variance_of_batch[i] * (count / (count - 1));

                m[i] = (float)((1 - momentum) * (double)m[i] + momentum * (double)of_batch[i]);
                v[i] = (float)((1 - momentum) * (double)v[i] + momentum * unbiased);
        }
}

/* Room for the batch's statistics; in evaluation the running ones, which may have moved on by the time of the
 * backward pass. */
static struct scion_tensor *statistics(const struct scion_tensor *running, int64_t channels, bool training)
{
        return training ? scion_tensor_new(SCION_SHAPE(channels), SCION_F32, NULL)
                        : scion_from(SCION_SHAPE(channels), running->data);
}

struct scion_tensor *scion_batch_norm(struct scion_tensor *x, struct scion_tensor *weight,
                                      struct scion_tensor *bias, struct scion_tensor *running_mean,
                                      struct scion_tensor *running_var, bool training, float momentum,
                                      float eps)
{
        if (!check(x, weight, bias, running_mean, running_var, training))
                return NULL;
        if (!(eps > 0 && isfinite(eps)))
                return scion_refuse_null("%s: eps must be above 0, got %g", name, (double)eps);
        if (!(momentum >= 0 && momentum <= 1))
                return scion_refuse_null("%s: the momentum must be in 0 .. 1, got %g", name,
                                         (double)momentum);
        const struct scion_layout *layout = scion_backend_batch_norm_layout(x->layout);

        if (!(x = layout ? x : scion_tensor_plain(x)))
                return NULL;
        if ((weight && !(weight = scion_tensor_plain(weight))) ||
            (bias && !(bias = scion_tensor_plain(bias))))
                return NULL;

        const struct scion_shape channels = SCION_SHAPE(x->shape.dim[1]);
        struct saved saved = { .shape = as_image(x), .training = training, .eps = eps };
        struct scion_tensor *y = scion_tensor_new(x->shape, SCION_F32, x->layout);
        struct scion_kernel *kernel =
                scion_backend_batch_norm(SCION_FORWARD, &saved.shape, x->layout, training, eps);

        saved.scale = weight ? weight : scion_full(channels, 1);
        saved.shift = bias ? bias : scion_zeros(channels);
        saved.mean = statistics(running_mean, channels.dim[0], training);
        saved.variance = statistics(running_var, channels.dim[0], training);
        if (!saved.scale || !saved.shift || !saved.mean || !saved.variance || !y || !kernel ||
            !scion_kernel_run(kernel, (void *[SCION_OPERANDS]){ [SCION_X] = x->data,
                                                                [SCION_SCALE] = saved.scale->data,
                                                                [SCION_SHIFT] = saved.shift->data,
                                                                [SCION_MEAN] = saved.mean->data,
                                                                [SCION_VARIANCE] = saved.variance->data,
                                                                [SCION_Y] = y->data }))
                return NULL;
        if (training && running_mean)
                move_running(running_mean, running_var, &saved, (double)momentum);
        struct scion_node *node = scion_record(&batch_norm, y, x, weight, bias, sizeof saved);

        if (node)
                *(struct saved *)node->saved = saved;
        return y;
}
