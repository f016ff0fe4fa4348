/* Convolution of images. Activations stay in the layout that a kernel chooses; weights are reordered for each kernel. */
#include "backend/backend.h"
#include "tensor/gradient.h"
#include "tensor/window.h"

/* Computes the gradient of x. Sets *grad to the output's gradient in the type and layout that the kernel takes, which may
 * save the next kernel a reorder. */
static bool x_gradient(struct scion_node *node, struct scion_tensor **grad)
{
        const struct scion_geometry *geometry = node->saved;
        struct scion_tensor *x = node->input[0];
        struct scion_kernel *kernel =
                SCION_ON_DEVICE(conv2d, SCION_BACKWARD_X, geometry, node->input[2] != NULL);

        if (!kernel)
                return false;
        struct scion_tensor *weight = scion_tensor_for_kernel(node->input[1], kernel, SCION_WEIGHT);

        *grad = scion_tensor_for_kernel(*grad, kernel, SCION_Y_GRAD);
        if (!weight || !*grad)
                return false;
        struct scion_tensor *to = scion_grad_target(x, scion_kernel_layout(kernel, SCION_X_GRAD));

        return to &&
               SCION_ON_DEVICE(kernel_run, kernel,
                               (const struct scion_array *[SCION_OPERANDS]){
                                       [SCION_WEIGHT] = &weight->array,
                                       [SCION_Y_GRAD] = &(*grad)->array,
                                       [SCION_X_GRAD] = &to->array,
                               }) &&
               scion_grad_done(x, to);
}

/* Computes the gradients of weight and bias in one pass. *grad is as for x_gradient(). */
static bool weight_gradient(struct scion_node *node, struct scion_tensor **grad)
{
        const struct scion_geometry *geometry = node->saved;
        struct scion_tensor *weight = node->input[1], *bias = node->input[2];
        struct scion_kernel *kernel = SCION_ON_DEVICE(conv2d, SCION_BACKWARD_WEIGHT, geometry, bias != NULL);

        if (!kernel)
                return false;
        struct scion_tensor *x = scion_tensor_for_kernel(node->input[0], kernel, SCION_X);

        *grad = scion_tensor_for_kernel(*grad, kernel, SCION_Y_GRAD);
        if (!x || !*grad)
                return false;
        struct scion_tensor *to = scion_grad_target(weight, scion_kernel_layout(kernel, SCION_WEIGHT_GRAD));
        struct scion_tensor *to_bias = NULL;

        if (!to)
                return false;
        if (bias) { /* the kernel writes the bias's gradient, whether or not it is required */
                to_bias = bias->requires_grad ? scion_grad_target(bias, NULL)
                                              : scion_tensor_float(bias->shape, NULL);
                if (!to_bias)
                        return false;
        }
        return SCION_ON_DEVICE(kernel_run, kernel,
                               (const struct scion_array *[SCION_OPERANDS]){
                                       [SCION_X] = &x->array,
                                       [SCION_Y_GRAD] = &(*grad)->array,
                                       [SCION_WEIGHT_GRAD] = &to->array,
                                       [SCION_BIAS_GRAD] = scion_array_of(to_bias),
                               }) &&
               scion_grad_done(weight, to) &&
               (!bias || !bias->requires_grad || scion_grad_done(bias, to_bias));
}

/* Sums the output's gradient over all axes but the channels. It is bfloat16 if x_gradient() has rounded it. */
static bool bias_gradient(struct scion_tensor *bias, struct scion_tensor *grad)
{
        if (grad->dtype != SCION_F32)
                grad = scion_tensor_in_form(grad, SCION_F32, NULL);
        return scion_grad_add(bias, scion_sum(grad, SCION_AXIS(0) | SCION_AXIS(2) | SCION_AXIS(3), false));
}

static bool conv2d_backward(struct scion_node *node)
{
        struct scion_tensor *bias = node->input[2], *grad = node->output->grad;

        if (node->input[0]->requires_grad && !x_gradient(node, &grad))
                return false;
        if (node->input[1]->requires_grad && !weight_gradient(node, &grad))
                return false;
        if (!node->input[1]->requires_grad && bias && bias->requires_grad && !bias_gradient(bias, grad))
                return false;
        scion_grad_allow_reuse();
        return true;
}

static const struct scion_op conv2d = { "conv2d", conv2d_backward };

/* Checks the shapes and fills in the geometry. */
static bool arguments_check(const struct scion_tensor *x, const struct scion_tensor *weight,
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
        if (!scion_window_geometry("conv2d", x, &w, dim[0], stride, geometry))
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
            (bias && !scion_check_float("conv2d", bias)) ||
            !arguments_check(x, weight, bias, window, &geometry))
                return NULL;
        struct scion_kernel *kernel = SCION_ON_DEVICE(conv2d, SCION_FORWARD, &geometry, bias != NULL);

        if (!kernel)
                return NULL;
        x = scion_tensor_for_kernel(x, kernel, SCION_X);
        if (bias && !(bias = scion_tensor_row_major(bias)))
                return NULL;

        /* This reorder is not recorded: the node refers to the original weight, because the kernels of the gradients take other
         * layouts. */
        scion_no_grad_begin();
        struct scion_tensor *reordered = scion_tensor_for_kernel(weight, kernel, SCION_WEIGHT);
        scion_no_grad_end();
        struct scion_tensor *y = scion_tensor_float(geometry.y, scion_kernel_layout(kernel, SCION_Y));

        if (!x || !reordered || !y ||
            !SCION_ON_DEVICE(kernel_run, kernel,
                             (const struct scion_array *[SCION_OPERANDS]){
                                     [SCION_X] = &x->array,
                                     [SCION_WEIGHT] = &reordered->array,
                                     [SCION_BIAS] = scion_array_of(bias),
                                     [SCION_Y] = &y->array,
                             }))
                return NULL;
        struct scion_node *node = scion_record(&conv2d, y, x, weight, bias, sizeof geometry);

        if (node)
                *(struct scion_geometry *)node->saved = geometry;
        return y;
}
