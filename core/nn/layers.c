/* The modules that the engine provides. The macro LAYER defines the forward function of each. */
#include "nn/module.h"

#include <scion/error.h>

/* The state of every module here. Each kind uses some of the fields. */
struct layer {
        struct scion_window window;
        int64_t size[2];
        float p;
        bool bias;
};

static struct scion_tensor *module_weight(struct scion_module *module)
{
        return scion_nn_tensor(module, 0);
}

static struct scion_tensor *module_bias(struct scion_module *module, const struct layer *layer)
{
        return layer->bias ? scion_nn_tensor(module, 1) : NULL;
}

/* Defines a kind of module by the formula of its output for the input x. */
#define LAYER(name, formula)                                                                \
        static struct scion_tensor *name##_forward(void *self, struct scion_module *module, \
                                                   struct scion_tensor *x)                  \
        {                                                                                   \
                const struct layer *layer = self;                                           \
                                                                                            \
                (void)layer;                                                                \
                (void)module;                                                               \
                return formula;                                                             \
        }                                                                                   \
        static const struct scion_module_impl name##_layer = { .kind = #name, .forward = name##_forward };

LAYER(linear, scion_linear(x, module_weight(module), module_bias(module, layer)))
LAYER(conv2d, scion_conv2d(x, module_weight(module), module_bias(module, layer), &layer->window))
LAYER(max_pool2d, scion_max_pool2d(x, &layer->window))
LAYER(avg_pool2d, scion_avg_pool2d(x, &layer->window))
LAYER(adaptive_avg_pool2d, scion_adaptive_avg_pool2d(x, layer->size[0], layer->size[1]))
LAYER(relu, scion_relu(x))
LAYER(tanh, scion_tanh(x))
LAYER(sigmoid, scion_sigmoid(x))
LAYER(dropout, scion_dropout(x, layer->p))
LAYER(flatten, scion_flatten(x, 1))

static struct scion_module *leaf_create(const struct scion_module_impl *impl, struct layer state)
{
        struct scion_module *module = scion_nn_module(impl, sizeof state);

        if (!module)
                return NULL;
        module->leaf = true;
        *(struct layer *)scion_nn_self(module) = state;
        return module;
}

struct scion_module *scion_nn_relu(void)
{
        return leaf_create(&relu_layer, (struct layer){ 0 });
}

struct scion_module *scion_nn_tanh(void)
{
        return leaf_create(&tanh_layer, (struct layer){ 0 });
}

struct scion_module *scion_nn_sigmoid(void)
{
        return leaf_create(&sigmoid_layer, (struct layer){ 0 });
}

struct scion_module *scion_nn_flatten(void)
{
        return leaf_create(&flatten_layer, (struct layer){ 0 });
}

struct scion_module *scion_nn_dropout(float p)
{
        if (!(p >= 0 && p < 1))
                return scion_fail_null("dropout: the probability must be at least 0 and below 1, got %g",
                                       (double)p);
        return leaf_create(&dropout_layer, (struct layer){ .p = p });
}

/* --- Windows -------------------------------------------------------------------------------------------- */

static bool window_check(const char *kind, const struct scion_window *window)
{
        if (!window)
                return scion_fail("%s: no window", kind);
        for (int i = 0; i < 2; i++) {
                const char *side = i == 0 ? "height" : "width";

                if (window->kernel[i] < 1)
                        return scion_fail("%s: the kernel's %s must be positive, got %d", kind, side,
                                          window->kernel[i]);
                if (window->stride[i] < 0 || window->padding[i] < 0 || window->dilation[i] < 0)
                        return scion_fail("%s: stride, padding and dilation must not be negative", kind);
        }
        return true;
}

static struct scion_module *pool_create(const struct scion_module_impl *impl,
                                        const struct scion_window *window)
{
        if (!window_check(impl->kind, window))
                return NULL;
        for (int i = 0; i < 2; i++) {
                if (window->padding[i] > window->kernel[i] / 2)
                        return scion_fail_null("%s: a padding of %d is more than half the kernel's %d",
                                               impl->kind, window->padding[i], window->kernel[i]);
                if (window->dilation[i] > 1)
                        return scion_fail_null("%s: takes no dilation", impl->kind);
        }
        return leaf_create(impl, (struct layer){ .window = *window });
}

struct scion_module *scion_nn_max_pool2d(const struct scion_window *window)
{
        return pool_create(&max_pool2d_layer, window);
}

struct scion_module *scion_nn_avg_pool2d(const struct scion_window *window)
{
        return pool_create(&avg_pool2d_layer, window);
}

struct scion_module *scion_nn_adaptive_avg_pool2d(int64_t height, int64_t width)
{
        if (height < 1 || width < 1)
                return scion_fail_null("adaptive_avg_pool2d: cannot make images of %lldx%lld",
                                       (long long)height, (long long)width);
        return leaf_create(&adaptive_avg_pool2d_layer, (struct layer){ .size = { height, width } });
}

/* --- Layers with parameters ----------------------------------------------------------------------------- */

/* Declares the weight, and the bias if the layer has one, with PyTorch's initialisation: both are drawn from U(-b, b) with
 * b = 1 / sqrt(fan_in of the weight). Destroys the module and returns NULL on failure. Returns NULL for NULL. */
static struct scion_module *weighted_create(struct scion_module *module, struct scion_shape shape)
{
        const struct layer *layer = scion_nn_self(module);
        struct scion_init init = { .kind = SCION_INIT_FAN_IN_UNIFORM };

        if (!module)
                return NULL;
        if (scion_nn_parameter(module, "weight", shape, init) < 0)
                goto failed;
        if (!layer->bias)
                return module;
        init.fan_in = scion_shape_size(&shape) / shape.dim[0];
        if (scion_nn_parameter(module, "bias", SCION_SHAPE(shape.dim[0]), init) >= 0)
                return module;
failed:
        scion_module_destroy(module);
        return NULL;
}

struct scion_module *scion_nn_linear(int64_t in, int64_t out, bool bias)
{
        if (in < 1 || out < 1)
                return scion_fail_null(
                        "linear: the numbers of inputs and outputs must be positive, got %lld and %lld",
                        (long long)in, (long long)out);
        return weighted_create(leaf_create(&linear_layer, (struct layer){ .bias = bias }),
                               SCION_SHAPE(out, in));
}

struct scion_module *scion_nn_conv2d(int64_t in, int64_t out, const struct scion_window *window, bool bias)
{
        if (in < 1 || out < 1)
                return scion_fail_null(
                        "conv2d: the numbers of channels must be positive, got %lld in and %lld out",
                        (long long)in, (long long)out);
        if (!window_check("conv2d", window))
                return NULL;
        int64_t groups = window->groups == 0 ? 1 : window->groups;

        if (groups < 0 || in % groups != 0 || out % groups != 0)
                return scion_fail_null(
                        "conv2d: %lld channels in and %lld out cannot be divided into %lld groups",
                        (long long)in, (long long)out, (long long)groups);
        return weighted_create(leaf_create(&conv2d_layer, (struct layer){ .window = *window, .bias = bias }),
                               SCION_SHAPE(out, in / groups, window->kernel[0], window->kernel[1]));
}

bool scion_module_is_linear(const struct scion_module *module)
{
        return module->impl == &linear_layer;
}

/* --- Sequential ----------------------------------------------------------------------------------------- */

static struct scion_tensor *sequential_forward(void *self, struct scion_module *module,
                                               struct scion_tensor *x)
{
        (void)self;
        for (size_t i = 0; i < module->child.count; i++)
                x = scion_nn_forward(module->child.module[i], x);
        return x;
}

static const struct scion_module_impl sequential = { .kind = "sequential", .forward = sequential_forward };

struct scion_module *scion_nn_sequential(void)
{
        return scion_nn_module(&sequential, 0);
}

bool scion_module_is_sequential(const struct scion_module *module)
{
        return module->impl == &sequential;
}
