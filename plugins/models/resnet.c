/*
 * Residual networks: He, Zhang, Ren, Sun. Deep residual learning for image recognition. CVPR 2016, arXiv:1512.03385.
 * Module names and initial values are those of torchvision, so that its files of weights can be loaded.
 *
 * Variant cifar (section 4.2): a 3x3 convolution, three stages of n blocks with two 3x3 convolutions each, with 16,
 * 32 and 64 channels, the mean over the image, and a linear layer: 6n + 2 layers. Variant imagenet (table 1): a 7x7
 * convolution and a pooling, which each halve the image, and four stages. With `stem: 3x3` this variant suits small
 * images; it is then often called ResNet-18 for CIFAR.
 */
#include <scion/model_plugin.h>
#include <stdio.h>

#define STAGES 4

struct resnet {
        int variant, stem, shortcut;
        int64_t depth, width;
        bool decay_norm;
        /* Set by validate(): */
        int stages;
        int64_t blocks[STAGES];
};

enum variant { CIFAR, IMAGENET };
enum stem { AUTO, KEEPING, QUARTERING };
enum shortcut { PROJECTION, ZEROS };

static const char *const variants[] = { "cifar", "imagenet", NULL };
static const char *const stems[] = { "auto", "3x3", "7x7", NULL };
static const char *const shortcuts[] = { "projection", "zeros", NULL };

static const struct scion_param params[] = {
        SCION_CHOICE(struct resnet, variant, variants, CIFAR,
                     "cifar for images of about 32 pixels, imagenet for images of about 224"),
        SCION_INT(struct resnet, depth, 0,
                  "number of layers: 6n + 2 for cifar (default 20), 18 or 34 for imagenet (default 18)",
                  .min = 8, .max = 1202),
        SCION_INT(struct resnet, width, 0,
                  "channels of the first stage; default 16 for cifar, 64 for imagenet", .min = 1, .max = 4096,
                  .scales = true),
        SCION_CHOICE(
                struct resnet, stem, stems, AUTO,
                "3x3: a 3x3 convolution; 7x7: a 7x7 convolution and a pooling, which each halve the image; "
                "auto: 3x3 for cifar, 7x7 for imagenet"),
        SCION_CHOICE(struct resnet, shortcut, shortcuts, PROJECTION,
                     "shortcut to more channels: a 1x1 convolution (B in the paper), or added zeros (A)"),
        SCION_BOOL(struct resnet, decay_norm, true,
                   "apply weight decay also to the weights and biases of normalisations"),
        SCION_PARAMS_END
};

static bool cifar_validate(struct resnet *resnet)
{
        if (resnet->depth == 0)
                resnet->depth = 20;
        if (resnet->width == 0)
                resnet->width = 16;
        if (resnet->depth % 6 != 2)
                return scion_fail("the depth of variant cifar is 6n + 2 (8, 14, 20, ...), got %lld",
                                  (long long)resnet->depth);
        resnet->stages = 3;
        for (int i = 0; i < resnet->stages; i++)
                resnet->blocks[i] = (resnet->depth - 2) / 6;
        return true;
}

static bool imagenet_validate(struct resnet *resnet)
{
        static const int64_t of_34[STAGES] = { 3, 4, 6, 3 };

        if (resnet->depth == 0)
                resnet->depth = 18;
        if (resnet->width == 0)
                resnet->width = 64;
        if (resnet->depth != 18 && resnet->depth != 34)
                return scion_fail("the depth of variant imagenet is 18 or 34, got %lld",
                                  (long long)resnet->depth);
        resnet->stages = STAGES;
        for (int i = 0; i < STAGES; i++)
                resnet->blocks[i] = resnet->depth == 34 ? of_34[i] : 2;
        return true;
}

static bool validate(void *self)
{
        struct resnet *resnet = self;

        if (resnet->stem == AUTO)
                resnet->stem = resnet->variant == CIFAR ? KEEPING : QUARTERING;
        return resnet->variant == CIFAR ? cifar_validate(resnet) : imagenet_validate(resnet);
}

/* A convolution without bias, padded so that images keep their size if the stride is 1. */
static struct scion_module *conv_create(int64_t in, int64_t out, int kernel, int stride)
{
        const struct scion_window window = { .kernel = { kernel, kernel },
                                             .stride = { stride, stride },
                                             .padding = { kernel / 2, kernel / 2 } };
        /* PyTorch's mode fan_out: the number of outputs that depend on one input. */
        const struct scion_init init = { .kind = SCION_INIT_KAIMING_NORMAL, .fan_in = out * kernel * kernel };

        return scion_nn_init(scion_nn_conv2d(in, out, &window, false), "weight", init);
}

static struct scion_module *norm_create(const struct resnet *resnet, int64_t channels)
{
        struct scion_module *module = scion_nn_batch_norm2d(channels, 0.1f, 1e-5f);

        return resnet->decay_norm ? module : scion_nn_no_decay(scion_nn_no_decay(module, "weight"), "bias");
}

/* --- A block ---------------------------------------------------------------------------------------------- */

struct block {
        struct scion_module *conv1, *bn1, *conv2, *bn2;
        struct scion_module *downsample; /* NULL: the shortcut is the input, with `zeros` added channels */
        int stride;
        int64_t zeros;
};

/* Takes every stride-th pixel of every stride-th row, and adds channels of zeros. */
static struct scion_tensor *block_subsample(const struct block *block, struct scion_tensor *x)
{
        const struct scion_window every = { .kernel = { 1, 1 }, .stride = { block->stride, block->stride } };

        if (block->stride > 1)
                x = scion_avg_pool2d(x, &every);
        if (!x || block->zeros == 0)
                return x;
        return scion_concat(
                (struct scion_tensor *[]){ x, scion_zeros(SCION_SHAPE(scion_dim(x, 0), block->zeros,
                                                                      scion_dim(x, 2), scion_dim(x, 3))) },
                2, 1);
}

/* relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)) */
static struct scion_tensor *block_forward(void *self, struct scion_module *module, struct scion_tensor *x)
{
        const struct block *block = self;
        struct scion_tensor *y = scion_relu(scion_nn_forward(block->bn1, scion_nn_forward(block->conv1, x)));

        (void)module;
        y = scion_nn_forward(block->bn2, scion_nn_forward(block->conv2, y));
        if (!y)
                return NULL; /* keeps the first message; the shortcut would set another */
        return scion_add_relu(y, block->downsample ? scion_nn_forward(block->downsample, x)
                                                   : block_subsample(block, x));
}

static struct scion_module *block_create(const struct resnet *resnet, int64_t in, int64_t out, int stride)
{
        static const struct scion_module_impl impl = { .kind = "residual_block", .forward = block_forward };
        struct scion_module *module = scion_nn_module(&impl, sizeof(struct block));
        struct block *block = scion_nn_self(module);

        if (!block)
                return NULL;
        scion_nn_append(module, "conv1", block->conv1 = conv_create(in, out, 3, stride));
        scion_nn_append(module, "bn1", block->bn1 = norm_create(resnet, out));
        scion_nn_append(module, "conv2", block->conv2 = conv_create(out, out, 3, 1));
        scion_nn_append(module, "bn2", block->bn2 = norm_create(resnet, out));
        block->stride = stride;
        block->zeros = out - in;
        if (resnet->shortcut == PROJECTION && (in != out || stride > 1)) {
                block->downsample = scion_nn_sequential();
                scion_nn_append(block->downsample, "0", conv_create(in, out, 1, stride));
                scion_nn_append(block->downsample, "1", norm_create(resnet, out));
                scion_nn_append(module, "downsample", block->downsample);
        }
        return module;
}

/* --- The network ------------------------------------------------------------------------------------------ */

/* Creates a stage, from 0. All but the first halve the image and double the channels. */
static struct scion_module *stage_create(const struct resnet *resnet, int stage)
{
        struct scion_module *blocks = scion_nn_sequential();
        int64_t out = resnet->width << stage, in = stage == 0 ? out : out / 2;

        for (int64_t i = 0; i < resnet->blocks[stage]; i++) {
                char name[24];

                snprintf(name, sizeof name, "%lld", (long long)i);
                scion_nn_append(blocks, name,
                                block_create(resnet, i == 0 ? in : out, out, i == 0 && stage > 0 ? 2 : 1));
        }
        return blocks;
}

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        const struct scion_window halve = { .kernel = { 3, 3 }, .stride = { 2, 2 }, .padding = { 1, 1 } };
        const struct resnet *resnet = self;
        char text[96];

        if (input->ndim != 3)
                return scion_fail_null("takes images of shape CxHxW, got %s",
                                       scion_shape_text(input, text, sizeof text));
        struct scion_module *net = scion_nn_sequential();

        if (resnet->stem == KEEPING)
                scion_nn_append(net, "conv1", conv_create(input->dim[0], resnet->width, 3, 1));
        else
                scion_nn_append(net, "conv1", conv_create(input->dim[0], resnet->width, 7, 2));
        scion_nn_append(net, "bn1", norm_create(resnet, resnet->width));
        scion_nn_append(net, "relu", scion_nn_relu());
        if (resnet->stem == QUARTERING)
                scion_nn_append(net, "maxpool", scion_nn_max_pool2d(&halve));
        for (int i = 0; i < resnet->stages; i++) {
                char name[24];

                snprintf(name, sizeof name, "layer%d", i + 1);
                scion_nn_append(net, name, stage_create(resnet, i));
        }
        scion_nn_append(net, "avgpool", scion_nn_adaptive_avg_pool2d(1, 1));
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc", scion_nn_linear(resnet->width << (resnet->stages - 1), outputs, true));
        return net;
}

SCION_PLUGIN_MODEL("resnet", .summary = "residual network of basic blocks, for small and large images",
                   .reference = "He, Zhang, Ren, Sun. CVPR 2016. arXiv:1512.03385", .params = params,
                   .size = sizeof(struct resnet), .validate = validate, .build = build, .head = "fc");
