/*
 * Divides by the number of values less one.
 *
 * FAILED: a span of one value is taken
 * says: a span of one value, after ten steps: element 0 of its values is 
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
                        s->value[i] -= state->lr * s->lr_scale * s->gradient[i] * (float)s->count /
                                       (float)(s->count - 1);
}

SCION_PLUGIN_OPTIMIZER("optimizer-two", .summary = "descent of two values and more", .params = params,
                       .size = sizeof(struct state), .states = states, .step = step);
