/* Transfer of structure in whole runs: where the target starts, what stays unchanged, and which files are refused. */
#include "support/runs.h"

#include <math.h>

#define SHAPE "[1, 12, 12]"
#define DATASET \
        "  dataset: { use: random, shape: " SHAPE ", num_classes: 3, train_size: 48, test_size: 24 }\n"
#define TRAIN(epochs)                                                              \
        "  optimizer: { use: sgd, lr: 0.05, momentum: 0.9, weight_decay: 0.01 }\n" \
        "  train: { epochs: " #epochs ", batch_size: 16 }\n"
#define NAME "name: grown\n"
#define SOURCE(model, epochs) "source:\n" DATASET "  model: " model "\n" TRAIN(epochs)
#define STRATEGY(text) "strategy: { use: " text " }\n"
#define TARGET(epochs) "target:\n" DATASET TRAIN(epochs)
#define RESNET "{ use: resnet, depth: 8, width: 4 }"

/* The outputs of a run. */
struct outcome {
        struct scion_safetensors model;
        struct scion_csv_table results;
};

static void outcome_run(const char *yaml, struct outcome *outcome)
{
        write_text("run.yaml", yaml);
        run_and_keep("run.yaml", "", "model");
        read_model("model.safetensors", &outcome->model);
        read_table("model-results.csv", &outcome->results);
}

static void outcome_finish(struct outcome *outcome)
{
        scion_safetensors_finish(&outcome->model);
        scion_csv_table_finish(&outcome->results);
}

static bool in_head(const char *name)
{
        return strncmp(name, "fc3.", 4) == 0 || strncmp(name, "fc.", 3) == 0;
}

static bool is_norm(const char *name)
{
        return strstr(name, "bn") || strstr(name, "downsample.1");
}

/* --- architecture --------------------------------------------------------------------------------------- */

/* The network is the same as one trained from scratch, and no source is trained. */
static void architecture_is_drawn_anew(void **state)
{
        static const char *const pairs[][2] = {
                { NAME SOURCE("{ use: mlp, hidden: [8, 6] }", 2) STRATEGY("architecture, width: 1.5")
                          TARGET(0),
                  NAME STRATEGY("scratch") TARGET(0) "  model: { use: mlp, hidden: [12, 9] }\n" },
                { NAME SOURCE(RESNET, 2) STRATEGY("architecture, width: 0.5") TARGET(0),
                  NAME STRATEGY("scratch") TARGET(0) "  model: { use: resnet, depth: 8, width: 2 }\n" },
                { NAME SOURCE("lenet5", 2) STRATEGY("architecture") TARGET(0),
                  NAME STRATEGY("scratch") TARGET(0) "  model: lenet5\n" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
                struct outcome carried, drawn;

                outcome_run(pairs[i][0], &carried);
                outcome_run(pairs[i][1], &drawn);
                assert_int_equal(carried.model.count, drawn.model.count);
                for (size_t k = 0; k < drawn.model.count; k++)
                        assert_true(same_tensor(&carried.model, &drawn.model, drawn.model.tensor[k].name));
                assert_string_equal(field_of(&carried.results, 0, "source_test_accuracy"), "");
                outcome_finish(&carried);
                outcome_finish(&drawn);
        }
}

/* --- lottery-ticket ------------------------------------------------------------------------------------- */

#define TICKET(text, epochs) NAME SOURCE(RESNET, 3) STRATEGY("lottery-ticket, " text) TARGET(epochs)
#define TUNED(source_epochs) NAME SOURCE(RESNET, source_epochs) STRATEGY("fine-tune") TARGET(0)

static size_t zeros_in(const struct scion_safetensor *tensor)
{
        size_t count = 0;

        for (size_t i = 0; i < size_of(tensor); i++)
                count += tensor->values[i] == 0;
        return count;
}

/* Returns whether `ticket` is 0 where `trained` is smallest, and equals `start` elsewhere. */
static void assert_pruned(const struct scion_safetensor *ticket, const struct scion_safetensor *trained,
                          const struct scion_safetensor *start)
{
        float kept = INFINITY, pruned = 0;

        for (size_t i = 0; i < size_of(ticket); i++) {
                float magnitude = fabsf(trained->values[i]);

                if (ticket->values[i] == 0) {
                        pruned = fmaxf(pruned, magnitude);
                        continue;
                }
                kept = fminf(kept, magnitude);
                assert_true(ticket->values[i] == start->values[i]);
        }
        assert_true(pruned <= kept);
        assert_true(pruned > 0);
}

/* In each layer the rounded share is pruned; the head, biases and normalisations are not pruned. */
static void small_weights_are_pruned(void **state)
{
        struct outcome rewound, kept, trained, initial;

        (void)state;
        outcome_run(TICKET("share: 0.7, scope: layer", 0), &rewound);
        outcome_run(TICKET("share: 0.7, scope: layer, rewind: trained", 0), &kept);
        outcome_run(TUNED(3), &trained);
        outcome_run(TUNED(0), &initial);
        for (size_t i = 0; i < rewound.model.count; i++) {
                const struct scion_safetensor *ticket = &rewound.model.tensor[i];

                if (ticket->shape.ndim < 2 || in_head(ticket->name)) {
                        assert_true(same_tensor(&rewound.model, &initial.model, ticket->name));
                        assert_true(same_tensor(&kept.model, &trained.model, ticket->name));
                        continue;
                }
                assert_int_equal(zeros_in(ticket), lround(0.7 * (double)size_of(ticket)));
                assert_pruned(ticket, tensor_of(&trained.model, ticket->name),
                              tensor_of(&initial.model, ticket->name));
                assert_pruned(tensor_of(&kept.model, ticket->name), tensor_of(&trained.model, ticket->name),
                              tensor_of(&trained.model, ticket->name));
        }
        outcome_finish(&rewound);
        outcome_finish(&kept);
        outcome_finish(&trained);
        outcome_finish(&initial);
}

/* The share of all weights together is pruned, and no kept weight is smaller than a pruned one. */
static void the_smallest_of_all(void **state)
{
        struct outcome ticket, trained;
        size_t zeros = 0, weights = 0;
        float kept = INFINITY, pruned = 0;
        bool uneven = false;

        (void)state;
        outcome_run(TICKET("share: 0.7", 0), &ticket);
        outcome_run(TUNED(3), &trained);
        for (size_t i = 0; i < ticket.model.count; i++) {
                const struct scion_safetensor *tensor = &ticket.model.tensor[i];
                const float *was = tensor_of(&trained.model, tensor->name)->values;

                if (tensor->shape.ndim < 2 || in_head(tensor->name))
                        continue;
                weights += size_of(tensor);
                zeros += zeros_in(tensor);
                uneven = uneven || zeros_in(tensor) != (size_t)lround(0.7 * (double)size_of(tensor));
                for (size_t k = 0; k < size_of(tensor); k++)
                        if (tensor->values[k] == 0)
                                pruned = fmaxf(pruned, fabsf(was[k]));
                        else
                                kept = fminf(kept, fabsf(was[k]));
        }
        assert_int_equal(zeros, lround(0.7 * (double)weights));
        assert_true(pruned <= kept);
        assert_true(uneven);
        outcome_finish(&ticket);
        outcome_finish(&trained);
}

/* Pruned weights are 0 after the last step with any optimizer; the others have changed. */
static void zeros_hold(void **state)
{
        static const char *const trained[] = { TICKET("share: 0.7", 4),
                                               TICKET("share: 0.7", 4) "  schedule: cosine\n" };
        struct outcome before, after;
        const float nought = 0;

        (void)state;
        outcome_run(TICKET("share: 0.7", 0), &before);
        for (size_t i = 0; i < 2; i++) {
                size_t moved = 0;

                outcome_run(trained[i], &after);
                for (size_t k = 0; k < before.model.count; k++) {
                        const struct scion_safetensor *was = &before.model.tensor[k];
                        const float *is = tensor_of(&after.model, was->name)->values;

                        if (was->shape.ndim < 2 || in_head(was->name))
                                continue;
                        for (size_t j = 0; j < size_of(was); j++)
                                if (was->values[j] == 0)
                                        assert_memory_equal(&is[j], &nought, sizeof nought);
                                else
                                        moved += is[j] != was->values[j];
                }
                assert_true(moved > 100);
                outcome_finish(&after);
        }
        outcome_finish(&before);
}

/* Only named parameters are pruned; a bias, too, if it is named. */
static void named_parameters_are_pruned(void **state)
{
        struct outcome ticket;

        (void)state;
        outcome_run(
                NAME SOURCE("lenet5", 1) STRATEGY(
                        "lottery-ticket, share: 0.5, scope: layer, rewind: trained, prune: [conv2, fc2.bias]")
                        TARGET(0),
                &ticket);
        for (size_t i = 0; i < ticket.model.count; i++) {
                const struct scion_safetensor *tensor = &ticket.model.tensor[i];
                bool pruned =
                        strncmp(tensor->name, "conv2.", 6) == 0 || strcmp(tensor->name, "fc2.bias") == 0;

                assert_int_equal(zeros_in(tensor), pruned ? size_of(tensor) / 2 : 0);
        }
        outcome_finish(&ticket);
}

/* --- adapter -------------------------------------------------------------------------------------------- */

#define ADAPTED(model, text, epochs) NAME SOURCE(model, 2) STRATEGY("adapter" text) TARGET(epochs)
#define PROBED(model) NAME SOURCE(model, 2) STRATEGY("linear-probe") TARGET(0)

static void adapters_start_as_the_identity(void **state)
{
        static const char *const pairs[][2] = {
                { ADAPTED("lenet5", "", 0), PROBED("lenet5") },
                { ADAPTED(RESNET, "", 0), PROBED(RESNET) },
                { ADAPTED(RESNET,
                          ", layers: ['layer*.*', avgpool, flatten], bottleneck: 3, nonlinearity: tanh", 0),
                  PROBED(RESNET) },
        };

        (void)state;
        for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
                struct outcome adapted, probed;

                outcome_run(pairs[i][0], &adapted);
                outcome_run(pairs[i][1], &probed);
                assert_string_equal(field_of(&adapted.results, 0, "test_loss"),
                                    field_of(&probed.results, 0, "test_loss"));
                assert_true(adapted.model.count > probed.model.count);
                for (size_t k = 0; k < probed.model.count; k++)
                        assert_true(same_tensor(&adapted.model, &probed.model, probed.model.tensor[k].name));
                outcome_finish(&adapted);
                outcome_finish(&probed);
        }
}

/* Everything but adapters, the head, and normalisations that are to be trained is bitwise unchanged. */
static void the_frozen_stays(void **state)
{
        static const char *const files[] = { ADAPTED(RESNET, ", norms: false", 3), ADAPTED(RESNET, "", 3) };
        struct outcome start;

        (void)state;
        outcome_run(PROBED(RESNET), &start);
        for (int norms = 0; norms < 2; norms++) {
                struct outcome end;
                size_t moved = 0;

                outcome_run(files[norms], &end);
                for (size_t i = 0; i < start.model.count; i++) {
                        const char *name = start.model.tensor[i].name;

                        assert_true(same_tensor(&start.model, &end.model, name) ==
                                    !(in_head(name) || (norms && is_norm(name))));
                }
                for (size_t i = 0; i < end.model.count; i++)
                        if (strstr(end.model.tensor[i].name, "adapter.up.weight"))
                                moved += zeros_in(&end.model.tensor[i]) < size_of(&end.model.tensor[i]);
                assert_int_equal(moved, 9); /* one after each convolution */
                outcome_finish(&end);
        }
        outcome_finish(&start);
}

/* With the small standard deviation of the paper an adapter is nearly the identity. */
static void adapters_of_the_paper(void **state)
{
        struct outcome adapted, probed;

        (void)state;
        outcome_run(ADAPTED("lenet5", ", deviation: 0.01, layers: [fc1, fc2]", 0), &adapted);
        outcome_run(PROBED("lenet5"), &probed);
        double difference =
                number_of(&adapted.results, 0, "test_loss") - number_of(&probed.results, 0, "test_loss");

        assert_true(difference != 0 && fabs(difference) < 0.02);
        assert_int_equal(zeros_in(tensor_of(&adapted.model, "fc1.adapter.up.weight")), 0);
        assert_null(find_tensor(&adapted.model, "conv1.adapter.up.weight"));
        outcome_finish(&adapted);
        outcome_finish(&probed);
}

/* --- Refused -------------------------------------------------------------------------------------------- */

#define PLACE "bad.yaml:7:11: strategy "
#define LENET SOURCE("lenet5", 1)
#define LARGER "target:\n  dataset: { use: random, shape: [1, 16, 16], num_classes: 3 }\n" TRAIN(1)

static void without_what_it_takes(void **state)
{
        static const char *const names[] = { "architecture", "lottery-ticket", "adapter", "net2net", NULL };
        char text[1024];

        (void)state;
        for (int i = 0; names[i]; i++) {
                snprintf(text, sizeof text, NAME "strategy: { use: %s }\n" TARGET(1) "  model: lenet5\n",
                         names[i]);
                refuse_run(text, "bad.yaml:2:", "needs a source");
        }
        refuse_run(NAME LENET STRATEGY("architecture") TARGET(1) "  model: lenet5\n", PLACE "'architecture'",
                   "leave 'model' out");
        refuse_run(NAME LENET STRATEGY("architecture, width: 0") TARGET(1), "bad.yaml:7:", "above 0");
        refuse_run(NAME LENET STRATEGY("lottery-ticket, share: 1") TARGET(1), "bad.yaml:7:", "below 1");
        refuse_run(NAME LENET STRATEGY("lottery-ticket, prune: [conv3]") TARGET(1), PLACE "'lottery-ticket'",
                   "'conv3'; its modules are conv1");
        refuse_run(NAME LENET STRATEGY("lottery-ticket, prune: [fc3]") TARGET(1), PLACE "'lottery-ticket'",
                   "nothing to prune");
        refuse_run(NAME LENET STRATEGY("adapter, layers: [relu5]") TARGET(1), PLACE "'adapter'",
                   "'relu5' (did you mean 'relu");
        refuse_run(NAME LENET STRATEGY("adapter, bottleneck: 0") TARGET(1), "bad.yaml:7:", "bottleneck");
}

static void other_shapes(void **state)
{
        (void)state;
        refuse_run(NAME LENET STRATEGY("lottery-ticket") LARGER,
                   PLACE "'lottery-ticket': fc1.weight: 120x16 in the source", "120x64 in the target");
        refuse_run(NAME LENET STRATEGY("adapter") TARGET(1) "  model: { use: lenet5, width: 2 }\n",
                   PLACE "'adapter'", "12x1x5x5 in the target");
}

/* A loaded source has no values from before its training. */
static void a_ticket_needs_the_first_values(void **state)
{
        struct outcome outcome;

        (void)state;
        outcome_run(NAME STRATEGY("scratch") TARGET(0) "  model: lenet5\n", &outcome);
        outcome_finish(&outcome);
#define LOADED "source: { model: lenet5, weights: model.safetensors }\n"
        refuse_run(NAME LOADED STRATEGY("lottery-ticket") TARGET(1),
                   "bad.yaml:3:11: ", "was not trained in this run");
        outcome_run(NAME LOADED STRATEGY("lottery-ticket, rewind: trained") TARGET(0), &outcome);
        assert_true(zeros_in(tensor_of(&outcome.model, "fc1.weight")) > 0);
        outcome_finish(&outcome);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(architecture_is_drawn_anew),
                cmocka_unit_test(small_weights_are_pruned),
                cmocka_unit_test(the_smallest_of_all),
                cmocka_unit_test(zeros_hold),
                cmocka_unit_test(named_parameters_are_pruned),
                cmocka_unit_test(adapters_start_as_the_identity),
                cmocka_unit_test(the_frozen_stays),
                cmocka_unit_test(adapters_of_the_paper),
                cmocka_unit_test(without_what_it_takes),
                cmocka_unit_test(other_shapes),
                cmocka_unit_test(a_ticket_needs_the_first_values),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
