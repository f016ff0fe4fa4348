/*
 * Gives two modules the same name.
 *
 * FAILED: inputs of several shapes and any number of outputs are taken, or refused with a reason
 * says: it takes none of the inputs that were tried
 * says: fc
 */
#include <scion/scion.h>

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        struct scion_module *net = scion_nn_sequential();

        (void)self;
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc", scion_nn_linear(scion_shape_size(input), 16, true));
        scion_nn_append(net, "fc", scion_nn_linear(16, outputs, true));
        return net;
}

SCION_PLUGIN_MODEL("twice-named", .summary = "a model for a test", .build = build);
