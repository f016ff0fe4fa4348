/* A finished run is kept as long as its plugins, weights and data are what it was made from. */
#include "support/command.h"
#include "support/folder.h"
#include "support/results.h"

static const char suite[] =
        "name: inputs\n"
        "strategy: fine-tune\n"
        "source:\n"
        "  dataset: { use: random, shape: [4], num_classes: 2, train_size: 8, test_size: 4 }\n"
        "  model: { use: mlp, hidden: [2] }\n"
        "  optimizer: sgd\n"
        "  train: { epochs: 1 }\n"
        "target:\n"
        "  dataset: { use: random, shape: [4], num_classes: 2, train_size: 8, test_size: 4 }\n"
        "  optimizer: sgd\n"
        "  train: { epochs: 1 }\n"
        "seeds: 2\n";

#define WEIGHTS "run inputs.yaml --out runs --set source.weights=w.safetensors "

/* Trains two models, whose files serve as weights. */
static int train_weights(void **state)
{
        if (enter_folder(state))
                return -1;
        write_text("inputs.yaml", suite);
        run_scion_expecting(0, "run inputs.yaml --quiet --out weights --set strategy=scratch");
        return system("cp weights/inputs/scratch-seed1-*/model.safetensors w.safetensors");
}

static void replaced_weights_run_again(void **state)
{
        (void)state;
        run_scion_expecting(0, WEIGHTS);
        assert_output_has(run_scion_expecting(0, WEIGHTS), "2 of 2 runs were done before", NULL);
        assert_int_equal(system("touch w.safetensors"), 0); /* the content counts */
        assert_output_has(run_scion_expecting(0, WEIGHTS), "2 of 2 runs were done before", NULL);
        assert_int_equal(system("cp weights/inputs/scratch-seed2-*/model.safetensors w.safetensors"), 0);
        assert_output_has(run_scion_expecting(0, WEIGHTS "--dry-run"), "2 runs: 2 changed", NULL);
        assert_output_has(run_scion_expecting(0, WEIGHTS "--keep-changed"), "2 of 2 runs were done before",
                          NULL);
        assert_output_has(run_scion_expecting(0, WEIGHTS),
                          "2 finished runs: plugins, weights or data have changed since, so they run again",
                          "[2/2]", NULL);
        assert_output_has(run_scion_expecting(0, WEIGHTS), "2 of 2 runs were done before", NULL);
}

static void all_run_again_when_asked(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(0, WEIGHTS "--rerun"), "[1/2]", "[2/2]", NULL);
        assert_output_has(run_scion_expecting(0, WEIGHTS), "2 of 2 runs were done before", NULL);
}

/* Runs of an earlier version have no record. */
static void runs_without_a_record_are_kept(void **state)
{
        (void)state;
        assert_int_equal(system("rm runs/inputs/*/inputs.txt"), 0);
        assert_output_has(run_scion_expecting(0, WEIGHTS), "2 of 2 runs were done before", NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(replaced_weights_run_again),
                cmocka_unit_test(all_run_again_when_asked),
                cmocka_unit_test(runs_without_a_record_are_kept),
        };

        return cmocka_run_group_tests(tests, train_weights, leave_folder);
}
