/* Buffers, and batch normalisation, which has them. */
#include "support/memory.h"
#include "support/tensors.h"

#include <unistd.h>

#include "nn/model.h"
#include "state/safetensors.h"
#include "state/weights.h"

#define SEED 3

static const struct scion_shape images = { .ndim = 3, .dim = { 2, 4, 4 } };

/* conv 2->3, bn, relu, flatten, fc -> outputs. */
static struct scion_model *model_of(int64_t outputs, uint64_t seed)
{
        const struct scion_window window = { .kernel = { 3, 3 }, .padding = { 1, 1 } };
        struct scion_module *net = scion_nn_sequential();

        scion_nn_append(net, "conv", scion_nn_conv2d(2, 3, &window, false));
        scion_nn_append(net, "bn", scion_nn_batch_norm2d(3, 0.1f, 1e-5f));
        scion_nn_append(net, "relu", scion_nn_relu());
        scion_nn_append(net, "flatten", scion_nn_flatten());
        scion_nn_append(net, "fc", scion_nn_linear(48, outputs, true));
        struct scion_model *model = scion_model_assemble(net, NULL, &images, outputs, seed);

        if (!model)
                fail_msg("%s", scion_error());
        return model;
}

static struct scion_tensor *some_images(uint64_t seed)
{
        return random_tensor(SCION_SHAPE(6, 2, 4, 4), seed, 0, 2);
}

static struct scion_tensor *run(struct scion_model *model, uint64_t seed)
{
        struct scion_tensor *y = scion_model_forward(model, some_images(seed));

        if (!y)
                fail_msg("%s", scion_error());
        return y;
}

/* Returns the values of the buffer of that name. */
static const float *buffer_of(struct scion_model *model, const char *name)
{
        for (int i = 0; i < scion_model_buffer_count(model); i++)
                if (strcmp(scion_parameter_name(scion_model_buffer(model, i)), name) == 0)
                        return memory_of(scion_parameter_tensor(scion_model_buffer(model, i)));
        fail_msg("no buffer %s", name);
        return NULL;
}

/* After a step of training the running statistics are those of a few steps. */
static void model_train_steps(struct scion_model *model)
{
        scion_tape_set_training(tape, true);
        for (uint64_t i = 0; i < 3; i++)
                run(model, i);
        scion_tape_set_training(tape, false);
        assert_true(buffer_of(model, "bn.running_mean")[0] != 0);
        assert_true(buffer_of(model, "bn.running_var")[0] != 1);
}

static void are_not_parameters(void **state)
{
        struct scion_model *model = model_of(5, SEED);
        static const float zeros[3] = { 0 }, ones[3] = { 1, 1, 1 };

        (void)state;
        assert_int_equal(scion_model_parameter_count(model), 5);
        assert_int_equal(model->buffers, 2);
        assert_null(scion_model_parameter(model, 5));
        assert_null(scion_model_find(model, "bn.running_mean"));
        assert_error_has("no parameter 'bn.running_mean'", NULL);
        assert_int_equal(scion_model_size(model, false), 54 + 3 + 3 + 240 + 5);
        assert_memory_equal(buffer_of(model, "bn.running_mean"), zeros, sizeof zeros);
        assert_memory_equal(buffer_of(model, "bn.running_var"), ones, sizeof ones);
        assert_memory_equal(memory_of(&scion_model_find(model, "bn.weight")->value), ones, sizeof ones);
        assert_memory_equal(memory_of(&scion_model_find(model, "bn.bias")->value), zeros, sizeof zeros);
        assert_false(scion_model_freeze(model, "bn.running_*"));
        scion_model_set_frozen(model, false);

        scion_tape_set_training(tape, true);
        assert_true(scion_backward(scion_mean(scion_pow(run(model, 1), 2), SCION_ALL_AXES, false)));
        for (int i = model->count; i < model->count + model->buffers; i++)
                assert_null(scion_grad(&model->parameter[i].value));
        scion_model_destroy(model);
}

/* Through the functions that strategies use. */
static void read_and_written(void **state)
{
        struct scion_model *model = model_of(2, SEED);
        struct scion_parameter *buffer = scion_model_buffer(model, 1);
        struct scion_shape shape = scion_parameter_shape(buffer);
        float values[3] = { 4, 9, 16 }, read[3] = { 0 };

        (void)state;
        assert_int_equal(scion_model_buffer_count(model), 2);
        assert_string_equal(scion_parameter_name(buffer), "bn.running_var");
        assert_true(shape.ndim == 1 && shape.dim[0] == 3);
        struct scion_tensor *before = run(model, 9);

        assert_true(scion_parameter_write(buffer, values));
        assert_true(scion_parameter_read(buffer, read));
        assert_memory_equal(values, read, sizeof read);
        assert_true(scion_data(before)[0] != scion_data(run(model, 9))[0]);
        assert_true(scion_parameter_matches(buffer, "bn"));
        assert_false(scion_model_in_head(model, buffer));

        scion_parameter_freeze(buffer, false);
        assert_true(scion_parameter_frozen(buffer));
        assert_null(scion_require_grad(scion_parameter_tensor(buffer)));
        assert_null(scion_model_buffer(model, 2));
        assert_null(scion_model_buffer(model, -1));
        assert_null(scion_model_buffer(NULL, 0));
        assert_int_equal(scion_model_buffer_count(NULL), 0);
        scion_model_destroy(model);
}

static void training_updates_and_evaluation_uses(void **state)
{
        struct scion_model *model = model_of(2, SEED);
        struct scion_tensor *before = run(model, 9);
        float mean[3];

        (void)state;
        assert_values(run(model, 9), scion_data(before), 0);
        model_train_steps(model);
        memcpy(mean, buffer_of(model, "bn.running_mean"), sizeof mean);
        struct scion_tensor *after = run(model, 9);

        assert_true(scion_data(before)[0] != scion_data(after)[0]);
        assert_memory_equal(mean, buffer_of(model, "bn.running_mean"), sizeof mean);
        scion_model_destroy(model);
}

static void frozen_statistics_stay(void **state)
{
        struct scion_model *model = model_of(2, SEED);
        size_t bytes = (model->extent - model->length) * sizeof(float);
        float kept[64];

        (void)state;
        model_train_steps(model);
        assert_in_range(bytes, 1, sizeof kept);
        memcpy(kept, floats_of(model->values) + model->length, bytes);
        struct scion_tensor *evaluated = run(model, 9);

        /* If one of its parameters is trained, the module is in training mode. */
        assert_true(scion_model_freeze(model, "bn.weight"));
        scion_tape_set_training(tape, true);
        run(model, 9);
        assert_memory_not_equal(kept, floats_of(model->values) + model->length, bytes);
        assert_true(scion_storage_write(model->values, model->length * sizeof(float), kept, bytes));

        assert_true(scion_model_freeze(model, "bn"));
        assert_values(run(model, 9), scion_data(evaluated), 0);
        assert_memory_equal(kept, floats_of(model->values) + model->length, bytes);
        scion_model_destroy(model);
}

static void copying(void **state)
{
        struct scion_model *source = model_of(2, SEED), *target = model_of(5, SEED + 1);
        struct scion_model *same = model_of(2, SEED + 1);
        const size_t bytes = 3 * sizeof(float);

        (void)state;
        model_train_steps(source);
        assert_int_equal(scion_model_copy(target, source, false), 3); /* only parameters are counted */
        assert_memory_equal(buffer_of(target, "bn.running_mean"), buffer_of(source, "bn.running_mean"),
                            bytes);
        assert_memory_equal(buffer_of(target, "bn.running_var"), buffer_of(source, "bn.running_var"), bytes);
        assert_int_equal(scion_model_copy(same, source, true), 5);
        assert_memory_equal(floats_of(same->values), floats_of(source->values), scion_model_bytes(source));
        scion_model_destroy(source);
        scion_model_destroy(target);
        scion_model_destroy(same);
}

static void saving_and_loading(void **state)
{
        struct scion_model *model = model_of(2, SEED), *again = model_of(2, SEED + 1);
        struct scion_safetensors file;
        struct scion_text report = { 0 };
        char path[] = "/tmp/scion-buffers-XXXXXX";
        int descriptor = mkstemp(path);

        (void)state;
        assert_true(descriptor >= 0);
        close(descriptor);
        model_train_steps(model);
        assert_true(scion_weights_save(model, path));
        assert_true(scion_safetensors_read(path, &file));
        unlink(path);
        assert_int_equal(file.count, 7);
        assert_string_equal(file.tensor[6].name, "bn.running_var");
        if (!scion_weights_load(again, &file, "file", &report))
                fail_msg("%s", scion_error());
        assert_string_equal(report.text, "file: all parameters outside the head 'fc' loaded, and the head");
        assert_memory_equal(floats_of(again->values), floats_of(model->values), scion_model_bytes(model));
        free(report.text);
        report = (struct scion_text){ 0 };

        /* PyTorch's num_batches_tracked is not used; the message lists it. */
        char *name = file.tensor[6].name;

        file.tensor[6].name = (char[]){ "bn.num_batches_tracked" };
        assert_false(scion_weights_load(again, &file, "file", &report));
        assert_error_has("missing or of another shape: bn.running_var",
                         "not in the model: bn.num_batches_tracked", NULL);
        file.tensor[6].name = name;
        scion_safetensors_finish(&file);

        struct scion_safetensor tensors[8];
        struct scion_safetensors torch = { .count = 8, .tensor = tensors };

        for (int i = 0; i < 7; i++)
                tensors[i] = (struct scion_safetensor){ .name = model->parameter[i].name,
                                                        .shape = model->parameter[i].value.shape,
                                                        .values = memory_of(&model->parameter[i].value),
                                                        .dtype = "F32" };
        tensors[7] =
                (struct scion_safetensor){ .name = (char[]){ "bn.num_batches_tracked" }, .dtype = "I64" };
        if (!scion_weights_load(again, &torch, "torch", &report))
                fail_msg("%s", scion_error());
        assert_non_null(strstr(report.text, "not used: bn.num_batches_tracked"));
        free(report.text);
        scion_model_destroy(model);
        scion_model_destroy(again);
}

/* --- Modules of a plugin -------------------------------------------------------------------------------- */

/* Adds its count of training steps, a buffer, to x times its parameter. */
static struct scion_tensor *count_forward(void *self, struct scion_module *module, struct scion_tensor *x)
{
        struct scion_tensor *count = scion_nn_tensor(module, 1);

        (void)self;
        if (scion_nn_training(module) && !scion_nn_set_buffer(module, 1, scion_shift(count, 1)))
                return NULL;
        return scion_add(scion_mul(x, scion_nn_tensor(module, 0)), count);
}

static const struct scion_module_impl counts = { .kind = "count", .forward = count_forward };
static const struct scion_init zeros = { .kind = SCION_INIT_ZEROS }, ones = { .kind = SCION_INIT_ONES };

static struct scion_module *make_count(void)
{
        struct scion_module *module = scion_nn_module(&counts, 0);

        assert_int_equal(scion_nn_parameter(module, "scale", SCION_SHAPE(1), ones), 0);
        assert_int_equal(scion_nn_buffer(module, "steps", SCION_SHAPE(1), zeros), 1);
        return module;
}

static void own_module(void **state)
{
        const struct scion_shape input = SCION_SHAPE(3);
        struct scion_module *root = make_count();
        struct scion_model *model =
                scion_model_assemble(scion_nn_no_decay(root, "scale"), "", &input, 3, SEED);
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(2, 3));

        (void)state;
        if (!model)
                fail_msg("%s", scion_error());
        assert_false(scion_model_find(model, "scale")->decay);
        scion_tape_set_training(tape, true);
        scion_model_forward(model, x);
        assert_true(scion_data(scion_model_forward(model, x))[0] == 2);
        assert_true(scion_model_freeze(model, "*"));
        assert_true(scion_data(scion_model_forward(model, x))[0] == 2);
        scion_model_set_frozen(model, false);
        scion_tape_set_training(tape, false);
        assert_true(scion_data(scion_model_forward(model, x))[0] == 2);

        assert_false(scion_nn_set_buffer(root, 0, scion_zeros(SCION_SHAPE(1))));
        assert_error_has("'scale' is a parameter, not a buffer", NULL);
        assert_false(scion_nn_set_buffer(root, 1, x));
        assert_error_has("the buffer 'steps' takes floats of shape 1, got floats of 2x3", NULL);
        assert_false(scion_nn_set_buffer(root, 2, x));
        assert_error_has("slot 2", NULL);
        assert_false(scion_nn_set_buffer(root, 1, NULL));
        assert_true(scion_data(scion_model_forward(model, x))[0] == 2);
        scion_model_destroy(model);
}

static void first_values_and_decay(void **state)
{
        const struct scion_init half = { .kind = SCION_INIT_NORMAL, .gain = 1e-9f };
        const struct scion_shape input = SCION_SHAPE(4);
        struct scion_module *net = scion_nn_sequential();

        (void)state;
        scion_nn_append(net, "a", scion_nn_init(scion_nn_linear(4, 3, true), "bias", ones));
        scion_nn_append(
                net, "b",
                scion_nn_no_decay(scion_nn_init(scion_nn_linear(3, 2, true), "weight", half), "bias"));
        struct scion_model *model = scion_model_assemble(net, NULL, &input, 2, SEED);
        const float *weight = memory_of(&scion_model_find(model, "b.weight")->value);

        assert_true(memory_of(&scion_model_find(model, "a.bias")->value)[2] == 1);
        assert_true(weight[5] != 0 && fabsf(weight[5]) < 1e-8f);
        assert_true(scion_model_find(model, "b.weight")->decay);
        assert_false(scion_model_find(model, "b.bias")->decay);
        scion_model_destroy(model);
}

static void refuse(struct scion_module *module, const char *why)
{
        const struct scion_shape input = SCION_SHAPE(4);
        struct scion_module *net = scion_nn_sequential();

        scion_nn_append(net, "child", module);
        assert_null(scion_model_assemble(net, "", &input, 4, SEED));
        assert_error_has("child", why, NULL);
        scion_error_clear();
}

static void refused(void **state)
{
        const struct scion_init bad = { .kind = SCION_INIT_NORMAL, .gain = -1 };
        struct scion_module *module = make_count();

        (void)state;
        refuse(scion_nn_init(scion_nn_linear(4, 4, false), "bias", ones), "no parameter called 'bias'");
        refuse(scion_nn_no_decay(scion_nn_relu(), "weight"), "no parameter called 'weight'");
        refuse(scion_nn_no_decay(make_count(), "steps"), "no parameter called 'steps'");
        refuse(scion_nn_init(scion_nn_linear(4, 4, false), "weight", bad), "a gain must be positive");
        assert_int_equal(scion_nn_buffer(module, "scale", SCION_SHAPE(1), zeros), -1);
        refuse(module, "there is a parameter called 'scale' already");
        module = make_count();
        assert_int_equal(scion_nn_parameter(module, "steps", SCION_SHAPE(1), zeros), -1);
        refuse(module, "there is a buffer called 'steps' already");
        assert_int_equal(scion_nn_buffer(NULL, "steps", SCION_SHAPE(1), zeros), -1);
        assert_null(scion_nn_init(NULL, "weight", ones));
        assert_null(scion_nn_no_decay(NULL, "weight"));
        assert_false(scion_nn_training(NULL));
        refuse(scion_nn_batch_norm1d(0, 0.1f, 1e-5f),
               "batch_norm1d: the number of channels must be positive, got 0");
        refuse(scion_nn_batch_norm1d(4, 0.1f, 0), "batch_norm1d: eps must be above 0, got 0");
        refuse(scion_nn_batch_norm2d(4, 0.1f, -1e-5f), "batch_norm2d: eps must be above 0");
        refuse(scion_nn_batch_norm2d(4, -0.1f, 1e-5f), "the momentum must be in 0 .. 1, got -0.1");
        refuse(scion_nn_batch_norm2d(4, 0.1f, 1e-5f), "takes inputs of shape N x C x H x W, got 2x4");
        refuse(scion_nn_batch_norm1d(3, 0.1f, 1e-5f), "the weight has shape 3, the input 2x4 has 4 channels");
        refuse(scion_nn_adaptive_avg_pool2d(0, 2), "cannot make images of 0x2");
}

/* In training a single value per channel has no variance. */
static void one_example(void **state)
{
        const struct scion_shape input = SCION_SHAPE(4);
        struct scion_model *model =
                scion_model_assemble(scion_nn_batch_norm1d(4, 0.1f, 1e-5f), "", &input, 4, SEED);

        (void)state;
        assert_non_null(scion_model_forward(model, scion_zeros(SCION_SHAPE(1, 4))));
        scion_tape_set_training(tape, true);
        assert_null(scion_model_forward(model, scion_zeros(SCION_SHAPE(1, 4))));
        assert_error_has("more than one value per channel in training, got inputs of shape 1x4", NULL);
        scion_model_destroy(model);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(are_not_parameters),
                tape_test(read_and_written),
                tape_test(training_updates_and_evaluation_uses),
                tape_test(frozen_statistics_stay),
                tape_test(copying),
                tape_test(saving_and_loading),
                tape_test(own_module),
                tape_test(first_values_and_decay),
                tape_test(refused),
                tape_test(one_example),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
