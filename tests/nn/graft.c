/* Grafts: modules inserted before, after and instead of modules of a model that is built. */
#include "support/differences.h"
#include "support/memory.h"
#include "support/tape.h"

#define SEED 5

static const struct scion_init identity = { .kind = SCION_INIT_IDENTITY };
static const struct scion_shape images = { .ndim = 3, .dim = { 2, 4, 4 } };

static struct scion_module *conv(int64_t in, int64_t out, int side)
{
        const struct scion_window window = { .kernel = { side, side }, .padding = { side / 2, side / 2 } };

        return scion_nn_conv2d(in, out, &window, true);
}

/* tanh(bn(conv(x))) + x. Like a residual block, the module holds pointers to its children. */
struct block {
        struct scion_module *conv, *bn;
};

static struct scion_tensor *block_forward(void *self, struct scion_module *module, struct scion_tensor *x)
{
        const struct block *block = self;
        struct scion_tensor *y = scion_nn_forward(block->bn, scion_nn_forward(block->conv, x));

        (void)module;
        return y ? scion_add(scion_tanh(y), x) : NULL;
}

static struct scion_module *new_block(int64_t channels)
{
        static const struct scion_module_impl impl = { "block", block_forward, NULL };
        struct scion_module *module = scion_nn_module(&impl, sizeof(struct block));
        struct block *block = scion_nn_self(module);

        scion_nn_append(module, "conv", block->conv = conv(channels, channels, 3));
        scion_nn_append(module, "bn", block->bn = scion_nn_batch_norm2d(channels, 0.1f, 1e-5f));
        return module;
}

/* block1.{conv,bn}, tanh, conv2 2 -> 3, pool 3 x 2 x 2, flatten, fc 12 -> 2 */
static struct scion_model *new_net(void)
{
        const struct scion_window halve = { .kernel = { 2, 2 } };
        struct scion_module *net = scion_nn_sequential();

        scion_nn_append(net, "block1", new_block(2));
        scion_nn_append(net, "tanh", scion_nn_tanh());
        scion_nn_append(net, "conv2", conv(2, 3, 1));
        scion_nn_append(net, "pool", scion_nn_avg_pool2d(&halve));
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc", scion_nn_linear(12, 2, true));
        struct scion_model *model = scion_model_assemble(net, NULL, &images, 2, SEED);

        if (!model)
                fail_msg("%s", scion_error());
        return model;
}

static struct scion_tensor *some_images(int64_t count)
{
        struct scion_random random = scion_random(1, SCION_RANDOM_DATA, 0);
        float values[6 * 32];

        assert_true(count <= 6);
        for (int i = 0; i < count * 32; i++)
                values[i] = scion_random_normal(&random);
        return scion_from(SCION_SHAPE(count, 2, 4, 4), values);
}

/* Returns a scalar to which every output contributes with another weight. */
static struct scion_tensor *loss_of(struct scion_model *model)
{
        struct scion_tensor *y = scion_model_forward(model, some_images(4));

        return scion_mean(scion_pow(scion_shift(y, 1), 3), SCION_ALL_AXES, false);
}

static void graft(struct scion_model *model, const char *path, enum scion_place place, const char *name,
                  struct scion_module *module)
{
        if (!scion_model_graft(model, path, place, name, module))
                fail_msg("%s", scion_error());
}

static void assert_names(struct scion_model *model, const char *wanted)
{
        char names[512] = "";

        for (int i = 0; i < scion_model_parameter_count(model); i++)
                strcat(strcat(names, scion_parameter_name(scion_model_parameter(model, i))), " ");
        assert_string_equal(names, wanted);
}

/* Returns the outputs for six images in evaluation mode. */
static void outputs_of(struct scion_model *model, float *values)
{
        scion_tape_set_training(tape, false);
        const float *y = scion_data(scion_model_forward(model, some_images(6)));

        if (!y)
                fail_msg("%s", scion_error());
        memcpy(values, y, 12 * sizeof *values);
}

static void assert_same_outputs(struct scion_model *model, const float *wanted)
{
        float values[12];

        outputs_of(model, values);
        for (int i = 0; i < 12; i++)
                assert_float_equal(values[i], wanted[i], 1e-6);
}

static void identities_change_nothing(void **state)
{
        struct scion_model *model = new_net();
        float before[12];

        (void)state;
        outputs_of(model, before);
        graft(model, "block1.conv", SCION_AFTER, "more",
              scion_nn_init(scion_nn_init(conv(2, 2, 3), "weight", identity), "bias",
                            (struct scion_init){ .kind = SCION_INIT_ZEROS }));
        assert_same_outputs(model, before);
        graft(model, "fc", SCION_BEFORE, "map",
              scion_nn_init(scion_nn_linear(12, 12, false), "weight", identity));
        assert_same_outputs(model, before);
        graft(model, "", SCION_AFTER, "out", scion_nn_init(scion_nn_linear(2, 2, false), "weight", identity));
        assert_same_outputs(model, before);
        graft(model, "", SCION_BEFORE, "in",
              scion_nn_init(scion_nn_init(conv(2, 2, 1), "weight", identity), "bias",
                            (struct scion_init){ .kind = SCION_INIT_ZEROS }));
        assert_same_outputs(model, before);
        graft(model, "fc.map", SCION_BEFORE, "deeper",
              scion_nn_init(scion_nn_linear(12, 12, false), "weight", identity));
        assert_same_outputs(model, before);
        assert_names(model, "in.weight in.bias block1.conv.weight block1.conv.bias block1.conv.more.weight "
                            "block1.conv.more.bias block1.bn.weight block1.bn.bias conv2.weight conv2.bias "
                            "fc.weight fc.bias fc.map.weight fc.map.deeper.weight out.weight ");
        scion_model_destroy(model);
}

/* x -> scale x + shift, which shows the order in which modules run. */
struct affine {
        float scale, shift;
};

static struct scion_tensor *affine_forward(void *self, struct scion_module *module, struct scion_tensor *x)
{
        const struct affine *affine = self;

        (void)module;
        return scion_shift(scion_scale(x, affine->scale), affine->shift);
}

static struct scion_module *affine(float scale, float shift)
{
        static const struct scion_module_impl impl = { "affine", affine_forward, NULL };
        struct scion_module *module = scion_nn_module(&impl, sizeof(struct affine));

        *(struct affine *)scion_nn_self(module) = (struct affine){ scale, shift };
        return module;
}

static void order(void **state)
{
        const struct scion_shape input = SCION_SHAPE(1);
        struct scion_module *net = scion_nn_sequential();

        (void)state;
        scion_nn_append(net, "a", affine(10, 1));
        scion_nn_append(net, "fc", scion_nn_init(scion_nn_linear(1, 1, false), "weight", identity));
        struct scion_model *model = scion_model_assemble(net, NULL, &input, 1, SEED);

        graft(model, "a", SCION_BEFORE, "b1", affine(10, 2));
        graft(model, "a", SCION_BEFORE, "b2", affine(10, 3));
        graft(model, "a", SCION_AFTER, "c1", affine(10, 4));
        graft(model, "a", SCION_AFTER, "c2", affine(10, 5));
        struct scion_tensor *y = scion_model_forward(model, scion_full(SCION_SHAPE(1, 1), 9));

        assert_true(scion_item(y) == 923145);
        /* The input and output recorded for a module are those without the grafts on it. */
        struct scion_module *a = scion_model_module(model, "a");

        assert_true(scion_item(a->input) == 923 && scion_item(a->output) == 9231);
        a = scion_model_module(model, "a.c1");
        assert_true(scion_item(a->input) == 9231 && scion_item(a->output) == 92314);

        /* A replacement keeps the grafts of the module it replaces, and can be replaced itself. */
        graft(model, "a", SCION_INSTEAD, NULL, affine(10, 7));
        graft(model, "a", SCION_INSTEAD, NULL, affine(10, 8));
        graft(model, "a.c1", SCION_INSTEAD, NULL, affine(10, 6));
        y = scion_model_forward(model, scion_full(SCION_SHAPE(1, 1), 9));
        assert_true(scion_item(y) == 923865);
        assert_int_equal(scion_model_module_count(model), 7);
        scion_model_destroy(model);
}

static void other_values_are_kept(void **state)
{
        struct scion_model *model = new_net(), *same = new_net();
        struct scion_tensor *x = some_images(4);
        float buffer[2], after[2];

        (void)state;
        assert_true(scion_model_freeze(model, "block1.conv"));
        assert_true(scion_model_scale_lr(model, "fc", 0.5f));
        scion_parameter_decay(scion_model_find(model, "conv2.bias"), false);
        scion_tape_set_training(tape, true);
        assert_non_null(scion_model_forward(model, x)); /* updates the running statistics */
        assert_true(scion_parameter_read(scion_model_buffer(model, 0), buffer));
        assert_true(buffer[0] != 0);
        graft(model, "tanh", SCION_AFTER, "extra", conv(2, 2, 3));
        graft(model, "tanh", SCION_AFTER, "norm", scion_nn_batch_norm2d(2, 0.1f, 1e-5f));

        assert_int_equal(scion_model_buffer_count(model), 4);
        assert_string_equal(scion_parameter_name(scion_model_buffer(model, 2)), "tanh.norm.running_mean");
        assert_true(scion_parameter_read(scion_model_buffer(model, 0), after));
        assert_memory_equal(buffer, after, sizeof buffer);
        assert_true(scion_parameter_frozen(scion_model_find(model, "block1.conv.weight")));
        assert_false(scion_parameter_frozen(scion_model_find(model, "tanh.extra.weight")));
        assert_true(scion_model_find(model, "fc.weight")->lr_scale == 0.5f);
        assert_true(scion_model_find(model, "tanh.extra.weight")->lr_scale == 1);
        assert_false(scion_model_find(model, "conv2.bias")->decay);
        assert_true(scion_model_find(model, "tanh.extra.bias")->decay);
        for (int i = 0; i < scion_model_parameter_count(same); i++) {
                const struct scion_parameter *was = scion_model_parameter(same, i);
                const struct scion_parameter *is = scion_model_find(model, was->name);

                assert_non_null(is);
                assert_memory_equal(memory_of(&was->value), memory_of(&is->value),
                                    was->value.length * sizeof(float));
                assert_int_equal(is->value.offset % 64, 0);
        }
        /* Values and gradients lie as in a model that was built with the module. */
        size_t extent = 0;

        for (int i = 0; i < model->count + model->buffers; i++) {
                assert_ptr_equal(model->parameter[i].value.storage, model->values);
                assert_int_equal(model->parameter[i].value.offset, extent * sizeof(float));
                extent += (model->parameter[i].value.length + 15) / 16 * 16;
        }
        assert_int_equal(model->extent, extent);
        assert_string_equal(scion_model_head(model), "fc");
        scion_model_destroy(model);
        scion_model_destroy(same);
}

/* A graft's initial values are those it would have in a model built with it, whatever other grafts there are. */
static void new_values(void **state)
{
        struct scion_model *one = new_net(), *two = new_net();

        (void)state;
        graft(one, "conv2", SCION_BEFORE, "a", conv(2, 2, 1));
        graft(one, "conv2", SCION_AFTER, "b", conv(3, 3, 1));
        graft(two, "conv2", SCION_AFTER, "b", conv(3, 3, 1));
        graft(two, "conv2", SCION_BEFORE, "a", conv(2, 2, 1));
        assert_int_equal(one->extent, two->extent);
        assert_memory_equal(floats_of(one->values), floats_of(two->values), scion_model_bytes(one));
        scion_model_destroy(one);
        scion_model_destroy(two);
}

static void instead(void **state)
{
        struct scion_model *model = new_net();
        struct scion_module *pair = scion_nn_sequential();

        (void)state;
        scion_nn_append(pair, "0", scion_nn_linear(12, 5, true));
        scion_nn_append(pair, "1", scion_nn_linear(5, 2, false));
        graft(model, "fc", SCION_BEFORE, "map", scion_nn_linear(12, 12, false));
        graft(model, "fc", SCION_INSTEAD, NULL, pair);
        assert_names(model,
                     "block1.conv.weight block1.conv.bias block1.bn.weight block1.bn.bias conv2.weight "
                     "conv2.bias fc.map.weight fc.0.weight fc.0.bias fc.1.weight ");
        assert_ptr_equal(scion_model_module(model, "fc"), pair);
        assert_string_equal(scion_module_path(pair), "fc");
        assert_true(scion_model_in_head(model, scion_model_find(model, "fc.1.weight")));
        assert_false(scion_model_in_head(model, scion_model_find(model, "conv2.weight")));

        /* Replaces a child of a block, which holds a pointer to it, including parameters and buffers. */
        graft(model, "block1.bn", SCION_INSTEAD, NULL, conv(2, 2, 3));
        assert_int_equal(scion_model_buffer_count(model), 0);
        assert_non_null(scion_model_find(model, "block1.bn.bias"));
        scion_tape_set_training(tape, true);
        assert_true(scion_backward(loss_of(model)));
        assert_gradients(model, loss_of);

        /* Replaces the whole block. */
        struct scion_module *net = scion_nn_sequential();

        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc", scion_nn_linear(32, 2, true));
        graft(model, "", SCION_INSTEAD, NULL, net);
        assert_names(model, "fc.weight fc.bias ");
        assert_int_equal(scion_model_module_count(model), 3);
        assert_true(scion_backward(loss_of(model)));
        scion_model_destroy(model);
}

static void gradients_flow_through(void **state)
{
        struct scion_model *model = new_net();

        (void)state;
        graft(model, "block1.conv", SCION_BEFORE, "in", conv(2, 2, 1));
        graft(model, "block1", SCION_AFTER, "norm", scion_nn_batch_norm2d(2, 0.1f, 1e-5f));
        graft(model, "conv2", SCION_AFTER, "out", conv(3, 3, 3));
        graft(model, "fc", SCION_BEFORE, "map", scion_nn_linear(12, 12, true));
        graft(model, "block1.bn", SCION_AFTER, "again", scion_nn_batch_norm2d(2, 0.1f, 1e-5f));
        for (int training = 0; training < 2; training++) {
                scion_tape_set_training(tape, training);
                scion_model_clear_gradients(model);
                assert_true(scion_backward(loss_of(model)));
                assert_gradients(model, loss_of);
        }
        scion_model_destroy(model);
}

/* A grafted batch normalisation updates its statistics, but not while it is frozen. */
static void grafted_norms(void **state)
{
        struct scion_model *model = new_net();
        float before[3], after[3];

        (void)state;
        graft(model, "conv2", SCION_AFTER, "norm", scion_nn_batch_norm2d(3, 0.5f, 1e-5f));
        scion_tape_set_training(tape, true);
        struct scion_parameter *mean = scion_model_buffer(model, 2);

        assert_string_equal(scion_parameter_name(mean), "conv2.norm.running_mean");
        assert_true(scion_parameter_read(mean, before));
        assert_true(before[0] == 0 && before[1] == 0 && before[2] == 0);
        assert_non_null(loss_of(model));
        assert_true(scion_parameter_read(mean, before));
        assert_true(before[0] != 0 && before[1] != 0 && before[2] != 0);
        assert_true(scion_model_freeze(model, "conv2.norm"));
        assert_non_null(loss_of(model));
        assert_true(scion_parameter_read(mean, after));
        assert_memory_equal(before, after, sizeof before);
        scion_model_destroy(model);
}

static void assert_refused(struct scion_model *model, const char *path, enum scion_place place,
                           const char *name, struct scion_module *module, const char *why, const char *more)
{
        int modules = scion_model_module_count(model), parameters = scion_model_parameter_count(model);
        const struct scion_parameter *first = model->parameter;
        const struct scion_storage *values = model->values;
        float before[12];

        outputs_of(model, before);
        assert_false(scion_model_graft(model, path, place, name, module));
        assert_error_has(why, more, NULL);
        assert_ptr_equal(model->parameter, first);
        assert_ptr_equal(model->values, values);
        assert_int_equal(scion_model_parameter_count(model), parameters);
        assert_int_equal(scion_model_module_count(model), modules);
        for (int i = 0; i < modules; i++)
                assert_int_equal(scion_model_module_at(model, i)->index, i);
        assert_same_outputs(model, before);
        scion_model_clear_gradients(model);
        assert_true(scion_backward(loss_of(model)));
}

static void shapes_that_do_not_fit(void **state)
{
        struct scion_model *model = new_net();
        struct scion_module *net = scion_nn_sequential(), *part = scion_nn_relu();
        struct scion_shape shape;

        (void)state;
        graft(model, "tanh", SCION_AFTER, "extra", conv(2, 2, 3));
        graft(model, "tanh", SCION_BEFORE, "early", conv(2, 2, 3));
        assert_refused(model, "conv2", SCION_AFTER, "wide", conv(3, 5, 3), "wide after 'conv2': fc: linear",
                       "20");
        assert_refused(model, "conv2", SCION_AFTER, "odd", conv(4, 3, 3),
                       "odd after 'conv2': conv2.odd: conv2d: ", "3");
        assert_refused(model, "tanh", SCION_INSTEAD, NULL, conv(2, 7, 1),
                       "a module instead of 'tanh': tanh.extra: conv2d", "7");
        assert_refused(model, "fc", SCION_INSTEAD, NULL, scion_nn_linear(12, 3, true),
                       "shape 2x3 of two examples, not 2x2", "instead of 'fc'");
        assert_refused(model, "fc", SCION_INSTEAD, NULL, scion_nn_flatten(), "'fc'", "no parameters");
        assert_refused(model, "", SCION_INSTEAD, NULL, scion_nn_flatten(), "no parameters", "''");
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "last", scion_nn_linear(32, 2, true));
        assert_refused(model, "", SCION_INSTEAD, NULL, net, "without its head 'fc'", "instead of");
        assert_refused(model, "conv3", SCION_AFTER, "a", conv(2, 2, 1), "'conv3'", "did you mean 'conv2'");
        assert_refused(model, "tanh", SCION_AFTER, "extra", conv(2, 2, 1), "'extra' already", "after 'tanh'");
        assert_refused(model, "tanh", SCION_AFTER, "early", conv(2, 2, 1), "'early' already", "after 'tanh'");
        assert_refused(model, "conv2", SCION_AFTER, "bias", conv(3, 3, 1), "'bias' already", "parameter");
        assert_refused(model, "block1", SCION_AFTER, "bn", conv(2, 2, 1), "'bn' already", "child");
        assert_refused(model, "tanh", SCION_AFTER, "a.b", conv(2, 2, 1), "must not contain a dot, got 'a.b'",
                       "graft");
        assert_refused(model, "tanh", SCION_AFTER, NULL, conv(2, 2, 1), "must have a name", "a module after");
        assert_refused(model, "tanh", (enum scion_place)7, "a", conv(2, 2, 1), "place", "7");
        net = scion_nn_sequential();
        scion_nn_append(net, "extra", scion_nn_relu());
        assert_refused(model, "tanh", SCION_INSTEAD, NULL, net, "'extra' already", "instead of 'tanh'");
        net = scion_nn_sequential();
        scion_nn_append(net, "a", NULL);
        assert_refused(model, "tanh", SCION_INSTEAD, NULL, net, "a", "instead of 'tanh'");

        /* A module that has an owner is refused and not destroyed. */
        net = scion_nn_sequential();
        scion_nn_append(net, "part", part);
        assert_refused(model, "tanh", SCION_AFTER, "a", part, "belongs to another", "after 'tanh'");
        scion_module_destroy(net);
        assert_refused(model, "tanh", SCION_AFTER, "a", scion_model_module(model, "fc"), "belongs to another",
                       "after 'tanh'");
        scion_fail("kept");
        assert_false(scion_model_graft(model, "tanh", SCION_AFTER, "a", NULL));
        assert_string_equal(scion_error(), "kept");
        assert_false(scion_model_graft(NULL, "tanh", SCION_AFTER, "a", scion_nn_relu()));

        shape = scion_model_feature_shape(model, "tanh.extra");
        assert_int_equal(shape.ndim, 3);
        scion_model_destroy(model);
}

static void grafts_without_parameters(void **state)
{
        struct scion_model *model = new_net();
        size_t extent = model->extent;

        (void)state;
        graft(model, "conv2", SCION_AFTER, "drop", scion_nn_dropout(0.5f));
        assert_int_equal(model->extent, extent);
        assert_string_equal(scion_module_kind(scion_model_module(model, "conv2.drop")), "dropout");
        scion_model_destroy(model);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(identities_change_nothing),
                tape_test(order),
                tape_test(other_values_are_kept),
                tape_test(new_values),
                tape_test(instead),
                tape_test(gradients_flow_through),
                tape_test(grafted_norms),
                tape_test(shapes_that_do_not_fit),
                tape_test(grafts_without_parameters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
