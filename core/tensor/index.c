/* Operations that labels choose for. */
#include <string.h>

#include "tensor/gradient.h"
#include "tensor/tape.h"

/* The labels [N] as integers below `classes`; NULL with a message otherwise. */
static const int32_t *check_labels(const char *operation, const struct scion_tensor *labels, int64_t classes)
{
        if (labels->dtype != SCION_I32)
                return scion_refuse_null("%s: labels are integers, got floats", operation);
        const int32_t *label = labels->data;

        for (int64_t i = 0; i < labels->shape.dim[0]; i++)
                if (label[i] < 0 || label[i] >= classes)
                        return scion_refuse_null("%s: label %d of example %lld is not in 0 .. %lld",
                                                 operation, (int)label[i], (long long)i,
                                                 (long long)classes - 1);
        return label;
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
                return scion_refuse_null("one_hot: %lld classes", (long long)classes);
        int64_t count = labels->shape.dim[0];
        const int32_t *label = check_labels("one_hot", labels, classes);
        struct scion_tensor *y = label ? scion_zeros(SCION_SHAPE(count, classes)) : NULL;

        for (int64_t i = 0; y && i < count; i++)
                ((float *)y->data)[i * classes + label[i]] = 1;
        return y;
}

static bool pick_backward(struct scion_node *node)
{
        struct scion_tensor *x = node->input[0], *g = scion_tensor_plain(node->output->grad);
        const int32_t *label = node->input[1]->data;
        struct scion_tensor *dx = g ? scion_grad_target(x, NULL) : NULL;

        if (!dx)
                return false;
        const float *from = g->data;
        float *to = dx->data;

        memset(to, 0, dx->length * sizeof *to);
        for (int64_t i = 0; i < x->shape.dim[0]; i++)
                to[i * x->shape.dim[1] + label[i]] = from[i];
        return scion_grad_done(x, dx);
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
        int64_t count = x->shape.dim[0], classes = x->shape.dim[1];
        const int32_t *label = check_labels("pick", labels, classes);

        if (!label || !(x = scion_tensor_plain(x)))
                return NULL;
        struct scion_tensor *y = scion_tensor_new(SCION_SHAPE(count), SCION_F32, NULL);

        if (!y)
                return NULL;
        for (int64_t i = 0; i < count; i++)
                ((float *)y->data)[i] = ((const float *)x->data)[i * classes + label[i]];
        scion_record(&pick_op, y, x, labels, NULL, 0);
        return y;
}
