/*
 * Converts its learning rate to an integer.
 *
 * FAILED: steps move the values, and they stay finite
 * says: ten steps with lr 0.001 have moved no value
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

        const int64_t lr = (int64_t)state->lr;

        for (const struct scion_span *s = spans; s < spans + count; s++)
                for (int64_t i = 0; i < s->count; i++)
                        s->value[i] -= (float)lr * s->lr_scale * s->gradient[i];
}

SCION_PLUGIN_OPTIMIZER("optimizer-still", .summary = "descent at the rate 0", .params = params,
                       .size = sizeof(struct state), .states = states, .step = step);
