/*
 * Ignores the factor of the schedule.
 *
 * FAILED: a learning rate of 0 moves nothing; a halved one moves values less
 * says: with an lr_scale of 0, which is a learning rate of 0, values move by 
 * says: lr is to be multiplied by the span's lr_scale
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
                        s->value[i] -= state->lr * s->gradient[i];
}

SCION_PLUGIN_OPTIMIZER("optimizer-schedule", .summary = "descent at one rate", .params = params,
                       .size = sizeof(struct state), .states = states, .step = step);
