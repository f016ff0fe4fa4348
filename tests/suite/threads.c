/*
 * Threads within a run: settings of OpenMP in the environment do not change the results, and limits are
 * reported.
 */
#include "support/command.h"

static const char file[] =
        "name: threads\n"
        "strategy: scratch\n"
        "threads: 2\n"
        "target:\n"
        "  dataset: { use: random, shape: [3, 16, 16], num_classes: 3, train_size: 48, test_size: 12 }\n"
        "  model: { use: resnet, depth: 8 }\n"
        "  optimizer: { use: sgd, lr: 0.05 }\n"
        "  train: { epochs: 1, batch_size: 16 }\n";

static int begin(void **state)
{
        if (enter_folder(state))
                return -1;
        write_text("threads.yaml", file);
        return 0;
}

/* With fewer threads than the kernels were created for, they would wait forever. */
static void as_many_as_the_file_says(void **state)
{
        static const char *const variables[] = { "OMP_NUM_THREADS=1", "OMP_DYNAMIC=true",
                                                 "OMP_MAX_ACTIVE_LEVELS=0", "OMP_WAIT_POLICY=passive" };

        (void)state;
        run_scion_expecting(0, "run threads.yaml --quiet --out plain");
        for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
                char command[512];

                snprintf(
                        command, sizeof command,
                        "rm -rf other && %s timeout 30 %s/scion run threads.yaml --quiet --out other >log && "
                        "cmp plain/threads/*/model.safetensors other/threads/*/model.safetensors",
                        variables[i], BUILD_DIR);
                if (system(command) != 0)
                        fail_msg("with %s", variables[i]);
        }
}

static void fewer_are_refused(void **state)
{
        (void)state;
        setenv("OMP_THREAD_LIMIT", "1", 1);
        assert_output_has(run_scion_expecting(2, "run threads.yaml --quiet --out limited"),
                          "2 threads are not available: OMP_THREAD_LIMIT is 1", NULL);
        run_scion_expecting(0, "run threads.yaml --quiet --out limited --set threads=1");
        unsetenv("OMP_THREAD_LIMIT");
}

static void more_than_processors_are_told(void **state)
{
        char command[128], said[128];
        long processors = sysconf(_SC_NPROCESSORS_ONLN);

        (void)state;
        snprintf(command, sizeof command,
                 "run threads.yaml --quiet --set target.train.epochs=0 --set threads=%ld", processors + 1);
        snprintf(said, sizeof said, "threads: %ld is more than this machine's %ld processor", processors + 1,
                 processors);
        assert_output_has(run_scion_expecting(0, "%s", command), said, NULL);
        snprintf(command, sizeof command,
                 "run threads.yaml --quiet --set target.train.epochs=0 --set threads=%ld", processors);
        assert_null(strstr(run_scion_expecting(0, "%s", command)->output, "more than"));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(as_many_as_the_file_says),
                                            cmocka_unit_test(fewer_are_refused),
                                            cmocka_unit_test(more_than_processors_are_told) };

        return cmocka_run_group_tests(tests, begin, leave_folder);
}
