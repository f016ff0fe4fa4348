/* Models: storages, names and patterns, freezing, copying, gradients. */
#include "support/differences.h"
#include "support/memory.h"
#include "support/tape.h"

#include "nn/model.h"
#include "nn/module.h"

#define SEED 3

/* conv1 1->2 3x3, relu1, pool1, flatten, fc1 2*2*3 -> 5, tanh1, fc2 -> outputs, on 1x6x8 images. */
static struct scion_module *small_net(int64_t outputs)
{
        const struct scion_window conv = { .kernel = { 3, 3 } }, pool = { .kernel = { 2, 2 } };
        struct scion_module *net = scion_nn_sequential();

        scion_nn_append(net, "conv1", scion_nn_conv2d(1, 2, &conv, true));
        scion_nn_append(net, "relu1", scion_nn_relu());
        scion_nn_append(net, "pool1", scion_nn_max_pool2d(&pool));
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc1", scion_nn_linear(12, 5, true));
        scion_nn_append(net, "tanh1", scion_nn_tanh());
        scion_nn_append(net, "fc2", scion_nn_linear(5, outputs, true));
        return net;
}

static const struct scion_shape images = { .ndim = 3, .dim = { 1, 6, 8 } };

static struct scion_model *small(int64_t outputs, uint64_t seed)
{
        struct scion_model *model = scion_model_assemble(small_net(outputs), NULL, &images, outputs, seed);

        if (!model)
                fail_msg("%s", scion_error());
        return model;
}

static struct scion_tensor *some_images(int64_t count)
{
        struct scion_random random = scion_random(1, SCION_RANDOM_DATA, 0);
        float values[4 * 48];

        assert_true(count <= 4);
        for (int i = 0; i < count * 48; i++)
                values[i] = scion_random_normal(&random);
        return scion_from(SCION_SHAPE(count, 1, 6, 8), values);
}

/* Returns a scalar to which every output contributes with another weight. */
static struct scion_tensor *loss_of(struct scion_model *model)
{
        struct scion_tensor *y = scion_model_forward(model, some_images(4));

        return scion_mean(scion_pow(scion_shift(y, 1), 3), SCION_ALL_AXES, false);
}

static void flat_blocks(void **state)
{
        static const char *const names[] = { "conv1.weight", "conv1.bias", "fc1.weight",
                                             "fc1.bias",     "fc2.weight", "fc2.bias" };
        static const int64_t sizes[] = { 18, 2, 60, 5, 15, 3 };
        struct scion_model *model = small(3, SEED);
        size_t place = 0;

        (void)state;
        assert_int_equal(scion_model_parameter_count(model), 6);
        const float *values = floats_of(model->values), *gradients = floats_of(model->gradients);

        assert_int_equal((uintptr_t)model->values->memory % 64, 0);
        assert_int_equal((uintptr_t)model->gradients->memory % 64, 0);
        for (int i = 0; i < 6; i++) {
                struct scion_parameter *parameter = scion_model_parameter(model, i);
                const struct scion_tensor *value = scion_parameter_tensor(parameter);
                struct scion_shape shape = scion_parameter_shape(parameter);

                assert_string_equal(scion_parameter_name(parameter), names[i]);
                assert_int_equal(scion_shape_size(&shape), sizes[i]);
                assert_ptr_equal(value->storage, model->values);
                assert_ptr_equal(value->grad->storage, model->gradients);
                assert_int_equal(value->offset, place * sizeof(float));
                assert_int_equal(value->grad->offset, place * sizeof(float));
                assert_int_equal(value->length, sizes[i]);
                place += (size_t)sizes[i];
                for (; place % 16 != 0; place++)
                        assert_true(values[place] == 0);
        }
        assert_int_equal(model->length, place);
        for (size_t i = 0; i < model->length; i++)
                assert_true(gradients[i] == 0);
        assert_null(scion_model_parameter(model, 6));
        assert_null(scion_model_parameter(model, -1));
        assert_int_equal(scion_model_size(model, false), 103);
        scion_model_destroy(model);
        scion_model_destroy(NULL);
}

static void looks(void **state)
{
        struct scion_model *model = small(3, SEED);
        struct scion_shape input = scion_model_input_shape(model);

        (void)state;
        assert_true(scion_shape_equal(&input, &images));
        assert_int_equal(scion_model_outputs(model), 3);
        assert_string_equal(scion_model_head(model), "fc2");
        assert_true(scion_model_in_head(model, scion_model_find(model, "fc2.bias")));
        assert_false(scion_model_in_head(model, scion_model_find(model, "fc1.bias")));

        assert_null(scion_model_find(model, "fc1.wieght"));
        assert_error_has("'fc1.wieght'", "did you mean 'fc1.weight'", NULL);
        assert_null(scion_model_find(model, "something.else.altogether"));
        assert_error_has("conv1, fc1, fc2", NULL);
        scion_model_destroy(model);
}

static void listing(void **state)
{
        struct scion_model *model = small(3, SEED);
        char lines[512] = "";

        (void)state;
        for (int i = 0; i < scion_model_module_count(model); i++) {
                const struct scion_module *module = scion_model_module_at(model, i);

                strcat(strcat(lines, scion_module_path(module)), ":");
                strcat(strcat(lines, scion_module_kind(module)), " ");
        }
        assert_string_equal(lines, ":sequential conv1:conv2d relu1:relu pool1:max_pool2d flatten:flatten "
                                   "fc1:linear tanh1:tanh fc2:linear ");
        scion_model_destroy(model);
}

static void read_and_write(void **state)
{
        struct scion_model *model = small(3, SEED);
        struct scion_parameter *bias = scion_model_find(model, "fc2.bias");
        float values[3] = { 1, 2, 3 }, back[3] = { 0 };

        (void)state;
        assert_true(scion_parameter_write(bias, values));
        assert_true(scion_parameter_read(bias, back));
        assert_memory_equal(values, back, sizeof values);
        assert_memory_equal(scion_data(scion_parameter_tensor(bias)), values, sizeof values);
        scion_model_destroy(model);
}

static bool same_values(struct scion_model *a, struct scion_model *b, const char *name)
{
        struct scion_parameter *x = scion_model_find(a, name), *y = scion_model_find(b, name);
        struct scion_shape shape = scion_parameter_shape(x);

        return memcmp(scion_data(scion_parameter_tensor(x)), scion_data(scion_parameter_tensor(y)),
                      (size_t)scion_shape_size(&shape) * sizeof(float)) == 0;
}

static void first_values(void **state)
{
        struct scion_model *one = small(3, SEED), *same = small(3, SEED), *wider = small(4, SEED);
        struct scion_model *other = small(3, SEED + 1);

        (void)state;
        assert_int_equal(one->length, same->length);
        assert_memory_equal(floats_of(one->values), floats_of(same->values), one->length * sizeof(float));
        /* Another head does not change the other values. */
        assert_true(same_values(one, wider, "conv1.weight"));
        assert_true(same_values(one, wider, "conv1.bias"));
        assert_true(same_values(one, wider, "fc1.weight"));
        assert_false(same_values(one, other, "conv1.weight"));
        assert_false(same_values(one, other, "fc2.bias"));

        /* A bias is drawn with the fan-in of its layer. */
        for (int i = 0; i < 6; i++) {
                const struct scion_tensor *value = scion_parameter_tensor(scion_model_parameter(one, i));
                double bound = 1 / sqrt(i < 2 ? 9 : i < 4 ? 12 : 5), largest = 0;

                for (size_t k = 0; k < value->length; k++)
                        largest = fmax(largest, fabs((double)memory_of(value)[k]));
                assert_true(largest <= bound * (1 + 1e-6));
                assert_true(largest > bound / 3);
        }
        scion_model_destroy(one);
        scion_model_destroy(same);
        scion_model_destroy(wider);
        scion_model_destroy(other);
}

static void patterns(void **state)
{
        static const struct {
                const char *pattern, *matches;
        } cases[] = {
                { "conv1", "110000" },     { "conv1.*", "110000" }, { "conv1.weight", "100000" },
                { "*.bias", "010101" },    { "fc?", "001111" },     { "fc[2-9]", "000011" },
                { "*", "111111" },         { "conv", "000000" },    { "fc1.weigh", "000000" },
                { "c*.weight", "100000" }, { "", "000000" },        { "relu1", "000000" },
        };
        struct scion_model *model = small(3, SEED);

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
                for (int k = 0; k < 6; k++)
                        assert_int_equal(
                                scion_parameter_matches(scion_model_parameter(model, k), cases[i].pattern),
                                cases[i].matches[k] == '1');
        scion_model_destroy(model);
}

static void gradients_reach_all(void **state)
{
        struct scion_model *model = small(3, SEED);

        (void)state;
        assert_true(scion_backward(loss_of(model)));
        for (int i = 0; i < 6; i++) {
                struct scion_tensor *value = scion_parameter_tensor(scion_model_parameter(model, i));
                const struct scion_tensor *gradient = scion_grad(value);
                double sum = 0;

                assert_ptr_equal(gradient, &scion_model_parameter(model, i)->slot);
                for (size_t k = 0; k < gradient->length; k++)
                        sum += fabs((double)memory_of(gradient)[k]);
                assert_true(sum > 1e-4);
        }
        scion_model_clear_gradients(model);
        for (int i = 0; i < 6; i++)
                assert_null(scion_grad(scion_parameter_tensor(scion_model_parameter(model, i))));
        scion_model_destroy(model);
}

static void gradients_equal_differences(void **state)
{
        struct scion_model *model = small(3, SEED);

        (void)state;
        assert_true(scion_backward(loss_of(model)));
        assert_gradients(model, loss_of);
        scion_model_destroy(model);
}

static void freezing(void **state)
{
        struct scion_model *model = small(3, SEED);
        struct scion_parameter *frozen = scion_model_find(model, "conv1.weight");

        (void)state;
        assert_true(scion_model_freeze(model, "conv1"));
        assert_true(scion_parameter_frozen(frozen));
        assert_false(scion_parameter_frozen(scion_model_find(model, "fc1.bias")));
        assert_int_equal(scion_model_size(model, true), 83);
        assert_true(scion_backward(loss_of(model)));
        assert_null(scion_grad(scion_parameter_tensor(frozen)));
        assert_null(scion_grad(scion_parameter_tensor(scion_model_find(model, "conv1.bias"))));
        assert_non_null(scion_grad(scion_parameter_tensor(scion_model_find(model, "fc1.weight"))));

        scion_parameter_freeze(frozen, false);
        scion_model_clear_gradients(model);
        scion_tape_reset(tape);
        assert_true(scion_backward(loss_of(model)));
        assert_non_null(scion_grad(scion_parameter_tensor(frozen)));

        assert_true(scion_model_freeze(model, "*"));
        assert_int_equal(scion_model_size(model, true), 0);
        assert_false(scion_backward(loss_of(model)));

        assert_false(scion_model_freeze(model, "conv7"));
        assert_error_has("'conv7'", "conv1, fc1, fc2", NULL);
        assert_false(scion_model_freeze(NULL, "conv1"));
        scion_model_destroy(model);
}

static void learning_rates(void **state)
{
        struct scion_model *model = small(3, SEED);
        struct scion_parameter *conv = scion_model_find(model, "conv1.weight");
        struct scion_parameter *fc = scion_model_find(model, "fc1.weight");

        (void)state;
        assert_true(conv->lr_scale == 1 && conv->decay);
        assert_true(scion_model_scale_lr(model, "*", 0.5f));
        assert_true(scion_model_scale_lr(model, "conv1", 0.5f));
        assert_true(conv->lr_scale == 0.25f && fc->lr_scale == 0.5f);
        scion_parameter_scale_lr(fc, 2);
        assert_true(fc->lr_scale == 2);
        scion_parameter_scale_lr(fc, -1);
        assert_true(fc->lr_scale == 0);
        scion_parameter_decay(fc, false);
        assert_false(fc->decay);

        assert_false(scion_model_scale_lr(model, "fc9", 0.5f));
        assert_error_has("'fc9'", "conv1, fc1, fc2", NULL);
        assert_false(scion_model_scale_lr(model, "conv1", -1));
        assert_error_has("-1", NULL);
        assert_false(scion_model_scale_lr(model, "conv1", NAN));
        assert_true(conv->lr_scale == 0.25f);
        scion_model_destroy(model);
}

static void copying(void **state)
{
        struct scion_model *source = small(3, SEED), *same = small(3, SEED + 1), *wider = small(4, SEED + 1);
        struct scion_model *fresh = small(4, SEED + 1);

        (void)state;
        assert_int_equal(scion_model_copy(wider, source, false), 4);
        assert_true(same_values(wider, source, "conv1.weight"));
        assert_true(same_values(wider, source, "fc1.bias"));
        assert_true(same_values(wider, fresh, "fc2.weight"));
        assert_int_equal(scion_model_copy(same, source, true), 6);
        assert_memory_equal(floats_of(same->values), floats_of(source->values),
                            source->length * sizeof(float));

        assert_int_equal(scion_model_copy(fresh, source, true), -1);
        assert_error_has("fc2.weight", "3x5 in the source", "4x5 in the target", NULL);
        assert_false(same_values(fresh, source, "conv1.weight"));
        assert_int_equal(scion_model_copy(fresh, NULL, false), -1);
        assert_error_has("no source model", NULL);
        assert_int_equal(scion_model_copy(NULL, source, false), -1);
        assert_error_has("no target model", NULL);
        scion_model_destroy(source);
        scion_model_destroy(same);
        scion_model_destroy(wider);
        scion_model_destroy(fresh);
}

static void copying_between_different_models(void **state)
{
        struct scion_model *source = small(3, SEED);
        struct scion_module *net = scion_nn_sequential();

        (void)state;
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc9", scion_nn_linear(48, 5, false));
        scion_nn_append(net, "fc2", scion_nn_linear(5, 3, true));
        struct scion_model *other = scion_model_assemble(net, NULL, &images, 3, SEED);

        assert_non_null(other);
        assert_int_equal(scion_model_copy(other, source, false), -1);
        assert_error_has("fc9.weight", "source", NULL);
        scion_model_destroy(other);

        net = scion_nn_sequential();
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc2", scion_nn_linear(48, 3, true));
        other = scion_model_assemble(net, NULL, &images, 3, SEED);
        assert_non_null(other);
        assert_int_equal(scion_model_copy(other, source, false), -1);
        assert_error_has("conv1.weight", "target", NULL);
        scion_model_destroy(other);
        scion_model_destroy(source);
}

static void other_heads(void **state)
{
        struct scion_module *net = scion_nn_sequential(), *block = scion_nn_sequential();
        const struct scion_shape input = SCION_SHAPE(5);

        (void)state;
        scion_nn_append(block, "out", scion_nn_linear(5, 2, true));
        scion_nn_append(net, "block", block);
        struct scion_model *model = scion_model_assemble(net, "block.out", &input, 2, SEED);

        assert_string_equal(scion_model_head(model), "block.out");
        assert_true(scion_model_in_head(model, scion_model_find(model, "block.out.weight")));
        assert_true(scion_parameter_matches(scion_model_parameter(model, 0), "block"));
        assert_true(scion_parameter_matches(scion_model_parameter(model, 0), "block.out"));
        scion_model_destroy(model);

        /* A model that is one layer is its own head. */
        model = scion_model_assemble(scion_nn_linear(5, 2, true), NULL, &input, 2, SEED);
        assert_string_equal(scion_model_head(model), "");
        assert_string_equal(scion_parameter_name(scion_model_parameter(model, 0)), "weight");
        assert_true(scion_model_in_head(model, scion_model_parameter(model, 0)));
        scion_model_destroy(model);
}

static void assert_refused(struct scion_module *net, const char *head, struct scion_shape input,
                           int64_t outputs, const char *why)
{
        struct scion_model *model = scion_model_assemble(net, head, &input, outputs, SEED);

        assert_null(model);
        if (!strstr(scion_error(), why))
                fail_msg("\"%s\" does not say \"%s\"", scion_error(), why);
}

static void refused(void **state)
{
        struct scion_module *net = small_net(3);

        (void)state;
        assert_null(scion_model_assemble(NULL, NULL, &images, 3, SEED));
        assert_refused(small_net(3), NULL, images, 4, "outputs of shape 2x3");
        assert_refused(small_net(3), NULL, SCION_SHAPE(2, 6, 8), 3, "conv1: conv2d");
        assert_refused(small_net(3), NULL, SCION_SHAPE(1, 8, 8), 3, "fc1: linear");
        assert_refused(small_net(3), "fc7", images, 3, "head 'fc7'");
        assert_refused(small_net(3), "relu1", images, 3, "no parameters");
        assert_refused(small_net(3), NULL, images, 0, "at least one output");
        assert_refused(small_net(3), NULL, SCION_SCALAR, 3, "axes");
        assert_refused(small_net(3), NULL, SCION_SHAPE(1, 0, 8), 3, "inputs: axis 1");
        assert_refused(scion_nn_flatten(), NULL, images, 48, "no parameters");
        scion_nn_append(net, "fc1", scion_nn_relu());
        assert_refused(net, NULL, images, 3, "'fc1' already");

        /* A module inside a tree. */
        net = scion_nn_sequential();
        struct scion_module *part = scion_nn_linear(4, 3, true);
        scion_nn_append(net, "fc", part);
        assert_refused(part, NULL, SCION_SHAPE(4), 3, "belongs");
}

static void wrong_inputs(void **state)
{
        struct scion_model *model = small(3, SEED);

        (void)state;
        assert_null(scion_model_forward(model, scion_zeros(SCION_SHAPE(2, 1, 8, 6))));
        assert_error_has("Nx1x6x8", "2x1x8x6", NULL);
        assert_null(scion_model_forward(model, scion_zeros(SCION_SHAPE(1, 6, 8))));
        assert_null(scion_model_forward(model, NULL));
        assert_null(scion_model_forward(NULL, scion_zeros(SCION_SHAPE(1))));
        assert_error_has("no model", NULL);
        scion_model_destroy(model);
}

/* --- A module of a plugin: x + fc(x) * gain ------------------------------------------------------------- */

struct residual {
        struct scion_module *fc;
        char *note; /* memory that finish() must free */
};

static struct scion_tensor *residual_forward(void *self, struct scion_module *module, struct scion_tensor *x)
{
        const struct residual *residual = self;

        return scion_add(x, scion_mul(scion_nn_forward(residual->fc, x), scion_nn_tensor(module, 0)));
}

static void residual_finish(void *self)
{
        free(((struct residual *)self)->note);
}

static struct scion_module *new_residual(int64_t width)
{
        static const struct scion_module_impl impl = { "residual", residual_forward, residual_finish };
        struct scion_module *module = scion_nn_module(&impl, sizeof(struct residual));
        struct residual *residual = scion_nn_self(module);

        residual->note = malloc(10);
        residual->fc = scion_nn_linear(width, width, false);
        scion_nn_append(module, "fc", residual->fc);
        assert_int_equal(scion_nn_parameter(module, "gain", SCION_SHAPE(width),
                                            (struct scion_init){ .kind = SCION_INIT_ONES }),
                         0);
        return module;
}

static void own_modules(void **state)
{
        const struct scion_shape input = SCION_SHAPE(2);
        const float weight[] = { 1, 2, 3, 4 }, gain[] = { 1, 10 }, x[] = { 1, -1 };
        struct scion_module *net = scion_nn_sequential(), *layer = scion_nn_sequential();

        (void)state;
        scion_nn_append(layer, "0", new_residual(2));
        scion_nn_append(layer, "1", new_residual(2));
        scion_nn_append(net, "layer1", layer);
        struct scion_model *model = scion_model_assemble(net, NULL, &input, 2, SEED);

        assert_non_null(model);
        assert_string_equal(scion_parameter_name(scion_model_parameter(model, 0)), "layer1.0.gain");
        assert_string_equal(scion_parameter_name(scion_model_parameter(model, 1)), "layer1.0.fc.weight");
        assert_string_equal(scion_model_head(model), "layer1.1.fc");
        /* (1, -1) + (-1, -1) * (1, 10) = (0, -11); the second block adds nothing. */
        assert_true(scion_parameter_write(scion_model_parameter(model, 0), gain));
        assert_true(scion_parameter_write(scion_model_parameter(model, 1), weight));
        assert_true(scion_parameter_write(scion_model_parameter(model, 2), (float[2]){ 0, 0 }));
        const float *y = scion_data(scion_model_forward(model, scion_from(SCION_SHAPE(1, 2), x)));

        assert_non_null(y);
        assert_true(y[0] == 0 && y[1] == -11);

        /* Modules that belong to a model can no longer be changed. */
        assert_null(scion_nn_append(net, "more", scion_nn_relu()));
        assert_error_has("once the model is built", NULL);
        assert_int_equal(scion_nn_parameter(net, "more", SCION_SHAPE(1), (struct scion_init){ 0 }), -1);
        assert_null(scion_model_assemble(net, NULL, &input, 2, SEED));
        scion_model_destroy(model);
}

static void dropout_follows_the_tape(void **state)
{
        const struct scion_shape input = SCION_SHAPE(200);
        struct scion_module *net = scion_nn_sequential();

        (void)state;
        scion_nn_append(net, "drop", scion_nn_dropout(0.5f));
        scion_nn_append(net, "fc", scion_nn_linear(200, 1, false));
        struct scion_model *model = scion_model_assemble(net, NULL, &input, 1, SEED);
        struct scion_tensor *x = scion_full(SCION_SHAPE(1, 200), 1);
        float still = scion_item(scion_model_forward(model, x));

        assert_true(still == scion_item(scion_model_forward(model, x)));
        scion_tape_set_training(tape, true);
        scion_tape_set_seed(tape, 1, 0);
        assert_true(still != scion_item(scion_model_forward(model, x)));
        scion_tape_set_training(tape, false);
        assert_true(still == scion_item(scion_model_forward(model, x)));
        scion_model_destroy(model);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(flat_blocks),
                tape_test(looks),
                tape_test(listing),
                tape_test(read_and_write),
                tape_test(first_values),
                tape_test(patterns),
                tape_test(gradients_reach_all),
                tape_test(gradients_equal_differences),
                tape_test(freezing),
                tape_test(learning_rates),
                tape_test(copying),
                tape_test(copying_between_different_models),
                tape_test(other_heads),
                tape_test(refused),
                tape_test(wrong_inputs),
                tape_test(own_modules),
                tape_test(dropout_follows_the_tape),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
