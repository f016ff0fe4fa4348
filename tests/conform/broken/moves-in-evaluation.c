/*
 * Updates its running mean in evaluation as well.
 *
 * FAILED: in evaluation nothing is random or kept, and examples do not mix
 * says: evaluation changes the buffer 'running.mean'
 * says: scion_nn_training()
 */
#include <scion/scion.h>

static struct scion_tensor *forward(void *self, struct scion_module *module, struct scion_tensor *x)
{
        (void)self;
        return scion_nn_set_buffer(module, 0, scion_mean(x, SCION_ALL_AXES, false)) ? x : NULL;
}

static const struct scion_module_impl impl = { .kind = "running", .forward = forward };

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        struct scion_module *net = scion_nn_sequential(), *running = scion_nn_module(&impl, 0);

        (void)self;
        scion_nn_buffer(running, "mean", SCION_SCALAR, (struct scion_init){ .kind = SCION_INIT_ZEROS });
        scion_nn_append(net, "running", running);
        scion_nn_append(net, "flatten", scion_nn_flatten());
        return scion_nn_append(net, "fc", scion_nn_linear(scion_shape_size(input), outputs, true));
}

SCION_PLUGIN_MODEL("moves-in-evaluation", .summary = "a model for a test", .build = build);
