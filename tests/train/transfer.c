/* The functions of scion/strategy.h: outputs of the two models, and what setup() may add. */
#include "transfer/transfer.h"

#include "nn/model.h"
#include "support/tape.h"

static struct scion_model *model_of(float dropout)
{
        struct scion_shape input = SCION_SHAPE(3);
        struct scion_module *net = scion_nn_sequential();

        scion_nn_append(net, "drop", scion_nn_dropout(dropout));
        scion_nn_append(net, "fc", scion_nn_linear(3, 2, true));
        struct scion_model *model = scion_model_assemble(net, NULL, &input, 2, 1);

        if (!model)
                fail_msg("%s", scion_error());
        return model;
}

/* The target's outputs are computed once in a step, but again if the first ones had no gradients. */
static void outputs_come_with_gradients(void **state)
{
        struct scion_batch batch = { .size = 4, .inputs = scion_full(SCION_SHAPE(4, 3), 1) };
        struct scion_transfer transfer = { .target = model_of(0), .step.batch = &batch };

        (void)state;
        scion_no_grad_begin();
        struct scion_tensor *fixed = scion_target_logits(&transfer, &batch);
        scion_no_grad_end();
        struct scion_tensor *outputs = scion_target_logits(&transfer, &batch);

        assert_false(scion_backward(scion_mean(fixed, SCION_ALL_AXES, false)));
        assert_true(scion_backward(scion_mean(outputs, SCION_ALL_AXES, false)));
        assert_non_null(scion_grad(scion_parameter_tensor(scion_model_parameter(transfer.target, 0))));
        assert_ptr_equal(scion_target_logits(&transfer, &batch), outputs);
        scion_model_destroy(transfer.target);
}

static void the_source_only_tells(void **state)
{
        struct scion_batch batch = { .size = 4, .inputs = scion_full(SCION_SHAPE(4, 3), 1) };
        struct scion_transfer transfer = { .source = model_of(0.5f), .step.batch = &batch };

        (void)state;
        scion_tape_set_training(tape, true);
        struct scion_tensor *known = scion_source_logits(&transfer, &batch);
        const float *value = scion_data(known);

        assert_non_null(value);
        for (int i = 2; i < 8; i++) /* equal inputs: no dropout */
                assert_true(value[i] == value[i % 2]);
        assert_false(scion_backward(scion_mean(known, SCION_ALL_AXES, false)));
        assert_ptr_equal(scion_source_logits(&transfer, &batch), known);
        scion_model_destroy(transfer.source);
        transfer = (struct scion_transfer){ .step.batch = &batch };
        assert_null(scion_source_logits(&transfer, &batch));
        assert_error_has("no source model", NULL);
}

/* A loss of parameters of both models gives gradients to the target's only. */
static void the_source_is_frozen(void **state)
{
        struct scion_config *map = scion_config_parse("{ use: fine-tune }", "transfer.yaml");
        struct scion_instance *strategy = scion_instance_create(SCION_STRATEGY, map, NULL);
        struct scion_transfer transfer = { .source = model_of(0),
                                           .target = model_of(0),
                                           .plan.strategy = strategy };

        (void)state;
        if (!strategy || !scion_transfer_setup(&transfer))
                fail_msg("%s", scion_error());
        struct scion_tensor *from = scion_parameter_tensor(scion_model_parameter(transfer.source, 0));
        struct scion_tensor *to = scion_parameter_tensor(scion_model_parameter(transfer.target, 0));

        assert_true(scion_backward(scion_sum(scion_mul(to, from), SCION_ALL_AXES, false)));
        assert_null(scion_grad(from));
        assert_memory_equal(scion_data(scion_grad(to)), scion_data(from), 6 * sizeof(float));
        scion_model_destroy(transfer.source);
        scion_model_destroy(transfer.target);
        scion_instance_destroy(strategy);
        scion_config_destroy(map);
}

/* --- Callbacks that fail without a message ---------------------------------------------------------------- */

static bool silent_setup(void *self, struct scion_transfer *transfer)
{
        return self && !transfer;
}

static bool silent_stage(void *self, struct scion_transfer *transfer, int stage)
{
        return self && transfer && stage < 0;
}

static bool silent_epoch(void *self, struct scion_transfer *transfer, int64_t epoch)
{
        return self && transfer && epoch < 0;
}

static struct scion_tensor *silent_loss(void *self, struct scion_transfer *transfer,
                                        const struct scion_batch *batch)
{
        return self && transfer && batch ? NULL : scion_full(SCION_SCALAR, 0);
}

/* Fails the test unless the message names the callback; a message from before must not be kept. */
static void assert_silent(bool good, const char *callback)
{
        char text[96];

        assert_false(good);
        snprintf(text, sizeof text, "strategy 'silent': its %s() gives no reason", callback);
        assert_string_equal(scion_error(), text);
        scion_fail("an old story");
}

static void silence_is_told(void **state)
{
        const struct scion_strategy_plugin setup = { .name = "silent", .setup = silent_setup },
                                           rest = { .name = "silent",
                                                    .loss = silent_loss,
                                                    .begin_stage = silent_stage,
                                                    .begin_epoch = silent_epoch },
                                           make = { .name = "silent", .make = silent_setup };
        int self = 0;
        struct scion_instance strategy = { (const struct scion_plugin *)&setup, &self };
        struct scion_batch batch = { .size = 4, .inputs = scion_full(SCION_SHAPE(4, 3), 1) };
        struct scion_transfer transfer = { .target = model_of(0),
                                           .plan.strategy = &strategy,
                                           .step.batch = &batch };

        (void)state;
        scion_fail("an old story");
        assert_silent(scion_transfer_setup(&transfer), "setup");
        strategy.plugin = (const struct scion_plugin *)&rest;
        assert_silent(scion_transfer_begin_stage(&transfer, 0), "begin_stage");
        assert_silent(scion_transfer_begin_epoch(&transfer, 1), "begin_epoch");
        assert_silent(scion_transfer_loss(&transfer), "loss");
        strategy.plugin = (const struct scion_plugin *)&make;
        assert_silent(scion_transfer_settle(&transfer), "make");
        assert_silent(scion_transfer_loss(&transfer), "make");
        scion_transfer_finish(&transfer);
        scion_model_destroy(transfer.target);
}

/* --- What setup() may do ---------------------------------------------------------------------------------- */

static bool allocate(void *self, struct scion_transfer *transfer)
{
        const unsigned char *block = NULL;

        (void)self;
        for (size_t i = 1; i <= 100; i++) {
                unsigned char *next = scion_transfer_alloc(transfer, i, 3);

                if (!next || next == block || next[0] != 0 || memcmp(next, next + 1, 3 * i - 1) != 0)
                        return false;
                memset(next, 0xff, 3 * i);
                block = next;
        }
        return scion_transfer_alloc(transfer, 0, 8) && !scion_transfer_alloc(transfer, SIZE_MAX / 2, 3);
}

static void setup_alone_gets_memory(void **state)
{
        const struct scion_strategy_plugin plugin = { .name = "allocate", .setup = allocate };
        struct scion_instance strategy = { (const struct scion_plugin *)&plugin, NULL };
        struct scion_transfer transfer = { .target = model_of(0), .plan.strategy = &strategy };

        (void)state;
        assert_true(scion_transfer_setup(&transfer));
        assert_error_has("out of memory: ", " times 3 bytes", NULL);
        assert_null(scion_transfer_alloc(&transfer, 1, 1));
        assert_string_equal(scion_error(), "scion_transfer_alloc() may be called in setup() only");
        assert_false(scion_train_nothing(&transfer));
        assert_string_equal(scion_error(), "scion_train_nothing() may be called in setup() only");
        assert_false(transfer.added.untrained);
        scion_transfer_finish(&transfer);
        assert_int_equal(transfer.added.memory_blocks, 0);
        scion_model_destroy(transfer.target);
}

/* --- Models, values and stages of the strategy's own ------------------------------------------------------ */

static void assert_no_stage(int number, const char *message)
{
        assert_int_equal(number, -1);
        assert_string_equal(scion_error(), message);
}

static void name_stages(struct scion_transfer *transfer)
{
        char name[16];

        assert_int_equal(scion_add_stage(transfer, "first", 2), 0);
        assert_no_stage(scion_add_stage(transfer, "first", 2), "there is a stage called 'first' already");
        assert_no_stage(scion_add_stage(transfer, "source", 2), "there is a stage called 'source' already");
        assert_no_stage(scion_add_stage(transfer, "target", 2), "there is a stage called 'target' already");
        assert_no_stage(scion_add_stage(transfer, "less", -1), "stage 'less': -1 epochs are impossible");
        assert_int_equal(scion_add_stage(transfer, "two words", 1), -1);
        assert_error_has("the name of a stage has letters, digits and '_'", "'two words'", NULL);
        for (int i = 1; i < SCION_MAX_STAGES; i++) {
                snprintf(name, sizeof name, "stage%d", i);
                assert_int_equal(scion_add_stage(transfer, name, 0), i);
        }
        assert_int_equal(scion_add_stage(transfer, "more", 1), -1);
        assert_error_has("more than ", " stages of a strategy's own", NULL);
}

/* Names must be unique, because checkpoints are keyed by name. */
static bool name_its_own(void *self, struct scion_transfer *transfer)
{
        const char *const bad[] = { "", "a.b",
                                    "much_longer_than_any_name_of_what_is_a_strategys_own_may_be_at_all" };

        (void)self;
        assert_null(scion_own_model(transfer, "none", NULL));
        assert_non_null(scion_own_model(transfer, "map", scion_nn_linear(3, 2, true)));
        assert_null(scion_own_model(transfer, "map", scion_nn_linear(3, 2, true)));
        assert_string_equal(scion_error(), "the strategy has a model called 'map' already");
        assert_null(scion_own_values(transfer, "map", 3));
        assert_string_equal(scion_error(), "the strategy has a model called 'map' already");
        const float *values = scion_own_values(transfer, "sums", 2);

        assert_non_null(values);
        assert_true(values[0] == 0 && values[1] == 0);
        assert_null(scion_own_values(transfer, "sums", 3));
        assert_string_equal(scion_error(), "the strategy has values called 'sums' already");
        assert_null(scion_own_model(transfer, "sums", scion_nn_relu()));
        assert_string_equal(scion_error(), "the strategy has values called 'sums' already");
        assert_null(scion_own_values(transfer, "nothing", 0));
        assert_string_equal(scion_error(), "nothing: 0 values cannot be kept");
        assert_null(scion_own_values(transfer, "nothing", INT64_MAX));
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                assert_null(scion_own_values(transfer, bad[i], 1));
                assert_error_has("the name of what is a strategy's own has letters, digits and '_'", bad[i],
                                 NULL);
        }
        assert_null(scion_own_values(transfer, NULL, 1));
        assert_false(scion_target_like_source(transfer, 1));
        assert_string_equal(scion_error(), "the run has no source whose architecture the target could have");
        name_stages(transfer);
        return true;
}

static void setup_names_what_is_its_own(void **state)
{
        const struct scion_strategy_plugin plugin = { .name = "own", .setup = name_its_own };
        struct scion_instance strategy = { (const struct scion_plugin *)&plugin, NULL };
        struct scion_transfer transfer = { .target = model_of(0), .plan.strategy = &strategy };

        (void)state;
        assert_true(scion_transfer_setup(&transfer));
        assert_int_equal(transfer.added.models, 1);
        assert_int_equal(transfer.added.value_blocks, 1);
        assert_int_equal(transfer.added.stages, SCION_MAX_STAGES);
        assert_null(scion_own_model(&transfer, "late", scion_nn_relu()));
        assert_string_equal(scion_error(), "scion_own_model() may be called in setup() only");
        assert_null(scion_own_values(&transfer, "late", 1));
        assert_int_equal(scion_add_stage(&transfer, "late", 1), -1);
        assert_false(scion_target_like_source(&transfer, 1));
        scion_transfer_finish(&transfer);
        scion_model_destroy(transfer.target);
}

static void one_number_of_a_good_name_is_logged(void **state)
{
        struct scion_batch batch = { .size = 4 };
        struct scion_transfer transfer = { .step.batch = &batch };
        char name[16];

        (void)state;
        for (int i = 0; i < SCION_MAX_SCALARS; i++) {
                snprintf(name, sizeof name, "value%d", i);
                scion_log_scalar(&transfer, name, scion_scalar((float)i));
        }
        scion_log_scalar(&transfer, "value1", scion_scalar(2));
        assert_false(transfer.step.failed);
        assert_int_equal(transfer.scalars.count, SCION_MAX_SCALARS);
        assert_true(transfer.scalars.scalar[1].examples == 0); /* nothing is read within the step */
        assert_true(scion_readings_read(&transfer.step.readings));
        scion_transfer_collect_scalars(&transfer);
        assert_true(transfer.scalars.scalar[1].sum == 12 && transfer.scalars.scalar[1].examples == 8);
        scion_log_scalar(&transfer, "more", scion_scalar(1));
        assert_true(transfer.step.failed);
        assert_error_has("more than ", " names are logged", NULL);

        scion_transfer_finish(&transfer);
        transfer = (struct scion_transfer){ .step.batch = &batch };
        scion_log_scalar(&transfer, "each", scion_zeros(SCION_SHAPE(4)));
        assert_true(transfer.step.failed);
        assert_string_equal(scion_error(), "the value logged as 'each' has 4 elements, not one");
        transfer.step.failed = false;
        scion_log_scalar(&transfer, "a,b", scion_scalar(1));
        assert_true(transfer.step.failed);
        assert_error_has("the name of what is logged has letters, digits and '_'", "'a,b'", NULL);
        assert_int_equal(transfer.scalars.count, 0);
        scion_transfer_finish(&transfer);
}

static void auxiliary_batches_are_asked_for(void **state)
{
        const struct scion_strategy_plugin modest = { .name = "modest" }, needy = {
                .name = "needy", .needs = SCION_NEEDS_SOURCE_BATCHES | SCION_NEEDS_UNLABELLED
        };
        struct scion_instance strategy = { (const struct scion_plugin *)&modest, NULL };
        struct scion_batch batch = { .size = 4 };
        struct scion_transfer transfer = { .plan.strategy = &strategy, .step.batch = &batch };

        (void)state;
        assert_null(scion_source_batch(&transfer));
        assert_error_has("has SCION_NEEDS_SOURCE_BATCHES among its needs", NULL);
        assert_null(scion_unlabelled_batch(&transfer));
        assert_error_has("has SCION_NEEDS_UNLABELLED among its needs", NULL);
        strategy.plugin = (const struct scion_plugin *)&needy;
        assert_null(scion_source_batch(&transfer));
        assert_string_equal(scion_error(), "the run has no data of the source");
        assert_null(scion_unlabelled_batch(&transfer));
        assert_string_equal(scion_error(), "the run has no unlabelled examples of the target");
        transfer.step.batch = NULL;
        assert_null(scion_source_batch(&transfer));
        assert_string_equal(scion_error(), "auxiliary batches are available in loss() only");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(outputs_come_with_gradients),
                tape_test(the_source_only_tells),
                tape_test(the_source_is_frozen),
                tape_test(silence_is_told),
                tape_test(setup_alone_gets_memory),
                tape_test(setup_names_what_is_its_own),
                tape_test(one_number_of_a_good_name_is_logged),
                tape_test(auxiliary_batches_are_asked_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
