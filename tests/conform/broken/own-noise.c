/*
 * Draws its noise from a generator of its own, which ignores the seed.
 *
 * FAILED: the same seed gives the same values and the same training
 * says: two models of one seed make other outputs of the same batch in training
 */
#include <scion/scion.h>

static unsigned drawn;

static struct scion_tensor *forward(void *self, struct scion_module *module, struct scion_tensor *x)
{
        (void)self;
        return scion_nn_training(module) ? scion_shift(x, (float)(++drawn % 7)) : x;
}

static const struct scion_module_impl impl = { .kind = "noise", .forward = forward };

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        struct scion_module *net = scion_nn_sequential();

        (void)self;
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc1", scion_nn_linear(scion_shape_size(input), 16, true));
        scion_nn_append(net, "noise", scion_nn_module(&impl, 0));
        scion_nn_append(net, "fc2", scion_nn_linear(16, outputs, true));
        return net;
}

SCION_PLUGIN_MODEL("own-noise", .summary = "a model for a test", .build = build);
