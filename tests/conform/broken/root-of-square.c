/*
 * Computes the square root of a square that is 0.
 *
 * FAILED: a finite gradient reaches every parameter
 * says: the gradient of 'fc1.weight' is not a number for random inputs
 */
#include <scion/scion.h>

static struct scion_tensor *forward(void *self, struct scion_module *module, struct scion_tensor *x)
{
        struct scion_tensor *moved = scion_sub(x, scion_detach(x));

        (void)self;
        (void)module;
        return scion_add(x, scion_sqrt(scion_mul(moved, moved)));
}

static const struct scion_module_impl impl = { .kind = "root", .forward = forward };

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        struct scion_module *net = scion_nn_sequential();

        (void)self;
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc1", scion_nn_linear(scion_shape_size(input), 16, true));
        scion_nn_append(net, "root", scion_nn_module(&impl, 0));
        scion_nn_append(net, "fc2", scion_nn_linear(16, outputs, true));
        return net;
}

SCION_PLUGIN_MODEL("root-of-square", .summary = "a model for a test", .build = build);
