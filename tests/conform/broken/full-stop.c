/*
 * Its texts end with a full stop.
 *
 * FAILED: summary and help texts are one line, without a full stop
 * says: the summary ends with a full stop: 'does nothing of its own.'
 * says: parameter 'alpha': the help text is more than one line
 */
#include <scion/scion.h>

struct state {
        float alpha;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct state, alpha, 1, "this\nand that"),
        SCION_PARAMS_END,
};

SCION_PLUGIN_STRATEGY("full-stop", .summary = "does nothing of its own.", .params = params,
                      .size = sizeof(struct state));
