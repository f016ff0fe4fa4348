/*
 * Steps the first span of each call.
 *
 * FAILED: each span is stepped by itself, whatever comes with it
 * says: the second of two spans ends with other values than when stepped alone
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

        (void)count;
        for (int64_t i = 0; i < spans->count; i++)
                spans->value[i] -= state->lr * spans->lr_scale * spans->gradient[i];
}

SCION_PLUGIN_OPTIMIZER("optimizer-first", .summary = "descent of one parameter", .params = params,
                       .size = sizeof(struct state), .states = states, .step = step);
