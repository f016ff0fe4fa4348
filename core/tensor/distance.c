/* Distances between the rows of two matrices. */
#include "tensor/gradient.h"

static bool distance_backward(struct scion_node *node);

static const struct scion_op squared_op = { "pairwise_squared_distance", distance_backward };
static const struct scion_op distance_op = { "pairwise_distance", distance_backward };

static bool distance_backward(struct scion_node *node)
{
        const bool root = node->op == &distance_op;
        struct scion_tensor *a = node->input[0], *b = node->input[1], *y = node->output;
        struct scion_tensor *g = scion_tensor_row_major(y->grad), *da = NULL, *db = NULL;

        if (!g || (a->requires_grad && !(da = scion_grad_target(a, NULL))) ||
            (b->requires_grad && a != b && !(db = scion_grad_target(b, NULL))))
                return false;
        return SCION_ON_DEVICE(distance_gradient, root, &a->array, &b->array, &y->array, &g->array,
                               scion_array_of(da), scion_array_of(db)) &&
               (!da || scion_grad_done(a, da)) && (!db || scion_grad_done(b, db));
}

static struct scion_tensor *matrices_distance(const struct scion_op *op, struct scion_tensor *a,
                                              struct scion_tensor *b)
{
        const bool root = op == &distance_op;

        if (!scion_check_rows(op->name, a, b, 1))
                return NULL;
        a = scion_tensor_row_major(a);
        b = scion_tensor_row_major(b);
        if (!a || !b)
                return NULL;
        struct scion_tensor *y = scion_tensor_float(SCION_SHAPE(a->shape.dim[0], b->shape.dim[0]), NULL);

        if (!y || !SCION_ON_DEVICE(distance, root, &a->array, &b->array, &y->array))
                return NULL;
        scion_record(op, y, a, b, NULL, 0);
        return y;
}

struct scion_tensor *scion_pairwise_squared_distance(struct scion_tensor *a, struct scion_tensor *b)
{
        return matrices_distance(&squared_op, a, b);
}

struct scion_tensor *scion_pairwise_distance(struct scion_tensor *a, struct scion_tensor *b)
{
        return matrices_distance(&distance_op, a, b);
}
