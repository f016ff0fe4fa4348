/* Compares the model plugins, and with them the whole engine, with PyTorch: outputs, all gradients, ten steps of
 * training, and the outputs in evaluation after them. */
#include "parity/vectors.h"

#include <math.h>

#include "nn/model.h"
#include "plugin/plugin.h"
#include "support/memory.h"
#include "tensor/tape.h"
#include "train/update.h"

#define INPUTS 1000 /* streams; a parameter's is its position */
#define LABELS 1001
#define STEP_TOLERANCE 1e-4 /* of losses and parameters after several steps, whose rounding errors add up */

/* A case's model, with its parameters written in, its loss, and its data. */
struct trial {
        const json_t *test_case;
        uint64_t seed;
        struct scion_config *config;
        struct scion_model *model;
        struct scion_instance *loss;
        int64_t input; /* floats in one */
        float *inputs; /* [examples, ...] */
        int32_t *labels;
};

static void *case_allocate(size_t count, size_t bytes)
{
        void *memory = calloc(count, bytes);

        if (!memory)
                fail_msg("out of memory");
        return memory;
}

static struct scion_config *case_parse(const char *text)
{
        struct scion_config *config = scion_config_parse(text, "config");

        if (!config)
                fail_msg("%s", scion_error());
        return config;
}

static struct scion_instance *case_plugin(enum scion_kind kind, const char *text)
{
        struct scion_config *config = case_parse(text);
        struct scion_instance *instance = scion_instance_create(kind, config, NULL);

        scion_config_destroy(config);
        if (!instance)
                fail_msg("%s", scion_error());
        return instance;
}

/* Parameter i of the case, which the model must have, in this order, of this shape. */
static struct scion_parameter *case_parameter(const struct trial *trial, int i, size_t *count)
{
        const json_t *wanted = json_array_get(vectors_member(trial->test_case, "parameters"), (size_t)i);
        struct scion_shape shape = vectors_shape(wanted, "shape");
        struct scion_parameter *parameter = scion_model_parameter(trial->model, i);
        struct scion_shape is = scion_parameter_shape(parameter);

        assert_string_equal(scion_parameter_name(parameter), vectors_text(wanted, "name"));
        assert_true(scion_shape_equal(&is, &shape));
        *count = (size_t)scion_shape_size(&shape);
        return parameter;
}

static void parameters_write(const struct trial *trial)
{
        const json_t *parameters = vectors_member(trial->test_case, "parameters");

        assert_int_equal(scion_model_parameter_count(trial->model), json_array_size(parameters));
        for (int i = 0; i < trial->model->count; i++) {
                const json_t *described = json_array_get(parameters, (size_t)i);
                double bound = vectors_number(described, "bound");
                double centre = json_number_value(json_object_get(described, "centre")); /* 0 if not there */
                size_t count;
                struct scion_parameter *parameter = case_parameter(trial, i, &count);
                float *values = case_allocate(count, sizeof *values);

                vectors_fill(trial->seed, (uint64_t)i, centre - bound, centre + bound, values, count);
                if (!scion_parameter_write(parameter, values))
                        fail_msg("%s", scion_error());
                free(values);
        }
}

static void trial_init(struct trial *trial, const json_t *test_case)
{
        struct scion_shape shape = vectors_shape(test_case, "shape");
        int64_t outputs = vectors_integer(test_case, "outputs");
        size_t examples = (size_t)vectors_integer(test_case, "examples");

        *trial = (struct trial){ .test_case = test_case,
                                 .seed = (uint64_t)vectors_integer(test_case, "seed"),
                                 .config = case_parse(vectors_text(test_case, "config")),
                                 .loss = case_plugin(SCION_LOSS, "{use: cross-entropy}"),
                                 .input = scion_shape_size(&shape) };
        trial->model = scion_model_create(trial->config, &shape, outputs, 1);
        if (!trial->model)
                fail_msg("%s", scion_error());
        parameters_write(trial);
        scion_tape_set_training(scion_tape_current(), true);
        trial->inputs = case_allocate(examples * (size_t)trial->input, sizeof *trial->inputs);
        trial->labels = case_allocate(examples, sizeof *trial->labels);
        vectors_fill(trial->seed, INPUTS, -1, 1, trial->inputs, examples * (size_t)trial->input);
        vectors_fill_labels(trial->seed, LABELS, outputs, trial->labels, examples);
}

static void trial_finish(struct trial *trial)
{
        free(trial->inputs);
        free(trial->labels);
        scion_model_destroy(trial->model);
        scion_instance_destroy(trial->loss);
        scion_config_destroy(trial->config);
}

/* Computes the loss of examples first .. first+size-1, and its gradients. `inputs` and `logits` become those of the pass
 * unless they are NULL. */
static float pass(const struct trial *trial, int64_t first, int64_t size, struct scion_tensor **inputs,
                  struct scion_tensor **logits)
{
        const struct scion_loss_plugin *plugin = (const void *)trial->loss->plugin;
        struct scion_shape one = scion_model_input_shape(trial->model);
        struct scion_shape shape = { .ndim = one.ndim + 1, .dim = { size } };

        memcpy(shape.dim + 1, one.dim, (size_t)one.ndim * sizeof *one.dim);
        struct scion_batch batch = { .size = size,
                                     .classes = scion_model_outputs(trial->model),
                                     .inputs = scion_from(shape, trial->inputs + first * trial->input),
                                     .labels = scion_from_i32(SCION_SHAPE(size), trial->labels + first) };

        scion_model_clear_gradients(trial->model);
        if (inputs)
                *inputs = scion_require_grad(batch.inputs);
        struct scion_tensor *outputs = scion_model_forward(trial->model, batch.inputs);
        struct scion_tensor *loss = plugin->loss(trial->loss->self, outputs, &batch);

        if (logits)
                *logits = outputs;
        if (!scion_backward(loss))
                fail_msg("%s", scion_error());
        return scion_item(loss);
}

static void loss_check(const char *what, double got, double wanted, double relative)
{
        if (!(fabs(got - wanted) <= relative * fabs(wanted)))
                fail_msg("%s is %.9g, not %.9g", what, got, wanted);
}

/* Gradients whose terms cancel exactly are compared with the rounding error of terms that are some units large. */
static void gradient_check_zero(const char *what, struct scion_tensor *gradient)
{
        const float *values = gradient ? scion_data(gradient) : NULL;

        for (int64_t i = 0; i < scion_size(gradient); i++)
                if (!(fabsf(values[i]) < 1e-6f))
                        fail_msg("%s: element %lld is %g, not 0", what, (long long)i, (double)values[i]);
        assert_non_null(values);
}

/* Checks the gradients of the parameters that are not frozen. Frozen ones must have none. */
static void gradients_check(const struct trial *trial)
{
        const json_t *wanted = vectors_member(trial->test_case, "gradients");

        for (int i = 0; i < trial->model->count; i++) {
                size_t count;
                struct scion_parameter *parameter = case_parameter(trial, i, &count);
                struct scion_tensor *gradient = scion_grad(scion_parameter_tensor(parameter));
                char what[128];

                snprintf(what, sizeof what, "gradient of %s", scion_parameter_name(parameter));
                if (scion_parameter_frozen(parameter))
                        assert_null(gradient);
                else if (vectors_flag(json_array_get(wanted, (size_t)i), "nought"))
                        gradient_check_zero(what, gradient);
                else
                        vectors_compare_sample(what, gradient ? scion_data(gradient) : NULL, count,
                                               json_array_get(wanted, (size_t)i),
                                               vectors_tolerance(trial->test_case));
        }
}

static void pass_check(const struct trial *trial)
{
        const json_t *test_case = trial->test_case;
        struct vectors_tolerance tolerance = vectors_tolerance(test_case);
        struct scion_tensor *inputs, *logits, *gradient;
        double loss = (double)pass(trial, 0, vectors_integer(test_case, "probe"), &inputs, &logits);

        vectors_compare_tensor("logits", logits, vectors_member(test_case, "logits"), tolerance);
        loss_check("the loss", loss, vectors_number(test_case, "loss"), tolerance.relative);
        gradient = scion_grad(inputs);
        vectors_compare_sample("gradient of the inputs", gradient ? scion_data(gradient) : NULL,
                               (size_t)scion_size(inputs), vectors_member(test_case, "input_gradient"),
                               tolerance);
        gradients_check(trial);
}

/* Checks that freezing the first layer does not change the gradients of the others. */
static void frozen_check(const struct trial *trial)
{
        for (int i = 0; i < 2; i++)
                scion_parameter_freeze(scion_model_parameter(trial->model, i), true);
        pass(trial, 0, vectors_integer(trial->test_case, "probe"), NULL, NULL);
        gradients_check(trial);
        for (int i = 0; i < 2; i++)
                scion_parameter_freeze(scion_model_parameter(trial->model, i), false);
}

static void trained_check(const struct trial *trial)
{
        const json_t *wanted = vectors_member(trial->test_case, "trained");

        for (int i = 0; i < trial->model->count; i++) {
                size_t count;
                struct scion_parameter *parameter = case_parameter(trial, i, &count);
                float *values = case_allocate(count, sizeof *values);

                assert_true(scion_parameter_read(parameter, values));
                vectors_compare_sample(scion_parameter_name(parameter), values, count,
                                       json_array_get(wanted, (size_t)i),
                                       (struct vectors_tolerance){ STEP_TOLERANCE, 1 });
                free(values);
        }
}

static void training_check(const struct trial *trial)
{
        const json_t *losses = vectors_member(trial->test_case, "losses");
        int64_t size = vectors_integer(trial->test_case, "batch");
        int64_t examples = vectors_integer(trial->test_case, "examples");
        struct scion_instance *optimizer =
                case_plugin(SCION_OPTIMIZER, vectors_text(trial->test_case, "optimizer"));
        struct scion_update *update =
                scion_update_create(optimizer, (struct scion_model *[]){ trial->model }, 1);

        assert_non_null(update);
        for (size_t step = 0; step < json_array_size(losses); step++) {
                char what[48];

                scion_tape_reset(scion_tape_current());
                double loss = (double)pass(trial, (int64_t)step * size % examples, size, NULL, NULL);

                snprintf(what, sizeof what, "the loss at step %zu", step + 1);
                loss_check(what, loss, json_number_value(json_array_get(losses, step)), STEP_TOLERANCE);
                assert_true(scion_update_step(update, 1));
        }
        trained_check(trial);
        scion_update_destroy(update);
        scion_instance_destroy(optimizer);
}

/* Checks the running statistics after the steps, and the outputs for the first examples in evaluation. */
static void buffers_check(const struct trial *trial)
{
        const json_t *wanted = json_object_get(trial->test_case, "buffers");
        const struct scion_model *model = trial->model;
        const struct vectors_tolerance tolerance = { STEP_TOLERANCE, 1 };

        assert_int_equal(model->buffers, json_array_size(wanted));
        for (int i = 0; i < model->buffers; i++) {
                const json_t *sample = json_array_get(wanted, (size_t)i);
                const struct scion_parameter *buffer = &model->parameter[model->count + i];

                assert_string_equal(buffer->name, vectors_text(sample, "name"));
                vectors_compare_sample(buffer->name, memory_of(&buffer->value), buffer->value.length, sample,
                                       tolerance);
        }
        if (model->buffers == 0)
                return;
        scion_tape_set_training(scion_tape_current(), false);
        struct scion_tensor *logits;

        pass(trial, 0, vectors_integer(trial->test_case, "probe"), NULL, &logits);
        vectors_compare_tensor("logits in evaluation", logits, vectors_member(trial->test_case, "evaluated"),
                               tolerance);
}

static void model_agrees(void **state)
{
        struct trial trial;

        trial_init(&trial, *state);
        const struct scion_model *model = trial.model;
        const size_t start = model->length * sizeof(float), bytes = model->extent * sizeof(float) - start;
        float *fresh = case_allocate(bytes + 1, 1);

        assert_true(scion_storage_read(model->values, start, fresh, bytes));
        pass_check(&trial);
        frozen_check(&trial);
        assert_true(scion_storage_write(model->values, start, fresh,
                                        bytes)); /* both passes have updated the statistics */
        free(fresh);
        training_check(&trial);
        buffers_check(&trial);
        trial_finish(&trial);
}

int main(void)
{
        return vectors_run("models", model_agrees);
}
