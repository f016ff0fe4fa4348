/* Transfer of parameters: where each strategy starts, what it trains when, and what is refused before. */
#include "support/memory.h"
#include "support/runs.h"

#include <math.h>

#include "nn/model.h"
#include "plugin/plugin.h"
#include "train/train.h"

enum { CLASSES = 3 };

/* A strategy set up between two models that differ in their values, on random images. */
struct trial {
        struct scion_config *strategy_map, *source_map, *target_map, *data_map, *loss_map;
        struct scion_transfer transfer;
        struct scion_tape *tape;
};

static struct scion_config *parse(const char *text)
{
        struct scion_config *config = scion_config_parse(text, "parameter.yaml");

        if (!config)
                fail_msg("%s", scion_error());
        return config;
}

static bool moved; /* the source's buffers, before setup */

static void begin(struct trial *trial, const char *strategy, const char *source, const char *target)
{
        struct scion_shape shape = SCION_SHAPE(1, 12, 12);
        struct scion_transfer *transfer = &trial->transfer;

        *trial = (struct trial){
                .strategy_map = parse(strategy),
                .source_map = parse(source),
                .target_map = parse(target),
                .data_map = parse("{ use: random, shape: [1, 12, 12], num_classes: 3, train_size: 40 }"),
                .loss_map = parse("{ use: cross-entropy }"),
                .tape = scion_tape_create()
        };
        scion_tape_use(trial->tape);
        transfer->source = scion_model_create(trial->source_map, &shape, CLASSES, 1);
        transfer->target = scion_model_create(trial->target_map, &shape, CLASSES, 2);
        transfer->strategy = scion_instance_create(SCION_STRATEGY, trial->strategy_map, NULL);
        transfer->loss = scion_instance_create(SCION_LOSS, trial->loss_map, NULL);
        transfer->target_data = scion_data_open(trial->data_map, 1);
        transfer->seed = 1;
        for (int k = 0; moved && k < transfer->source->buffers; k++) {
                const struct scion_tensor *buffer = &scion_model_buffer(transfer->source, k)->value;

                memory_set(buffer, 0, memory_of(buffer)[0] + 0.25f);
        }
        if (!transfer->source || !transfer->target || !transfer->strategy || !transfer->loss ||
            !transfer->target_data || !scion_transfer_setup(transfer))
                fail_msg("%s", scion_error());
}

static void end(struct trial *trial)
{
        struct scion_transfer *transfer = &trial->transfer;

        scion_tape_use(NULL);
        scion_tape_destroy(trial->tape);
        scion_transfer_finish(transfer);
        scion_model_destroy(transfer->source);
        scion_model_destroy(transfer->target);
        scion_instance_destroy(transfer->strategy);
        scion_instance_destroy(transfer->loss);
        scion_data_close(transfer->target_data);
        scion_config_destroy(trial->strategy_map);
        scion_config_destroy(trial->source_map);
        scion_config_destroy(trial->target_map);
        scion_config_destroy(trial->data_map);
        scion_config_destroy(trial->loss_map);
}

/* Has the target, but for its head, the source's values to the last bit? */
static bool is_at_the_source(const struct trial *trial)
{
        struct scion_model *target = trial->transfer.target, *source = trial->transfer.source;

        for (int i = 0; i < target->count; i++) {
                const struct scion_parameter *to = &target->parameter[i];
                const struct scion_parameter *from = scion_model_find(source, to->name);

                if (!scion_model_in_head(target, to) && memcmp(memory_of(&to->value), memory_of(&from->value),
                                                               to->value.length * sizeof(float)) != 0)
                        return false;
        }
        return true;
}

/* The same between equal models, when the source's buffers are no longer what they were at first. */
static void begin_moved(struct trial *trial, const char *strategy, const char *model)
{
        moved = true;
        begin(trial, strategy, model, model);
        moved = false;
}

/* The strategy's loss of the first examples, and what it has logged. */
static double loss_of(struct trial *trial, double *logged)
{
        struct scion_batches *batches = scion_batches_create(trial->transfer.target_data, SCION_TRAIN, 8);
        struct scion_batch batch;

        scion_tape_reset(trial->tape);
        assert_int_equal(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        scion_transfer_begin_step(&trial->transfer, &batch);
        struct scion_tensor *loss = scion_transfer_loss(&trial->transfer);

        if (!loss)
                fail_msg("%s", scion_error());
        double value = (double)scion_item(loss);

        assert_true(scion_readings_read(&trial->transfer.readings));
        scion_transfer_collect_scalars(&trial->transfer);
        *logged = trial->transfer.scalars ? trial->transfer.scalar[0].sum / 8 : NAN;
        scion_model_clear_substitutes(trial->transfer.target);
        scion_batches_destroy(batches);
        return value;
}

/* --- Where they start ----------------------------------------------------------------------------------- */

static void a_linear_map_begins_as_the_identity(void **state)
{
        static const char *const models[] = { "{ use: lenet5 }", "{ use: mlp, hidden: [20, 10] }",
                                              "{ use: resnet, depth: 8, width: 4 }",
                                              "{ use: vgg, width: 2 }" };

        (void)state;
        for (int i = 0; i < 4; i++) {
                struct trial trial;

                begin_moved(&trial, "{ use: linear-map }", models[i]);
                assert_false(is_at_the_source(&trial));
                assert_true(scion_transfer_begin_stage(&trial.transfer, 0));
                assert_true(scion_transfer_settle(&trial.transfer));
                assert_true(is_at_the_source(&trial));
                for (int k = 0; k < trial.transfer.target->buffers; k++) {
                        struct scion_model *target = trial.transfer.target, *source = trial.transfer.source;
                        const struct scion_parameter *to = scion_model_buffer(target, k);

                        assert_memory_equal(memory_of(&to->value),
                                            memory_of(&scion_model_buffer(source, k)->value),
                                            to->value.length * sizeof(float));
                }
                end(&trial);
        }
}

/* Of more outputs than there were, the first are the source's, and the others nought; what is fewer is cut. */
static void a_linear_map_takes_other_widths(void **state)
{
        struct trial trial;

        (void)state;
        begin(&trial, "{ use: linear-map }", "{ use: mlp, hidden: [20, 10] }",
              "{ use: mlp, hidden: [24, 6] }");
        assert_true(scion_transfer_begin_stage(&trial.transfer, 0));
        assert_true(scion_transfer_settle(&trial.transfer));
        const float *from = memory_of(&scion_model_find(trial.transfer.source, "fc2.weight")->value);
        const float *to = memory_of(&scion_model_find(trial.transfer.target, "fc2.weight")->value);

        for (int o = 0; o < 6; o++)
                for (int i = 0; i < 24; i++)
                        assert_true(to[o * 24 + i] == (i < 20 ? from[o * 20 + i] : 0));
        end(&trial);
}

/* In the first stage the factors learn, and the head; then the parameters themselves. */
static void a_linear_map_learns_in_two_stages(void **state)
{
        struct trial trial;

        (void)state;
        begin(&trial, "{ use: linear-map }", "{ use: lenet5 }", "{ use: lenet5 }");
        for (int stage = 0; stage < 2; stage++) {
                double logged;

                assert_true(scion_transfer_begin_stage(&trial.transfer, stage));
                assert_true(loss_of(&trial, &logged) > 0);
                for (int i = 0; i < trial.transfer.target->count; i++) {
                        const struct scion_parameter *parameter = &trial.transfer.target->parameter[i];

                        assert_int_equal(parameter->frozen,
                                         stage == 0 &&
                                                 !scion_model_in_head(trial.transfer.target, parameter));
                }
        }
        end(&trial);
}

/* Also when nothing is to be learned in the first. */
static void a_linear_map_of_no_epochs_is_the_identity(void **state)
{
        struct scion_config *map = parse("{ use: sgd, lr: 0 }");
        struct scion_stage stage = { .name = "target",
                                     .seed = 1,
                                     .optimizer = scion_instance_create(SCION_OPTIMIZER, map, NULL),
                                     .schedule = scion_schedule_create(NULL),
                                     .epochs = 1,
                                     .batch_size = 8 };
        struct scion_trained trained;
        struct trial trial;

        (void)state;
        if (!stage.optimizer || !stage.schedule)
                fail_msg("%s", scion_error());
        begin(&trial, "{ use: linear-map, map_epochs: 0 }", "{ use: lenet5 }", "{ use: lenet5 }");
        stage.loss = trial.transfer.loss;
        const struct scion_training training = { .stage = &stage,
                                                 .data = trial.transfer.target_data,
                                                 .transfer = &trial.transfer,
                                                 .tape = trial.tape };

        if (!scion_train(&training, &trained))
                fail_msg("%s", scion_error());
        assert_true(is_at_the_source(&trial));
        end(&trial);
        scion_instance_destroy(stage.optimizer);
        scion_schedule_destroy(stage.schedule);
        scion_config_destroy(map);
}

static void l2_sp_pulls_nowhere_at_first(void **state)
{
        struct trial trial;
        double logged;

        (void)state;
        begin(&trial, "{ use: l2-sp, alpha: 100, beta: 0 }", "{ use: lenet5 }", "{ use: lenet5 }");
        assert_true(is_at_the_source(&trial));
        loss_of(&trial, &logged);
        assert_true(logged == 0);
        const struct scion_tensor *first = &trial.transfer.target->parameter[0].value;

        memory_set(first, 3, memory_of(first)[3] + 0.5f);
        loss_of(&trial, &logged);
        assert_float_equal(logged, 12.5, 1e-3); /* 100 / 2 * 0.5^2 */
        for (int i = 0; i < trial.transfer.target->count; i++)
                assert_false(trial.transfer.target->parameter[i].decay);
        end(&trial);
}

/* --- What they train when ------------------------------------------------------------------------------- */

static void check_thawed(const struct trial *trial, const char *const *thawed)
{
        struct scion_model *target = trial->transfer.target;

        for (int i = 0; i < target->count; i++) {
                bool is = false;

                for (int k = 0; thawed[k]; k++)
                        is = is || scion_parameter_matches(&target->parameter[i], thawed[k]);
                assert_int_equal(target->parameter[i].frozen, !is);
        }
}

static void thaws_from_the_head_down(void **state)
{
        struct scion_transfer *transfer;
        struct trial trial;

        (void)state;
        begin(&trial, "{ use: gradual-unfreeze, every: 2, decay: 2 }", "{ use: lenet5 }", "{ use: lenet5 }");
        transfer = &trial.transfer;
        assert_true(is_at_the_source(&trial));
        for (int64_t epoch = 1; epoch <= 12; epoch++) {
                static const char *const order[] = { "fc3", "fc2", "fc1", "conv2", "conv1" };
                const char *thawed[6] = { NULL };

                for (int64_t i = 0; i < 5 && i <= (epoch - 1) / 2; i++)
                        thawed[i] = order[i];
                assert_true(scion_transfer_begin_epoch(transfer, epoch));
                check_thawed(&trial, thawed);
        }
        assert_true(scion_model_find(transfer->target, "fc3.weight")->lr_scale == 1);
        assert_true(scion_model_find(transfer->target, "fc1.bias")->lr_scale == 0.25f);
        assert_true(scion_model_find(transfer->target, "conv1.weight")->lr_scale == 0.0625f);
        end(&trial);
}

static void thaws_the_groups_that_are_given(void **state)
{
        struct trial trial;

        (void)state;
        begin(&trial, "{ use: gradual-unfreeze, groups: [conv*, 'fc[12]', fc3] }", "{ use: lenet5 }",
              "{ use: lenet5 }");
        assert_true(scion_transfer_begin_epoch(&trial.transfer, 1));
        check_thawed(&trial, (const char *const[]){ "fc3", NULL });
        assert_true(scion_transfer_begin_epoch(&trial.transfer, 2));
        check_thawed(&trial, (const char *const[]){ "fc*", NULL });
        assert_true(scion_transfer_begin_epoch(&trial.transfer, 3));
        check_thawed(&trial, (const char *const[]){ "*", NULL });
        end(&trial);
}

/* Channels are weighed before the second stage: one that goes nowhere costs nothing when it is left out, and the
 * model is afterwards what it was. */
static void delta_weighs_channels(void **state)
{
        struct trial trial;
        float sum = 0, first, least = INFINITY;
        double logged;

        (void)state;
        begin(&trial, "{ use: delta, layers: [fc1], alpha: 1 }", "{ use: mlp, hidden: [6] }",
              "{ use: mlp, hidden: [6] }");
        struct scion_model *target = trial.transfer.target;
        const struct scion_tensor *onward = &scion_model_find(target, "fc2.weight")->value; /* [3, 6] */
        const float *weight = trial.transfer.own_values[0].value;

        for (int class = 0; class < CLASSES; class ++)
                memory_set(onward, (size_t) class * 6, 0); /* whatever the first unit does */
        assert_true(scion_transfer_begin_stage(&trial.transfer, 0));
        check_thawed(&trial, (const char *const[]){ "fc2", NULL });
        assert_true(scion_transfer_begin_stage(&trial.transfer, 1));
        check_thawed(&trial, (const char *const[]){ "*", NULL });
        assert_true(is_at_the_source(&trial));
        first = weight[0];
        for (int i = 0; i < 6; i++) {
                sum += weight[i];
                least = fminf(least, fabsf(weight[i] - first) > 1e-6f || i == 0 ? INFINITY : weight[i]);
        }
        assert_float_equal(sum, 1, 1e-5);
        assert_true(isinf(least)); /* no other unit is worth the same */
        loss_of(&trial, &logged);
        assert_true(logged == 0); /* still at the source */
        end(&trial);
}

/* --- What is refused ------------------------------------------------------------------------------------ */

#define RUN(strategy, source, target)                                                                       \
        "name: bad\nsource:\n  dataset: { use: random, shape: [1, 12, 12], num_classes: 3, train_size: 20 " \
        "}\n"                                                                                               \
        "  model: " source "\n  optimizer: sgd\n  train: { epochs: 1 }\nstrategy: " strategy                \
        "\ntarget:\n  dataset: { use: random, shape: [1, 12, 12], num_classes: 3, train_size: 20 }\n"       \
        "  model: " target "\n  optimizer: sgd\n  train: { epochs: 1 }\n"

static void bad_input_is_refused(void **state)
{
        static const struct {
                const char *yaml, *first, *second;
        } cases[] = {
                { RUN("{ use: delta, layers: [conv3] }", "lenet5", "lenet5"), "conv3", "did you mean 'conv" },
                { RUN("{ use: delta }", "lenet5", "lenet5"), "layers is required", "bad.yaml:7:11" },
                { RUN("{ use: delta, layers: [relu1] }", "lenet5", "lenet5"), "relu1.weight",
                  "bad.yaml:7:11" },
                { RUN("l2-sp", "lenet5", "{ use: lenet5, width: 2 }"), "6x1x5x5 in the source",
                  "12x1x5x5 in the target" },
                { RUN("linear-map", "{ use: mlp, hidden: [5] }", "{ use: mlp, hidden: [5, 4] }"),
                  "fc2.weight belongs to the head", "bad.yaml:7:11" },
                { RUN("{ use: linear-map, head: keep }", "lenet5", "{ use: vgg, width: 2 }"), "no parameter",
                  "bad.yaml:7:11" },
                { RUN("{ use: gradual-unfreeze, groups: [conv9] }", "lenet5", "lenet5"), "'conv9'",
                  "conv1, conv2, fc1" },
                { RUN("{ use: gradual-unfreeze, decay: 0.5 }", "lenet5", "lenet5"),
                  "decay must be at least 1", "bad.yaml:7" },
                { RUN("{ use: l2-sp, alpha: -1 }", "lenet5", "lenet5"), "alpha must be at least 0",
                  "bad.yaml:7" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
                refuse_run(cases[i].yaml, cases[i].first, cases[i].second);
        refuse_run("name: bad\nstrategy: l2-sp\ntarget:\n  dataset: { use: random, shape: [4], num_classes: "
                   "3 }\n  model: mlp\n  optimizer: sgd\n",
                   "bad.yaml:2:", "strategy 'l2-sp' needs a source");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_linear_map_begins_as_the_identity),
                cmocka_unit_test(a_linear_map_takes_other_widths),
                cmocka_unit_test(a_linear_map_of_no_epochs_is_the_identity),
                cmocka_unit_test(a_linear_map_learns_in_two_stages),
                cmocka_unit_test(l2_sp_pulls_nowhere_at_first),
                cmocka_unit_test(thaws_from_the_head_down),
                cmocka_unit_test(thaws_the_groups_that_are_given),
                cmocka_unit_test(delta_weighs_channels),
                cmocka_unit_test(bad_input_is_refused),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
