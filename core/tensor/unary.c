/* Operations on each element of one tensor. */
#include <math.h>

#include "tensor/gradient.h"
#include "tensor/tape.h"

/* The tensor that the gradient is computed from, in addition to the output's gradient. */
enum kept { NOTHING, INPUT, OUTPUT };

struct unary {
        struct scion_op op; /* first, so that a node's op is also a pointer to the entry */
        enum kept kept;
        bool keeps_zero; /* f(0) = 0 and f'(0) is finite for any finite p, so that padding stays 0 */
};

struct saved {
        float p; /* the operation's parameter */
};

static bool unary_backward(struct scion_node *node);

static const struct unary operations[SCION_UNARIES] = {
        [SCION_UNARY_NEG] = { { "neg", unary_backward }, NOTHING, true },
        [SCION_UNARY_SCALE] = { { "scale", unary_backward }, NOTHING, true },
        [SCION_UNARY_SHIFT] = { { "shift", unary_backward }, NOTHING, false },
        [SCION_UNARY_EXP] = { { "exp", unary_backward }, OUTPUT, false },
        [SCION_UNARY_LOG] = { { "log", unary_backward }, INPUT, false },
        [SCION_UNARY_SQRT] = { { "sqrt", unary_backward }, OUTPUT, false },
        [SCION_UNARY_SQUARE] = { { "pow", unary_backward }, INPUT, true },
        [SCION_UNARY_POW] = { { "pow", unary_backward }, INPUT, false },
        [SCION_UNARY_ABS] = { { "abs", unary_backward }, INPUT, true },
        [SCION_UNARY_RELU] = { { "relu", unary_backward }, OUTPUT, true },
        [SCION_UNARY_SIGMOID] = { { "sigmoid", unary_backward }, OUTPUT, false },
        [SCION_UNARY_TANH] = { { "tanh", unary_backward }, OUTPUT, true },
        [SCION_UNARY_HUBER] = { { "huber", unary_backward }, INPUT, true },
        [SCION_UNARY_REVERSE] = { { "reverse_gradient", unary_backward }, NOTHING, true },
        [SCION_UNARY_CLAMP_MIN] = { { "clamp_min", unary_backward }, INPUT, false },
};

static bool unary_backward(struct scion_node *node)
{
        const struct unary *unary = (const struct unary *)node->op;
        const struct saved *saved = node->saved;
        struct scion_tensor *x = node->input[0], *y = node->output;
        struct scion_tensor *g = scion_tensor_in_layout(y->grad, y->layout);
        struct scion_tensor *dx = g ? scion_grad_target(x, y->layout) : NULL;
        const struct scion_tensor *kept = unary->kept == INPUT ? x : unary->kept == OUTPUT ? y : g;

        scion_grad_allow_reuse();
        return dx &&
               SCION_ON_DEVICE(unary_gradient, (enum scion_unary)(unary - operations), saved->p, &g->array,
                               &kept->array, &dx->array) &&
               scion_grad_done(x, dx);
}

static struct scion_tensor *unary_apply(enum scion_unary op, struct scion_tensor *x, float p)
{
        const struct unary *unary = &operations[op];

        if (!scion_check_float(unary->op.name, x))
                return NULL;
        if (!(unary->keeps_zero && isfinite(p)) && scion_tensor_padded(x) && !(x = scion_tensor_row_major(x)))
                return NULL;
        struct scion_tensor *y = scion_tensor_float(x->shape, x->layout);

        if (!y || !SCION_ON_DEVICE(unary, op, p, &x->array, &y->array))
                return NULL;
        struct scion_node *node = scion_record(&unary->op, y, x, NULL, NULL, sizeof(struct saved));

        if (node)
                *(struct saved *)node->saved = (struct saved){ p };
        return y;
}

struct scion_tensor *scion_neg(struct scion_tensor *x)
{
        return unary_apply(SCION_UNARY_NEG, x, 0);
}

struct scion_tensor *scion_scale(struct scion_tensor *x, float factor)
{
        return unary_apply(SCION_UNARY_SCALE, x, factor);
}

struct scion_tensor *scion_shift(struct scion_tensor *x, float offset)
{
        return unary_apply(SCION_UNARY_SHIFT, x, offset);
}

struct scion_tensor *scion_exp(struct scion_tensor *x)
{
        return unary_apply(SCION_UNARY_EXP, x, 0);
}

struct scion_tensor *scion_log(struct scion_tensor *x)
{
        return unary_apply(SCION_UNARY_LOG, x, 0);
}

struct scion_tensor *scion_sqrt(struct scion_tensor *x)
{
        return unary_apply(SCION_UNARY_SQRT, x, 0);
}

struct scion_tensor *scion_pow(struct scion_tensor *x, float exponent)
{
        return unary_apply(exponent == 2 ? SCION_UNARY_SQUARE : SCION_UNARY_POW, x, exponent);
}

struct scion_tensor *scion_abs(struct scion_tensor *x)
{
        return unary_apply(SCION_UNARY_ABS, x, 0);
}

struct scion_tensor *scion_relu(struct scion_tensor *x)
{
        return unary_apply(SCION_UNARY_RELU, x, 0);
}

struct scion_tensor *scion_sigmoid(struct scion_tensor *x)
{
        return unary_apply(SCION_UNARY_SIGMOID, x, 0);
}

struct scion_tensor *scion_tanh(struct scion_tensor *x)
{
        return unary_apply(SCION_UNARY_TANH, x, 0);
}

struct scion_tensor *scion_huber(struct scion_tensor *x, float delta)
{
        if (!(delta > 0))
                return scion_refuse_null("huber: delta must be above 0, got %g", (double)delta);
        return unary_apply(SCION_UNARY_HUBER, x, delta);
}

struct scion_tensor *scion_reverse_gradient(struct scion_tensor *x, float factor)
{
        return unary_apply(SCION_UNARY_REVERSE, x, factor);
}

struct scion_tensor *scion_clamp_min(struct scion_tensor *x, float least)
{
        return unary_apply(SCION_UNARY_CLAMP_MIN, x, least);
}
