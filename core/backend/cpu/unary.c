/* Operations on each element of one array. */
#include <math.h>
#include <scion/simd.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/math.h"
#include "backend/cpu/parallel.h"

/* Forward computes y from x and the parameter p; backward computes dx from g, p and `kept`, which is x or y. */
struct kernels {
        void (*forward)(const float *restrict x, float *restrict y, size_t count, float p);
        void (*backward)(const float *g, const float *kept, float *restrict dx, size_t count, float p);
};

#define UNARY(NAME, FORWARD, BACKWARD)                                                                      \
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
        }

/* clang-format off */
UNARY(neg, -x,                          -g)
UNARY(scale, p * x,                       p * g)
UNARY(shift, x + p,                       g)
UNARY(exp, scion_exp_of(x),             g * y)
UNARY(log, scion_log_of(x),             g / x)
UNARY(sqrt, sqrtf(x),                    0.5f * g / y)
UNARY(square, x * x,                       2 * g * x)
UNARY(pow, powf(x, p),                  p == 0 ? 0 : g * p * powf(x, p - 1))
UNARY(abs, fabsf(x),                    x > 0 ? g : x < 0 ? -g : 0 * x)
UNARY(relu, 0 > x ? 0 : x,               y > 0 ? g : 0)
UNARY(sigmoid, 1 / (1 + scion_exp_of(-x)),  g * y * (1 - y))
UNARY(tanh, scion_tanh_of(x),            g * (1 - y * y))
UNARY(huber, fabsf(x) < p ? 0.5f * x * x : p * (fabsf(x) - 0.5f * p),
                                          fabsf(x) < p ? g * x : g * copysignf(p, x))
UNARY(reverse, x,                   -p * g)
UNARY(clamp_min, x < p ? p : x, x < p ? 0 : g)
/* clang-format on */

#define KERNELS(NAME)                           \
        {                                       \
                NAME##_forward, NAME##_backward \
        }

static const struct kernels kernels_of[SCION_UNARIES] = {
        [SCION_UNARY_NEG] = KERNELS(neg),
        [SCION_UNARY_SCALE] = KERNELS(scale),
        [SCION_UNARY_SHIFT] = KERNELS(shift),
        [SCION_UNARY_EXP] = KERNELS(exp),
        [SCION_UNARY_LOG] = KERNELS(log),
        [SCION_UNARY_SQRT] = KERNELS(sqrt),
        [SCION_UNARY_SQUARE] = KERNELS(square),
        [SCION_UNARY_POW] = KERNELS(pow),
        [SCION_UNARY_ABS] = KERNELS(abs),
        [SCION_UNARY_RELU] = KERNELS(relu),
        [SCION_UNARY_SIGMOID] = KERNELS(sigmoid),
        [SCION_UNARY_TANH] = KERNELS(tanh),
        [SCION_UNARY_HUBER] = KERNELS(huber),
        [SCION_UNARY_REVERSE] = KERNELS(reverse),
        [SCION_UNARY_CLAMP_MIN] = KERNELS(clamp_min),
};

/* The arguments of a loop that is divided among threads. */
struct loop {
        const struct kernels *kernels;
        const float *from, *kept;
        float *to;
        float p;
};

static void forward_part(void *context, int part, int64_t from, int64_t to)
{
        const struct loop *loop = context;

        (void)part;
        loop->kernels->forward(loop->from + from, loop->to + from, (size_t)(to - from), loop->p);
}

static void backward_part(void *context, int part, int64_t from, int64_t to)
{
        const struct loop *loop = context;

        (void)part;
        loop->kernels->backward(loop->from + from, loop->kept + from, loop->to + from, (size_t)(to - from),
                                loop->p);
}

bool scion_cpu_unary(void *self, enum scion_unary op, float p, const struct scion_array *x,
                     struct scion_array *y)
{
        struct loop loop = {
                .kernels = &kernels_of[op], .from = scion_cpu_data(x), .to = scion_cpu_data(y), .p = p
        };

        (void)self;
        scion_parallel_elements(y->length, forward_part, &loop);
        return true;
}

bool scion_cpu_unary_gradient(void *self, enum scion_unary op, float p, const struct scion_array *g,
                              const struct scion_array *kept, struct scion_array *dx)
{
        struct loop loop = { .kernels = &kernels_of[op],
                             .from = scion_cpu_data(g),
                             .kept = scion_cpu_data(kept ? kept : g),
                             .to = scion_cpu_data(dx),
                             .p = p };

        (void)self;
        scion_parallel_elements(dx->length, backward_part, &loop);
        return true;
}
