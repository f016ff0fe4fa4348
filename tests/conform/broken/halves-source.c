/*
 * Halves the source.
 *
 * FAILED: the source model keeps its values
 * says: the source's 'conv1.weight' has other values by step 1 of epoch 1 than before setup()
 */
#include <scion/scion.h>

static bool setup(void *self, struct scion_transfer *transfer)
{
        struct scion_parameter *parameter = scion_model_find(scion_source(transfer), "conv1.weight");
        float values[6 * 25];

        (void)self;
        if (!parameter || !scion_parameter_read(parameter, values))
                return false;
        for (int i = 0; i < 6 * 25; i++)
                values[i] *= 0.5f;
        return scion_parameter_write(parameter, values) &&
               scion_model_copy(scion_target(transfer), scion_source(transfer), false) >= 0;
}

SCION_PLUGIN_STRATEGY("halves-source", .summary = "a strategy for a test", .needs = SCION_NEEDS_SOURCE,
                      .setup = setup);
