/* Feature transfer in whole runs: what each strategy trains, what it leaves unchanged, and which files are refused. */
#include "support/runs.h"

#include <math.h>

#define DATA(shape, more)                                                                                    \
        "  dataset: { use: random, shape: " shape ", num_classes: 3, train_size: 40, test_size: 8" more " }" \
        "\n"
#define TRAIN(epochs)                                                                                       \
        "  optimizer: { use: sgd, lr: 0.02, momentum: 0.9 }\n  train: { epochs: " epochs ", batch_size: 8 " \
        "}\n"
#define IMAGES "[1, 12, 12]"
#define RESNET "  model: { use: resnet, depth: 8, width: 4 }\n"
#define MLP "  model: { use: mlp, hidden: [9, 7] }\n"
#define NAME "name: feature\n"
#define SOURCE(model) "source:\n" DATA(IMAGES, "") model TRAIN("1")
#define TARGET(more, epochs) "target:\n" DATA(IMAGES, more) TRAIN(epochs)
#define STRATEGY(text) "strategy: { use: " text " }\n"
#define POOL ", unlabelled: true, transform: [{ use: blur, sigma: 1 }]"

/* --- Runs ----------------------------------------------------------------------------------------------- */

static void run_file(const char *name, const char *yaml)
{
        write_text("run.yaml", yaml);
        run_and_keep("run.yaml", "", name);
}

static struct scion_safetensors model_of(const char *name)
{
        struct scion_safetensors file;
        char path[64];

        snprintf(path, sizeof path, "%s.safetensors", name);
        read_model(path, &file);
        return file;
}

/* Fails the test unless the tensors of two runs' models outside of `except` are bitwise equal. Returns their number. */
static int count_same(const char *a, const char *b, const char *except)
{
        struct scion_safetensors left = model_of(a), right = model_of(b);
        int same = 0;

        for (size_t i = 0; i < left.count; i++) {
                const char *name = left.tensor[i].name;

                if (!except || strncmp(name, except, strlen(except)) != 0)
                        same += same_tensor(&left, &right, name);
        }
        scion_safetensors_finish(&left);
        scion_safetensors_finish(&right);
        return same;
}

/* Returns the value of a column in the last row of a run's metrics. */
static double last_of(const char *name, const char *column)
{
        struct scion_csv_table table;
        char path[64];

        snprintf(path, sizeof path, "%s.csv", name);
        read_table(path, &table);
        double value = number_of(&table, table.rows - 1, column);

        scion_csv_table_finish(&table);
        return value;
}

/* --- feature-map ---------------------------------------------------------------------------------------- */

#define MAP(text, epochs) NAME SOURCE(RESNET) STRATEGY("feature-map" text) TARGET("", epochs)

/* The body, running statistics included, is bitwise equal to the source's; the map and the head have been trained. */
static void features_stay(void **state)
{
        (void)state;
        run_file("probe", NAME SOURCE(RESNET) STRATEGY("linear-probe") TARGET("", "0"));
        run_file("before", MAP("", "0"));
        run_file("after", MAP("", "2"));
        struct scion_safetensors probe = model_of("probe");
        int body = (int)probe.count - 2;

        assert_true(body > 20);
        assert_non_null(find_tensor(&probe, "layer3.0.bn2.running_var"));
        scion_safetensors_finish(&probe);
        assert_int_equal(count_same("before", "probe", "fc."), body);
        assert_int_equal(count_same("after", "probe", "fc."), body);
        assert_int_equal(count_same("before", "after", NULL), body); /* all four of the head's have changed */
}

/* As far as widths allow. */
static void map_begins_as_the_identity(void **state)
{
        static const struct {
                const char *name, *yaml;
                int64_t features;
        } cases[] = { { "as-wide", MAP("", "0"), 16 },
                      { "narrower", MAP(", features: 5", "0"), 5 },
                      { "wider", MAP(", features: 20", "0"), 20 } };

        (void)state;
        for (size_t c = 0; c < 3; c++) {
                run_file(cases[c].name, cases[c].yaml);
                struct scion_safetensors file = model_of(cases[c].name);
                const struct scion_safetensor *map = tensor_of(&file, "fc.map.weight"),
                                              *bias = tensor_of(&file, "fc.map.bias"),
                                              *head = tensor_of(&file, "fc.head.weight");

                assert_int_equal(map->shape.dim[0], cases[c].features);
                assert_int_equal(map->shape.dim[1], 16);
                assert_int_equal(head->shape.dim[1], cases[c].features);
                for (int64_t i = 0; i < cases[c].features; i++) {
                        assert_true(bias->values[i] == 0);
                        for (int64_t j = 0; j < 16; j++)
                                assert_true(map->values[i * 16 + j] == (i == j ? 1.0f : 0.0f));
                }
                scion_safetensors_finish(&file);
        }
}

/* --- dan, deep-coral, dann ------------------------------------------------------------------------------ */

#define ADAPT(strategy, more) NAME SOURCE(MLP) STRATEGY(strategy) TARGET(POOL more, "4")

static const char *const names[] = { "dan", "deep-coral", "dann" };

static void adapt(const char *name, const char *strategy, const char *more, const char *data)
{
        char yaml[2048];

        snprintf(yaml, sizeof yaml, ADAPT("%s%s", "%s"), strategy, more, data);
        run_file(name, yaml);
}

/* Other labels of the target change the result only if the strategy uses labels. */
static void labels_of_the_target(void **state)
{
        static const char *const permuted = ", classes: [1, 2, 0]";

        (void)state;
        for (int i = 0; i < 3; i++) {
                adapt("labels", names[i], "", "");
                adapt("permuted", names[i], "", permuted);
                assert_int_equal(count_same("labels", "permuted", NULL), 6);
                adapt("asked", names[i], ", supervised: 1", "");
                adapt("asked-permuted", names[i], ", supervised: 1", permuted);
                assert_int_equal(count_same("asked", "asked-permuted", NULL), 0);
        }
}

/* With a weight of 0 all three are equal: the target learns the source's task, and the distances are only logged. With a
 * weight the domains are closer at the end, or harder to tell apart. */
static void domains_become_alike(void **state)
{
        static const char *const columns[] = { "train_mmd", "train_coral", "train_domain" };

        (void)state;
        for (int i = 0; i < 3; i++) {
                char name[32];

                snprintf(name, sizeof name, "alone-%s", names[i]);
                adapt(name, names[i], ", weight: 0", "");
                assert_int_equal(count_same("alone-dan", name, NULL), 6);
                adapt("alike", names[i], ", weight: 5", "");
                assert_int_equal(count_same("alike", name, NULL), 0);
                double apart = last_of(name, columns[i]), alike = last_of("alike", columns[i]);

                assert_true(isfinite(apart) && isfinite(alike));
                assert_true(i == 2 ? alike > apart : alike < apart);
        }
}

/* --- source-only ---------------------------------------------------------------------------------------- */

/* The target is bitwise equal to the source, running statistics included, for any number of epochs in the file. */
static void nothing_is_trained(void **state)
{
        struct scion_csv_table table;

        (void)state;
        run_file("kept", NAME SOURCE(RESNET) STRATEGY("fine-tune, head: keep") TARGET("", "0"));
        run_file("only", NAME SOURCE(RESNET) STRATEGY("source-only") TARGET("", "3"));
        run_file("tuned", NAME SOURCE(RESNET) STRATEGY("fine-tune, head: keep") TARGET("", "3"));
        struct scion_safetensors file = model_of("kept");
        int all = (int)file.count;

        scion_safetensors_finish(&file);
        assert_int_equal(count_same("kept", "only", NULL), all);
        assert_int_not_equal(count_same("tuned", "only", NULL), all);
        read_table("only-results.csv", &table);
        assert_string_equal(field_of(&table, 0, "epochs"), "0");
        assert_string_equal(field_of(&table, 0, "trainable"), "0");
        scion_csv_table_finish(&table);
}

/* --- Refused files -------------------------------------------------------------------------------------- */

static void refuse_adaptation(const char *strategy)
{
        char yaml[2048];

#define REFUSE(text, more, ...)                           \
        do {                                              \
                snprintf(yaml, sizeof yaml, __VA_ARGS__); \
                refuse_run(yaml, text, more);             \
        } while (0)
        REFUSE("bad.yaml:2:11: ", "needs a source",
               NAME STRATEGY("%s") "target:\n" DATA(IMAGES, POOL) MLP TRAIN("1"), strategy);
        REFUSE("bad.yaml:10:12: ", "add 'unlabelled: true'",
               NAME SOURCE(MLP) STRATEGY("%s") "target:\n" MLP DATA(IMAGES, "") TRAIN("1"), strategy);
        REFUSE("bad.yaml:7:11: ", "the source has 3 outputs, the target 2",
               NAME SOURCE(MLP) STRATEGY("%s") TARGET(POOL ", classes: [0, 1]", "1"), strategy);
        REFUSE("bad.yaml:7:11: ", "the source's examples are 1x12x12, the target's 1x14x14",
               NAME SOURCE(RESNET) STRATEGY("%s") "target:\n" DATA("[1, 14, 14]", POOL) TRAIN("1"), strategy);
        REFUSE("bad.yaml:7:", "supervised must be at least 0",
               NAME SOURCE(MLP) STRATEGY("%s, supervised: -1") TARGET(POOL, "1"), strategy);
        REFUSE("bad.yaml:7:", "weight must be at least 0",
               NAME SOURCE(MLP) STRATEGY("%s, weight: -1") TARGET(POOL, "1"), strategy);
        REFUSE("conv1.weight", "the source model has no such parameter",
               NAME SOURCE(MLP) STRATEGY("%s") "target:\n" DATA(IMAGES, POOL) "  model: lenet5\n" TRAIN("1"),
               strategy);
}

static void adaptation_is_refused(void **state)
{
        (void)state;
        for (int i = 0; i < 3; i++)
                refuse_adaptation(names[i]);
        refuse_run(NAME SOURCE(MLP) STRATEGY("dan, layers: [fc9]") TARGET(POOL, "1"),
                   "bad.yaml:7:11: ", "fc1");
        refuse_run(NAME SOURCE(MLP) STRATEGY("deep-coral, layers: [fc1, relu7]") TARGET(POOL, "1"), "'relu7'",
                   "relu1");
        refuse_run(NAME SOURCE(MLP) STRATEGY("dann, layer: fc9") TARGET(POOL, "1"), "bad.yaml:7:11: ", "fc1");
        refuse_run(NAME SOURCE(MLP) STRATEGY("dan, step: 1") TARGET(POOL, "1"),
                   "bad.yaml:7:", "step must be");
        refuse_run(NAME SOURCE(MLP) STRATEGY("dann, hidden: [0]") TARGET(POOL, "1"),
                   "bad.yaml:7:", "hidden must be");
}

#define ONE(part) "  dataset: { use: random, shape: " IMAGES ", num_classes: 3, train_size: 1" part " }\n"

/* A covariance, or a pair, needs two examples of each domain. */
static void batches_too_small(void **state)
{
        char yaml[2048];

        (void)state;
        for (int i = 0; i < 2; i++) {
                REFUSE("takes batches of at least 2 examples", "the first one has 1",
                       NAME SOURCE(MLP) STRATEGY("%s") "target:\n" ONE(POOL) TRAIN("1"), names[i]);
                REFUSE("takes batches of at least 2 examples", "one of the source has 1",
                       NAME "source:\n" ONE("") MLP TRAIN("1") STRATEGY("%s") TARGET(POOL, "1"), names[i]);
                REFUSE("the last of an epoch has 1", "drop_last",
                       NAME SOURCE(MLP) STRATEGY("%s") TARGET(POOL ", limit: 33", "1"), names[i]);
        }
}

static void maps_that_cannot_be(void **state)
{
        (void)state;
        refuse_run(NAME STRATEGY("feature-map") "target:\n" DATA(IMAGES, "") MLP TRAIN("1"),
                   "bad.yaml:2:11: ", "needs a source");
        refuse_run(NAME SOURCE(MLP) STRATEGY("feature-map") "target:\n" DATA(
                           IMAGES, "") "  model: lenet5\n" TRAIN("1"),
                   "bad.yaml:7:11: ", "leave 'model' out of 'target'");
        refuse_run(NAME SOURCE(MLP) STRATEGY("feature-map") "target:\n" DATA("[1, 12, 14]", "") TRAIN("1"),
                   "bad.yaml:7:11: ", "9x168");
        refuse_run(NAME SOURCE(MLP) STRATEGY("feature-map, features: -1") TARGET("", "1"),
                   "bad.yaml:7:", "features must be at least 0");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(features_stay),        cmocka_unit_test(map_begins_as_the_identity),
                cmocka_unit_test(labels_of_the_target), cmocka_unit_test(domains_become_alike),
                cmocka_unit_test(nothing_is_trained),   cmocka_unit_test(adaptation_is_refused),
                cmocka_unit_test(batches_too_small),    cmocka_unit_test(maps_that_cannot_be),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
