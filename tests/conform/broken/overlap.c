/*
 * Two parameters share a field.
 *
 * FAILED: each parameter has bytes of its own in the state
 * says: parameters 'alpha' and 'beta' overlap, at bytes 0 and 0 of the state
 */
#include <scion/scion.h>

struct state {
        float alpha;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct state, alpha, 1, "the first"),
        { .name = "beta", .type = SCION_PARAM_FLOAT, .number = 1, .help = "the second" },
        SCION_PARAMS_END,
};

SCION_PLUGIN_STRATEGY("overlap", .summary = "a strategy with one field for two", .params = params,
                      .size = sizeof(struct state));
