/*
 * Divides by the root of a running square, with nothing added.
 *
 * FAILED: it goes downhill on a quadratic
 * FAILED: gradients of 0 change no value and produce no NaN
 * says: a quadratic: the values do not stay finite, at 0.001 to 100 times lr
 * says: after five steps with gradients of 0: element 0 of its values is 
 * says: nan
 */
#include <math.h>
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
        return 1;
}

static void step(void *self, const struct scion_span *spans, int count)
{
        const struct state *state = self;

        for (const struct scion_span *s = spans; s < spans + count; s++)
                for (int64_t i = 0; i < s->count; i++) {
                        float *square = &s->state[0][i];

                        *square = 0.9f * *square + 0.1f * s->gradient[i] * s->gradient[i];
                        s->value[i] -= state->lr * s->lr_scale * s->gradient[i] / sqrtf(*square);
                }
}

SCION_PLUGIN_OPTIMIZER("optimizer-divides", .summary = "descent by the size of gradients", .params = params,
                       .size = sizeof(struct state), .states = states, .step = step);
