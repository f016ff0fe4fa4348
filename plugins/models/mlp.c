/*
 * A multi-layer perceptron: flattens the input, then has hidden layers fc1, fc2, ..., each with an activation, and a
 * linear output layer, the last fc, which is the head.
 */
#include <scion/model_plugin.h>
#include <stdio.h>

struct mlp {
        struct scion_ints hidden;
        int activation;
        float dropout;
};

enum activation { RELU, TANH, SIGMOID };

static const char *const activations[] = { "relu", "tanh", "sigmoid", NULL };

static const struct scion_param params[] = {
        SCION_INTS(struct mlp, hidden, "[128]", "widths of the hidden layers", .min = 1, .scales = true),
        SCION_CHOICE(struct mlp, activation, activations, RELU, "activation after each hidden layer"),
        SCION_FLOAT(struct mlp, dropout, 0, "probability of dropping a hidden unit", .max = 1,
                    .below_max = true),
        SCION_PARAMS_END
};

static struct scion_module *activation_create(int which)
{
        switch (which) {
        case TANH:
                return scion_nn_tanh();
        case SIGMOID:
                return scion_nn_sigmoid();
        default:
                return scion_nn_relu();
        }
}

/* Appends a module with a numbered name, as "fc1". */
static void net_append(struct scion_module *net, const char *name, size_t number, struct scion_module *module)
{
        char text[48];

        snprintf(text, sizeof text, "%s%zu", name, number);
        scion_nn_append(net, text, module);
}

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        const struct mlp *mlp = self;
        struct scion_module *net = scion_nn_sequential();
        int64_t width = scion_shape_size(input);

        scion_nn_append(net, "flatten", scion_nn_flatten());
        for (size_t i = 0; i < mlp->hidden.count; i++) {
                net_append(net, "fc", i + 1, scion_nn_linear(width, mlp->hidden.value[i], true));
                net_append(net, activations[mlp->activation], i + 1, activation_create(mlp->activation));
                if (mlp->dropout > 0)
                        net_append(net, "dropout", i + 1, scion_nn_dropout(mlp->dropout));
                width = mlp->hidden.value[i];
        }
        net_append(net, "fc", mlp->hidden.count + 1, scion_nn_linear(width, outputs, true));
        return net;
}

SCION_PLUGIN_MODEL("mlp", .summary = "multi-layer perceptron on the flattened input",
                   .reference = "Rumelhart, Hinton, Williams. Nature 323, 1986", .params = params,
                   .size = sizeof(struct mlp), .build = build);
