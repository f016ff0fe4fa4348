/* Operations that select elements by labels: one_hot and pick. */
#include "tensor/gradient.h"
#include "tensor/tape.h"

/* Checks only the type; the device checks the range. */
static bool labels_check_type(const char *operation, const struct scion_tensor *labels)
{
        return labels->dtype == SCION_I32 || scion_refuse("%s: labels are integers, got floats", operation);
}

struct scion_tensor *scion_one_hot(struct scion_tensor *labels, int64_t classes)
{
        char text[96];

        if (!labels)
                return NULL;
        if (labels->shape.ndim != 1)
                return scion_refuse_null("one_hot: takes labels of one axis, got %s",
                                         scion_shape_text(&labels->shape, text, sizeof text));
        if (classes < 1)
                return scion_refuse_null("one_hot: the number of classes must be positive, got %lld",
                                         (long long)classes);
        if (!labels_check_type("one_hot", labels))
                return NULL;
        struct scion_tensor *y = scion_tensor_float(SCION_SHAPE(labels->shape.dim[0], classes), NULL);

        return y && SCION_ON_DEVICE(one_hot, &labels->array, &y->array) ? y : NULL;
}

static bool pick_backward(struct scion_node *node)
{
        struct scion_tensor *x = node->input[0], *g = scion_tensor_row_major(node->output->grad);
        struct scion_tensor *dx = g ? scion_grad_target(x, NULL) : NULL;

        return dx && SCION_ON_DEVICE(pick_gradient, &g->array, &node->input[1]->array, &dx->array) &&
               scion_grad_done(x, dx);
}

static const struct scion_op pick_op = { "pick", pick_backward };

struct scion_tensor *scion_pick(struct scion_tensor *x, struct scion_tensor *labels)
{
        char of_x[96], of_labels[96];

        if (!labels || !scion_check_float("pick", x))
                return NULL;
        if (x->shape.ndim != 2 || labels->shape.ndim != 1 || labels->shape.dim[0] != x->shape.dim[0])
                return scion_refuse_null("pick: takes NxC and labels N, got %s and %s",
                                         scion_shape_text(&x->shape, of_x, sizeof of_x),
                                         scion_shape_text(&labels->shape, of_labels, sizeof of_labels));
        if (!labels_check_type("pick", labels) || !(x = scion_tensor_row_major(x)))
                return NULL;
        struct scion_tensor *y = scion_tensor_float(SCION_SHAPE(x->shape.dim[0]), NULL);

        if (!y || !SCION_ON_DEVICE(pick, &x->array, &labels->array, &y->array))
                return NULL;
        scion_record(&pick_op, y, x, labels, NULL, 0);
        return y;
}
