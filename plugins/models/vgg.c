/*
 * VGG: Simonyan, Zisserman. Very deep convolutional networks for large-scale image recognition. ICLR 2015,
 * arXiv:1409.1556; by default with batch normalisation. Module names and initial values are those of torchvision,
 * whose network has width 64, pool 7 and hidden [4096, 4096].
 *
 * By default the classifier has no hidden layer, which suits small images, whose last maps have one pixel. Once a
 * side of the maps has length 1, poolings are omitted; the numbers of the other modules do not change.
 */
#include <scion/model_plugin.h>
#include <stdio.h>

#define STAGES 5

/* Convolutions in each stage, and channels as multiples of the width: table 1, A, B, D and E. */
static const struct plan {
        int depth, convolutions[STAGES];
} plans[] = {
        { 11, { 1, 1, 2, 2, 2 } },
        { 13, { 2, 2, 2, 2, 2 } },
        { 16, { 2, 2, 3, 3, 3 } },
        { 19, { 2, 2, 4, 4, 4 } },
};
static const int multiples[STAGES] = { 1, 2, 4, 8, 8 };

struct vgg {
        int64_t depth, width, pool;
        bool batch_norm, decay_norm;
        struct scion_ints hidden;
        float dropout;
        const struct plan *plan; /* set by validate() */
};

static const struct scion_param params[] = {
        SCION_INT(struct vgg, depth, 11, "number of layers: 11, 13, 16 or 19", .min = 11, .max = 19),
        SCION_INT(struct vgg, width, 64, "channels of the first stage", .min = 1, .max = 4096,
                  .scales = true),
        SCION_BOOL(struct vgg, batch_norm, true, "batch normalisation after each convolution"),
        SCION_INT(struct vgg, pool, 1, "rows and columns that the last maps are averaged to", .min = 1,
                  .max = 1024),
        SCION_INTS(struct vgg, hidden, "[]", "widths of the hidden layers of the classifier", .min = 1,
                   .scales = true),
        SCION_FLOAT(struct vgg, dropout, 0.5, "probability of dropping a hidden unit", .max = 1,
                    .below_max = true),
        SCION_BOOL(struct vgg, decay_norm, true,
                   "apply weight decay also to the weights and biases of normalisations"),
        SCION_PARAMS_END
};

static const struct scion_init zeros = { .kind = SCION_INIT_ZEROS };

static bool validate(void *self)
{
        struct vgg *vgg = self;

        for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
                if (plans[i].depth == vgg->depth)
                        vgg->plan = &plans[i];
        return vgg->plan || scion_fail("the depth is 11, 13, 16 or 19, got %lld", (long long)vgg->depth);
}

/* Appends a module with the next number as its name. */
static void net_append(struct scion_module *net, int *number, struct scion_module *module)
{
        char name[24];

        snprintf(name, sizeof name, "%d", (*number)++);
        scion_nn_append(net, name, module);
}

static struct scion_module *conv_create(int64_t in, int64_t out)
{
        const struct scion_window window = { .kernel = { 3, 3 }, .padding = { 1, 1 } };
        /* PyTorch's mode fan_out: the number of outputs that depend on one input. */
        const struct scion_init init = { .kind = SCION_INIT_KAIMING_NORMAL, .fan_in = out * 9 };

        return scion_nn_init(scion_nn_init(scion_nn_conv2d(in, out, &window, true), "weight", init), "bias",
                             zeros);
}

static struct scion_module *norm_create(const struct vgg *vgg, int64_t channels)
{
        struct scion_module *module = scion_nn_batch_norm2d(channels, 0.1f, 1e-5f);

        return vgg->decay_norm ? module : scion_nn_no_decay(scion_nn_no_decay(module, "weight"), "bias");
}

static struct scion_module *features_create(const struct vgg *vgg, const struct scion_shape *input)
{
        const struct scion_window halve = { .kernel = { 2, 2 } };
        struct scion_module *features = scion_nn_sequential();
        int64_t channels = input->dim[0], height = input->dim[1], width = input->dim[2];
        int number = 0;

        for (int stage = 0; stage < STAGES; stage++) {
                for (int i = 0; i < vgg->plan->convolutions[stage]; i++) {
                        net_append(features, &number, conv_create(channels, vgg->width * multiples[stage]));
                        channels = vgg->width * multiples[stage];
                        if (vgg->batch_norm)
                                net_append(features, &number, norm_create(vgg, channels));
                        net_append(features, &number, scion_nn_relu());
                }
                if (height >= 2 && width >= 2) {
                        net_append(features, &number, scion_nn_max_pool2d(&halve));
                        height /= 2;
                        width /= 2;
                } else {
                        number++;
                }
        }
        return features;
}

static struct scion_module *linear_create(int64_t in, int64_t out)
{
        const struct scion_init init = { .kind = SCION_INIT_NORMAL, .gain = 0.01f };

        return scion_nn_init(scion_nn_init(scion_nn_linear(in, out, true), "weight", init), "bias", zeros);
}

static struct scion_module *classifier_create(const struct vgg *vgg, int64_t outputs)
{
        struct scion_module *classifier = scion_nn_sequential();
        int64_t width = vgg->width * multiples[STAGES - 1] * vgg->pool * vgg->pool;
        int number = 0;

        for (size_t i = 0; i < vgg->hidden.count; i++) {
                net_append(classifier, &number, linear_create(width, vgg->hidden.value[i]));
                net_append(classifier, &number, scion_nn_relu());
                net_append(classifier, &number, scion_nn_dropout(vgg->dropout));
                width = vgg->hidden.value[i];
        }
        net_append(classifier, &number, linear_create(width, outputs));
        return classifier;
}

static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        const struct vgg *vgg = self;
        char text[96];

        if (input->ndim != 3)
                return scion_fail_null("takes images of shape CxHxW, got %s",
                                       scion_shape_text(input, text, sizeof text));
        struct scion_module *net = scion_nn_sequential();

        scion_nn_append(net, "features", features_create(vgg, input));
        scion_nn_append(net, "avgpool", scion_nn_adaptive_avg_pool2d(vgg->pool, vgg->pool));
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "classifier", classifier_create(vgg, outputs));
        return net;
}

SCION_PLUGIN_MODEL("vgg", .summary = "VGG with batch normalisation, for small and large images",
                   .reference = "Simonyan, Zisserman. ICLR 2015. arXiv:1409.1556", .params = params,
                   .size = sizeof(struct vgg), .validate = validate, .build = build);
