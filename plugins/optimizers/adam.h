/* Shared by adam and adamw, which differ in the weight decay. The same formulas as PyTorch's torch.optim.Adam. */
#ifndef PLUGINS_OPTIMIZERS_ADAM_H
#define PLUGINS_OPTIMIZERS_ADAM_H

#include <math.h>
#include <scion/optimizer.h>
#include <scion/simd.h>

struct adam {
        float lr;
        float beta1;
        float beta2;
        float eps;
        float weight_decay;
};

/* Padding stays 0 because eps > 0: 0 / (sqrt(0) + eps) = 0. */
#define ADAM_PARAMS(decay, help)                                                                            \
        SCION_FLOAT(struct adam, lr, 1e-3, "learning rate", .min = 0),                                      \
                SCION_FLOAT(struct adam, beta1, 0.9, "decay of the running mean of the gradient", .min = 0, \
                            .max = 1, .below_max = true),                                                   \
                SCION_FLOAT(struct adam, beta2, 0.999, "decay of the running mean of its square", .min = 0, \
                            .max = 1, .below_max = true),                                                   \
                SCION_FLOAT(struct adam, eps, 1e-8, "added to the root of the running mean square",         \
                            .min = 1e-30),                                                                  \
                SCION_FLOAT(struct adam, weight_decay, decay, help, .min = 0), SCION_PARAMS_END,

/* The coefficients of one step, equal for all values of a span. */
struct adam_step {
        float shrink;       /* factor of the values: decoupled weight decay; 1 for none */
        float decay;        /* L2 penalty in the gradient; 0 for none */
        float keep1, take1; /* beta1, 1 - beta1; keep2 and take2 likewise */
        float keep2, take2;
        float size; /* learning rate divided by the bias correction of the mean */
        float root; /* square root of the bias correction of the mean square */
        float eps;
};

static inline struct adam_step adam_step(const struct adam *adam, const struct scion_span *span,
                                         bool decoupled)
{
        double lr = (double)adam->lr * (double)span->lr_scale;
        double decay = span->decay ? (double)adam->weight_decay : 0;
        double beta1 = (double)adam->beta1, beta2 = (double)adam->beta2;

        return (struct adam_step){
                .shrink = decoupled ? (float)(1 - lr * decay) : 1,
                .decay = decoupled ? 0 : (float)decay,
                .keep1 = adam->beta1,
                .take1 = (float)(1 - beta1),
                .keep2 = adam->beta2,
                .take2 = (float)(1 - beta2),
                .size = (float)(lr / (1 - pow(beta1, (double)span->step))),
                .root = (float)sqrt(1 - pow(beta2, (double)span->step)),
                .eps = adam->eps,
        };
}

SCION_CLONES
static void adam_update(int64_t n, float *restrict x, const float *restrict gradient, float *restrict mean,
                        float *restrict square, const struct adam_step *step)
{
        const struct adam_step s = *step;

        for (int64_t i = 0; i < n; i++) {
                float g = gradient[i] + s.decay * x[i];

                mean[i] = s.keep1 * mean[i] + s.take1 * g;
                square[i] = s.keep2 * square[i] + s.take2 * (g * g);
                x[i] = s.shrink * x[i] - s.size * (mean[i] / (sqrtf(square[i]) / s.root + s.eps));
        }
}

static int states(const void *self)
{
        (void)self;
        return 2; /* the gradient's mean and its mean square */
}

static void adam_update_spans(const struct adam *adam, const struct scion_span *spans, int count,
                              bool decoupled)
{
        for (const struct scion_span *s = spans; s < spans + count; s++) {
                struct adam_step now = adam_step(adam, s, decoupled);

                adam_update(s->count, s->value, s->gradient, s->state[0], s->state[1], &now);
        }
}

#endif
