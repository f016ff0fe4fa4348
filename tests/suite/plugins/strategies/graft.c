/* Puts a layer into a model after fc1: into the target, or, where it does not belong, into the source, or too late.
 * It masks the source, which is its own affair. */
#include <scion/scion.h>

struct graft {
        bool source, late;
};

static const struct scion_param params[] = { SCION_BOOL(struct graft, source, false, "into the source"),
                                             SCION_BOOL(struct graft, late, false, "when an epoch begins"),
                                             SCION_PARAMS_END };

static bool begin_epoch(void *self, struct scion_transfer *transfer, int64_t epoch)
{
        const struct graft *graft = self;

        (void)epoch;
        return !graft->late ||
               scion_model_graft(scion_target(transfer), "fc1", SCION_AFTER, "late", scion_nn_tanh());
}

/* What another instance has done to the source, in a dry run, is undone. */
static bool mask(struct scion_parameter *parameter)
{
        static const float zeros[1024];
        struct scion_shape shape = scion_parameter_shape(parameter);

        if (scion_parameter_masked(parameter))
                return scion_fail("the source is masked already");
        return scion_shape_size(&shape) <= 1024 && scion_parameter_mask(parameter, zeros);
}

static bool setup(void *self, struct scion_transfer *transfer)
{
        const struct graft *graft = self;
        struct scion_model *source = scion_source(transfer), *target = scion_target(transfer);
        struct scion_module *layer = scion_nn_init(scion_nn_linear(4, 4, false), "weight",
                                                   (struct scion_init){ .kind = SCION_INIT_IDENTITY });

        return scion_model_copy(target, source, true) >= 0 && mask(scion_model_parameter(source, 0)) &&
               scion_model_freeze(target, "fc1") &&
               scion_model_graft(graft->source ? source : target, "fc1", SCION_AFTER, "deeper", layer);
}

SCION_PLUGIN_STRATEGY("graft", .summary = "a strategy for a test", .params = params,
                      .size = sizeof(struct graft), .needs = SCION_NEEDS_SOURCE, .setup = setup,
                      .begin_epoch = begin_epoch);
