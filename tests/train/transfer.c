/* What a strategy is given of the two models. */
#include "train/transfer.h"

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

/* The target's outputs are computed once; but those made without gradients are no use to a loss. */
static void outputs_come_with_gradients(void **state)
{
        struct scion_batch batch = { .size = 4, .inputs = scion_full(SCION_SHAPE(4, 3), 1) };
        struct scion_transfer transfer = { .target = model_of(0), .batch = &batch };

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
        struct scion_transfer transfer = { .source = model_of(0.5f), .batch = &batch };

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
        transfer = (struct scion_transfer){ .batch = &batch };
        assert_null(scion_source_logits(&transfer, &batch));
        assert_error_has("no source model", NULL);
}

/* A loss that calculates with the source's parameters gives gradients to the target's alone. */
static void the_source_is_frozen(void **state)
{
        struct scion_config *map = scion_config_parse("{ use: fine-tune }", "transfer.yaml");
        struct scion_instance *strategy = scion_instance_create(SCION_STRATEGY, map, NULL);
        struct scion_transfer transfer = { .source = model_of(0),
                                           .target = model_of(0),
                                           .strategy = strategy };

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

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(outputs_come_with_gradients),
                tape_test(the_source_only_tells),
                tape_test(the_source_is_frozen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
