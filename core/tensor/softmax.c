/* Softmax, its logarithm and the logarithm of a sum of exponentials, over one axis. */
#include "tensor/gradient.h"
#include "tensor/tape.h"

struct softmax {
        struct scion_op op; /* first, so that a node's op is also a pointer to the entry */
        bool logarithm;
};

static bool softmax_backward(struct scion_node *node)
{
        const struct softmax *softmax = (const struct softmax *)node->op;
        const int *axis = node->saved;
        struct scion_tensor *x = node->input[0], *y = node->output, *g = scion_tensor_row_major(y->grad);
        struct scion_tensor *dx = g ? scion_grad_target(x, NULL) : NULL;

        return dx &&
               SCION_ON_DEVICE(softmax_gradient, softmax->logarithm, *axis, &g->array, &y->array,
                               &dx->array) &&
               scion_grad_done(x, dx);
}

static const struct softmax softmax_op = { { "softmax", softmax_backward }, false };
static const struct softmax log_softmax_op = { { "log_softmax", softmax_backward }, true };

static struct scion_tensor *softmax_apply(const struct softmax *softmax, struct scion_tensor *x, int axis)
{
        if (!scion_check_float(softmax->op.name, x) ||
            (axis = scion_check_axis(softmax->op.name, x, axis)) < 0 || !(x = scion_tensor_row_major(x)))
                return NULL;
        struct scion_tensor *y = scion_tensor_float(x->shape, NULL);

        if (!y || !SCION_ON_DEVICE(softmax, softmax->logarithm, axis, &x->array, &y->array))
                return NULL;
        struct scion_node *node = scion_record(&softmax->op, y, x, NULL, NULL, sizeof axis);

        if (node)
                *(int *)node->saved = axis;
        return y;
}

struct scion_tensor *scion_softmax(struct scion_tensor *x, int axis)
{
        return softmax_apply(&softmax_op, x, axis);
}

struct scion_tensor *scion_log_softmax(struct scion_tensor *x, int axis)
{
        return softmax_apply(&log_softmax_op, x, axis);
}

struct scion_tensor *scion_logsumexp(struct scion_tensor *x, int axis)
{
        if (!scion_check_float("logsumexp", x) || (axis = scion_check_axis("logsumexp", x, axis)) < 0)
                return NULL;
        struct scion_tensor *max = scion_max(scion_detach(x), SCION_AXIS(axis), true);
        struct scion_tensor *sum = scion_sum(scion_exp(scion_sub(x, max)), SCION_AXIS(axis), true);
        struct scion_tensor *y = scion_add(scion_log(sum), max);

        return scion_mean(y, SCION_AXIS(axis),
                          false); /* the axis has length 1, so the mean only removes it */
}
