/* Adaptive average pooling, which resizes images by averages over bins. */
#include "tensor/gradient.h"

static const char name[] = "adaptive_avg_pool2d";

static bool adaptive_backward(struct scion_node *node)
{
        struct scion_tensor *x = node->input[0], *g = scion_tensor_row_major(node->output->grad);
        struct scion_tensor *dx = g ? scion_grad_target(x, NULL) : NULL;

        return dx && SCION_ON_DEVICE(adaptive_average_gradient, &g->array, &dx->array) &&
               scion_grad_done(x, dx);
}

static const struct scion_op adaptive = { name, adaptive_backward };

struct scion_tensor *scion_adaptive_avg_pool2d(struct scion_tensor *x, int64_t height, int64_t width)
{
        char text[96];

        if (!scion_check_float(name, x))
                return NULL;
        if (x->shape.ndim != 4)
                return scion_refuse_null("%s: takes images of shape N x C x H x W, got %s", name,
                                         scion_shape_text(&x->shape, text, sizeof text));
        if (height < 1 || width < 1)
                return scion_refuse_null("%s: cannot make images of %lldx%lld", name, (long long)height,
                                         (long long)width);
        const int64_t *dim = x->shape.dim;

        if (dim[2] % height == 0 && dim[3] % width == 0 && dim[2] <= INT32_MAX && dim[3] <= INT32_MAX) {
                const struct scion_window window = { .kernel = { (int)(dim[2] / height),
                                                                 (int)(dim[3] / width) } };

                return scion_avg_pool2d(x, &window); /* equal bins; keeps the layout */
        }
        struct scion_tensor *y = scion_tensor_float(SCION_SHAPE(dim[0], dim[1], height, width), NULL);

        if (!y || !(x = scion_tensor_row_major(x)) ||
            !SCION_ON_DEVICE(adaptive_average, &x->array, &y->array))
                return NULL;
        scion_record(&adaptive, y, x, NULL, NULL, 0);
        return y;
}
