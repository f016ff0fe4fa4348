/*
 * Has a parameter that it does not use.
 *
 * FAILED: a finite gradient reaches every parameter
 * says: no gradient reaches the parameter 'scale.factor'
 */
#include <scion/scion.h>

static struct scion_tensor *forward(void *self, struct scion_module *module, struct scion_tensor *x)
{
        (void)self;
        (void)module;
        return x;
}

static const struct scion_module_impl impl = { .kind = "scale", .forward = forward };

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        struct scion_module *net = scion_nn_sequential(), *scale = scion_nn_module(&impl, 0);

        (void)self;
        scion_nn_parameter(scale, "factor", SCION_SHAPE(1), (struct scion_init){ .kind = SCION_INIT_ONES });
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "scale", scale);
        return scion_nn_append(net, "fc", scion_nn_linear(scion_shape_size(input), outputs, true));
}

SCION_PLUGIN_MODEL("unused-scale", .summary = "a model for a test", .build = build);
