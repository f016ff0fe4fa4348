/*
 * Its outputs depend on how often it was evaluated.
 *
 * FAILED: in evaluation nothing is random or kept, and examples do not mix
 * says: in evaluation the same inputs give other outputs the second time
 */
#include <scion/scion.h>

static struct scion_tensor *forward(void *self, struct scion_module *module, struct scion_tensor *x)
{
        float *times = self;

        return scion_nn_training(module) ? x : scion_scale(x, 1 + 0.01f * (*times)++);
}

static const struct scion_module_impl impl = { .kind = "counting", .forward = forward };

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        struct scion_module *net = scion_nn_sequential();

        (void)self;
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc1", scion_nn_linear(scion_shape_size(input), 16, true));
        scion_nn_append(net, "counting", scion_nn_module(&impl, sizeof(float)));
        scion_nn_append(net, "fc2", scion_nn_linear(16, outputs, true));
        return net;
}

SCION_PLUGIN_MODEL("counts-evaluations", .summary = "a model for a test", .build = build);
