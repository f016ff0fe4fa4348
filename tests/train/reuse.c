/* What frozen modules make is computed once for all epochs, and makes no difference but for time. */
#include "transfer/reuse.h"

#include <math.h>

#include "support/memory.h"
#include "support/test.h"
#include "train/train.h"

enum { OUTPUTS = 5, EPOCHS = 3 };

/* A training on random images, and what is left of it. */
struct trial {
        struct scion_config *map;
        struct scion_stage stage;
        struct scion_data *data;
        struct scion_model *source, *target;
        struct scion_transfer transfer;
        struct scion_tape *tape;
};

static const char yaml[] =
        "dataset: { use: random, shape: [1, 12, 12], num_classes: 5, train_size: 300, test_size: 10 }\n"
        "loss: { use: cross-entropy }\n"
        "optimizer: { use: sgd, lr: 0.05, momentum: 0.9 }\n"
        "kd: { use: kd }\n"
        "model: ";

static struct scion_instance *instance(const struct trial *trial, enum scion_kind kind, const char *key)
{
        struct scion_instance *made = scion_instance_create(kind, scion_config_get(trial->map, key), NULL);

        if (!made)
                fail_msg("%s", scion_error());
        return made;
}

static void begin(struct trial *trial, const char *model, bool kd)
{
        struct scion_shape shape = SCION_SHAPE(1, 12, 12);
        char text[512];

        snprintf(text, sizeof text, "%s%s", yaml, model);
        *trial = (struct trial){ .map = scion_config_parse(text, "reuse.yaml") };
        assert_non_null(trial->map);
        trial->data = scion_data_open(scion_config_get(trial->map, "dataset"), 1);
        trial->source = scion_model_create(scion_config_get(trial->map, "model"), &shape, OUTPUTS, 1);
        trial->target = scion_model_create(scion_config_get(trial->map, "model"), &shape, OUTPUTS, 2);
        if (!trial->data || !trial->source || !trial->target)
                fail_msg("%s", scion_error());
        trial->stage = (struct scion_stage){ .name = "target",
                                             .seed = 1,
                                             .loss = instance(trial, SCION_LOSS, "loss"),
                                             .optimizer = instance(trial, SCION_OPTIMIZER, "optimizer"),
                                             .schedule = scion_schedule_create(NULL),
                                             .epochs = EPOCHS,
                                             .batch_size = 32 };
        trial->transfer =
                (struct scion_transfer){ .source = kd ? trial->source : NULL,
                                         .target = trial->target,
                                         .strategy = kd ? instance(trial, SCION_STRATEGY, "kd") : NULL,
                                         .loss = trial->stage.loss,
                                         .seed = 1 };
        trial->tape = scion_tape_create();
        if (kd)
                assert_true(scion_transfer_setup(&trial->transfer));
}

static void end(struct trial *trial)
{
        scion_reuse_destroy(trial->transfer.reuse);
        scion_transfer_finish(&trial->transfer);
        scion_instance_destroy(trial->transfer.strategy);
        scion_instance_destroy(trial->stage.loss);
        scion_instance_destroy(trial->stage.optimizer);
        scion_schedule_destroy(trial->stage.schedule);
        scion_model_destroy(trial->source);
        scion_model_destroy(trial->target);
        scion_data_close(trial->data);
        scion_tape_destroy(trial->tape);
        scion_config_destroy(trial->map);
}

static void train(struct trial *trial)
{
        const struct scion_training training = {
                .stage = &trial->stage, .data = trial->data, .transfer = &trial->transfer, .tape = trial->tape
        };
        struct scion_trained trained;

        if (!scion_train(&training, &trained))
                fail_msg("%s", scion_error());
        assert_int_equal(trained.epochs, EPOCHS);
}

static void freeze_front(const struct trial *trial)
{
        for (int i = 0; i < scion_model_parameter_count(trial->target); i++) {
                struct scion_parameter *parameter = scion_model_parameter(trial->target, i);

                scion_parameter_freeze(parameter, !scion_model_in_head(trial->target, parameter));
        }
}

/* How far two models have come apart: the largest difference, over the largest value. */
static double apart(const struct trial *a, const struct trial *b)
{
        double most = 0, largest = 0;

        const float *x = floats_of(a->target->values), *y = floats_of(b->target->values);

        for (size_t i = 0; i < a->target->extent; i++) {
                most = fmax(most, fabs((double)x[i] - (double)y[i]));
                largest = fmax(largest, fabs((double)x[i]));
        }
        return most / largest;
}

/* Trains three times: everything anew, and twice with reuse. */
static void same_with_reuse(const char *model, bool kd)
{
        struct trial trial[3];

        for (int i = 0; i < 3; i++) {
                begin(&trial[i], model, kd);
                if (!kd)
                        freeze_front(&trial[i]);
                if (i > 0)
                        trial[i].transfer.reuse = scion_reuse_create(trial[i].data);
                if (i > 0 && kd)
                        scion_reuse_want(trial[i].transfer.reuse, trial[i].source->root, false);
                train(&trial[i]);
        }
        assert_true(apart(&trial[0], &trial[1]) < 1e-5);
        assert_memory_equal(floats_of(trial[1].target->values), floats_of(trial[2].target->values),
                            scion_model_bytes(trial[1].target));
        for (int i = 0; i < 3; i++)
                end(&trial[i]);
}

static void a_frozen_front_is_passed_by(void **state)
{
        (void)state;
        same_with_reuse("{ use: lenet5 }", false);
        same_with_reuse("{ use: mlp, hidden: [20, 10] }", false);
        same_with_reuse("{ use: resnet, depth: 8, width: 4 }", false);
}

/* What was grafted onto the last module of the front is a part of what it makes. */
static void grafts_at_the_end_of_the_front(void **state)
{
        struct trial trial[2];

        (void)state;
        for (int i = 0; i < 2; i++) {
                begin(&trial[i], "{ use: lenet5 }", false);
                if (!scion_model_graft(trial[i].target, "relu4", SCION_AFTER, "tanh", scion_nn_tanh()))
                        fail_msg("%s", scion_error());
                freeze_front(&trial[i]);
                trial[i].transfer.reuse = i > 0 ? scion_reuse_create(trial[i].data) : NULL;
                train(&trial[i]);
        }
        assert_true(apart(&trial[0], &trial[1]) < 1e-5);
        end(&trial[0]);
        end(&trial[1]);
}

static void a_teacher_is_asked_once(void **state)
{
        (void)state;
        same_with_reuse("{ use: lenet5 }", true);
}

/* Does a module at the target's front run in a training step? */
static bool runs(struct trial *trial, const char *path)
{
        struct scion_batches *batches = scion_batches_create(trial->data, SCION_TRAIN, 32);
        struct scion_tape *before = scion_tape_use(trial->tape);
        struct scion_module *module = scion_model_module(trial->target, path);
        struct scion_transfer *transfer = &trial->transfer;
        struct scion_batch batch;

        for (int step = 0; step < 2; step++) { /* the first computes what the second uses */
                scion_tape_reset(trial->tape);
                scion_tape_set_training(trial->tape, true);
                assert_int_equal(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
                scion_transfer_begin_step(transfer, &batch);
                scion_reuse_batch(transfer->reuse, batches, &batch);
                if (!scion_target_logits(transfer, &batch))
                        fail_msg("%s", scion_error());
        }
        bool ran = module->output != NULL;

        scion_reuse_batch(transfer->reuse, NULL, NULL);
        scion_tape_use(before);
        scion_batches_destroy(batches);
        return ran;
}

static void thawing_is_seen(void **state)
{
        struct trial trial;

        (void)state;
        begin(&trial, "{ use: lenet5 }", false);
        trial.transfer.reuse = scion_reuse_create(trial.data);
        assert_true(runs(&trial, "conv1"));
        freeze_front(&trial);
        assert_false(runs(&trial, "conv1"));
        assert_false(runs(&trial, "fc2"));
        /* What stands in for a parameter may be another in each step, though the parameter is frozen. */
        struct scion_parameter *bias = scion_model_find(trial.target, "conv2.bias");

        assert_true(scion_parameter_make(bias, scion_parameter_tensor(bias)));
        assert_false(runs(&trial, "conv1"));
        assert_true(runs(&trial, "conv2"));
        scion_model_clear_substitutes(trial.target);
        assert_false(runs(&trial, "conv2"));

        scion_parameter_freeze(scion_model_find(trial.target, "fc1.bias"), false);
        assert_false(runs(&trial, "conv2"));
        assert_true(runs(&trial, "fc1"));
        scion_parameter_freeze(scion_model_find(trial.target, "conv1.weight"), false);
        assert_true(runs(&trial, "conv1"));
        end(&trial);
}

/* Dropout is drawn anew in each step, and what a strategy looks at must be there. */
static void what_changes_is_not_kept(void **state)
{
        struct trial trial;

        (void)state;
        begin(&trial, "{ use: mlp, hidden: [20, 10], dropout: 0.5 }", false);
        trial.transfer.reuse = scion_reuse_create(trial.data);
        freeze_front(&trial);
        assert_false(runs(&trial, "fc1"));
        assert_true(runs(&trial, "dropout1"));
        assert_true(runs(&trial, "fc2"));
        end(&trial);

        begin(&trial, "{ use: lenet5 }", false);
        trial.transfer.reuse = scion_reuse_create(trial.data);
        freeze_front(&trial);
        scion_reuse_look(trial.transfer.reuse);
        assert_true(runs(&trial, "conv1"));
        end(&trial);
}

/* The target's outputs for the first batch, written to `values`. */
static void take_outputs(struct trial *trial, float *values)
{
        struct scion_batches *batches = scion_batches_create(trial->data, SCION_TRAIN, 32);
        struct scion_tape *before = scion_tape_use(trial->tape);
        struct scion_transfer *transfer = &trial->transfer;
        struct scion_batch batch;

        scion_tape_reset(trial->tape);
        scion_tape_set_training(trial->tape, true);
        assert_int_equal(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        scion_transfer_begin_step(transfer, &batch);
        if (transfer->reuse)
                scion_reuse_batch(transfer->reuse, batches, &batch);
        const float *outputs = scion_data(scion_target_logits(transfer, &batch));

        assert_non_null(outputs);
        memcpy(values, outputs, 32 * OUTPUTS * sizeof *values);
        if (transfer->reuse)
                scion_reuse_batch(transfer->reuse, NULL, NULL);
        scion_tape_use(before);
        scion_batches_destroy(batches);
}

/* With reuse and without it. */
static void assert_outputs_are_true(struct trial *trial)
{
        struct scion_reuse *reuse = trial->transfer.reuse;
        float got[32 * OUTPUTS], wanted[32 * OUTPUTS];

        take_outputs(trial, got);
        trial->transfer.reuse = NULL;
        take_outputs(trial, wanted);
        trial->transfer.reuse = reuse;
        for (int i = 0; i < 32 * OUTPUTS; i++)
                assert_true(fabs((double)got[i] - (double)wanted[i]) < 1e-5);
}

static void change(struct trial *trial, const char *name)
{
        struct scion_parameter *parameter = scion_model_find(trial->target, name);
        struct scion_shape shape = scion_parameter_shape(parameter);
        float values[1024];

        assert_true(scion_shape_size(&shape) <= 1024);
        assert_true(scion_parameter_read(parameter, values));
        for (int64_t i = 0; i < scion_shape_size(&shape); i++)
                values[i] = 1 - 2 * values[i];
        assert_true(scion_parameter_write(parameter, values));
}

/* A front that was trained for a while, and one that somebody wrote into, is not what it was. */
static void a_front_that_has_changed_is_made_again(void **state)
{
        struct trial trial;

        (void)state;
        begin(&trial, "{ use: lenet5 }", false);
        trial.transfer.reuse = scion_reuse_create(trial.data);
        freeze_front(&trial);
        assert_outputs_are_true(&trial);
        scion_model_set_frozen(trial.target, false);
        assert_outputs_are_true(&trial);
        change(&trial, "conv1.weight");
        freeze_front(&trial);
        assert_outputs_are_true(&trial);

        change(&trial, "conv2.bias");
        scion_reuse_doubt(trial.transfer.reuse);
        assert_outputs_are_true(&trial);
        assert_false(runs(&trial, "conv1"));
        end(&trial);
}

/* A strategy that looks into the target only later than when it was rehearsed gets what is there. */
static void features_of_a_front_that_was_passed_by(void **state)
{
        struct trial trial;
        struct scion_batch batch;

        (void)state;
        begin(&trial, "{ use: lenet5 }", false);
        trial.transfer.reuse = scion_reuse_create(trial.data);
        freeze_front(&trial);
        assert_false(runs(&trial, "conv1"));
        struct scion_batches *batches = scion_batches_create(trial.data, SCION_TRAIN, 32);
        struct scion_tape *before = scion_tape_use(trial.tape);

        scion_tape_reset(trial.tape);
        assert_int_equal(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        scion_transfer_begin_step(&trial.transfer, &batch);
        scion_reuse_batch(trial.transfer.reuse, batches, &batch);
        assert_non_null(scion_target_logits(&trial.transfer, &batch));
        struct scion_tensor *features = scion_target_features(&trial.transfer, &batch, "conv1");

        if (!features)
                fail_msg("%s", scion_error());
        assert_int_equal(scion_dim(features, 0), 32);
        assert_non_null(scion_data(features));
        scion_tape_use(before);
        scion_batches_destroy(batches);
        end(&trial);
}

/* The source's outputs for the first batch: with reuse, or without it. */
static void take_teacher(struct trial *trial, struct scion_batches *batches, bool reuse, float *values)
{
        struct scion_transfer *transfer = &trial->transfer;
        struct scion_reuse *kept = transfer->reuse;
        struct scion_batch batch;

        scion_tape_reset(trial->tape);
        scion_batches_rewind(batches);
        assert_int_equal(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        scion_transfer_begin_step(transfer, &batch);
        scion_reuse_batch(kept, batches, &batch);
        transfer->reuse = reuse ? kept : NULL;
        const float *outputs = scion_data(scion_source_logits(transfer, &batch));

        transfer->reuse = kept;
        assert_non_null(outputs);
        memcpy(values, outputs, 32 * OUTPUTS * sizeof *values);
        scion_reuse_batch(kept, NULL, NULL);
}

/* One that is moved between the steps of an epoch, as an average of the student is, and in the next epoch no more. */
static void a_teacher_that_moves_is_asked_again(void **state)
{
        struct scion_tape *before;
        struct trial trial;

        (void)state;
        begin(&trial, "{ use: lenet5 }", true);
        trial.transfer.reuse = scion_reuse_create(trial.data);
        scion_reuse_want(trial.transfer.reuse, trial.source->root, false);
        before = scion_tape_use(trial.tape);
        struct scion_batches *batches = scion_batches_create(trial.data, SCION_TRAIN, 32);

        for (int step = 0; step < 4; step++) {
                struct scion_parameter *bias = scion_model_find(trial.source, "fc3.bias");
                float got[32 * OUTPUTS], wanted[32 * OUTPUTS], values[OUTPUTS] = { (float)step };

                if (step == 1 || step == 2)
                        assert_true(scion_parameter_write(bias, values));
                if (step == 3) /* an epoch begins */
                        scion_reuse_doubt(trial.transfer.reuse);
                take_teacher(&trial, batches, true, got);
                assert_int_equal(trial.source->root->output == NULL, step == 0 || step == 3);
                take_teacher(&trial, batches, false, wanted);
                for (int i = 0; i < 32 * OUTPUTS; i++)
                        assert_true(fabs((double)got[i] - (double)wanted[i]) < 1e-5);
        }
        scion_tape_use(before);
        scion_batches_destroy(batches);
        end(&trial);
}

/* What stands in for a teacher's parameter does so for a step, as in the target. */
static void a_teacher_with_a_substitute_is_asked_again(void **state)
{
        float before[32 * OUTPUTS], then[32 * OUTPUTS], after[32 * OUTPUTS];
        struct scion_tape *used, *other;
        struct trial trial;

        (void)state;
        begin(&trial, "{ use: lenet5 }", true);
        trial.transfer.reuse = scion_reuse_create(trial.data);
        scion_reuse_want(trial.transfer.reuse, trial.source->root, false);
        used = scion_tape_use(trial.tape);
        other = scion_tape_create();
        struct scion_batches *batches = scion_batches_create(trial.data, SCION_TRAIN, 32);

        take_teacher(&trial, batches, true, before);
        scion_tape_use(other);
        assert_true(scion_parameter_make(scion_model_find(trial.source, "fc3.bias"),
                                         scion_full(SCION_SHAPE(OUTPUTS), 7)));
        scion_tape_use(trial.tape);
        take_teacher(&trial, batches, true, then);
        scion_transfer_clear_substitutes(&trial.transfer);
        take_teacher(&trial, batches, true, after);
        for (int i = 0; i < 32 * OUTPUTS; i++)
                assert_true(fabs((double)then[i] - (double)before[i]) > 1);
        assert_memory_equal(before, after, sizeof before);
        scion_tape_use(used);
        scion_tape_destroy(other);
        scion_batches_destroy(batches);
        end(&trial);
}

/* What is left of an input without the batch's mean, or, in training alone, half of it. */
static struct scion_tensor *centre(void *self, struct scion_module *module, struct scion_tensor *x)
{
        (void)self, (void)module;
        return scion_sub(x, scion_mean(x, SCION_AXIS(0), true));
}

static struct scion_tensor *halve(void *self, struct scion_module *module, struct scion_tensor *x)
{
        (void)self;
        return scion_nn_training(module) ? scion_scale(x, 0.5F) : x;
}

/* Modules of plugins that draw nothing, and yet make something else in a step than they did for what was kept. */
static void what_others_or_training_change_is_not_kept(void **state)
{
        static const struct scion_module_impl impls[] = { { .kind = "centre", .forward = centre },
                                                          { .kind = "halve", .forward = halve } };
        struct trial trial;

        (void)state;
        for (int i = 0; i < 2; i++) {
                begin(&trial, "{ use: lenet5 }", false);
                if (!scion_model_graft(trial.target, "relu3", SCION_AFTER, "odd",
                                       scion_nn_module(&impls[i], 0)))
                        fail_msg("%s", scion_error());
                trial.transfer.reuse = scion_reuse_create(trial.data);
                freeze_front(&trial);
                assert_outputs_are_true(&trial);
                assert_true(runs(&trial, "conv1"));
                end(&trial);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_frozen_front_is_passed_by),
                cmocka_unit_test(grafts_at_the_end_of_the_front),
                cmocka_unit_test(a_teacher_is_asked_once),
                cmocka_unit_test(thawing_is_seen),
                cmocka_unit_test(what_changes_is_not_kept),
                cmocka_unit_test(a_front_that_has_changed_is_made_again),
                cmocka_unit_test(features_of_a_front_that_was_passed_by),
                cmocka_unit_test(a_teacher_that_moves_is_asked_again),
                cmocka_unit_test(a_teacher_with_a_substitute_is_asked_again),
                cmocka_unit_test(what_others_or_training_change_is_not_kept),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
