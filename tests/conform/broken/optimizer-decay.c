/*
 * Decays every span.
 *
 * FAILED: weight decay applies only to spans that ask for it
 * says: a span whose .decay is false is decayed: by 
 */
#include <scion/optimizer.h>

struct state {
        float lr, weight_decay;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct state, lr, 0.001, "learning rate", .min = 0),
        SCION_FLOAT(struct state, weight_decay, 0, "pull towards zero", .min = 0),
        SCION_PARAMS_END,
};

static int states(const void *self)
{
        (void)self;
        return 0;
}

static void step(void *self, const struct scion_span *spans, int count)
{
        const struct state *state = self;

        for (const struct scion_span *s = spans; s < spans + count; s++)
                for (int64_t i = 0; i < s->count; i++)
                        s->value[i] -= state->lr * s->lr_scale *
                                       (s->gradient[i] + state->weight_decay * s->value[i]);
}

SCION_PLUGIN_OPTIMIZER("optimizer-decay", .summary = "descent with decay for all", .params = params,
                       .size = sizeof(struct state), .states = states, .step = step);
