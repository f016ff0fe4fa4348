/* Operations that change only the shape. The result shares the memory of the input when that is row-major. */
#include "tensor/tape.h"

struct scion_tensor *scion_detach(struct scion_tensor *x)
{
        struct scion_tensor *y = x ? scion_tape_tensor() : NULL;

        if (!y)
                return NULL;
        y->array = x->array;
        return y;
}

static bool reshape_backward(struct scion_node *node)
{
        struct scion_tensor *x = node->input[0], *g = scion_tensor_row_major(node->output->grad);

        return g && scion_grad_add(x, scion_tensor_view(g, x->shape));
}

static const struct scion_op reshape_op = { "reshape", reshape_backward };

static struct scion_tensor *reshape_apply(struct scion_tensor *x, const struct scion_shape *shape)
{
        if (scion_shape_equal(&x->shape, shape))
                return x;
        x = scion_tensor_row_major(x);
        struct scion_tensor *y = x ? scion_tensor_view(x, *shape) : NULL;

        scion_record(&reshape_op, y, x, NULL, NULL, 0);
        return y;
}

struct scion_tensor *scion_reshape(struct scion_tensor *x, struct scion_shape shape)
{
        struct scion_shape asked = shape;
        char from[96], to[96];
        int64_t size = scion_size(x), known = 1;
        int open = -1;

        if (!x)
                return NULL;
        if (shape.ndim < 0 || shape.ndim > SCION_MAX_DIMS)
                return scion_refuse_null("reshape: a tensor has 0 to %d axes, not %d", SCION_MAX_DIMS,
                                         shape.ndim);
        bool fits = true;

        for (int i = 0; i < shape.ndim && fits; i++) {
                if (shape.dim[i] == -1 && open < 0)
                        open = i;
                else if (shape.dim[i] < 1 || shape.dim[i] > size / known)
                        fits = false;
                else
                        known *= shape.dim[i];
        }
        if (fits && open >= 0)
                shape.dim[open] = size / known;
        if (!fits || (open < 0 ? known != size : size % known != 0))
                return scion_refuse_null("reshape: %s does not fit into %s",
                                         scion_shape_text(&x->shape, from, sizeof from),
                                         scion_shape_text(&asked, to, sizeof to));
        return reshape_apply(x, &shape);
}

struct scion_tensor *scion_flatten(struct scion_tensor *x, int first)
{
        if (!x || (first = scion_check_axis("flatten", x, first)) < 0)
                return NULL;
        struct scion_shape shape = x->shape;

        for (int i = first + 1; i < x->shape.ndim; i++)
                shape.dim[first] *= shape.dim[i];
        shape.ndim = first + 1;
        return reshape_apply(x, &shape);
}
