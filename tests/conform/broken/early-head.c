/*
 * Names a head that does not compute the outputs.
 *
 * FAILED: the head makes the outputs, and nothing is done to them after it
 * says: the head 'fc1' makes 32 values of two examples, and the model 20 outputs
 */
#include <scion/scion.h>

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        struct scion_module *net = scion_nn_sequential();

        (void)self;
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc1", scion_nn_linear(scion_shape_size(input), 16, true));
        scion_nn_append(net, "fc2", scion_nn_linear(16, outputs, true));
        return net;
}

SCION_PLUGIN_MODEL("early-head", .summary = "a model for a test", .head = "fc1", .build = build);
