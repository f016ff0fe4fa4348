/* The command `scion modules`, and runs whose strategies insert modules into the target. */
#include "support/command.h"

#define DATASET(classes) \
        "  dataset: { use: random, shape: [8], num_classes: " #classes ", train_size: 16, test_size: 8 }\n"
#define MODEL "  model: { use: mlp, hidden: [4] }\n"
#define TRAIN "  optimizer: { use: sgd, lr: 0.1 }\n  train: { epochs: 2, batch_size: 8 }\n"
#define SOURCE(classes) "source:\n" DATASET(classes) MODEL TRAIN
#define TARGET "target:\n" DATASET(2) TRAIN
#define PLUGINS " --plugin-path " BUILD_DIR "/tests/suite/plugins "

static void listed(void **state)
{
        const struct command_result *result;

        (void)state;
        write_text("one.yaml", "name: one\n" SOURCE(2) "strategy: { use: fine-tune }\n" TARGET);
        result = run_scion_expecting(0, "modules one.yaml");
        assert_string_equal(result->output, "source and target: mlp, inputs 8, head fc2\n"
                                            "\n"
                                            "  path     kind        output  parameters\n"
                                            "  ''       sequential  2               46\n"
                                            "  flatten  flatten     8                0\n"
                                            "  fc1      linear      4               36\n"
                                            "  relu1    relu        4                0\n"
                                            "  fc2      linear      2               10\n");
        result = run_scion_expecting(0, "modules one.yaml --set source.dataset.num_classes=3");
        assert_output_has(result, "source: mlp, inputs 8, head fc2\n",
                          "  fc2      linear      3               15\n\ntarget: mlp",
                          "  fc2      linear      2               10\n", NULL);
        result = run_scion_expecting(
                0, "modules one.yaml --set 'target.model={use: mlp, hidden: [5, 3], activation: tanh}'");
        assert_output_has(result, "\ntarget: mlp, inputs 8, head fc3\n", "  tanh2    tanh        3", NULL);
        result = run_scion_expecting(
                0, "modules one.yaml --set source=null --set strategy=scratch --set target.model=mlp");
        assert_int_equal(strncmp(result->output, "target: mlp, inputs 8, head fc2\n", 32), 0);
        assert_false(exists("runs"));
}

/* It lists the models of the first run, with the source even if that run does not use it. */
static void of_a_suite(void **state)
{
        const struct command_result *result;

        (void)state;
        write_text("two.yaml", "name: two\n" SOURCE(3) TARGET
                   "matrix:\n"
                   "  strategy: [scratch, fine-tune]\n"
                   "  target.model: [{ use: mlp, hidden: [7], label: seven }, mlp]\n");
        result = run_scion_expecting(0, "modules two.yaml");
        assert_output_has(result, "source: mlp", "\ntarget: mlp",
                          "  fc1      linear      7               63\n", NULL);
        assert_null(strstr(result->output, "128"));
}

/*
 * It also works for a strategy that names a missing module, which is when it is needed: there is no dry run.
 */
static void wrong_taps_do_not_matter(void **state)
{
        (void)state;
        write_text("taps.yaml",
                   "name: taps\n" SOURCE(2) "strategy: { use: fine-tune, freeze: [conv1] }\n" TARGET);
        assert_output_has(run_scion_expecting(2, "check taps.yaml"), "'conv1'", NULL);
        assert_output_has(run_scion_expecting(0, "modules taps.yaml"), "  fc1 ", NULL);
}

static void bad_input(void **state)
{
        (void)state;
        write_text("one.yaml", "name: one\n" SOURCE(2) "strategy: { use: fine-tune }\n" TARGET);
        assert_output_has(run_scion_expecting(2, "modules"), "no file; see 'scion modules --help'", NULL);
        assert_output_has(run_scion_expecting(2, "modules one.yaml two.yaml"),
                          "'two.yaml' is one file too many", NULL);
        assert_output_has(run_scion_expecting(2, "modules none.yaml"), "none.yaml", "No such file", NULL);
        assert_output_has(run_scion_expecting(2, "modules one.yaml --set source.model=mpl"),
                          "--set source.model=mpl: no model 'mpl' (did you mean 'mlp'?)", NULL);
        assert_output_has(run_scion_expecting(2, "modules one.yaml --set source.model=lenet5"),
                          "--set source.model=lenet5: lenet5: takes images", NULL);
        assert_output_has(run_scion_expecting(2, "modules one.yaml --set 'source.model={hidden: [4]}'"),
                          "model: write { use: NAME }; 'scion plugins model' lists them", NULL);
        assert_output_has(run_scion_expecting(2, "modules one.yaml --frobnicate"), "--frobnicate", NULL);
        assert_output_has(run_scion_expecting(0, "modules --help"), "Usage: scion modules", "--set", NULL);
        assert_int_equal(run_scion("modules one.yaml > /dev/full")->status, 1);
}

static void a_run_with_a_graft(void **state)
{
        (void)state;
        write_text("graft.yaml", "name: graft\n" SOURCE(2) "strategy: { use: graft }\n" TARGET);
        run_scion_expecting(0, "run graft.yaml --out out" PLUGINS);
        char *results = read_text("out/graft/results.csv");

        /* 46 plus 16 of the graft; fc1 is frozen, and the graft on it is not. */
        assert_non_null(strstr(results, ",62,26,"));
        free(results);
        remove_tree("out");
        assert_output_has(
                run_scion_expecting(2, "run graft.yaml --out out --set strategy.source=true" PLUGINS),
                "the source's modules stay as they are: changes belong in the target", NULL);
        assert_output_has(run_scion_expecting(2, "run graft.yaml --out out --set strategy.late=true" PLUGINS),
                          "modules are grafted in setup() only", NULL);
        assert_false(exists("out"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(listed),
                cmocka_unit_test(of_a_suite),
                cmocka_unit_test(wrong_taps_do_not_matter),
                cmocka_unit_test(bad_input),
                cmocka_unit_test(a_run_with_a_graft),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
