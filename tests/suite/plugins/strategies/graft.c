/* Puts a layer into a model after fc1: into the target, or, where it does not belong, into the source. */
#include <scion/scion.h>

struct graft {
        bool source;
};

static const struct scion_param params[] = { SCION_BOOL(struct graft, source, false, "into the source"),
                                             SCION_PARAMS_END };

static bool setup(void *self, struct scion_transfer *transfer)
{
        const struct graft *graft = self;
        struct scion_model *source = scion_source(transfer), *target = scion_target(transfer);
        struct scion_module *layer = scion_nn_init(scion_nn_linear(4, 4, false), "weight",
                                                   (struct scion_init){ .kind = SCION_INIT_IDENTITY });

        return scion_model_copy(target, source, true) >= 0 && scion_model_freeze(target, "fc1") &&
               scion_model_graft(graft->source ? source : target, "fc1", SCION_AFTER, "deeper", layer);
}

SCION_PLUGIN_STRATEGY("graft", .summary = "a strategy for a test", .params = params,
                      .size = sizeof(struct graft), .needs = SCION_NEEDS_SOURCE, .setup = setup);
