/* The model plugins of Scion, loaded like any other plugin. */
#include "support/memory.h"
#include "support/tape.h"

#include <math.h>

#include "nn/model.h"

static struct scion_model *create(const char *text, struct scion_shape input, int64_t outputs)
{
        struct scion_config *map = scion_config_parse(text, "test.yaml");

        if (!map)
                fail_msg("%s", scion_error());
        struct scion_model *model = scion_model_create(map, &input, outputs, 1);

        scion_config_destroy(map);
        return model;
}

static struct scion_model *create_good(const char *text, struct scion_shape input, int64_t outputs)
{
        struct scion_model *model = create(text, input, outputs);

        if (!model)
                fail_msg("%s", scion_error());
        return model;
}

static void assert_modules(struct scion_model *model, const char *wanted)
{
        char text[512] = "";

        for (int i = 1; i < scion_model_module_count(model); i++) {
                const struct scion_module *module = scion_model_module_at(model, i);
                size_t length = strlen(text);

                snprintf(text + length, sizeof text - length, "%s:%s ", scion_module_path(module),
                         scion_module_kind(module));
        }
        assert_string_equal(text, wanted);
}

static void assert_shape(struct scion_model *model, const char *name, const char *wanted)
{
        struct scion_parameter *parameter = scion_model_find(model, name);
        struct scion_shape shape = scion_parameter_shape(parameter);
        char text[96];

        if (!parameter)
                fail_msg("%s", scion_error());
        assert_string_equal(scion_shape_text(&shape, text, sizeof text), wanted);
}

static void mlp(void **state)
{
        struct scion_model *model = create_good("use: mlp", SCION_SHAPE(1, 28, 28), 10);

        (void)state;
        assert_modules(model, "flatten:flatten fc1:linear relu1:relu fc2:linear ");
        assert_shape(model, "fc1.weight", "128x784");
        assert_shape(model, "fc1.bias", "128");
        assert_shape(model, "fc2.weight", "10x128");
        assert_string_equal(scion_model_head(model), "fc2");
        assert_int_equal(scion_model_size(model, false), 784 * 128 + 128 + 1280 + 10);
        scion_model_destroy(model);
}

static void mlp_parameters(void **state)
{
        struct scion_model *model = create_good(
                "{ use: mlp, hidden: [7, 3], activation: tanh, dropout: 0.5 }", SCION_SHAPE(20), 2);

        (void)state;
        assert_modules(model, "flatten:flatten fc1:linear tanh1:tanh dropout1:dropout "
                              "fc2:linear tanh2:tanh dropout2:dropout fc3:linear ");
        assert_shape(model, "fc1.weight", "7x20");
        assert_shape(model, "fc2.weight", "3x7");
        assert_shape(model, "fc3.weight", "2x3");
        assert_string_equal(scion_model_head(model), "fc3");
        scion_model_destroy(model);

        model = create_good("{ use: mlp, hidden: [], activation: sigmoid }", SCION_SHAPE(2, 3, 4, 5), 3);
        assert_modules(model, "flatten:flatten fc1:linear ");
        assert_shape(model, "fc1.weight", "3x120");
        scion_model_destroy(model);
}

/* With one unit and weights of 1, the output is the activation of the input. */
static void mlp_activations(void **state)
{
        static const float x[] = { -2, 0.5f };
        static const struct {
                const char *text, *modules;
                double wanted[2];
        } cases[] = {
                { "{ use: mlp, hidden: [1] }",
                  "flatten:flatten fc1:linear relu1:relu fc2:linear ",
                  { 0, 0.5 } },
                { "{ use: mlp, hidden: [1], activation: tanh }",
                  "flatten:flatten fc1:linear tanh1:tanh fc2:linear ",
                  { -0.9640275800758169, 0.46211715726000976 } },
                { "{ use: mlp, hidden: [1], activation: sigmoid }",
                  "flatten:flatten fc1:linear sigmoid1:sigmoid fc2:linear ",
                  { 0.11920292202211755, 0.6224593312018546 } },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct scion_model *model = create_good(cases[i].text, SCION_SHAPE(1), 1);

                assert_modules(model, cases[i].modules);
                for (int k = 0; k < scion_model_parameter_count(model); k++)
                        assert_true(scion_parameter_write(scion_model_parameter(model, k),
                                                          &(float){ k % 2 ? 0 : 1 }));
                const float *y = scion_data(scion_model_forward(model, scion_from(SCION_SHAPE(2, 1), x)));

                assert_non_null(y);
                assert_float_equal(y[0], cases[i].wanted[0], 1e-6);
                assert_float_equal(y[1], cases[i].wanted[1], 1e-6);
                scion_model_destroy(model);
        }
}

static void lenet5(void **state)
{
        struct scion_model *model = create_good("use: lenet5", SCION_SHAPE(1, 28, 28), 10);

        (void)state;
        assert_modules(model,
                       "conv1:conv2d relu1:relu pool1:max_pool2d conv2:conv2d relu2:relu pool2:max_pool2d "
                       "flatten:flatten fc1:linear relu3:relu fc2:linear relu4:relu fc3:linear ");
        assert_shape(model, "conv1.weight", "6x1x5x5");
        assert_shape(model, "conv2.weight", "16x6x5x5");
        assert_shape(model, "fc1.weight", "120x400");
        assert_shape(model, "fc2.weight", "84x120");
        assert_shape(model, "fc3.weight", "10x84");
        assert_string_equal(scion_model_head(model), "fc3");
        assert_int_equal(scion_model_size(model, false), 61706);
        scion_model_destroy(model);
}

static void lenet5_sizes(void **state)
{
        static const struct {
                struct scion_shape input;
                const char *fc1;
        } cases[] = {
                { { 3, { 3, 32, 32 } }, "120x400" },  { { 3, { 1, 12, 12 } }, "120x16" },
                { { 3, { 1, 28, 32 } }, "120x400" },  { { 3, { 1, 31, 33 } }, "120x400" },
                { { 3, { 2, 64, 40 } }, "120x1456" }, { { 3, { 1, 16, 17 } }, "120x64" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct scion_model *model = create_good("use: lenet5", cases[i].input, 5);

                assert_shape(model, "fc1.weight", cases[i].fc1);
                scion_model_destroy(model);
        }
}

static void resnet(void **state)
{
        struct scion_model *model = create_good("use: resnet", SCION_SHAPE(3, 32, 32), 10);

        (void)state;
        assert_shape(model, "conv1.weight", "16x3x3x3");
        assert_shape(model, "bn1.weight", "16");
        assert_shape(model, "layer1.2.conv2.weight", "16x16x3x3");
        assert_shape(model, "layer2.0.conv1.weight", "32x16x3x3");
        assert_shape(model, "layer2.0.downsample.0.weight", "32x16x1x1");
        assert_shape(model, "layer2.0.downsample.1.bias", "32");
        assert_shape(model, "layer3.2.bn2.weight", "64");
        assert_shape(model, "fc.weight", "10x64");
        assert_string_equal(scion_model_head(model), "fc");
        assert_int_equal(scion_model_size(model, false), 272474);
        assert_true(scion_model_find(model, "bn1.weight")->decay);
        scion_model_destroy(model);

        /* The paper's ResNet-20 and ResNet-56, of 0.27 and 0.85 million parameters. */
        model = create_good("{ use: resnet, shortcut: zeros }", SCION_SHAPE(3, 32, 32), 10);
        assert_int_equal(scion_model_size(model, false), 269722);
        scion_model_destroy(model);
        model = create_good("{ use: resnet, depth: 56, shortcut: zeros }", SCION_SHAPE(3, 32, 32), 10);
        assert_int_equal(scion_model_size(model, false), 853018);
        scion_model_destroy(model);

        /* torchvision's resnet18, for as many classes. */
        model = create_good("{ use: resnet, variant: imagenet }", SCION_SHAPE(3, 32, 32), 1000);
        assert_int_equal(scion_model_size(model, false), 11689512);
        assert_shape(model, "layer4.1.conv2.weight", "512x512x3x3");
        assert_shape(model, "conv1.weight", "64x3x7x7");
        scion_model_destroy(model);
        /* The same for small images. */
        model = create_good("{ use: resnet, variant: imagenet, stem: 3x3 }", SCION_SHAPE(3, 32, 32), 10);
        assert_int_equal(scion_model_size(model, false), 11173962);
        assert_shape(model, "conv1.weight", "64x3x3x3");
        assert_null(scion_model_look_up_module(model, "maxpool"));
        scion_model_destroy(model);
        model = create_good("{ use: resnet, stem: 7x7 }", SCION_SHAPE(3, 32, 32), 10);
        assert_shape(model, "conv1.weight", "16x3x7x7");
        assert_non_null(scion_model_look_up_module(model, "maxpool"));
        scion_model_destroy(model);
        model = create_good("{ use: resnet, variant: imagenet, depth: 34, width: 8, decay_norm: false }",
                            SCION_SHAPE(1, 1, 1), 2);
        assert_shape(model, "layer3.5.conv2.weight", "32x32x3x3");
        assert_false(scion_model_find(model, "bn1.weight")->decay);
        assert_false(scion_model_find(model, "layer1.0.bn2.bias")->decay);
        assert_true(scion_model_find(model, "conv1.weight")->decay);
        scion_model_destroy(model);
}

static double deviation(struct scion_model *model, const char *name)
{
        const struct scion_tensor *value = &scion_model_find(model, name)->value;
        const float *data = memory_of(value);
        double sum = 0;

        for (size_t i = 0; i < value->length; i++)
                sum += (double)data[i] * (double)data[i];
        return sqrt(sum / (double)value->length);
}

/* torchvision's initialisation has variance 2 / fan_out. */
static void resnet_first_values(void **state)
{
        struct scion_model *model = create_good("use: resnet", SCION_SHAPE(3, 8, 8), 10);

        (void)state;
        assert_true(fabs(deviation(model, "layer3.1.conv1.weight") / sqrt(2.0 / (64 * 9)) - 1) < 0.02);
        assert_true(fabs(deviation(model, "layer3.0.conv1.weight") / sqrt(2.0 / (64 * 9)) - 1) < 0.02);
        assert_true(fabs(deviation(model, "layer3.0.downsample.0.weight") / sqrt(2.0 / 64) - 1) < 0.04);
        assert_true(deviation(model, "layer3.1.bn2.weight") == 1);
        scion_model_destroy(model);
}

static void vgg(void **state)
{
        struct scion_model *model = create_good("use: vgg", SCION_SHAPE(1, 28, 28), 10);

        (void)state;
        assert_shape(model, "features.0.weight", "64x1x3x3");
        assert_shape(model, "features.1.weight", "64");
        assert_shape(model, "features.25.weight", "512x512x3x3");
        assert_shape(model, "features.26.bias", "512");
        assert_shape(model, "classifier.0.weight", "10x512");
        assert_string_equal(scion_model_head(model), "classifier.0");
        assert_true(deviation(model, "features.0.bias") == 0);
        assert_true(fabs(deviation(model, "features.25.weight") / sqrt(2.0 / (512 * 9)) - 1) < 0.02);
        assert_true(fabs(deviation(model, "classifier.0.weight") / 0.01 - 1) < 0.03);
        scion_model_destroy(model);

        /* torchvision's layers, but narrow. */
        model = create_good("{ use: vgg, depth: 16, width: 2, pool: 7, hidden: [40, 30], batch_norm: false }",
                            SCION_SHAPE(3, 64, 64), 5);
        assert_shape(model, "features.28.weight", "16x16x3x3");
        assert_shape(model, "classifier.0.weight", "40x784");
        assert_shape(model, "classifier.3.weight", "30x40");
        assert_shape(model, "classifier.6.weight", "5x30");
        scion_model_destroy(model);
        model = create_good("{ use: vgg, depth: 19, width: 1, decay_norm: false }", SCION_SHAPE(3, 1, 5), 5);
        assert_shape(model, "features.50.weight", "8");
        assert_false(scion_model_find(model, "features.50.weight")->decay);
        scion_model_destroy(model);
}

static struct scion_model *create_scaled(const char *text, struct scion_shape input, double width)
{
        struct scion_config *map = scion_config_parse(text, "test.yaml");
        struct scion_model *model = scion_model_create_scaled(map, &input, 10, 1, width);

        scion_config_destroy(map);
        return model;
}

/* A width multiplier multiplies the parameters that are declared as widths; lenet5's own parameter has the same effect. */
static void widths(void **state)
{
        static const struct {
                const char *model;
                double width;
                const char *name, *shape, *other, *other_shape;
        } cases[] = {
                { "use: resnet", 0.5, "conv1.weight", "8x1x3x3", "fc.weight", "10x32" },
                { "{ use: resnet, width: 12 }", 1.5, "layer2.0.conv1.weight", "36x18x3x3", "fc.bias", "10" },
                { "{ use: vgg, width: 4, hidden: [10, 5] }", 2, "features.0.weight", "8x1x3x3",
                  "classifier.3.weight", "10x20" },
                { "{ use: mlp, hidden: [9, 1] }", 0.5, "fc1.weight", "5x784", "fc2.weight", "1x5" },
                { "use: lenet5", 0.5, "conv2.weight", "8x3x5x5", "fc2.weight", "42x60" },
                { "{ use: lenet5, width: 0.5 }", 1, "conv2.weight", "8x3x5x5", "fc3.weight", "10x42" },
                { "{ use: lenet5, width: 2 }", 2, "conv1.weight", "24x1x5x5", "fc1.weight", "480x1600" },
                { "use: lenet5", 0.001, "conv2.weight", "1x1x5x5", "fc3.weight", "10x1" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct scion_model *model =
                        create_scaled(cases[i].model, SCION_SHAPE(1, 28, 28), cases[i].width);

                if (!model)
                        fail_msg("%s: %s", cases[i].model, scion_error());
                assert_shape(model, cases[i].name, cases[i].shape);
                assert_shape(model, cases[i].other, cases[i].other_shape);
                scion_model_destroy(model);
        }
        assert_null(create_scaled("use: lenet5", SCION_SHAPE(1, 28, 28), -1));
        assert_error_has("test.yaml:1:1: lenet5: a width multiplier must be above 0, got -1", NULL);
        assert_null(create_scaled("use: resnet", SCION_SHAPE(1, 28, 28), 1000));
        assert_error_has("test.yaml:1:1: resnet: width: 16, multiplied, would be 16000", NULL);
}

static void seeds(void **state)
{
        struct scion_model *ten = create_good("use: lenet5", SCION_SHAPE(1, 28, 28), 10);
        struct scion_model *five = create_good("use: lenet5", SCION_SHAPE(1, 28, 28), 5);
        size_t bytes = (size_t)120 * 400 * sizeof(float);

        (void)state;
        assert_memory_equal(memory_of(&scion_model_find(ten, "fc1.weight")->value),
                            memory_of(&scion_model_find(five, "fc1.weight")->value), bytes);
        assert_int_equal(scion_model_copy(five, ten, false), 8);
        scion_model_destroy(ten);
        scion_model_destroy(five);
}

static void assert_refused(const char *text, struct scion_shape input, const char *place, const char *why)
{
        struct scion_model *model = create(text, input, 10);

        assert_null(model);
        assert_error_has(place, why, NULL);
}

static void refused(void **state)
{
        (void)state;
        assert_refused("use: lenet5", SCION_SHAPE(784),
                       "test.yaml:1:1: lenet5: ", "images of shape CxHxW, H and W at least 12, got 784");
        assert_refused("use: lenet5", SCION_SHAPE(1, 28, 11), "test.yaml:1:1: lenet5: ", "got 1x28x11");
        assert_refused("{ use: mlp, hidden: [0] }", SCION_SHAPE(8), "test.yaml:1:", "hidden");
        assert_refused("{ use: mlp, hidden: [4398046511104] }", SCION_SHAPE(8),
                       "test.yaml:1:1: mlp: fc1: ", "2^42");
        assert_refused("{ use: mlp, activation: swish }", SCION_SHAPE(8), "test.yaml:1:", "swish");
        assert_refused("{ use: mlp, dropout: 1 }", SCION_SHAPE(8), "test.yaml:1:", "dropout");
        assert_refused("{ use: mlp, hiden: [8] }", SCION_SHAPE(8), "test.yaml:1:", "hidden");
        assert_refused("use: lenet", SCION_SHAPE(8), "test.yaml:1:", "lenet5");
        assert_refused("use: resnet", SCION_SHAPE(784), "test.yaml:1:1: resnet: ", "CxHxW, got 784");
        assert_refused("{ use: resnet, depth: 21 }", SCION_SHAPE(1, 8, 8),
                       "test.yaml:1:", "6n + 2 (8, 14, 20, ...), got 21");
        assert_refused("{ use: resnet, depth: 7 }", SCION_SHAPE(1, 8, 8), "test.yaml:1:", "depth");
        assert_refused("{ use: resnet, variant: imagenet, depth: 50 }", SCION_SHAPE(1, 8, 8),
                       "test.yaml:1:", "18 or 34, got 50");
        assert_refused("{ use: resnet, width: 0 }", SCION_SHAPE(1, 8, 8), "test.yaml:1:", "width");
        assert_refused("{ use: lenet5, width: 0 }", SCION_SHAPE(1, 28, 28), "test.yaml:1:", "width");
        assert_refused("{ use: vgg, depth: 12 }", SCION_SHAPE(1, 8, 8),
                       "test.yaml:1:", "11, 13, 16 or 19, got 12");
        assert_refused("{ use: vgg, pool: 0 }", SCION_SHAPE(1, 8, 8), "test.yaml:1:", "pool");
        assert_refused("use: vgg", SCION_SHAPE(64), "test.yaml:1:1: vgg: ", "CxHxW, got 64");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(mlp),
                cmocka_unit_test(mlp_parameters),
                tape_test(mlp_activations),
                cmocka_unit_test(lenet5),
                cmocka_unit_test(lenet5_sizes),
                cmocka_unit_test(resnet),
                cmocka_unit_test(resnet_first_values),
                cmocka_unit_test(vgg),
                cmocka_unit_test(seeds),
                cmocka_unit_test(refused),
                cmocka_unit_test(widths),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
