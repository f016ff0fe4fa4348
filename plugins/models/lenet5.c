/*
 * LeNet-5: LeCun, Bottou, Bengio, Haffner. Gradient-based learning applied to document recognition. Proc.
 * IEEE 86(11), 1998, in its present form. The sizes of the layers are those of the paper. ReLU replaces scaled tanh,
 * max pooling replaces averages with trained scale and bias, the second convolution sees all six maps instead of those
 * of a connection table, and a linear output layer replaces the radial basis functions.
 *
 * The paper's input is 32x32. Along a shorter side the first convolution pads by 2, so that 28x28 images also give 16
 * maps of 5x5 before the linear layers. For other sizes the number of inputs of fc1 differs.
 */
#include <math.h>
#include <scion/model_plugin.h>

struct lenet5 {
        float width;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct lenet5, width, 1, "factor of the width of each layer; 1: the paper's", .min = 0,
                    .above_min = true, .max = 256, .scales = true),
        SCION_PARAMS_END
};

#define SMALLEST 12 /* padded by 2, this side has length 1 after the second pooling */

/* Returns the length of a side after a 5x5 convolution and a pooling by 2. */
static int64_t side_after_block(int64_t side, int padding)
{
        return (side + 2 * padding - 4) / 2;
}

/* Returns the width of a layer that has `paper` units or maps in the paper. */
static int64_t layer_units(const struct lenet5 *lenet5, int64_t paper)
{
        return llroundf(fmaxf(1, (float)paper * lenet5->width));
}

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        struct scion_window conv1 = { .kernel = { 5, 5 } }, conv2 = { .kernel = { 5, 5 } };
        const struct scion_window pool = { .kernel = { 2, 2 } };
        const struct lenet5 *lenet5 = self;
        int64_t maps1 = layer_units(lenet5, 6), maps2 = layer_units(lenet5, 16),
                hidden1 = layer_units(lenet5, 120), hidden2 = layer_units(lenet5, 84), features = maps2;
        char text[96];

        if (input->ndim != 3 || input->dim[1] < SMALLEST || input->dim[2] < SMALLEST)
                return scion_fail_null("takes images of shape CxHxW, H and W at least %d, got %s", SMALLEST,
                                       scion_shape_text(input, text, sizeof text));
        for (int i = 0; i < 2; i++) {
                int64_t side = input->dim[1 + i];

                conv1.padding[i] = side < 32 ? 2 : 0;
                features *= side_after_block(side_after_block(side, conv1.padding[i]), 0);
        }
        struct scion_module *net = scion_nn_sequential();

        scion_nn_append(net, "conv1", scion_nn_conv2d(input->dim[0], maps1, &conv1, true));
        scion_nn_append(net, "relu1", scion_nn_relu());
        scion_nn_append(net, "pool1", scion_nn_max_pool2d(&pool));
        scion_nn_append(net, "conv2", scion_nn_conv2d(maps1, maps2, &conv2, true));
        scion_nn_append(net, "relu2", scion_nn_relu());
        scion_nn_append(net, "pool2", scion_nn_max_pool2d(&pool));
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc1", scion_nn_linear(features, hidden1, true));
        scion_nn_append(net, "relu3", scion_nn_relu());
        scion_nn_append(net, "fc2", scion_nn_linear(hidden1, hidden2, true));
        scion_nn_append(net, "relu4", scion_nn_relu());
        scion_nn_append(net, "fc3", scion_nn_linear(hidden2, outputs, true));
        return net;
}

SCION_PLUGIN_MODEL("lenet5", .summary = "LeNet-5 with ReLU and max pooling, for images of 12x12 and more",
                   .reference = "LeCun, Bottou, Bengio, Haffner. Proc. IEEE 86(11), 1998", .params = params,
                   .size = sizeof(struct lenet5), .build = build, .head = "fc3");
