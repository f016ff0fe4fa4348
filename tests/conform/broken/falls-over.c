/*
 * Does not check the inputs that it is built for.
 *
 * FAILED: inputs of several shapes and any number of outputs are taken, or refused with a reason
 * says: SIGABRT
 * says: in build() for inputs of 20 and 10 outputs
 */
#include <scion/scion.h>
#include <stdlib.h>

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        struct scion_module *net = scion_nn_sequential();

        (void)self;
        if (input->ndim < 3)
                abort();
        scion_nn_append(net, "flatten", scion_nn_flatten());
        return scion_nn_append(net, "fc", scion_nn_linear(scion_shape_size(input), outputs, true));
}

SCION_PLUGIN_MODEL("falls-over", .summary = "a model for a test", .build = build);
