/*
 * Allocates memory in each step, and keeps it.
 *
 * FAILED: a step of training leaves no memory behind
 * says: each step leaves at least
 * says: bytes that are not freed
 */
#include <scion/scion.h>
#include <stdlib.h>

static struct scion_tensor *forward(void *self, struct scion_module *module, struct scion_tensor *x)
{
        void **kept = self, **more = malloc(256);

        (void)module;
        if (!more)
                return scion_fail_null("out of memory");
        *more = *kept;
        *kept = more;
        return x;
}

static const struct scion_module_impl impl = { .kind = "hoard", .forward = forward };

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        struct scion_module *net = scion_nn_sequential();

        (void)self;
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc1", scion_nn_linear(scion_shape_size(input), 16, true));
        scion_nn_append(net, "hoard", scion_nn_module(&impl, sizeof(void *)));
        scion_nn_append(net, "fc2", scion_nn_linear(16, outputs, true));
        return net;
}

SCION_PLUGIN_MODEL("hoards", .summary = "a model for a test", .build = build);
