/*
 * Refuses all inputs.
 *
 * FAILED: inputs of several shapes and any number of outputs are taken, or refused with a reason
 * says: it takes none of the inputs that were tried: 1x28x28, 3x32x32, 3x64x64, 20: takes images of 7x7
 */
#include <scion/scion.h>

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        (void)self;
        (void)input;
        (void)outputs;
        return scion_fail_null("takes images of 7x7");
}

SCION_PLUGIN_MODEL("picky", .summary = "a model for a test", .build = build);
