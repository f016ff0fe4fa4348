/* Running statistics of normalisation layers in whole runs: frozen, in dry runs, restored, refused. */
#include "support/runs.h"

#define DATASET(classes)                                                                                    \
        "  dataset: { use: random, shape: [1, 8, 8], num_classes: " classes ", train_size: 40, test_size: " \
        "20, valid: 0.25 }\n"
#define TRAIN(epochs)                                                                                       \
        "  optimizer: { use: sgd, lr: 0.05, momentum: 0.9 }\n  train: { epochs: " epochs ", batch_size: 8 " \
        "}\n"
#define MODEL "  model: { use: resnet, depth: 8, width: 4 }\n"

/* Executes the only run of the file and reads its model. */
static void run_and_read(const char *name, const char *options, struct scion_safetensors *file)
{
        char path[64];

        run_and_keep("transfer.yaml", options, name);
        snprintf(path, sizeof path, "%s.safetensors", name);
        read_model(path, file);
}

static int begin(void **state)
{
        if (enter_folder(state))
                return -1;
        write_text("transfer.yaml", "name: transfer\nsource:\n" DATASET("3")
                                            MODEL TRAIN("2") "strategy: fine-tune\n"
                                                             "target:\n" DATASET("4") TRAIN("3"));
        return 0;
}

static bool is_statistic(const char *name)
{
        return strstr(name, ".running_");
}

/* Whether all elements equal the value. */
static bool values_all_equal(const struct scion_safetensor *tensor, float value)
{
        for (size_t i = 0; i < size_of(tensor); i++)
                if (tensor->values[i] != value)
                        return false;
        return true;
}

/*
 * A linear probe leaves everything that it does not train bitwise equal to the source: weights and running
 * statistics.
 */
static void probe_leaves_features(void **state)
{
        struct scion_safetensors untouched, probe, tuned;
        size_t statistics = 0;

        (void)state;
        run_and_read("untouched", "--set target.train.epochs=0", &untouched);
        run_and_read("probe", "--set strategy=linear-probe", &probe);
        run_and_read("tuned", "", &tuned);
        assert_int_equal(untouched.count, probe.count);
        for (size_t i = 0; i < untouched.count; i++) {
                const char *name = untouched.tensor[i].name;

                assert_int_equal(same_tensor(&untouched, &probe, name), strncmp(name, "fc.", 3) != 0);
                assert_false(same_tensor(&untouched, &tuned, name));
                statistics += is_statistic(name);
        }
        assert_int_equal(statistics, 18);
        scion_safetensors_finish(&untouched);
        scion_safetensors_finish(&probe);
        scion_safetensors_finish(&tuned);
}

/* A frozen normalisation layer keeps its statistics; the others update theirs. */
static void frozen_by_name(void **state)
{
        struct scion_safetensors untouched, tuned;

        (void)state;
        run_and_read("zero", "--set target.train.epochs=0", &untouched);
        run_and_read("partly", "--set 'strategy={use: fine-tune, freeze: [bn1]}'", &tuned);
        assert_true(same_tensor(&untouched, &tuned, "bn1.running_mean"));
        assert_true(same_tensor(&untouched, &tuned, "bn1.running_var"));
        assert_false(same_tensor(&untouched, &tuned, "layer1.0.bn1.running_mean"));
        assert_false(same_tensor(&untouched, &tuned, "conv1.weight"));
        scion_safetensors_finish(&untouched);
        scion_safetensors_finish(&tuned);
}

/* The dry run of the first batch leaves no trace in the statistics of either model. */
static void dry_run_leaves_nothing(void **state)
{
        struct scion_safetensors file;

        (void)state;
        run_and_read("new", "--set source.train.epochs=0 --set target.train.epochs=0", &file);
        for (size_t i = 0; i < file.count; i++)
                if (is_statistic(file.tensor[i].name))
                        assert_true(values_all_equal(&file.tensor[i],
                                                     strstr(file.tensor[i].name, "_var") ? 1 : 0));
        scion_safetensors_finish(&file);
}

static double results_number(const char *path, const char *column)
{
        struct scion_csv_table table;

        read_table(path, &table);
        double value = number_of(&table, 0, column);

        scion_csv_table_finish(&table);
        return value;
}

/* Restoring the best epoch restores its statistics too: the saved model scores as it was tested. */
static void best_epoch_is_whole(void **state)
{
        static const char results[] = "longer-results.csv", again[] = "again-results.csv";
        struct scion_safetensors file;

        (void)state;
        run_and_read("longer", "--set target.train.epochs=6", &file);
        scion_safetensors_finish(&file);
        assert_in_range((int)results_number(results, "best_epoch"), 1,
                        5); /* not the last epoch, so that something was restored */
        assert_int_equal((int)results_number(results, "parameters"),
                         (int)results_number(results, "trainable"));
        run_and_keep("transfer.yaml",
                     "--set target.train.epochs=0 --set "
                     "'source={model: {use: resnet, depth: 8, width: 4}, weights: longer.safetensors}' "
                     "--set 'strategy={use: fine-tune, head: keep}'",
                     "again");
        assert_true(results_number(results, "test_loss") == results_number(again, "test_loss"));
        assert_true(results_number(results, "test_accuracy") == results_number(again, "test_accuracy"));
}

/* The evaluation for the accuracy does not update any statistics. */
static void looking_changes_nothing(void **state)
{
        struct scion_safetensors plain, bypassed;

        (void)state;
        run_and_read("plain",
                     "--set strategy=scratch --set source=null --set "
                     "'target.model={use: resnet, depth: 8, width: 4}'",
                     &plain);
        run_and_read("bypassed",
                     "--set strategy=bypass --set source=null --set "
                     "'target.model={use: resnet, depth: 8, width: 4}' --plugin-path " BUILD_DIR
                     "/tests/suite/plugins",
                     &bypassed);
        for (size_t i = 0; i < plain.count; i++)
                assert_true(same_tensor(&plain, &bypassed, plain.tensor[i].name));
        scion_safetensors_finish(&plain);
        scion_safetensors_finish(&bypassed);
}

/* A single value per channel has no variance: the check reports it before training. */
static void one_value_per_channel(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(2, "check transfer.yaml --set source.train.batch_size=1 --set "
                                                 "'source.dataset.shape=[1, 4, 4]' --set "
                                                 "'target.dataset.shape=[1, 4, 4]'"),
                          "transfer.yaml:3:3: source: layer3.0.bn1: ",
                          "plugins/models/resnet.c:", /* the line that applies the layer */
                          ": batch_norm: takes more than one value per channel in training, got "
                          "inputs of shape 1x16x1x1",
                          NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(probe_leaves_features),   cmocka_unit_test(frozen_by_name),
                cmocka_unit_test(dry_run_leaves_nothing),  cmocka_unit_test(best_epoch_is_whole),
                cmocka_unit_test(looking_changes_nothing), cmocka_unit_test(one_value_per_channel),
        };

        return cmocka_run_group_tests(tests, begin, leave_folder);
}
