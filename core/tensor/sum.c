/* Sums and means over axes. */
#include "tensor/gradient.h"
#include "tensor/reduce.h"
#include "tensor/tape.h"

struct scion_tensor *scion_sum_to(struct scion_tensor *x, const struct scion_shape *shape)
{
        if (!x || scion_shape_equal(&x->shape, shape))
                return x;
        x = scion_tensor_row_major(x);
        struct scion_tensor *y = x ? scion_tensor_float(*shape, NULL) : NULL;

        return y && SCION_ON_DEVICE(sum, &x->array, 1, &y->array) ? y : NULL;
}

void scion_reduced_shapes(const struct scion_shape *shape, unsigned axes, bool keep, struct scion_shape *kept,
                          struct scion_shape *result)
{
        *kept = *shape;
        *result = SCION_SCALAR;
        for (int i = 0; i < shape->ndim; i++) {
                bool reduced = axes >> i & 1;

                if (reduced)
                        kept->dim[i] = 1;
                if (keep || !reduced)
                        result->dim[result->ndim++] = kept->dim[i];
        }
}

struct saved {
        struct scion_shape kept; /* the result's shape, in which the axes summed over have length 1 */
        float factor;
};

static bool sum_backward(struct scion_node *node)
{
        const struct saved *saved = node->saved;
        struct scion_tensor *x = node->input[0], *g = scion_tensor_row_major(node->output->grad);
        struct scion_tensor *dx = g ? scion_grad_target(x, NULL) : NULL;

        if (!dx)
                return false;
        const struct scion_array from = scion_array_reshaped(&g->array, saved->kept);

        return SCION_ON_DEVICE(stretch, &from, saved->factor, &dx->array) && scion_grad_done(x, dx);
}

static const struct scion_op sum_op = { "sum", sum_backward };
static const struct scion_op mean_op = { "mean", sum_backward };

static struct scion_tensor *sum_apply(const struct scion_op *op, struct scion_tensor *x, unsigned axes,
                                      bool keep)
{
        struct scion_shape kept, shape;

        if (!scion_check_float(op->name, x) || !scion_check_axes(op->name, x, axes, &axes))
                return NULL;
        if (!axes)
                return x;
        scion_reduced_shapes(&x->shape, axes, keep, &kept, &shape);
        int64_t results = scion_shape_size(&kept);
        double factor = op == &mean_op ? (double)results / (double)scion_size(x) : 1;
        struct scion_shape full = x->shape, sums = kept;

        if (x->layout && results == 1) {
                /* The sum of all elements needs no row-major copy, because padding is 0. */
                full = SCION_SHAPE((int64_t)x->length);
                sums = SCION_SHAPE(1);
        } else {
                x = scion_tensor_row_major(x);
        }
        struct scion_tensor *y = x ? scion_tensor_float(shape, NULL) : NULL;

        if (!y)
                return NULL;
        const struct scion_array from = scion_array_reshaped(&x->array, full);
        struct scion_array to = scion_array_reshaped(&y->array, sums);

        if (!SCION_ON_DEVICE(sum, &from, factor, &to))
                return NULL;
        struct scion_node *node = scion_record(op, y, x, NULL, NULL, sizeof(struct saved));

        if (node)
                *(struct saved *)node->saved = (struct saved){ kept, (float)factor };
        return y;
}

struct scion_tensor *scion_sum(struct scion_tensor *x, unsigned axes, bool keep)
{
        return sum_apply(&sum_op, x, axes, keep);
}

struct scion_tensor *scion_mean(struct scion_tensor *x, unsigned axes, bool keep)
{
        return sum_apply(&mean_op, x, axes, keep);
}
