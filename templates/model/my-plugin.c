/* my-plugin: a small convolutional network for images of any size, whose last maps are averaged to a grid. */
#include <scion/scion.h>
#include <stdio.h>

struct my_plugin {
        int64_t width, depth, grid;
};

/* The parameters that experiment.yaml can set. The engine checks names, types and ranges by this table. */
static const struct scion_param params[] = {
        SCION_INT(struct my_plugin, width, 16, "channels of each block", .min = 1, .max = 4096,
                  .scales = true),
        SCION_INT(struct my_plugin, depth, 2, "number of blocks: convolution, normalisation, ReLU", .min = 1,
                  .max = 100),
        SCION_INT(struct my_plugin, grid, 4, "rows and columns that the last maps are averaged to", .min = 1,
                  .max = 64),
        SCION_PARAMS_END,
};

static struct scion_module *block_create(int64_t in, int64_t out)
{
        const struct scion_window window = { .kernel = { 3, 3 }, .padding = { 1, 1 } };
        struct scion_module *block = scion_nn_sequential();

        scion_nn_append(block, "conv", scion_nn_conv2d(in, out, &window, false));
        scion_nn_append(block, "bn", scion_nn_batch_norm2d(out, 0.1f, 1e-5f));
        scion_nn_append(block, "relu", scion_nn_relu());
        return block;
}

/*
 * Returns a tree of named modules for inputs of the given shape. Strategies match parameters of source and target by
 * their names and shapes, so only the head may depend on `outputs`. The calls need no checks: a module that cannot be
 * created makes its parent unusable, and the engine reports the first message.
 */
static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        const struct my_plugin *plugin = self;
        struct scion_module *net;
        char text[96];

        if (input->ndim != 3)
                return scion_fail_null("takes images of shape CxHxW, got %s",
                                       scion_shape_text(input, text, sizeof text));
        net = scion_nn_sequential();
        for (int64_t i = 1; i <= plugin->depth; i++) {
                char name[32];

                snprintf(name, sizeof name, "block%lld", (long long)i);
                scion_nn_append(net, name,
                                block_create(i == 1 ? input->dim[0] : plugin->width, plugin->width));
        }
        scion_nn_append(net, "pool", scion_nn_adaptive_avg_pool2d(plugin->grid, plugin->grid));
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "head",
                        scion_nn_linear(plugin->width * plugin->grid * plugin->grid, outputs, true));
        return net;
}

/* clang-format off */
SCION_PLUGIN_MODEL("my-plugin",
        .summary = "a small convolutional network for images of any size",
        .params  = params,
        .size    = sizeof(struct my_plugin),
        .build   = build,
        .head    = "head");
