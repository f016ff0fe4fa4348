/*
 * Marks a parameter as a width, and does not use it.
 *
 * FAILED: it can be built wider and narrower
 * says: 0.5 times as wide it has
 * says: build() must use the parameters that .scales marks
 */
#include <scion/scion.h>

struct fixed_width {
        int64_t width;
};

static const struct scion_param params[] = {
        SCION_INT(struct fixed_width, width, 16, "hidden units", .min = 1, .scales = true),
        SCION_PARAMS_END,
};

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        struct scion_module *net = scion_nn_sequential();

        (void)self;
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc1", scion_nn_linear(scion_shape_size(input), 16, true));
        scion_nn_append(net, "fc2", scion_nn_linear(16, outputs, true));
        return net;
}

SCION_PLUGIN_MODEL("fixed-width", .summary = "a model for a test", .params = params,
                   .size = sizeof(struct fixed_width), .build = build);
