/* A model's modules: finding them by path and by pattern, their shapes and tensors; parts. */
#include "support/differences.h"
#include "support/tape.h"

#define SEED 2

static const struct scion_shape images = { .ndim = 3, .dim = { 1, 6, 6 } };

/* layer1.{0,1}, layer2.{0,1} of convolutions, pool, flatten, fc 3*3*2 -> 4 */
static struct scion_model *new_net(void)
{
        const struct scion_window same = { .kernel = { 3, 3 }, .padding = { 1, 1 } };
        const struct scion_window halve = { .kernel = { 2, 2 } };
        struct scion_module *net = scion_nn_sequential(), *layer1 = scion_nn_sequential(),
                            *layer2 = scion_nn_sequential();

        scion_nn_append(layer1, "0", scion_nn_conv2d(1, 2, &same, true));
        scion_nn_append(layer1, "1", scion_nn_tanh());
        scion_nn_append(layer2, "0", scion_nn_conv2d(2, 2, &same, true));
        scion_nn_append(layer2, "1", scion_nn_tanh());
        scion_nn_append(net, "layer1", layer1);
        scion_nn_append(net, "layer2", layer2);
        scion_nn_append(net, "pool", scion_nn_avg_pool2d(&halve));
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc", scion_nn_linear(18, 4, true));
        struct scion_model *model = scion_model_assemble(net, NULL, &images, 4, SEED);

        if (!model)
                fail_msg("%s", scion_error());
        return model;
}

static void by_path(void **state)
{
        static const char *const paths[] = { "",         "layer1",   "layer1.0", "layer1.1", "layer2",
                                             "layer2.0", "layer2.1", "pool",     "flatten",  "fc" };
        struct scion_model *model = new_net();

        (void)state;
        assert_int_equal(scion_model_module_count(model), 10);
        for (int i = 0; i < 10; i++) {
                struct scion_module *module = scion_model_module_at(model, i);

                assert_string_equal(scion_module_path(module), paths[i]);
                assert_ptr_equal(scion_model_module(model, paths[i]), module);
                assert_int_equal(module->index, i);
        }
        assert_string_equal(scion_module_kind(scion_model_module(model, "layer2.0")), "conv2d");
        assert_null(scion_model_module_at(model, 10));
        assert_null(scion_model_module_at(model, -1));
        assert_null(scion_model_module(model, "layer1.3"));
        assert_error_has("no module 'layer1.3' (did you mean 'layer1.", NULL);
        assert_null(scion_model_module(model, "layer1."));
        assert_null(scion_model_module(model, "something"));
        assert_error_has("its modules are layer1, layer2, pool, flatten, fc", NULL);
        assert_null(scion_model_module(NULL, "fc"));
        assert_error_has("no model", NULL);
        assert_null(scion_model_module(model, NULL));
        assert_int_equal(scion_model_module_count(NULL), 0);
        assert_null(scion_model_module_at(NULL, 0));
        assert_null(scion_module_path(NULL));
        assert_null(scion_module_kind(NULL));
        scion_model_destroy(model);

        struct scion_module *relu = scion_nn_relu();

        assert_null(scion_module_path(relu));
        scion_module_destroy(relu);
}

/* Patterns, and the expected paths, are separated by spaces. */
static struct scion_strings split(char *text, const char **words)
{
        struct scion_strings list = { .value = words };

        for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
                words[list.count++] = strcmp(word, "''") == 0 ? "" : word;
        return list;
}

static bool select_from(struct scion_model *model, const char *patterns, struct scion_strings *paths)
{
        char text[64];
        const char *words[16];

        snprintf(text, sizeof text, "%s", patterns);
        struct scion_strings list = split(text, words);

        return scion_model_select(model, &list, paths);
}

static void by_pattern(void **state)
{
        static const struct {
                const char *patterns, *paths;
        } cases[] = {
                { "layer*", "layer1 layer2" },
                { "layer*.0", "layer1.0 layer2.0" },
                { "layer1.*", "layer1.0 layer1.1" },
                { "*", "layer1 layer2 pool flatten fc" },
                { "*.*", "layer1.0 layer1.1 layer2.0 layer2.1" },
                { "fc layer1.0 f*", "layer1.0 flatten fc" },
                { "layer[2-9]", "layer2" },
                { "layer?.1", "layer1.1 layer2.1" },
                { "''", "''" },
                { "pool ''", "'' pool" },
                { "", "" },
        };
        struct scion_model *model = new_net();

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct scion_strings paths;
                char text[128] = "";

                if (!select_from(model, cases[i].patterns, &paths))
                        fail_msg("%s: %s", cases[i].patterns, scion_error());
                for (size_t k = 0; k < paths.count; k++)
                        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", k ? " " : "",
                                 *paths.value[k] ? paths.value[k] : "''");
                assert_string_equal(text, cases[i].paths);
        }
        struct scion_strings first, second, none;

        assert_true(select_from(model, "layer*", &first));
        assert_true(select_from(model, "fc", &second));
        assert_string_equal(first.value[1], "layer2");
        assert_false(select_from(model, "fc layers1", &none));
        assert_int_equal(none.count, 0);
        assert_error_has("no module that matches 'layers1' (did you mean 'layer1'?)", NULL);
        assert_false(select_from(model, "nothing*", &none));
        assert_error_has("its modules are layer1, layer2, pool", NULL);
        assert_false(select_from(model, "layer*conv", &none));
        assert_false(select_from(NULL, "fc", &none));
        scion_model_destroy(model);
}

static void assert_features(struct scion_model *model, const char *path, const char *wanted)
{
        struct scion_shape shape = scion_model_feature_shape(model, path);
        char text[96];

        assert_string_equal(scion_shape_text(&shape, text, sizeof text), wanted);
}

/* Runs only its second child, and returns its input. */
static struct scion_tensor *odd_forward(void *self, struct scion_module *module, struct scion_tensor *x)
{
        (void)self;
        scion_nn_forward(module->child.module[1], x);
        return x;
}

static struct scion_tensor *total(void *self, struct scion_module *module, struct scion_tensor *x)
{
        (void)self;
        (void)module;
        return scion_sum(x, SCION_ALL_AXES, false);
}

static void feature_shapes(void **state)
{
        static const struct scion_module_impl odd = { "odd", odd_forward, NULL },
                                              sum = { "sum", total, NULL };
        struct scion_model *model = new_net();

        (void)state;
        assert_features(model, "layer1", "2x6x6");
        assert_features(model, "pool", "2x3x3");
        assert_features(model, "flatten", "18");
        assert_features(model, "fc", "4");
        assert_features(model, "", "4");
        assert_features(model, NULL, "18");
        scion_error_clear();
        assert_features(model, "poll", "scalar");
        assert_error_has("did you mean 'pool'", NULL);
        assert_features(NULL, "pool", "scalar");
        assert_error_has("no model", NULL);
        scion_model_destroy(model);

        struct scion_module *net = scion_nn_sequential(), *module = scion_nn_module(&odd, 0);
        const struct scion_shape input = SCION_SHAPE(5);

        scion_nn_append(module, "unused", scion_nn_relu());
        scion_nn_append(module, "sum", scion_nn_module(&sum, 0));
        scion_nn_append(net, "odd", module);
        scion_nn_append(net, "fc", scion_nn_linear(5, 2, true));
        model = scion_model_assemble(net, NULL, &input, 2, SEED);
        assert_features(model, "odd", "5");
        scion_error_clear();
        assert_features(model, "odd.sum", "scalar");
        assert_error_has("the output of 'odd.sum' has no batch axis or is not known", NULL);
        scion_error_clear();
        assert_features(model, "odd.unused", "scalar");
        assert_error_has("the output of 'odd.unused'", NULL);
        scion_model_destroy(model);
}

static void taps(void **state)
{
        struct scion_model *model = new_net();
        struct scion_tensor *x = scion_full(SCION_SHAPE(3, 1, 6, 6), 0.5f);
        const struct scion_module *pool = scion_model_module(model, "pool");
        const struct scion_module *root = scion_model_module(model, "");

        (void)state;
        assert_null(pool->input); /* the tensors of the trial are removed */
        assert_null(pool->output);
        struct scion_tensor *y = scion_model_forward(model, x);

        assert_ptr_equal(root->input, x);
        assert_ptr_equal(root->output, y);
        assert_ptr_equal(pool->output, scion_model_module(model, "flatten")->input);
        assert_ptr_equal(pool->input, scion_model_module(model, "layer2.1")->output);
        assert_true(pool->output->requires_grad);
        /* A loss on an intermediate output has gradients for the modules before it. */
        assert_true(scion_backward(scion_mean(pool->output, SCION_ALL_AXES, false)));
        assert_non_null(scion_grad(scion_parameter_tensor(scion_model_find(model, "layer1.0.weight"))));
        assert_null(scion_grad(scion_parameter_tensor(scion_model_find(model, "fc.weight"))));
        scion_model_destroy(model);
}

/* --- Parts ---------------------------------------------------------------------------------------------- */

static struct scion_tensor *part_loss(struct scion_model *part)
{
        struct scion_tensor *x = scion_full(SCION_SHAPE(3, 2), 0.5f);

        return scion_mean(scion_pow(scion_model_forward(part, x), 2), SCION_ALL_AXES, false);
}

static void parts(void **state)
{
        struct scion_module *net = scion_nn_sequential();

        (void)state;
        scion_nn_append(net, "0", scion_nn_linear(2, 3, true));
        scion_nn_append(net, "1", scion_nn_tanh());
        scion_nn_append(net, "2", scion_nn_linear(3, 1, true));
        struct scion_model *part = scion_model_assemble_part(net, SEED);

        assert_non_null(part);
        assert_null(scion_model_head(part));
        assert_false(scion_model_in_head(part, scion_model_parameter(part, 0)));
        assert_int_equal(scion_model_outputs(part), 0);
        assert_true(scion_backward(part_loss(part)));
        assert_gradients(part, part_loss);
        /* A part accepts any inputs that its module accepts. */
        assert_int_equal(scion_dim(scion_model_forward(part, scion_zeros(SCION_SHAPE(4, 5, 2))), 1), 5);
        assert_null(scion_model_forward(part, scion_zeros(SCION_SHAPE(4, 5))));
        assert_error_has("0: linear", NULL);
        scion_error_clear();
        assert_features(part, NULL, "scalar");
        assert_error_has("not tried out", NULL);
        if (!scion_model_graft(part, "1", SCION_AFTER, "more", scion_nn_linear(3, 3, false)))
                fail_msg("%s", scion_error());
        scion_model_clear_gradients(part);
        assert_true(scion_backward(part_loss(part)));
        assert_gradients(part, part_loss);
        scion_model_destroy(part);

        assert_null(scion_model_assemble_part(NULL, SEED));
        assert_null(scion_model_assemble_part(scion_nn_relu(), SEED));
        assert_error_has("no parameters", NULL);
        net = scion_nn_sequential();
        scion_nn_append(net, "0", NULL);
        assert_null(scion_model_assemble_part(net, SEED));
}

/* A module that only holds parameters. */
static void holders(void **state)
{
        struct scion_module *holder = scion_nn_sequential();

        (void)state;
        scion_nn_parameter(holder, "weights", SCION_SHAPE(2, 3),
                           (struct scion_init){ SCION_INIT_ONES, 0, 0 });
        struct scion_model *part = scion_model_assemble_part(holder, SEED);

        assert_non_null(part);
        assert_string_equal(scion_parameter_name(scion_model_parameter(part, 0)), "weights");
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(1));

        assert_ptr_equal(scion_model_forward(part, x), x);
        struct scion_tensor *weights = scion_parameter_tensor(scion_model_find(part, "weights"));

        assert_true(scion_backward(scion_sum(scion_pow(weights, 2), SCION_ALL_AXES, false)));
        assert_true(scion_data(scion_grad(weights))[5] == 2);
        scion_model_destroy(part);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(by_path), tape_test(by_pattern), tape_test(feature_shapes),
                tape_test(taps),    tape_test(parts),      tape_test(holders),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
