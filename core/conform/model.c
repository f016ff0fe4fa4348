/* The conformance tests of models. */
#include <math.h>
#include <scion/error.h>
#include <scion/random.h>
#include <scion/tape.h>
#include <stdlib.h>
#include <string.h>

#include "conform/growth.h"
#include "conform/probe.h"
#include "nn/module.h"
#include "state/safetensors.h"
#include "state/weights.h"

/* Copies values so that they outlive the next reset of the tape. The caller frees the copy. NULL for NULL. */
static float *values_copy(const float *values, int64_t count)
{
        float *copy = values ? malloc((size_t)count * sizeof *copy + 1) : NULL;

        if (!copy)
                return values ? scion_fail_null("out of memory") : NULL;
        return memcpy(copy, values, (size_t)count * sizeof *copy);
}

/* Returns whether the model runs at all. If it does not, an earlier test has failed for that reason. */
static bool model_runs(struct scion_model *model, struct scion_tape *tape)
{
        return scion_probe_evaluate(model, tape, 1, 1) != NULL;
}

/* Runs a test on one model, with a tape of its own. */
static void model_with(struct scion_conform *conform,
                       bool (*test)(struct scion_conform *conform, struct scion_model *model,
                                    struct scion_tape *tape))
{
        struct scion_tape *tape = scion_tape_create();
        struct scion_model *model = tape ? scion_probe_any(conform) : NULL;
        char reason[2048];

        scion_tape_use(tape);
        scion_conform_doing(conform, "the model's forward()");
        if (!model) {
                scion_conform_skip(conform, "no model is built");
        } else if (!test(conform, model, tape)) {
                snprintf(reason, sizeof reason, "%s", scion_error());
                if (model_runs(model, tape))
                        scion_conform_wrong(conform, "%s", reason);
                else
                        scion_conform_skip(conform, "the model does not run");
        }
        scion_conform_doing(conform, "finish()");
        scion_model_destroy(model);
        scion_tape_destroy(tape);
}

/* --- Inputs and outputs --------------------------------------------------------------------------------- */

/* Checks the shape of the outputs for one example and for three. */
static bool model_check_rows(struct scion_model *model)
{
        struct scion_tape *tape = scion_tape_create();
        struct scion_tape *before = tape ? scion_tape_use(tape) : NULL;
        bool good =
                tape && scion_probe_evaluate(model, tape, 1, 1) && scion_probe_evaluate(model, tape, 3, 1);

        if (tape)
                scion_tape_use(before);
        scion_tape_destroy(tape);
        return good;
}

static enum scion_probe_verdict input_try(struct scion_conform *conform, const struct scion_shape *input,
                                          int64_t outputs)
{
        enum scion_probe_verdict verdict;
        struct scion_model *model = scion_probe_build(conform, input, outputs, SCION_PROBE_SEED, &verdict);
        char text[96];

        if (verdict == SCION_PROBE_BUILT && !model_check_rows(model)) {
                scion_fail_prefix("built for inputs of %s and %lld outputs",
                                  scion_shape_text(input, text, sizeof text), (long long)outputs);
                verdict = SCION_PROBE_WRONG;
        }
        scion_model_destroy(model);
        return verdict;
}

/* Checks that inputs that are supported with one number of outputs are supported with others. */
static bool input_check_outputs(struct scion_conform *conform, const struct scion_shape *input)
{
        static const int64_t outputs[] = { 2, 1 };
        char text[96];

        for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++)
                switch (input_try(conform, input, outputs[i])) {
                case SCION_PROBE_WRONG:
                        return false;
                case SCION_PROBE_REFUSED:
                        return scion_fail("takes inputs of %s with %d outputs, and not with %lld: %s",
                                          scion_shape_text(input, text, sizeof text), SCION_PROBE_OUTPUTS,
                                          (long long)outputs[i], scion_error());
                case SCION_PROBE_BUILT:
                        break;
                }
        return true;
}

static bool inputs_check(struct scion_conform *conform)
{
        const struct scion_shape *first = NULL;
        struct scion_refusals refusals = { 0 };
        bool good = true;

        for (const struct scion_shape *input = scion_probe_shapes; good && input->ndim > 0; input++) {
                enum scion_probe_verdict verdict = input_try(conform, input, SCION_PROBE_OUTPUTS);

                good = verdict != SCION_PROBE_WRONG;
                if (verdict == SCION_PROBE_REFUSED)
                        scion_refusals_add(&refusals, input);
                else if (!first)
                        first = input;
        }
        if (good && !first)
                good = scion_refusals_fail(&refusals);
        free(refusals.text.text);
        return good && input_check_outputs(conform, first);
}

static void model_takes_inputs(struct scion_conform *conform)
{
        if (!inputs_check(conform))
                scion_conform_wrong(conform, "%s", scion_error());
}

/* --- The head ------------------------------------------------------------------------------------------- */

/* Uses two examples, so that the axes differ in length. */
static bool model_check_head(struct scion_conform *conform, struct scion_model *model,
                             struct scion_tape *tape)
{
        const struct scion_module *head = scion_model_module(model, model->head);
        const float *y = scion_probe_evaluate(model, tape, 2, 1);
        int64_t count = 2 * model->outputs;

        (void)conform;
        if (!head || !y)
                return false;
        if (!head->output)
                return scion_fail("the head '%s' is not run when the model is", model->head);
        if (scion_size(head->output) != count)
                return scion_fail(
                        "the head '%s' makes %lld values of two examples, and the model %lld outputs: "
                        ".head must be the module that makes the outputs",
                        model->head, (long long)scion_size(head->output), (long long)count);
        return memcmp(scion_data(head->output), y, (size_t)count * sizeof *y) == 0 ||
               scion_fail("the model's outputs are not what its head '%s' makes: outputs are logits, with "
                          "nothing "
                          "done to them after the head; a softmax belongs to the loss",
                          model->head);
}

static void model_has_head(struct scion_conform *conform)
{
        model_with(conform, model_check_head);
}

/* --- Gradients ------------------------------------------------------------------------------------------ */

#define TRAIN_BATCH 8
#define GRADIENT_BATCHES 3

/* Adds noise to parameters whose initial values are all equal. A normalisation whose weights begin as zeros stops the
 * gradient, which is not an error. */
static bool constants_move(struct scion_model *model)
{
        struct scion_random random = scion_random(SCION_PROBE_SEED, SCION_RANDOM_INIT, 0);
        bool good = true;

        for (int i = 0; good && i < model->count; i++) {
                struct scion_parameter *parameter = &model->parameter[i];
                int64_t count = scion_shape_size(&parameter->value.shape);
                float *value = malloc((size_t)count * sizeof *value + 1);
                bool constant = true;

                good = value ? scion_parameter_read(parameter, value) : scion_fail("out of memory");
                for (int64_t k = 0; good && k < count; k++)
                        constant = constant && value[k] == value[0];
                for (int64_t k = 0; good && constant && k < count; k++)
                        value[k] += 0.05f * scion_random_normal(&random);
                good = good && (!constant || scion_parameter_write(parameter, value));
                free(value);
        }
        return good;
}

/* Computes gradients by a loss that depends on every output. */
static bool model_step(struct scion_model *model, struct scion_tape *tape, uint64_t index)
{
        struct scion_random random = scion_random(SCION_PROBE_SEED, SCION_RANDOM_DATA, 1000 + index);
        struct scion_shape shape = SCION_SHAPE(TRAIN_BATCH, model->outputs);

        scion_tape_reset(tape);
        scion_tape_set_training(tape, true);
        scion_tape_set_seed(tape, SCION_PROBE_SEED, index);
        struct scion_tensor *y = scion_model_forward(model, scion_probe_inputs(model, TRAIN_BATCH, index));
        struct scion_tensor *weight = scion_probe_random(shape, &random);

        scion_model_clear_gradients(model);
        return scion_backward(scion_sum(scion_mul(y, weight), SCION_ALL_AXES, false)) ||
               scion_fail_prefix("a step of training on a batch of %d", TRAIN_BATCH);
}

/* Notes which parameters have a gradient, and which have one that is not 0 throughout. */
static bool gradients_look_at(const struct scion_model *model, const float *gradients, unsigned char *reached)
{
        for (int i = 0; i < model->count; i++) {
                const struct scion_parameter *parameter = &model->parameter[i];
                const float *gradient = scion_probe_values_of(&parameter->slot, gradients);

                if (!parameter->value.has_grad)
                        continue;
                reached[i] |= 1;
                for (size_t k = 0; k < parameter->value.length; k++) {
                        if (!isfinite(gradient[k]))
                                return scion_fail("the gradient of '%s' is %s for random inputs",
                                                  parameter->name,
                                                  isnan(gradient[k]) ? "not a number" : "infinite");
                        if (gradient[k] != 0)
                                reached[i] |= 2;
                }
        }
        return true;
}

static bool model_look_at_gradients(const struct scion_model *model, unsigned char *reached)
{
        float *gradients = scion_probe_values(model->gradients);
        bool good = gradients && gradients_look_at(model, gradients, reached);

        free(gradients);
        return good;
}

static bool model_check_gradients(struct scion_conform *conform, struct scion_model *model,
                                  struct scion_tape *tape)
{
        unsigned char *reached = calloc((size_t)model->count + 1, 1);
        bool good = reached ? constants_move(model) : scion_fail("out of memory");

        (void)conform;
        for (uint64_t i = 0; good && i < GRADIENT_BATCHES; i++)
                good = model_step(model, tape, i) && model_look_at_gradients(model, reached);
        for (int i = 0; good && i < model->count; i++)
                if (reached[i] == 0)
                        good = scion_fail(
                                "no gradient reaches the parameter '%s': the outputs do not depend on "
                                "it, or what is made of it is detached",
                                model->parameter[i].name);
                else if (reached[i] == 1)
                        good = scion_fail(
                                "the gradient of '%s' is 0 throughout for %d random batches: whatever "
                                "its values, the outputs are the same",
                                model->parameter[i].name, GRADIENT_BATCHES);
        free(reached);
        return good;
}

static void model_has_gradients(struct scion_conform *conform)
{
        model_with(conform, model_check_gradients);
}

/* --- Evaluation ----------------------------------------------------------------------------------------- */

#define ROWS 5

static float values_largest(const float *values, int64_t count)
{
        float most = 0;

        for (int64_t i = 0; i < count; i++)
                most = fmaxf(most, fabsf(values[i]));
        return most;
}

/* Compares the outputs of each example alone with those in the batch of ROWS. */
static bool model_check_alone(struct scion_model *model, struct scion_tape *tape, const float *together)
{
        float tolerance = 1e-4f * (1 + values_largest(together, ROWS * model->outputs));
        int64_t width = scion_shape_size(&model->input);
        float *values = values_copy(scion_data(scion_probe_inputs(model, ROWS, 1)), ROWS * width);
        bool good = values != NULL;

        scion_no_grad_begin();
        for (int64_t i = 0; good && i < ROWS; i++) {
                scion_tape_reset(tape);
                struct scion_tensor *x = scion_probe_inputs(model, 1, 1);

                if (x && !scion_storage_write(x->storage, x->offset, values + i * width,
                                              (size_t)width * sizeof *values))
                        x = NULL;
                const float *y = scion_probe_run(model, x), *row = together + i * model->outputs;

                good = y != NULL;
                for (int64_t k = 0; good && k < model->outputs; k++)
                        if (!(fabsf(y[k] - row[k]) <= tolerance))
                                good = scion_fail(
                                        "in evaluation an example's outputs depend on the others in "
                                        "its batch: output %lld of an example is %g alone and %g in a "
                                        "batch of %d",
                                        (long long)k, (double)y[k], (double)row[k], ROWS);
        }
        scion_no_grad_end();
        free(values);
        return good;
}

/* Compares the values from before evaluation with those after it. */
static bool values_check_kept(const struct scion_model *model, const float *values, const float *now)
{
        for (int i = 0; i < model->count + model->buffers; i++) {
                const struct scion_parameter *parameter = &model->parameter[i];
                const struct scion_tensor *value = &parameter->value;

                if (memcmp(scion_probe_values_of(value, now), scion_probe_values_of(value, values),
                           value->length * sizeof *now) != 0)
                        return scion_fail("evaluation changes the %s '%s': it moves in training only, when "
                                          "scion_nn_training() says so",
                                          parameter->buffer ? "buffer" : "parameter", parameter->name);
        }
        return true;
}

static bool model_check_evaluation(struct scion_conform *conform, struct scion_model *model,
                                   struct scion_tape *tape)
{
        int64_t count = ROWS * model->outputs;
        float *values = scion_probe_values(model->values), *now = NULL, *first = NULL;
        bool good = false;

        (void)conform;
        first = values ? values_copy(scion_probe_evaluate(model, tape, ROWS, 1), count) : NULL;
        if (!first)
                goto out;
        scion_tape_set_seed(tape, SCION_PROBE_SEED, 7);
        const float *again = scion_probe_evaluate(model, tape, ROWS, 1);

        now = again ? scion_probe_values(model->values) : NULL;
        if (!now || !values_check_kept(model, values, now))
                goto out;
        for (int64_t i = 0; i < count; i++)
                if (memcmp(&first[i], &again[i], sizeof *first) != 0) {
                        scion_fail(
                                "in evaluation the same inputs give other outputs the second time (%g, then "
                                "%g): nothing may be random there, and nothing kept from before",
                                (double)first[i], (double)again[i]);
                        goto out;
                }
        good = model_check_alone(model, tape, first);
out:
        free(values);
        free(now);
        free(first);
        return good;
}

static void model_evaluates(struct scion_conform *conform)
{
        model_with(conform, model_check_evaluation);
}

/* --- Seeds ---------------------------------------------------------------------------------------------- */

static bool parameters_check_same(const struct scion_model *model, const struct scion_model *other)
{
        if (model->count != other->count || model->buffers != other->buffers ||
            model->extent != other->extent)
                return scion_fail(
                        "built twice alike, it has %d parameters and buffers, then %d: what build() makes "
                        "depends on something else than its arguments and parameters",
                        model->count + model->buffers, other->count + other->buffers);
        for (int i = 0; i < model->count + model->buffers; i++) {
                const struct scion_parameter *a = &model->parameter[i], *b = &other->parameter[i];

                if (strcmp(a->name, b->name) != 0)
                        return scion_fail("built twice alike, a parameter is called '%s', then '%s'", a->name,
                                          b->name);
        }
        return true;
}

static bool values_check_same(const struct scion_model *model, const float *values, const float *others)
{
        for (int i = 0; i < model->count + model->buffers; i++) {
                const struct scion_tensor *value = &model->parameter[i].value;

                if (memcmp(scion_probe_values_of(value, values), scion_probe_values_of(value, others),
                           value->length * sizeof *values) != 0)
                        return scion_fail(
                                "built twice with one seed, '%s' has other values: values come from the "
                                "struct scion_init of a parameter, not from build()",
                                model->parameter[i].name);
        }
        return true;
}

static bool model_check_same_values(const struct scion_model *model, const struct scion_model *other)
{
        float *values = NULL, *others = NULL;
        bool good = parameters_check_same(model, other) && (values = scion_probe_values(model->values)) &&
                    (others = scion_probe_values(other->values)) && values_check_same(model, values, others);

        free(values);
        free(others);
        return good;
}

/* Compares two models of one seed in training, where random draws come from the tape. */
static bool model_check_seed(struct scion_conform *conform, struct scion_model *model,
                             struct scion_tape *tape)
{
        struct scion_model *other = scion_probe_any(conform);
        int64_t count = TRAIN_BATCH * model->outputs;
        float *first = NULL;
        bool good = false;

        if (!other || !model_check_same_values(model, other))
                goto out;
        first = values_copy(scion_probe_train(model, tape, TRAIN_BATCH, 1, SCION_PROBE_SEED), count);
        const float *second = first ? scion_probe_train(other, tape, TRAIN_BATCH, 1, SCION_PROBE_SEED) : NULL;

        if (second)
                good = memcmp(first, second, (size_t)count * sizeof *first) == 0 ||
                       scion_fail("two models of one seed make other outputs of the same batch in training: "
                                  "what "
                                  "is random there comes from scion_dropout()");
out:
        scion_model_destroy(other);
        free(first);
        return good;
}

static void model_keeps_to_seed(struct scion_conform *conform)
{
        model_with(conform, model_check_seed);
}

/* --- Saving and loading --------------------------------------------------------------------------------- */

/* Saves a model after some steps of training, and loads it into a new model of another seed. */
static bool model_check_saving(struct scion_conform *conform, struct scion_model *model,
                               struct scion_tape *tape)
{
        enum scion_probe_verdict verdict;
        struct scion_model *other = scion_probe_build(conform, &model->input, SCION_PROBE_OUTPUTS,
                                                      SCION_PROBE_SEED + 1, &verdict);
        struct scion_safetensors file = { 0 };
        int64_t count = ROWS * model->outputs;
        float *first = NULL;
        bool good = false;

        for (uint64_t i = 0; other && i < 3; i++)
                if (!scion_probe_train(model, tape, TRAIN_BATCH, i, SCION_PROBE_SEED))
                        goto out;
        first = other ? values_copy(scion_probe_evaluate(model, tape, ROWS, 1), count) : NULL;
        if (!first || !scion_weights_take(model, &file))
                goto out;
        good = scion_weights_fit(other, &file) && scion_weights_put_back(other, &file);
        const float *second = good ? scion_probe_evaluate(other, tape, ROWS, 1) : NULL;

        good = second &&
               (memcmp(first, second, (size_t)count * sizeof *first) == 0 ||
                scion_fail("saved after some steps and loaded into a new model, it makes other outputs "
                           "than before: something that its outputs depend on is neither a parameter nor a "
                           "buffer "
                           "(scion_nn_buffer())"));
        scion_safetensors_finish(&file);
out:
        scion_model_destroy(other);
        free(first);
        return good;
}

static void model_saves(struct scion_conform *conform)
{
        model_with(conform, model_check_saving);
}

/* --- Widths --------------------------------------------------------------------------------------------- */

#define LARGE 1000000 /* parameters; a model twice as wide would be slow */

static bool model_check_width(struct scion_conform *conform, const struct scion_model *model, double width)
{
        struct scion_model *scaled = scion_model_create_scaled(conform->map, &model->input,
                                                               SCION_PROBE_OUTPUTS, SCION_PROBE_SEED, width);
        int64_t size = scion_model_size(model, false);
        bool good = scaled && model_check_rows(scaled);
        int64_t other = good ? scion_model_size(scaled, false) : 0;

        scion_model_destroy(scaled);
        if (!good)
                return scion_fail_prefix("%g times as wide", width);
        return (width > 1 ? other > size : other < size) ||
               scion_fail("%g times as wide it has %lld parameters, and as it is %lld: build() must use the "
                          "parameters that .scales marks, which are multiplied before the call",
                          width, (long long)other, (long long)size);
}

static bool model_check_widths(struct scion_conform *conform, struct scion_model *model,
                               struct scion_tape *tape)
{
        bool large = scion_model_size(model, false) > LARGE;

        (void)tape;
        return model_check_width(conform, model, 0.5) && (large || model_check_width(conform, model, 2));
}

static void model_scales(struct scion_conform *conform)
{
        const struct scion_param *param = conform->descriptor->plugin.params;

        while (param && param->type != SCION_PARAM_END && !param->scales)
                param++;
        if (!param || param->type == SCION_PARAM_END)
                scion_conform_skip(conform, "no parameter is a width (.scales)");
        else
                model_with(conform, model_check_widths);
}

/* --- Memory --------------------------------------------------------------------------------------------- */

#define WARM_STEPS 3
#define STEADY_STEPS 5

static bool model_check_memory(struct scion_conform *conform, struct scion_model *model,
                               struct scion_tape *tape)
{
        struct scion_growth growth = { 0 };
        struct scion_usage before = { 0 };

        (void)conform;
        for (uint64_t i = 0; i < WARM_STEPS + STEADY_STEPS; i++) {
                if (!model_step(model, tape, i))
                        return false;
                struct scion_usage now = scion_usage_now(tape);

                if (i >= WARM_STEPS)
                        scion_growth_add(&growth, &before, &now);
                before = now;
        }
        return scion_growth_check(&growth);
}

static void model_keeps_memory(struct scion_conform *conform)
{
        model_with(conform, model_check_memory);
}

const struct scion_conform_test scion_conform_model[] = {
        { "inputs of several shapes and any number of outputs are taken, or refused with a reason",
          model_takes_inputs },
        { "the head makes the outputs, and nothing is done to them after it", model_has_head },
        { "a finite gradient reaches every parameter", model_has_gradients },
        { "in evaluation nothing is random or kept, and examples do not mix", model_evaluates },
        { "the same seed gives the same values and the same training", model_keeps_to_seed },
        { "a saved and loaded model is the same", model_saves },
        { "it can be built wider and narrower", model_scales },
        { "a step of training leaves no memory behind", model_keeps_memory },
        { NULL, NULL },
};
