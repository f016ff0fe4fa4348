/*
 * Compares the strategy plugins with the papers' formulas (strategies.py): the loss of one batch, the logged scalars,
 * and the gradients of the target's parameters and of the strategies' own models.
 */
#include "parity/vectors.h"

#include <math.h>
#include <stdlib.h>

#include "nn/model.h"
#include "plugin/plugin.h"
#include "tensor/tape.h"
#include "transfer/transfer.h"

enum {
        TARGET = 0,
        SOURCE = 200,
        OWN = 400,
        INPUTS = 1000,
        SOURCE_INPUTS = 1010,
        UNLABELLED = 1020,
        VALUES = 1100
};

/* A case's models, strategy and batches. */
struct trial {
        const json_t *test_case;
        uint64_t seed;
        struct scion_config *config[4];
        struct scion_transfer transfer;
        struct scion_batch batch;
};

static const char *const keys[] = { "target", "source" };

static struct scion_config *case_parse(const char *text)
{
        struct scion_config *config = scion_config_parse(text, "case");

        if (!config)
                fail_msg("%s", scion_error());
        return config;
}

/* Draws the values of a model's parameters, which must be those described, in this order. */
static void write_parameters(const struct trial *trial, struct scion_model *model, const json_t *described,
                             int stream)
{
        assert_int_equal(scion_model_parameter_count(model), json_array_size(described));
        for (int i = 0; i < scion_model_parameter_count(model); i++) {
                const json_t *wanted = json_array_get(described, (size_t)i);
                struct scion_parameter *parameter = scion_model_parameter(model, i);
                struct scion_shape shape = vectors_shape(wanted, "shape"),
                                   is = scion_parameter_shape(parameter);
                double bound = vectors_number(wanted, "bound");
                struct scion_tensor *drawn =
                        vectors_uniform(trial->seed, (uint64_t)(stream + i), shape, -bound, bound);

                assert_string_equal(scion_parameter_name(parameter), vectors_text(wanted, "name"));
                assert_true(scion_shape_equal(&is, &shape));
                assert_true(scion_parameter_write(parameter, scion_data(drawn)));
        }
}

static struct scion_model *model_create(struct trial *trial, int which, struct scion_blueprint *plan)
{
        const json_t *described = json_object_get(trial->test_case, keys[which]);

        if (!described)
                return NULL;
        trial->config[which] = case_parse(vectors_text(described, "config"));
        *plan = (struct scion_blueprint){ .map = trial->config[which],
                                          .input = vectors_shape(described, "shape"),
                                          .outputs = vectors_integer(described, "outputs"),
                                          .seed = 1 };
        struct scion_model *model = scion_model_create(plan->map, &plan->input, plan->outputs, plan->seed);

        if (!model)
                fail_msg("%s", scion_error());
        if (which > 0) /* the target's parameters are listed in the order after setup() */
                write_parameters(trial, model, vectors_member(described, "parameters"), SOURCE);
        return model;
}

/* Draws `size` examples from a stream, and labels, if wanted, from the next one. */
static struct scion_batch batch_create(const struct trial *trial, const struct scion_blueprint *plan,
                                       int64_t size, int stream, bool labelled)
{
        struct scion_shape shape = { .ndim = plan->input.ndim + 1, .dim = { size } };

        memcpy(shape.dim + 1, plan->input.dim, (size_t)plan->input.ndim * sizeof shape.dim[0]);
        struct scion_batch batch = { .size = size,
                                     .classes = plan->outputs,
                                     .inputs = vectors_uniform(trial->seed, (uint64_t)stream, shape, -1, 1) };

        if (labelled)
                batch.labels = vectors_labels(trial->seed, (uint64_t)stream + 1, size, plan->outputs);
        return batch;
}

static void trial_set_up(struct trial *trial)
{
        struct scion_transfer *transfer = &trial->transfer;

        transfer->target = model_create(trial, 0, &transfer->target_plan);
        transfer->source = model_create(trial, 1, &transfer->source_plan);
        trial->config[2] = case_parse(vectors_text(trial->test_case, "strategy"));
        trial->config[3] = case_parse(vectors_text(trial->test_case, "task"));
        transfer->strategy = scion_instance_create(SCION_STRATEGY, trial->config[2], NULL);
        transfer->loss = scion_instance_create(SCION_LOSS, trial->config[3], NULL);
        transfer->seed = 1;
        if (!transfer->strategy || !transfer->loss || !scion_transfer_setup(transfer))
                fail_msg("%s", scion_error());
}

/* Replaces the values that setup() has copied and drawn by the case's. */
static void model_write_values(struct trial *trial)
{
        const struct scion_transfer *transfer = &trial->transfer;
        const json_t *own = vectors_member(trial->test_case, "own");
        const json_t *values = vectors_member(trial->test_case, "values");

        write_parameters(trial, transfer->target,
                         vectors_member(vectors_member(trial->test_case, "target"), "parameters"), TARGET);
        assert_int_equal(transfer->own_models, json_array_size(own));
        for (int i = 0; i < transfer->own_models; i++) {
                const json_t *described = json_array_get(own, (size_t)i);

                assert_string_equal(transfer->own_model[i].name, vectors_text(described, "name"));
                write_parameters(trial, transfer->own_model[i].model, vectors_member(described, "parameters"),
                                 OWN + 50 * i);
        }
        assert_int_equal(transfer->own_value_blocks, json_array_size(values));
        for (int i = 0; i < transfer->own_value_blocks; i++) {
                const json_t *described = json_array_get(values, (size_t)i);

                assert_string_equal(transfer->own_values[i].name, vectors_text(described, "name"));
                assert_int_equal(transfer->own_values[i].count, vectors_integer(described, "count"));
                vectors_fill(trial->seed, (uint64_t)(VALUES + i), 0, 1, transfer->own_values[i].value,
                             (size_t)transfer->own_values[i].count);
        }
}

/* Does not call begin_stage(), because the case gives the values that it would compute. */
static void trial_begin(struct trial *trial)
{
        struct scion_transfer *transfer = &trial->transfer;
        const json_t *test_case = trial->test_case;
        const json_t *stage = json_object_get(test_case, "stage");
        int64_t epoch = json_integer_value(json_object_get(test_case, "epoch"));
        int64_t beside = json_integer_value(json_object_get(test_case, "source_batch"));
        int64_t unlabelled = json_integer_value(json_object_get(test_case, "unlabelled"));

        transfer->stage = stage ? (int)json_integer_value(stage) : transfer->own_stages;
        transfer->progress = json_number_value(json_object_get(test_case, "progress"));
        if (epoch && !scion_transfer_begin_epoch(transfer, epoch))
                fail_msg("%s", scion_error());
        trial->batch = batch_create(trial, &transfer->target_plan, vectors_integer(test_case, "batch"),
                                    INPUTS, true);
        scion_tape_set_training(scion_tape_current(), true);
        scion_transfer_begin_step(transfer, &trial->batch);
        if (beside) {
                transfer->source_batches.batch =
                        batch_create(trial, &transfer->source_plan, beside, SOURCE_INPUTS, true);
                transfer->source_batches.drawn = true;
        }
        if (unlabelled) {
                transfer->unlabelled.batch =
                        batch_create(trial, &transfer->target_plan, unlabelled, UNLABELLED, false);
                transfer->unlabelled.drawn = true;
        }
}

static void gradients_check(const struct trial *trial, const char *whose, struct scion_model *model,
                            const json_t *wanted)
{
        assert_int_equal(scion_model_parameter_count(model), json_array_size(wanted));
        for (int i = 0; i < scion_model_parameter_count(model); i++) {
                struct scion_parameter *parameter = scion_model_parameter(model, i);
                struct scion_tensor *gradient = scion_grad(scion_parameter_tensor(parameter));
                const json_t *sample = json_array_get(wanted, (size_t)i);
                char what[160];

                snprintf(what, sizeof what, "gradient of %s%s", whose, scion_parameter_name(parameter));
                if (json_is_null(sample) && gradient)
                        fail_msg("%s: there is one", what);
                if (json_is_null(sample))
                        continue;
                if (!gradient)
                        fail_msg("%s: there is none", what);
                vectors_compare_sample(what, scion_data(gradient), (size_t)scion_size(gradient), sample,
                                       vectors_tolerance(trial->test_case));
        }
}

static void scalars_check(const struct trial *trial)
{
        const struct scion_transfer *transfer = &trial->transfer;
        const json_t *wanted = vectors_member(trial->test_case, "scalars");

        assert_int_equal(transfer->scalars, json_object_size(wanted));
        for (int i = 0; i < transfer->scalars; i++) {
                const struct scion_scalar *scalar = &transfer->scalar[i];
                double value = vectors_number(wanted, scalar->name),
                       got = scalar->sum / (double)scalar->examples;

                if (!(fabs(got - value) <= 1e-5 * fabs(value) + 1e-7))
                        fail_msg("%s is %.9g, not %.9g", scalar->name, got, value);
        }
}

static void strategy_agrees(void **state)
{
        struct trial trial = { .test_case = *state };
        double wanted = vectors_number(trial.test_case, "loss"), got;

        trial.seed = (uint64_t)vectors_integer(trial.test_case, "seed");
        trial_set_up(&trial);
        model_write_values(&trial);
        trial_begin(&trial);
        struct scion_transfer *transfer = &trial.transfer;
        struct scion_tensor *loss = scion_transfer_loss(transfer);

        if (!loss || !scion_backward(loss))
                fail_msg("%s", scion_error());
        got = (double)scion_item(loss);
        if (!(fabs(got - wanted) <= 1e-5 * fabs(wanted)))
                fail_msg("the loss is %.9g, not %.9g", got, wanted);
        assert_true(scion_readings_read(&transfer->readings));
        scion_transfer_collect_scalars(transfer);
        scalars_check(&trial);
        gradients_check(&trial, "", transfer->target, vectors_member(trial.test_case, "gradients"));
        for (int i = 0; i < transfer->own_models; i++) {
                const json_t *own = json_array_get(vectors_member(trial.test_case, "own"), (size_t)i);

                gradients_check(&trial, transfer->own_model[i].name, transfer->own_model[i].model,
                                vectors_member(own, "gradients"));
        }
        scion_transfer_finish(transfer);
        scion_model_destroy(transfer->target);
        scion_model_destroy(transfer->source);
        scion_instance_destroy(transfer->strategy);
        scion_instance_destroy(transfer->loss);
        for (int i = 0; i < 4; i++)
                scion_config_destroy(trial.config[i]);
}

int main(int argc, char **argv)
{
        return argc == 2 ? vectors_run(argv[1], strategy_agrees) : 2;
}
