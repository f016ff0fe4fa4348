/*
 * Has ranges, defaults and choices that are not valid.
 *
 * FAILED: defaults, ranges and choices make sense
 * says: parameter 'alpha': its .max 1 is not above its .min 2, and so there is no upper end
 * says: parameter 'count': its default 0.5 is not a valid integer
 * says: parameter 'beta': its default 1e+300 is not a valid float
 * says: parameter 'how': 'mean' is twice among its choices
 * says: parameter 'width' .scales, and only a model has widths
 * says: parameter 'share': .below_max without a .max
 */
#include <scion/scion.h>

struct state {
        float alpha, beta, share;
        int64_t count, width;
        int how;
};

static const char *const ways[] = { "mean", "sum", "mean", NULL };

static const struct scion_param params[] = {
        SCION_FLOAT(struct state, alpha, 1, "weight", .min = 2, .max = 1),
        SCION_FLOAT(struct state, beta, 1e300, "another"),
        SCION_FLOAT(struct state, share, 0, "of the whole", .below_max = true),
        { .name = "count",
          .type = SCION_PARAM_INT,
          .offset = offsetof(struct state, count),
          .number = 0.5,
          .help = "how many" },
        SCION_INT(struct state, width, 3, "units", .scales = true),
        SCION_CHOICE(struct state, how, ways, 0, "of putting together"),
        SCION_PARAMS_END,
};

SCION_PLUGIN_STRATEGY("ranges", .summary = "a strategy with impossible parameters", .params = params,
                      .size = sizeof(struct state));
