/*
 * Computes the logarithm of values half of which are 0.
 *
 * FAILED: inputs of several shapes and any number of outputs are taken, or refused with a reason
 * says: for random inputs, a batch of 1
 */
#include <scion/scion.h>

static struct scion_tensor *forward(void *self, struct scion_module *module, struct scion_tensor *x)
{
        (void)self;
        (void)module;
        return scion_log(scion_relu(x));
}

static const struct scion_module_impl impl = { .kind = "log", .forward = forward };

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        struct scion_module *net = scion_nn_sequential();

        (void)self;
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc1", scion_nn_linear(scion_shape_size(input), 16, true));
        scion_nn_append(net, "log", scion_nn_module(&impl, 0));
        scion_nn_append(net, "fc2", scion_nn_linear(16, outputs, true));
        return net;
}

SCION_PLUGIN_MODEL("log-of-relu", .summary = "a model for a test", .build = build);
