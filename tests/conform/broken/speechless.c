/*
 * Refuses a value without a reason.
 *
 * FAILED: values at the ends of the ranges are taken, or refused with a reason
 * says: validate() refuses, and gives no reason
 * says: that was with share=1
 */
#include <scion/scion.h>

struct state {
        float share;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct state, share, 0, "of the whole", .max = 1),
        SCION_PARAMS_END,
};

static bool validate(void *self)
{
        return ((const struct state *)self)->share < 1;
}

SCION_PLUGIN_STRATEGY("speechless", .summary = "a strategy that does not say what it wants", .params = params,
                      .size = sizeof(struct state), .validate = validate);
