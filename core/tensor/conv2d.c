/* Convolution of images. Activations stay in the layout that the kernels choose; weights are brought into it. */
#include "backend/backend.h"
#include "tensor/gradient.h"
#include "tensor/window.h"

static struct scion_tensor *as_kernel_has(struct scion_tensor *x, const struct scion_kernel *kernel,
                                          enum scion_operand operand)
{
        return scion_tensor_in_layout(x, scion_kernel_layout(kernel, operand));
}

/* Both passes take the result's gradient, and leave it behind as they had it: the next one has less to do. */
static bool x_gradient(struct scion_node *node, struct scion_tensor **grad)
{
        const struct scion_geometry *geometry = node->saved;
        struct scion_tensor *x = node->input[0];
        struct scion_kernel *kernel =
                scion_backend_conv2d(SCION_BACKWARD_X, geometry, node->input[2] != NULL);

        if (!kernel)
                return false;
        struct scion_tensor *weight = as_kernel_has(node->input[1], kernel, SCION_WEIGHT);

        *grad = as_kernel_has(*grad, kernel, SCION_Y_GRAD);
        if (!weight || !*grad)
                return false;
        struct scion_tensor *to = scion_grad_target(x, scion_kernel_layout(kernel, SCION_X_GRAD));

        return to &&
               scion_kernel_run(kernel, (void *[SCION_OPERANDS]){ [SCION_WEIGHT] = weight->data,
                                                                  [SCION_Y_GRAD] = (*grad)->data,
                                                                  [SCION_X_GRAD] = to->data }) &&
               scion_grad_done(x, to);
}

/* The bias's gradient comes with the weight's, in one pass over the result's. */
static bool weight_gradient(struct scion_node *node, struct scion_tensor **grad)
{
        const struct scion_geometry *geometry = node->saved;
        struct scion_tensor *weight = node->input[1], *bias = node->input[2];
        struct scion_kernel *kernel = scion_backend_conv2d(SCION_BACKWARD_WEIGHT, geometry, bias != NULL);

        if (!kernel)
                return false;
        struct scion_tensor *x = as_kernel_has(node->input[0], kernel, SCION_X);

        *grad = as_kernel_has(*grad, kernel, SCION_Y_GRAD);
        if (!x || !*grad)
                return false;
        struct scion_tensor *to = scion_grad_target(weight, scion_kernel_layout(kernel, SCION_WEIGHT_GRAD));
        struct scion_tensor *to_bias = NULL;

        if (!to)
                return false;
        if (bias) { /* the kernel writes it, wanted or not */
                to_bias = bias->requires_grad ? scion_grad_target(bias, NULL)
                                              : scion_tensor_new(bias->shape, SCION_F32, NULL);
                if (!to_bias)
                        return false;
        }
        return scion_kernel_run(
                       kernel, (void *[SCION_OPERANDS]){ [SCION_X] = x->data,
                                                         [SCION_Y_GRAD] = (*grad)->data,
                                                         [SCION_WEIGHT_GRAD] = to->data,
                                                         [SCION_BIAS_GRAD] = bias ? to_bias->data : NULL }) &&
               scion_grad_done(weight, to) &&
               (!bias || !bias->requires_grad || scion_grad_done(bias, to_bias));
}

static bool conv2d_backward(struct scion_node *node)
{
        struct scion_tensor *bias = node->input[2], *grad = node->output->grad;

        if (node->input[0]->requires_grad && !x_gradient(node, &grad))
                return false;
        if (node->input[1]->requires_grad && !weight_gradient(node, &grad))
                return false;
        if (!node->input[1]->requires_grad && bias && bias->requires_grad &&
            !scion_grad_add(bias, scion_sum(grad, SCION_AXIS(0) | SCION_AXIS(2) | SCION_AXIS(3), false)))
                return false;
        scion_gradient_used_up();
        return true;
}

static const struct scion_op conv2d = { "conv2d", conv2d_backward };

/* Shapes; fills in the geometry. */
static bool check(const struct scion_tensor *x, const struct scion_tensor *weight,
                  const struct scion_tensor *bias, const struct scion_window *window,
                  struct scion_geometry *geometry)
{
        static const int stride[2] = { 1, 1 };
        struct scion_window w = window ? *window : (struct scion_window){ 0 };
        const int64_t *dim = weight->shape.dim;
        char of_x[96], of_weight[96], of_bias[96];

        scion_shape_text(&x->shape, of_x, sizeof of_x);
        scion_shape_text(&weight->shape, of_weight, sizeof of_weight);
        if (weight->shape.ndim != 4)
                return scion_refuse("conv2d: takes a weight of shape O x C/groups x kh x kw, got %s",
                                    of_weight);
        if (dim[2] > INT32_MAX || dim[3] > INT32_MAX)
                return scion_refuse("conv2d: the weight %s is too large", of_weight);
        w.kernel[0] = (int)dim[2];
        w.kernel[1] = (int)dim[3];
        if (!scion_window_place("conv2d", x, &w, dim[0], stride, geometry))
                return false;
        geometry->weight = weight->shape;

        int groups = geometry->window.groups;
        int64_t channels = x->shape.dim[1];

        if (channels % groups != 0 || dim[0] % groups != 0)
                return scion_refuse(
                        "conv2d: %d groups do not divide the %lld channels of the input %s and the %lld "
                        "of the weight %s",
                        groups, (long long)channels, of_x, (long long)dim[0], of_weight);
        if (dim[1] != channels / groups)
                return scion_refuse("conv2d: the weight %s takes %lld channels%s, the input %s has %lld",
                                    of_weight, (long long)(dim[1] * groups),
                                    groups > 1 ? " in its groups" : "", of_x, (long long)channels);
        if (bias && (bias->shape.ndim != 1 || bias->shape.dim[0] != dim[0]))
                return scion_refuse("conv2d: the weight %s makes %lld channels, the bias has shape %s",
                                    of_weight, (long long)dim[0],
                                    scion_shape_text(&bias->shape, of_bias, sizeof of_bias));
        return true;
}

struct scion_tensor *scion_conv2d(struct scion_tensor *x, struct scion_tensor *weight,
                                  struct scion_tensor *bias, const struct scion_window *window)
{
        struct scion_geometry geometry;

        if (!scion_check_float("conv2d", x) || !scion_check_float("conv2d", weight) ||
            (bias && !scion_check_float("conv2d", bias)) || !check(x, weight, bias, window, &geometry))
                return NULL;
        struct scion_kernel *kernel = scion_backend_conv2d(SCION_FORWARD, &geometry, bias != NULL);

        if (!kernel)
                return NULL;
        x = as_kernel_has(x, kernel, SCION_X);
        if (bias && !(bias = scion_tensor_plain(bias)))
                return NULL;

        /* The gradient's kernels bring the weight into layouts of their own. */
        scion_no_grad_begin();
        struct scion_tensor *blocked = as_kernel_has(weight, kernel, SCION_WEIGHT);
        scion_no_grad_end();
        struct scion_tensor *y =
                scion_tensor_new(geometry.y, SCION_F32, scion_kernel_layout(kernel, SCION_Y));

        if (!x || !blocked || !y ||
            !scion_kernel_run(kernel, (void *[SCION_OPERANDS]){ [SCION_X] = x->data,
                                                                [SCION_WEIGHT] = blocked->data,
                                                                [SCION_BIAS] = bias ? bias->data : NULL,
                                                                [SCION_Y] = y->data }))
                return NULL;
        struct scion_node *node = scion_record(&conv2d, y, x, weight, bias, sizeof geometry);

        if (node)
                *(struct scion_geometry *)node->saved = geometry;
        return y;
}
