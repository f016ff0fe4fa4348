/*
 * Its .size is smaller than the struct that validate() writes to.
 *
 * FAILED: an instance with these parameters is made and ended
 * says: validate() writes past its state: at byte 4, and the state has 4: set .size = sizeof(struct ...)
 */
#include <scion/scion.h>

struct state {
        float alpha;
        float beta;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct state, alpha, 1, "the first"),
        SCION_PARAMS_END,
};

static bool validate(void *self)
{
        struct state *state = self;

        state->beta = 2 * state->alpha;
        return true;
}

SCION_PLUGIN_STRATEGY("small-state", .summary = "a strategy that writes past its state", .params = params,
                      .size = sizeof(float), .validate = validate);
