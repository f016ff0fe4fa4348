/* Adapters: small bottleneck modules between the frozen layers of the source. Only these and a new head are
 * trained. */
#include <scion/scion.h>
#include <string.h>

enum nonlinearity { RELU, TANH, SIGMOID };

struct adapter {
        struct scion_strings layers;
        int64_t bottleneck;
        int nonlinearity;
        float deviation;
        bool norms;
};

static const char *const nonlinearities[] = { "relu", "tanh", "sigmoid", NULL };

static const struct scion_param params[] = {
        SCION_STRINGS(struct adapter, layers, NULL,
                      "modules after which an adapter is added; left out: all linear layers and convolutions "
                      "except the head's"),
        SCION_INT(struct adapter, bottleneck, 64, "units or channels of the bottleneck", .min = 1,
                  .max = 65536),
        SCION_CHOICE(struct adapter, nonlinearity, nonlinearities, RELU, "activation of the bottleneck"),
        SCION_FLOAT(struct adapter, deviation, 0,
                    "standard deviation of the initial weights of an adapter's last layer; 0: the adapter "
                    "starts as the identity; the paper has 0.01",
                    .min = 0),
        SCION_BOOL(struct adapter, norms, true,
                   "also train the weights and biases of batch normalisations, and update their statistics"),
        SCION_PARAMS_END,
};

/* --- One adapter ---------------------------------------------------------------------------------------- */

struct bottleneck {
        struct scion_module *down, *up;
        struct scion_tensor *(*nonlinearity)(struct scion_tensor *x);
};

/* Returns x + up(f(down(x))). */
static struct scion_tensor *bottleneck_forward(void *self, struct scion_module *module,
                                               struct scion_tensor *x)
{
        const struct bottleneck *b = self;

        (void)module;
        return scion_add(x, scion_nn_forward(b->up, b->nonlinearity(scion_nn_forward(b->down, x))));
}

/* Creates a linear layer; for maps [C, H, W], a 1x1 convolution. */
static struct scion_module *layer_create(bool maps, int64_t in, int64_t out)
{
        const struct scion_window pixel = { .kernel = { 1, 1 } };

        return maps ? scion_nn_conv2d(in, out, &pixel, true) : scion_nn_linear(in, out, true);
}

static struct scion_module *bottleneck_create(const struct adapter *adapter, bool maps, int64_t width)
{
        static struct scion_tensor *(*const functions[])(struct scion_tensor *) = { scion_relu, scion_tanh,
                                                                                    scion_sigmoid };
        static const struct scion_module_impl impl = { .kind = "adapter", .forward = bottleneck_forward };
        const struct scion_init zeros = { .kind = SCION_INIT_ZEROS },
                                normal = { .kind = SCION_INIT_NORMAL, .gain = adapter->deviation };
        struct scion_module *module = scion_nn_module(&impl, sizeof(struct bottleneck));
        struct bottleneck *b = scion_nn_self(module);

        if (!b)
                return NULL;
        b->down = layer_create(maps, width, adapter->bottleneck);
        b->up = scion_nn_init(scion_nn_init(layer_create(maps, adapter->bottleneck, width), "weight",
                                            adapter->deviation > 0 ? normal : zeros),
                              "bias", zeros);
        b->nonlinearity = functions[adapter->nonlinearity];
        scion_nn_append(module, "down", b->down);
        scion_nn_append(module, "up", b->up);
        return module;
}

/* --- Placement ------------------------------------------------------------------------------------------ */

static bool adapter_graft(const struct adapter *adapter, struct scion_model *target, const char *path)
{
        struct scion_shape shape = scion_model_feature_shape(target, path);
        char text[96];

        if (shape.ndim == 1 || shape.ndim == 3)
                return scion_model_graft(target, path, SCION_AFTER, "adapter",
                                         bottleneck_create(adapter, shape.ndim == 3, shape.dim[0]));
        return shape.ndim > 0 && scion_fail("an adapter takes vectors or maps, but the output of '%s' is %s",
                                            path, scion_shape_text(&shape, text, sizeof text));
}

static bool adapters_graft_named(const struct adapter *adapter, struct scion_model *target)
{
        struct scion_strings paths;

        if (!scion_model_select(target, &adapter->layers, &paths))
                return false;
        for (size_t i = 0; i < paths.count; i++)
                if (!adapter_graft(adapter, target, paths.value[i]))
                        return false;
        return true;
}

static bool module_is_kind(const struct scion_module *module, const char *start)
{
        return strncmp(scion_module_kind(module), start, strlen(start)) == 0;
}

/* Adds an adapter after every linear layer and convolution. Goes backwards, because the layers of a new adapter get
 * indexes after that of the module it follows. */
static bool adapters_graft_everywhere(const struct adapter *adapter, struct scion_model *target)
{
        for (int i = scion_model_module_count(target) - 1; i >= 0; i--) {
                const struct scion_module *module = scion_model_module_at(target, i);

                if ((module_is_kind(module, "linear") || module_is_kind(module, "conv2d")) &&
                    !scion_model_in_head(target, scion_module_parameter(module, "weight")) &&
                    !adapter_graft(adapter, target, scion_module_path(module)))
                        return false;
        }
        return true;
}

/* Freezes everything outside the head, except normalisations if `norms` is set. */
static void target_freeze(const struct adapter *adapter, struct scion_model *target)
{
        for (int i = 0; i < scion_model_parameter_count(target); i++) {
                struct scion_parameter *parameter = scion_model_parameter(target, i);

                scion_parameter_freeze(parameter, !scion_model_in_head(target, parameter));
        }
        for (int i = 0; adapter->norms && i < scion_model_module_count(target); i++) {
                const struct scion_module *module = scion_model_module_at(target, i);

                if (!module_is_kind(module, "batch_norm"))
                        continue;
                scion_parameter_freeze(scion_module_parameter(module, "weight"), false);
                scion_parameter_freeze(scion_module_parameter(module, "bias"), false);
        }
}

static bool setup(void *self, struct scion_transfer *transfer)
{
        const struct adapter *adapter = self;
        struct scion_model *target = scion_target(transfer);

        if (scion_model_copy(target, scion_source(transfer), false) < 0)
                return false;
        target_freeze(adapter, target); /* before the adapters are added, which are trained */
        return adapter->layers.count > 0 ? adapters_graft_named(adapter, target)
                                         : adapters_graft_everywhere(adapter, target);
}

SCION_PLUGIN_STRATEGY("adapter",
                      .summary = "train bottleneck modules between the layers of the frozen source",
                      .reference = "Houlsby et al. ICML 2019. arXiv:1902.00751", .params = params,
                      .size = sizeof(struct adapter), .needs = SCION_NEEDS_SOURCE, .setup = setup);
