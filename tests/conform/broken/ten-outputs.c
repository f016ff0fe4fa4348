/*
 * Has ten outputs, whatever is asked for.
 *
 * FAILED: inputs of several shapes and any number of outputs are taken, or refused with a reason
 * says: takes inputs of 1x28x28 with 10 outputs, and not with 2: makes outputs of shape 2x10 of two examples, not 2x2
 */
#include <scion/scion.h>

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        struct scion_module *net = scion_nn_sequential();

        (void)self;
        (void)outputs;
        scion_nn_append(net, "flatten", scion_nn_flatten());
        return scion_nn_append(net, "fc", scion_nn_linear(scion_shape_size(input), 10, true));
}

SCION_PLUGIN_MODEL("ten-outputs", .summary = "a model for a test", .build = build);
