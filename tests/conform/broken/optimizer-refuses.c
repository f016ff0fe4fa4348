/*
 * Decays every span, and refuses a weight decay of 0, without which its decay cannot be tested.
 *
 * FAILED: gradients of 0 change no value and produce no NaN
 * says: it refuses weight_decay=0
 */
#include <scion/error.h>
#include <scion/optimizer.h>

struct state {
        float lr, weight_decay;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct state, lr, 0.001, "learning rate", .min = 0),
        SCION_FLOAT(struct state, weight_decay, 0.01, "pull towards zero", .min = 0),
        SCION_PARAMS_END,
};

static bool validate(void *self)
{
        const struct state *state = self;

        return state->weight_decay > 0 || scion_fail("weight_decay must be above 0");
}

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
                                       (s->gradient[i] + state->weight_decay * s->value[i]);
}

SCION_PLUGIN_OPTIMIZER("optimizer-refuses", .summary = "descent that always decays", .params = params,
                       .size = sizeof(struct state), .validate = validate, .states = states, .step = step);
