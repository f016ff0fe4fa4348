/*
 * Adds the weight decay to the gradients in place.
 *
 * FAILED: it writes to values and states alone, and not past them
 * says: step() changes the gradients, which are the engine's
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
                for (int64_t i = 0; i < s->count; i++) {
                        float *gradient = (float *)s->gradient;

                        gradient[i] += 0.001f * (float)s->decay * s->value[i];
                        s->value[i] -= state->lr * s->lr_scale * gradient[i];
                }
}

SCION_PLUGIN_OPTIMIZER("optimizer-gradient", .summary = "descent that changes the gradient", .params = params,
                       .size = sizeof(struct state), .states = states, .step = step);
