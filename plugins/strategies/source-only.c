/* Evaluates the source on the target's examples without training: the baseline of unsupervised adaptation. */
#include <scion/scion.h>

static bool setup(void *self, struct scion_transfer *transfer)
{
        struct scion_model *target = scion_target(transfer);

        (void)self;
        return scion_train_nothing(transfer) && scion_model_copy(target, scion_source(transfer), true) >= 0 &&
               scion_model_freeze(target, "*");
}

SCION_PLUGIN_STRATEGY("source-only", .summary = "the source model, not trained on the target",
                      .needs = SCION_NEEDS_SOURCE | SCION_NEEDS_SAME_CLASSES, .setup = setup);
