/*
 * Has two parameters of the same name.
 *
 * FAILED: it is loaded: interface, sizes, name, callbacks, parameter table
 * says: two parameters are called 'alpha'
 */
#include <scion/scion.h>

struct state {
        float alpha;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct state, alpha, 1, "one of them"),
        SCION_FLOAT(struct state, alpha, 2, "the other"),
        SCION_PARAMS_END,
};

SCION_PLUGIN_STRATEGY("two-parameters", .summary = "a strategy with a name twice", .params = params,
                      .size = sizeof(struct state));
