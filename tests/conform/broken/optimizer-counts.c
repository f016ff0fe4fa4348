/*
 * Counts steps in its own state, which checkpoints do not store, instead of using span->step.
 *
 * FAILED: its states survive saving and loading, bit for bit
 * FAILED: each span is stepped by itself, whatever comes with it
 * says: everything the optimizer keeps between steps must be in the states
 * says: the second of two spans ends with other values than when stepped alone
 */
#include <scion/optimizer.h>

struct state {
        float lr, steps;
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
        struct state *state = self;

        state->steps += 1;
        for (const struct scion_span *s = spans; s < spans + count; s++)
                for (int64_t i = 0; i < s->count; i++)
                        s->value[i] -= state->lr * s->lr_scale * s->gradient[i] / (1 + 0.1f * state->steps);
}

SCION_PLUGIN_OPTIMIZER("optimizer-counts", .summary = "descent that grows slower", .params = params,
                       .size = sizeof(struct state), .states = states, .step = step);
