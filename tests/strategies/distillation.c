/* Knowledge distillation in whole runs: what each strategy trains and logs, and which files are refused. */
#include "support/runs.h"

/* A convolutional teacher, and a student without convolutions. */
#define DATASET(classes)                                                      \
        "  dataset: { use: random, shape: [1, 12, 12], num_classes: " classes \
        ", train_size: 32, test_size: 8 }\n"
#define VALUES                                                                                           \
        "  dataset: { use: random, shape: [1, 12, 12], num_classes: 0, targets: 3, train_size: 32 }\n  " \
        "loss: mse\n"
#define TRAIN "  optimizer: { use: sgd, lr: 0.02 }\n  train: { epochs: 2, batch_size: 8 }\n"
#define NAME "name: distil\n"
#define SOURCE(classes) "source:\n" DATASET(classes) "  model: lenet5\n" TRAIN
#define TARGET "target:\n" DATASET("3") "  model: { use: mlp, hidden: [9, 7] }\n" TRAIN
#define LENET "target:\n" DATASET("3") "  model: lenet5\n" TRAIN
#define STRATEGY(text) "strategy: { use: " text " }\n"

/* --- Runs ----------------------------------------------------------------------------------------------- */

/* Runs a file. Its model is then in NAME.safetensors, its metrics in NAME.csv. */
static void run_file(const char *name, const char *yaml, struct scion_safetensors *file)
{
        char path[64];

        write_text("run.yaml", yaml);
        run_and_keep("run.yaml", "", name);
        snprintf(path, sizeof path, "%s.safetensors", name);
        read_model(path, file);
}

/* An experiment with this number of epochs in the stage of hints, and none in the main stage. */
#define HINTS(epochs)                                                                                      \
        NAME SOURCE("3") STRATEGY(                                                                         \
                "fitnet, layers: [relu1], source_layers: [relu3], "                                        \
                "hint_epochs: " epochs) "target:\n" DATASET("3") "  model: { use: mlp, hidden: [9, 7] }\n" \
                                                                 "  optimizer: { use: sgd, lr: 0.2 }\n  "  \
                                                                 "train: { epochs: 0, batch_size: 8 }\n"

/* The first stage trains the modules up to the guided layer and no others, and the loss of the hints decreases. */
static void hints_train_what_is_guided(void **state)
{
        struct scion_safetensors drawn, hinted;
        struct scion_csv_table table;

        (void)state;
        run_file("drawn", HINTS("0"), &drawn);
        run_file("hinted", HINTS("8"), &hinted);
        assert_false(same_tensor(&drawn, &hinted, "fc1.weight"));
        assert_false(same_tensor(&drawn, &hinted, "fc1.bias"));
        assert_true(same_tensor(&drawn, &hinted, "fc2.weight"));
        assert_true(same_tensor(&drawn, &hinted, "fc2.bias"));
        assert_true(same_tensor(&drawn, &hinted, "fc3.weight"));
        assert_true(same_tensor(&drawn, &hinted, "fc3.bias"));
        scion_safetensors_finish(&drawn);
        scion_safetensors_finish(&hinted);
        double first = 0, last = 0;
        int rows = 0;

        read_table("hinted.csv", &table);
        for (size_t i = 0; i < table.rows; i++) {
                if (strcmp(field_of(&table, i, "stage"), "hint") != 0)
                        continue;
                last = number_of(&table, i, "train_hint");
                first = rows++ ? first : last;
        }
        assert_int_equal(rows, 8);
        assert_true(last < 0.8 * first);
        scion_csv_table_finish(&table);
}

/* With a weight of 0 the student is bitwise equal to one trained without a teacher. */
static void without_weight(void **state)
{
        static const char *const strategies[] = {
                STRATEGY("kd, alpha: 0"),
                STRATEGY("fitnet, hint_epochs: 0, kd: 0, kd_end: 0"),
                STRATEGY("attention, beta: 0, layers: [conv1]"),
                STRATEGY("rkd, distance: 0, angle: 0"),
                STRATEGY("dkd, alpha: 0, beta: 0"),
                NULL,
        };
        struct scion_safetensors alone, taught;
        char text[2048];

        (void)state;
        run_file("alone", NAME STRATEGY("scratch") LENET, &alone);
        for (int i = 0; strategies[i]; i++) {
                char name[16];

                snprintf(name, sizeof name, "taught%d", i);
                snprintf(text, sizeof text, "%s%s%s%s", NAME, SOURCE("3"), strategies[i], LENET);
                run_file(name, text, &taught);
                for (size_t k = 0; k < alone.count; k++)
                        assert_true(same_tensor(&alone, &taught, alone.tensor[k].name));
                scion_safetensors_finish(&taught);
        }
        scion_safetensors_finish(&alone);
}

/* Every loss of the task for classes works, and each strategy logs its own losses. */
static void columns(void **state)
{
        static const struct {
                const char *strategy, *target, *columns[3];
        } cases[] = {
                { STRATEGY("kd"), TARGET "  loss: mse\n", { "train_kd" } },
                { STRATEGY("fitnet, layers: [fc1], source_layers: [fc2]"),
                  TARGET,
                  { "train_hint", "train_kd" } },
                { STRATEGY("attention, layers: ['conv*'], kd: 1"), LENET, { "train_attention", "train_kd" } },
                { STRATEGY("rkd, kd: 1"), TARGET, { "train_distance", "train_angle", "train_kd" } },
                { STRATEGY("dkd, warmup: 3"), TARGET, { "train_tckd", "train_nckd" } },
        };
        char text[2048], name[16], path[32];

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct scion_safetensors file;
                struct scion_csv_table table;

                snprintf(name, sizeof name, "columns%zu", i);
                snprintf(path, sizeof path, "%s.csv", name);
                snprintf(text, sizeof text, "%s%s%s%s", NAME, SOURCE("3"), cases[i].strategy,
                         cases[i].target);
                run_file(name, text, &file);
                scion_safetensors_finish(&file);
                read_table(path, &table);
                for (int k = 0; k < 3 && cases[i].columns[k]; k++)
                        assert_true(scion_csv_column(&table, cases[i].columns[k]) >= 0);
                scion_csv_table_finish(&table);
        }
}

/* --- Refused -------------------------------------------------------------------------------------------- */

static void teachers(void **state)
{
        static const char *const names[] = { "kd",  "fitnet", "attention, layers: [conv1], pool: true",
                                             "rkd", "dkd",    NULL };
        char text[2048];

        (void)state;
        for (int i = 0; names[i]; i++) {
                snprintf(text, sizeof text, "%sstrategy: { use: %s }\n%s", NAME, names[i], LENET);
                refuse_run(text, "bad.yaml:2:", "needs a source");
                snprintf(text, sizeof text,
                         "%ssource:\n  dataset: { use: random, shape: [1, 16, 16], num_classes: 3 }\n"
                         "  model: lenet5\n%sstrategy: { use: %s }\n%s",
                         NAME, TRAIN, names[i], LENET);
                refuse_run(text, "bad.yaml:", "1x16x16");
                assert_error_has("1x12x12", NULL);
        }
        refuse_run(NAME SOURCE("5") STRATEGY("kd") LENET, "bad.yaml:7:11: ", "5 outputs, the target 3");
        refuse_run(NAME SOURCE("5") STRATEGY("dkd") LENET, "bad.yaml:7:11: ", "5 outputs, the target 3");
        refuse_run(NAME SOURCE("5") STRATEGY("fitnet") LENET, "bad.yaml:", "5 outputs and the target 3");
        refuse_run(NAME SOURCE("5") STRATEGY("rkd, kd: 1") LENET, "bad.yaml:", "5 outputs and the target 3");
        refuse_run(NAME SOURCE("5") STRATEGY("attention, layers: [conv1], kd: 1") LENET,
                   "bad.yaml:", "5 outputs and the target 3");
}

static void values_and_ranges(void **state)
{
        static const char *const names[] = { "kd",         "fitnet", "attention, layers: [conv1], kd: 1",
                                             "rkd, kd: 1", "dkd",    NULL };
        char text[2048];

        (void)state;
        for (int i = 0; names[i]; i++) {
                snprintf(text, sizeof text,
                         "%ssource:\n%s  model: lenet5\n%sstrategy: { use: %s }\ntarget:\n%s%s", NAME, VALUES,
                         TRAIN, names[i], VALUES, TRAIN);
                refuse_run(text, "bad.yaml:", "targets are values");
                snprintf(text, sizeof text, "%s%sstrategy: { use: %s, temperature: 0 }\n%s", NAME,
                         SOURCE("3"), names[i], LENET);
                refuse_run(text, "bad.yaml:7:", "temperature must be above 0, got 0");
        }
        refuse_run(NAME SOURCE("3") STRATEGY("kd, alpha: 1.5") LENET, "bad.yaml:7:", "alpha");
        refuse_run(NAME SOURCE("3") STRATEGY("attention, layers: [conv1], power: 0.5") LENET,
                   "bad.yaml:7:", "power");
        refuse_run(NAME SOURCE("3")
                           STRATEGY("rkd") "target:\n" DATASET("3") "  optimizer: { use: sgd, lr: 0.1 }\n"
                                                                    "  train: { batch_size: 2 }\n",
                   "bad.yaml:9:3: ", "at least 3");
        refuse_run(NAME SOURCE("3")
                           STRATEGY("rkd") "target:\n" DATASET("3") "  optimizer: { use: sgd, lr: 0.1 }\n"
                                                                    "  train: { batch_size: 10 }\n",
                   "bad.yaml:9:3: ", "the last of an epoch has 2");
}

static void layers(void **state)
{
        (void)state;
        refuse_run(NAME SOURCE("3") STRATEGY("attention") LENET, "bad.yaml:7:11: ", "layers is required");
        refuse_run(NAME SOURCE("3") STRATEGY("attention, layers: [cnv1]") LENET,
                   "bad.yaml:7:11: strategy 'attention': the target: ", "'cnv1' (did you mean 'conv1'?)");
        refuse_run(NAME SOURCE("3") STRATEGY("rkd, layers: [relu1], source_layers: [rleu1]") LENET,
                   "bad.yaml:7:11: strategy 'rkd': the source: ", "'rleu1' (did you mean 'relu1'?)");
        refuse_run(NAME SOURCE("3") STRATEGY("rkd, layers: [relu5]") TARGET, "the target: ", "'relu5'");
        refuse_run(NAME SOURCE("3") STRATEGY("fitnet, layers: ['relu*'], source_layers: [conv1]") LENET,
                   "the target's layers are 4 and the source's 1", "bad.yaml:7:11: ");
        refuse_run(NAME SOURCE("3") STRATEGY("attention, layers: [fc1]") LENET,
                   "'fc1' makes 120, the source's 'fc1' makes 120", "maps");
        refuse_run(NAME SOURCE("3") STRATEGY("attention, layers: [conv1], source_layers: [conv2]") LENET,
                   "'conv1' makes 6x12x12, the source's 'conv2' makes 16x2x2", "pool: true");
        refuse_run(NAME SOURCE("3") STRATEGY("fitnet, layers: [fc1], source_layers: [conv1]") TARGET,
                   "'fc1' makes 9, the source's 'conv1' makes 6x12x12", "vectors");
        refuse_run(NAME SOURCE("3") STRATEGY("fitnet, layers: [conv2], source_layers: [conv1]") LENET,
                   "'conv2' makes 16x2x2, the source's 'conv1' makes 6x12x12", "larger");
        refuse_run(NAME SOURCE("3") STRATEGY("attention, layers: []") LENET,
                   "'fc3' takes 84, the source's 'fc3' takes 84", "maps");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(hints_train_what_is_guided),
                cmocka_unit_test(without_weight),
                cmocka_unit_test(columns),
                cmocka_unit_test(teachers),
                cmocka_unit_test(values_and_ranges),
                cmocka_unit_test(layers),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
