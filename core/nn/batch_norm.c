/* Batch normalisation as a module. Its weight and bias are parameters; its running statistics are buffers. */
#include <math.h>
#include <scion/error.h>

#include "base/refuse.h"
#include "nn/module.h"

struct batch_norm {
        float momentum, eps;
        int weight, bias, mean, variance; /* slots */
};

static struct scion_tensor *batch_norm_apply(struct scion_module *module, struct scion_tensor *x)
{
        const struct batch_norm *norm = scion_nn_self(module);

        return scion_batch_norm(x, scion_nn_tensor(module, norm->weight), scion_nn_tensor(module, norm->bias),
                                scion_nn_tensor(module, norm->mean), scion_nn_tensor(module, norm->variance),
                                scion_nn_training(module), norm->momentum, norm->eps);
}

static struct scion_tensor *batch_norm1d_forward(void *self, struct scion_module *module,
                                                 struct scion_tensor *x)
{
        struct scion_shape shape = scion_shape(x);
        char text[96];

        (void)self;
        if (shape.ndim != 2 && shape.ndim != 3)
                return scion_refuse_null("batch_norm1d: takes inputs of shape N x C or N x C x L, got %s",
                                         scion_shape_text(&shape, text, sizeof text));
        return batch_norm_apply(module, x);
}

static struct scion_tensor *batch_norm2d_forward(void *self, struct scion_module *module,
                                                 struct scion_tensor *x)
{
        struct scion_shape shape = scion_shape(x);
        char text[96];

        (void)self;
        if (shape.ndim != 4)
                return scion_refuse_null("batch_norm2d: takes inputs of shape N x C x H x W, got %s",
                                         scion_shape_text(&shape, text, sizeof text));
        return batch_norm_apply(module, x);
}

static struct scion_module *batch_norm_create(const struct scion_module_impl *impl, int64_t channels,
                                              float momentum, float eps)
{
        const struct scion_init zeros = { .kind = SCION_INIT_ZEROS }, ones = { .kind = SCION_INIT_ONES };

        if (channels < 1)
                return scion_fail_null("%s: the number of channels must be positive, got %lld", impl->kind,
                                       (long long)channels);
        if (!(momentum >= 0 && momentum <= 1))
                return scion_fail_null("%s: the momentum must be in 0 .. 1, got %g", impl->kind,
                                       (double)momentum);
        if (!(eps > 0 && isfinite(eps)))
                return scion_fail_null("%s: eps must be above 0, got %g", impl->kind, (double)eps);
        struct scion_module *module = scion_nn_module(impl, sizeof(struct batch_norm));
        struct batch_norm *norm = scion_nn_self(module);

        if (!module)
                return NULL;
        module->leaf = true;
        norm->momentum = momentum;
        norm->eps = eps;
        norm->weight = scion_nn_parameter(module, "weight", SCION_SHAPE(channels), ones);
        norm->bias = scion_nn_parameter(module, "bias", SCION_SHAPE(channels), zeros);
        norm->mean = scion_nn_buffer(module, "running_mean", SCION_SHAPE(channels), zeros);
        norm->variance = scion_nn_buffer(module, "running_var", SCION_SHAPE(channels), ones);
        if (!module->unusable)
                return module;
        scion_module_destroy(module);
        return NULL;
}

static const struct scion_module_impl impl_1d = { .kind = "batch_norm1d", .forward = batch_norm1d_forward };
static const struct scion_module_impl impl_2d = { .kind = "batch_norm2d", .forward = batch_norm2d_forward };

struct scion_module *scion_nn_batch_norm1d(int64_t channels, float momentum, float eps)
{
        return batch_norm_create(&impl_1d, channels, momentum, eps);
}

struct scion_module *scion_nn_batch_norm2d(int64_t channels, float momentum, float eps)
{
        return batch_norm_create(&impl_2d, channels, momentum, eps);
}

float scion_nn_batch_norm_eps(const struct scion_module *module)
{
        if (!module || (module->impl != &impl_1d && module->impl != &impl_2d))
                return 0;
        return ((const struct batch_norm *)(const void *)module->self)->eps;
}
