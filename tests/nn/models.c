/* The model plugins that come with Scion, found and loaded as any other. */
#include "support/test.h"

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

static void add_kind(void *context, const char *path, const char *kind)
{
        char *text = context;
        size_t length = strlen(text);

        if (*path)
                snprintf(text + length, 512 - length, "%s:%s ", path, kind);
}

static void assert_modules(struct scion_model *model, const char *wanted)
{
        char text[512] = "";

        scion_model_each_module(model, add_kind, text);
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

static void seeds(void **state)
{
        struct scion_model *ten = create_good("use: lenet5", SCION_SHAPE(1, 28, 28), 10);
        struct scion_model *five = create_good("use: lenet5", SCION_SHAPE(1, 28, 28), 5);
        size_t bytes = (size_t)120 * 400 * sizeof(float);

        (void)state;
        assert_memory_equal(scion_model_find(ten, "fc1.weight")->value.data,
                            scion_model_find(five, "fc1.weight")->value.data, bytes);
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
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(mlp),          cmocka_unit_test(mlp_parameters), cmocka_unit_test(lenet5),
                cmocka_unit_test(lenet5_sizes), cmocka_unit_test(seeds),          cmocka_unit_test(refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
