/* Linear probing: the source's features are frozen, and a new head is trained on them. */
#include <scion/scion.h>

static bool setup(void *self, struct scion_transfer *transfer)
{
        struct scion_model *target = scion_target(transfer);

        (void)self;
        if (scion_model_copy(target, scion_source(transfer), false) < 0)
                return false;
        for (int i = 0; i < scion_model_parameter_count(target); i++) {
                struct scion_parameter *parameter = scion_model_parameter(target, i);

                scion_parameter_freeze(parameter, !scion_model_in_head(target, parameter));
        }
        return true;
}

SCION_PLUGIN_STRATEGY("linear-probe", .summary = "freeze the source's features and train a new head on them",
                      .reference = "Alain, Bengio. ICLR 2017 workshop. arXiv:1610.01644",
                      .needs = SCION_NEEDS_SOURCE, .setup = setup);
