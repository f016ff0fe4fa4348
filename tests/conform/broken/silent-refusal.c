/*
 * Refuses vectors without a reason.
 *
 * FAILED: inputs of several shapes and any number of outputs are taken, or refused with a reason
 * says: build() returned NULL for inputs of 20 and 10 outputs, and gave no reason
 */
#include <scion/scion.h>

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        struct scion_module *net = scion_nn_sequential();

        (void)self;
        if (input->ndim != 3)
                return NULL;
        scion_nn_append(net, "flatten", scion_nn_flatten());
        return scion_nn_append(net, "fc", scion_nn_linear(scion_shape_size(input), outputs, true));
}

SCION_PLUGIN_MODEL("silent-refusal", .summary = "a model for a test", .build = build);
