/*
 * Steps four values at a time, also past the end of a span.
 *
 * FAILED: it writes to values and states alone, and not past them
 * says: step() writes outside a span: to element 1 of its values; the span has 1 element
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
                for (int64_t i = 0; i < s->count; i += 4)
                        for (int64_t k = 0; k < 4; k++)
                                s->value[i + k] -= state->lr * s->lr_scale * s->gradient[i + k];
}

SCION_PLUGIN_OPTIMIZER("optimizer-past", .summary = "descent by fours", .params = params,
                       .size = sizeof(struct state), .states = states, .step = step);
