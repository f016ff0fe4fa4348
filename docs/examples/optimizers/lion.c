/* docs/examples/optimizers/lion.c: steps of equal size in the direction of the momentum's sign. */
#include <scion/scion.h>

struct lion {
        float lr, beta1, beta2, weight_decay;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct lion, lr, 1e-4, "learning rate: the size of each step", .min = 0),
        SCION_FLOAT(struct lion, beta1, 0.9, "weight of the momentum in the step's direction", .min = 0,
                    .max = 1, .below_max = true),
        SCION_FLOAT(struct lion, beta2, 0.99, "decay of the momentum", .min = 0, .max = 1, .below_max = true),
        SCION_FLOAT(struct lion, weight_decay, 0, "decoupled weight decay, multiplied by the learning rate",
                    .min = 0),
        SCION_PARAMS_END,
};

static int states(const void *self)
{
        (void)self;
        return 1; /* the momentum */
}

/* SCION_CLONES compiles the loop for several instruction sets. */
SCION_CLONES
static void values_update(int64_t n, float *restrict x, const float *restrict gradient,
                          float *restrict momentum, const struct lion *lion, float lr, float decay)
{
        const float beta1 = lion->beta1, beta2 = lion->beta2;

        for (int64_t i = 0; i < n; i++) {
                float c = beta1 * momentum[i] + (1 - beta1) * gradient[i];
                float sign = (float)(c > 0) - (float)(c < 0); /* 0 for c = 0, so that padding stays 0 */

                x[i] -= lr * (sign + decay * x[i]);
                momentum[i] = beta2 * momentum[i] + (1 - beta2) * gradient[i];
        }
}

static void step(void *self, const struct scion_span *spans, int count)
{
        const struct lion *lion = self;

        for (const struct scion_span *s = spans; s < spans + count; s++)
                values_update(s->count, s->value, s->gradient, s->state[0], lion, lion->lr * s->lr_scale,
                              s->decay ? lion->weight_decay : 0);
}

SCION_PLUGIN_OPTIMIZER("lion", .summary = "sign of the momentum, with decoupled weight decay",
                       .reference = "Chen et al. NeurIPS 2023. arXiv:2302.06675", .params = params,
                       .size = sizeof(struct lion), .states = states, .step = step);
