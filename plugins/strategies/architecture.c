/* Takes over the source's architecture only: fresh values, and optionally another width. */
#include <scion/scion.h>

struct architecture {
        float width;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct architecture, width, 1, "factor of all widths: channels and hidden units",
                    .min = 0, .above_min = true),
        SCION_PARAMS_END,
};

static bool setup(void *self, struct scion_transfer *transfer)
{
        const struct architecture *architecture = self;

        return scion_target_like_source(transfer, (double)architecture->width);
}

SCION_PLUGIN_STRATEGY("architecture",
                      .summary = "the source's architecture with fresh values, wider or narrower",
                      .reference = "Howard et al. 2017. arXiv:1704.04861 (the width multiplier)",
                      .params = params, .size = sizeof(struct architecture),
                      .needs = SCION_NEEDS_ARCHITECTURE, .setup = setup);
