/* Stochastic gradient descent with momentum. The same formulas as PyTorch's torch.optim.SGD. */
#include <scion/optimizer.h>
#include <scion/simd.h>

struct sgd {
        float lr;
        float momentum;
        float dampening;
        bool nesterov;
        float weight_decay;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct sgd, lr, 0.01, "learning rate", .min = 0),
        SCION_FLOAT(struct sgd, momentum, 0, "fraction of the last update that is added to the present one",
                    .min = 0),
        SCION_FLOAT(struct sgd, dampening, 0, "fraction of the gradient that is kept out of the momentum",
                    .min = 0, .max = 1),
        SCION_BOOL(struct sgd, nesterov, false, "use Nesterov's momentum"),
        SCION_FLOAT(struct sgd, weight_decay, 0, "L2 penalty, added to the gradient", .min = 0),
        SCION_PARAMS_END,
};

static bool validate(void *self)
{
        const struct sgd *sgd = self;

        if (sgd->nesterov && !(sgd->momentum > 0 && sgd->dampening == 0))
                return scion_fail("nesterov needs a momentum above 0 and no dampening, got momentum %g and "
                                  "dampening %g",
                                  (double)sgd->momentum, (double)sgd->dampening);
        return true;
}

static int states(const void *self)
{
        const struct sgd *sgd = self;

        return sgd->momentum > 0 ? 1 : 0;
}

SCION_CLONES
static void values_step(int64_t n, float *restrict x, const float *restrict gradient, float lr, float decay)
{
        for (int64_t i = 0; i < n; i++)
                x[i] -= lr * (gradient[i] + decay * x[i]);
}

/* v = keep v + take g. The first v is g, without dampening, as in PyTorch. */
SCION_CLONES
static void values_step_momentum(int64_t n, float *restrict x, const float *restrict gradient,
                                 float *restrict v, float lr, float decay, float keep, float take)
{
        for (int64_t i = 0; i < n; i++) {
                v[i] = keep * v[i] + take * (gradient[i] + decay * x[i]);
                x[i] -= lr * v[i];
        }
}

SCION_CLONES
static void values_step_nesterov(int64_t n, float *restrict x, const float *restrict gradient,
                                 float *restrict v, float lr, float decay, float keep, float momentum)
{
        for (int64_t i = 0; i < n; i++) {
                float g = gradient[i] + decay * x[i];

                v[i] = keep * v[i] + g;
                x[i] -= lr * (g + momentum * v[i]);
        }
}

static void step(void *self, const struct scion_span *spans, int count)
{
        const struct sgd *sgd = self;

        for (const struct scion_span *s = spans; s < spans + count; s++) {
                float lr = sgd->lr * s->lr_scale;
                float decay = s->decay ? sgd->weight_decay : 0;
                bool first = s->step == 1;

                if (!(sgd->momentum > 0))
                        values_step(s->count, s->value, s->gradient, lr, decay);
                else if (sgd->nesterov)
                        values_step_nesterov(s->count, s->value, s->gradient, s->state[0], lr, decay,
                                             first ? 0 : sgd->momentum, sgd->momentum);
                else
                        values_step_momentum(s->count, s->value, s->gradient, s->state[0], lr, decay,
                                             first ? 0 : sgd->momentum, first ? 1 : 1 - sgd->dampening);
        }
}

SCION_PLUGIN_OPTIMIZER(
        "sgd", .summary = "stochastic gradient descent, optionally with momentum or Nesterov's momentum",
        .reference = "Sutskever, Martens, Dahl, Hinton. ICML 2013", .params = params,
        .size = sizeof(struct sgd), .validate = validate, .states = states, .step = step);
