/* docs/examples/models/rezero.c: a deep multi-layer perceptron of residual blocks that start as the identity. */
#include <scion/scion.h>
#include <stdio.h>

struct rezero {
        int64_t width, depth;
        float dropout;
};

static const struct scion_param params[] = {
        SCION_INT(struct rezero, width, 64, "units of each block", .min = 1, .max = 65536, .scales = true),
        SCION_INT(struct rezero, depth, 4, "number of residual blocks", .min = 1, .max = 1000),
        SCION_FLOAT(struct rezero, dropout, 0, "probability of dropping a unit in a block", .max = 1,
                    .below_max = true),
        SCION_PARAMS_END,
};

/* The state of a custom module, for block_forward(). */
struct block {
        struct scion_module *fc; /* a child, owned by the tree */
        int alpha;               /* slot of a parameter */
        float dropout;
};

/* Returns x + alpha dropout(relu(fc(x))). */
static struct scion_tensor *block_forward(void *self, struct scion_module *module, struct scion_tensor *x)
{
        const struct block *block = self;
        struct scion_tensor *y = scion_dropout(scion_relu(scion_nn_forward(block->fc, x)), block->dropout);

        return scion_add(x, scion_mul(scion_nn_tensor(module, block->alpha), y));
}

static struct scion_module *block_create(int64_t width, float dropout)
{
        static const struct scion_module_impl impl = { .kind = "block", .forward = block_forward };
        struct scion_module *module = scion_nn_module(&impl, sizeof(struct block));
        struct block *block = scion_nn_self(module);

        if (!block)
                return NULL;
        block->dropout = dropout;
        block->fc = scion_nn_linear(width, width, true);
        block->alpha = scion_nn_parameter(module, "alpha", SCION_SHAPE(1),
                                          (struct scion_init){ .kind = SCION_INIT_ZEROS });
        scion_nn_append(module, "fc", block->fc);
        return module;
}

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        const struct rezero *rezero = self;
        struct scion_module *net = scion_nn_sequential();

        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "stem", scion_nn_linear(scion_shape_size(input), rezero->width, true));
        for (int64_t i = 1; i <= rezero->depth; i++) {
                char name[32];

                snprintf(name, sizeof name, "block%lld", (long long)i);
                scion_nn_append(net, name, block_create(rezero->width, rezero->dropout));
        }
        scion_nn_append(net, "head", scion_nn_linear(rezero->width, outputs, true));
        return net;
}

SCION_PLUGIN_MODEL("rezero", .summary = "residual multi-layer perceptron that starts as a linear map",
                   .reference = "Bachlechner et al. UAI 2021. arXiv:2003.04887", .params = params,
                   .size = sizeof(struct rezero), .build = build, .head = "head");
