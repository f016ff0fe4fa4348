/* Maxima over axes. NaN counts as the largest value. */
#include "tensor/gradient.h"
#include "tensor/reduce.h"
#include "tensor/tape.h"

static bool max_backward(struct scion_node *node)
{
        const struct scion_shape *kept = node->saved;
        struct scion_tensor *x = node->input[0], *y = node->output, *g = scion_tensor_row_major(y->grad);
        struct scion_tensor *dx = g ? scion_grad_target(x, NULL) : NULL;

        if (!dx)
                return false;
        const struct scion_array max = scion_array_reshaped(&y->array, *kept);
        const struct scion_array from = scion_array_reshaped(&g->array, *kept);

        return SCION_ON_DEVICE(max_gradient, &x->array, &max, &from, &dx->array) && scion_grad_done(x, dx);
}

static const struct scion_op max_op = { "max", max_backward };

struct scion_tensor *scion_max(struct scion_tensor *x, unsigned axes, bool keep)
{
        struct scion_shape kept, shape;

        if (!scion_check_float("max", x) || !scion_check_axes("max", x, axes, &axes))
                return NULL;
        if (!axes)
                return x;
        scion_reduced_shapes(&x->shape, axes, keep, &kept, &shape);
        x = scion_tensor_row_major(x);
        struct scion_tensor *y = x ? scion_tensor_float(shape, NULL) : NULL;

        if (!y)
                return NULL;
        struct scion_array max = scion_array_reshaped(&y->array, kept);

        if (!SCION_ON_DEVICE(max, &x->array, &max))
                return NULL;
        struct scion_node *node = scion_record(&max_op, y, x, NULL, NULL, sizeof kept);

        if (node)
                *(struct scion_shape *)node->saved = kept;
        return y;
}
