/* Operations on each element of one tensor. */
#include <math.h>
#include <scion/simd.h>

#include "backend/cpu/math.h"
#include "backend/cpu/parallel.h"
#include "tensor/gradient.h"
#include "tensor/tape.h"

/* What the gradient is made from, besides the output's own. */
enum keeps { NOTHING, INPUT, OUTPUT };

struct unary {
        struct scion_op op; /* first: a node's op is the table's entry */
        void (*forward)(const float *restrict x, float *restrict y, size_t count, float p);
        void (*backward)(const float *g, const float *kept, float *restrict dx, size_t count, float p);
        enum keeps keeps;
        bool keeps_zero; /* 0 stays 0, with a finite derivative, for any finite p: may run over padding */
};

static bool unary_backward(struct scion_node *node);

/* FORWARD gives y from x and the parameter p. BACKWARD gives dx from g and p, and from x or y, whichever is
 * kept. */
#define UNARY(NAME, TITLE, KEEPS, KEEPS_ZERO, FORWARD, BACKWARD)                                            \
        SCION_CLONES static void NAME##_forward(const float *restrict xs, float *restrict ys, size_t count, \
                                                float p)                                                    \
        {                                                                                                   \
                (void)p;                                                                                    \
                for (size_t i = 0; i < count; i++) {                                                        \
                        float x = xs[i];                                                                    \
                                                                                                            \
                        ys[i] = FORWARD;                                                                    \
                }                                                                                           \
        }                                                                                                   \
        SCION_CLONES static void NAME##_backward(const float *gs, const float *kept, float *restrict dxs,   \
                                                 size_t count, float p)                                     \
        {                                                                                                   \
                (void)p;                                                                                    \
                for (size_t i = 0; i < count; i++) {                                                        \
                        float g = gs[i], x = kept[i], y = x;                                                \
                                                                                                            \
                        (void)x, (void)y;                                                                   \
                        dxs[i] = BACKWARD;                                                                  \
                }                                                                                           \
        }                                                                                                   \
        static const struct unary NAME##_op = {                                                             \
                { TITLE, unary_backward }, NAME##_forward, NAME##_backward, KEEPS, KEEPS_ZERO               \
        };

/* clang-format off */
UNARY(neg,     "neg",     NOTHING, true,  -x,                          -g)
UNARY(scale,   "scale",   NOTHING, true,  p * x,                       p * g)
UNARY(shift,   "shift",   NOTHING, false, x + p,                       g)
UNARY(exp,     "exp",     OUTPUT,  false, scion_exp_of(x),             g * y)
UNARY(log,     "log",     INPUT,   false, scion_log_of(x),             g / x)
UNARY(sqrt,    "sqrt",    OUTPUT,  false, sqrtf(x),                    0.5f * g / y)
UNARY(square,  "pow",     INPUT,   true,  x * x,                       2 * g * x)
UNARY(pow,     "pow",     INPUT,   false, powf(x, p),                  p == 0 ? 0 : g * p * powf(x, p - 1))
UNARY(abs,     "abs",     INPUT,   true,  fabsf(x),                    x > 0 ? g : x < 0 ? -g : 0 * x)
UNARY(relu,    "relu",    OUTPUT,  true,  0 > x ? 0 : x,               y > 0 ? g : 0)
UNARY(sigmoid, "sigmoid", OUTPUT,  false, 1 / (1 + scion_exp_of(-x)),  g * y * (1 - y))
UNARY(tanh,    "tanh",    OUTPUT,  true,  scion_tanh_of(x),            g * (1 - y * y))
UNARY(huber,   "huber",   INPUT,   true,  fabsf(x) < p ? 0.5f * x * x : p * (fabsf(x) - 0.5f * p),
                                          fabsf(x) < p ? g * x : g * copysignf(p, x))
UNARY(reverse, "reverse_gradient", NOTHING, true, x,                   -p * g)
/* clang-format on */

/* From x to y, or from the gradient and what is kept to dx. */
struct loop {
        const struct unary *unary;
        const float *from, *kept;
        float *to;
        float p;
};

static void forward_part(void *context, int part, int64_t from, int64_t to)
{
        const struct loop *loop = context;

        (void)part;
        loop->unary->forward(loop->from + from, loop->to + from, (size_t)(to - from), loop->p);
}

static void backward_part(void *context, int part, int64_t from, int64_t to)
{
        const struct loop *loop = context;

        (void)part;
        loop->unary->backward(loop->from + from, loop->kept + from, loop->to + from, (size_t)(to - from),
                              loop->p);
}

static bool unary_backward(struct scion_node *node)
{
        const struct unary *unary = (const struct unary *)node->op;
        struct scion_tensor *x = node->input[0], *y = node->output;
        struct scion_tensor *g = scion_tensor_in_layout(y->grad, y->layout);
        struct scion_tensor *dx = g ? scion_grad_target(x, y->layout) : NULL;

        if (!dx)
                return false;
        struct loop loop = { .unary = unary,
                             .from = g->data,
                             .kept = unary->keeps == INPUT    ? x->data
                                     : unary->keeps == OUTPUT ? y->data
                                                              : g->data,
                             .to = dx->data,
                             .p = *(const float *)node->saved };

        scion_gradient_used_up();
        scion_parallel_elements(dx->length, backward_part, &loop);
        return scion_grad_done(x, dx);
}

static struct scion_tensor *apply(const struct unary *unary, struct scion_tensor *x, float p)
{
        if (!scion_check_float(unary->op.name, x))
                return NULL;
        if (!(unary->keeps_zero && isfinite(p)) && scion_tensor_padded(x) && !(x = scion_tensor_plain(x)))
                return NULL;
        struct scion_tensor *y = scion_tensor_new(x->shape, SCION_F32, x->layout);

        if (!y)
                return NULL;
        scion_parallel_elements(y->length, forward_part,
                                &(struct loop){ .unary = unary, .from = x->data, .to = y->data, .p = p });
        struct scion_node *node = scion_record(&unary->op, y, x, NULL, NULL, sizeof p);

        if (node)
                *(float *)node->saved = p;
        return y;
}

struct scion_tensor *scion_neg(struct scion_tensor *x)
{
        return apply(&neg_op, x, 0);
}

struct scion_tensor *scion_scale(struct scion_tensor *x, float factor)
{
        return apply(&scale_op, x, factor);
}

struct scion_tensor *scion_shift(struct scion_tensor *x, float offset)
{
        return apply(&shift_op, x, offset);
}

struct scion_tensor *scion_exp(struct scion_tensor *x)
{
        return apply(&exp_op, x, 0);
}

struct scion_tensor *scion_log(struct scion_tensor *x)
{
        return apply(&log_op, x, 0);
}

struct scion_tensor *scion_sqrt(struct scion_tensor *x)
{
        return apply(&sqrt_op, x, 0);
}

struct scion_tensor *scion_pow(struct scion_tensor *x, float exponent)
{
        return apply(exponent == 2 ? &square_op : &pow_op, x, exponent);
}

struct scion_tensor *scion_abs(struct scion_tensor *x)
{
        return apply(&abs_op, x, 0);
}

struct scion_tensor *scion_relu(struct scion_tensor *x)
{
        return apply(&relu_op, x, 0);
}

struct scion_tensor *scion_sigmoid(struct scion_tensor *x)
{
        return apply(&sigmoid_op, x, 0);
}

struct scion_tensor *scion_tanh(struct scion_tensor *x)
{
        return apply(&tanh_op, x, 0);
}

struct scion_tensor *scion_huber(struct scion_tensor *x, float delta)
{
        if (!(delta > 0))
                return scion_refuse_null("huber: delta must be above 0, got %g", (double)delta);
        return apply(&huber_op, x, delta);
}

struct scion_tensor *scion_reverse_gradient(struct scion_tensor *x, float factor)
{
        return apply(&reverse_op, x, factor);
}
