/*
 * Adds noise to every value, also to the zeros that pad a span.
 *
 * FAILED: gradients of 0 change no value and produce no NaN
 * says: without weight decay, five steps with gradients of 0 from states of 0 have moved values by 
 * says: padding has value 0 and gradient 0, and must stay 0
 */
#include <scion/optimizer.h>

struct state {
        float lr;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct state, lr, 0.001, "learning rate", .min = 0),
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
                                       (s->gradient[i] + 0.01f * (float)((i * 7 + s->step) % 4 - 2));
}

SCION_PLUGIN_OPTIMIZER("optimizer-noisy", .summary = "descent with noise", .params = params,
                       .size = sizeof(struct state), .states = states, .step = step);
