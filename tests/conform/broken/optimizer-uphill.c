/*
 * Adds the gradient instead of subtracting it.
 *
 * FAILED: it goes downhill on a quadratic
 * FAILED: it goes downhill on Rosenbrock's valley
 * says: Is the sign of the gradient right?
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
                        s->value[i] += state->lr * s->lr_scale * s->gradient[i];
}

SCION_PLUGIN_OPTIMIZER("optimizer-uphill", .summary = "ascent", .params = params,
                       .size = sizeof(struct state), .states = states, .step = step);
