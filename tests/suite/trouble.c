/*
 * Plugins that crash, hang, exit, exhaust memory or compute NaN: each fails only its own run, with a message
 * that says why.
 */
#include "support/command.h"
#include "support/results.h"

#include <scion/error.h>

#define RESULTS "runs/trouble/results.csv"
#define PLUGINS "--plugin-path " BUILD_DIR "/tests/suite/plugins "

static const char suite[] =
        "name: trouble\n"
        "target:\n"
        "  dataset: { use: random, shape: [4], num_classes: 2, train_size: 32, test_size: 4 }\n"
        "  model: { use: mlp, hidden: [2] }\n"
        "  optimizer: sgd\n"
        "  train: { epochs: 2, batch_size: 8 }\n"
        "matrix:\n"
        "  strategy, limits.minutes, limits.memory_mib:\n"
        "  - [scratch, 0, 0]\n"
        "  - [{ use: trouble, how: segfault, label: segfault }, 0, 0]\n"
        "  - [{ use: trouble, how: exit, label: exit }, 0, 0]\n"
        "  - [{ use: trouble, how: loop, label: loop }, 0.002, 0]\n"
        "  - [{ use: trouble, how: allocate, label: allocate }, 0, 300]\n"
        "  - [{ use: trouble, how: fpe, label: fpe }, 0, 0]\n"
        "  - [{ use: trouble, how: nan, label: nan }, 0, 0]\n"
        "  - [{ use: trouble, how: silent, label: silent }, 0, 0]\n"
        "  - [{ use: trouble, label: nothing }, 0, 0]\n"
        "seeds: 1\n";

static int write_suite(void **state)
{
        if (enter_folder(state))
                return -1;
        write_text("trouble.yaml", suite);
        return 0;
}

/* Returns a field of the row with that strategy. */
static const char *row_field(const struct scion_csv_table *table, const char *strategy, const char *column)
{
        for (size_t i = 0; i < table->rows; i++)
                if (strcmp(field_of(table, i, "strategy"), strategy) == 0)
                        return field_of(table, i, column);
        fail_msg("no row of '%s'", strategy);
        return NULL;
}

static void assert_failed(const struct scion_csv_table *table, const char *strategy, const char *why)
{
        assert_string_equal(row_field(table, strategy, "status"), "failed");
        if (strncmp(row_field(table, strategy, "error"), why, strlen(why)) != 0)
                fail_msg("%s: \"%s\" does not begin with \"%s\"", strategy,
                         row_field(table, strategy, "error"), why);
        assert_string_equal(row_field(table, strategy, "test_accuracy"), "");
}

static void each_tells_its_story(void **state)
{
        struct scion_csv_table table;

        (void)state;
        assert_output_has(
                run_scion_expecting(1, "run " PLUGINS "trouble.yaml -j 3"),
                ": failed: killed by SIGSEGV (Segmentation fault)\n  strategy segfault, limits.minutes 0, "
                "limits.memory_mib 0, seed 1\n  the end of runs/trouble/segfault-",
                "/log.txt:\n", "  | ?[31mtrouble:?[0m segfault\n", "7 of 9 runs failed", "--retry-failed",
                NULL);
        read_table(RESULTS, &table);
        assert_int_equal(table.rows, 9);
        assert_string_equal(row_field(&table, "scratch", "status"), "done");
        assert_string_equal(row_field(&table, "nothing", "status"), "done");
        assert_failed(&table, "silent", "strategy 'trouble': its loss() gives no reason");
        assert_failed(&table, "segfault", "killed by SIGSEGV (Segmentation fault)");
        assert_failed(&table, "exit", "the process ended with status 0 before the run was over");
        assert_failed(&table, "loop", "time limit of 0.002 minutes");
        assert_failed(&table, "allocate", "memory limit of 300 MiB exceeded: it used 3");
        assert_failed(&table, "fpe", "killed by SIGFPE (Floating point exception)");
        assert_failed(&table, "nan",
                      "target: the loss became not a number at step 2 (epoch 1); the last good value was ");
        scion_csv_table_finish(&table);
        assert_int_equal(system("grep -qx 'failed: killed by SIGSEGV (Segmentation fault)' "
                                "runs/trouble/segfault-*/log.txt"),
                         0);
}

/* Failed runs stay failed, and nothing is written, until they are retried. */
static void failed_ones_are_kept(void **state)
{
        char *before = read_text("runs/trouble/results.csv");
        struct scion_csv_table table;

        (void)state;
        assert_output_has(run_scion_expecting(1, "run " PLUGINS "trouble.yaml"),
                          "2 of 9 runs were done before, and 7 failed; --retry-failed runs those again\n",
                          "7 of 9 runs failed", NULL);
        assert_file_is("runs/trouble/results.csv", before);
        free(before);

        assert_output_has(run_scion_expecting(1, "run " PLUGINS "--retry-failed trouble.yaml"),
                          "2 of 9 runs were done before\n", "[9/9] ", "7 of 9 runs failed", NULL);
        read_table(RESULTS, &table);
        assert_int_equal(table.rows, 9);
        assert_failed(&table, "exit", "the process ended with status 0");
        scion_csv_table_finish(&table);
}

/* A limit is not part of a run's identity: a run that exceeded one resumes with another limit. */
static void retried_with_another_limit(void **state)
{
        (void)state;
        write_text("slow.yaml", "name: slow\nstrategy: scratch\n"
                                "limits: { memory_mib: 1 }\n"
                                "target:\n"
                                "  dataset: { use: random, shape: [4], num_classes: 2, train_size: 32 }\n"
                                "  model: { use: mlp, hidden: [2] }\n"
                                "  optimizer: sgd\n");
        assert_output_has(run_scion_expecting(1, "run slow.yaml"), "memory limit of 1 MiB exceeded: it used ",
                          NULL);
        assert_output_has(run_scion_expecting(1, "run slow.yaml --set limits=null"),
                          "0 of 1 runs were done before, and 1 failed", NULL);
        assert_output_has(run_scion_expecting(0, "run slow.yaml --set limits=null --retry-failed"), "[1/1] ",
                          NULL);
        assert_output_has(run_scion_expecting(0, "run slow.yaml"), "1 of 1 runs were done before", NULL);
}

static void fail_fast(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(1, "run " PLUGINS "trouble.yaml --fail-fast -j 1 --out fast"),
                          "[2/9] segfault-", "stopped at the first failure, segfault-",
                          ": killed by SIGSEGV (Segmentation fault); 1 of 9 runs are done", NULL);
        char *results = read_text("fast/trouble/results.csv");

        assert_null(strstr(results, "\nexit"));
        free(results);
}

/* --quiet still prints failures. */
static void quiet_tells_failures(void **state)
{
        (void)state;
        assert_output_has(
                run_scion_expecting(1, "run " PLUGINS "trouble.yaml --quiet --out quiet "
                                       "--set 'matrix={strategy: [scratch, {use: trouble, how: exit}]}'"),
                ": failed: the process ended with status 0", "strategy trouble, seed 1", NULL);
}

/* A plugin that hangs in its setup hangs the check as well, which has the limits of the runs. */
static void check_has_limits(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(1,
                                              "run " PLUGINS "trouble.yaml --out check "
                                              "--set 'matrix={strategy: [scratch, {use: trouble, how: loop, "
                                              "after: 0}]}' --set limits.minutes=0.003"),
                          "time limit of 0.003 minutes", NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_tells_its_story),       cmocka_unit_test(failed_ones_are_kept),
                cmocka_unit_test(retried_with_another_limit), cmocka_unit_test(fail_fast),
                cmocka_unit_test(quiet_tells_failures),       cmocka_unit_test(check_has_limits),
        };

        return cmocka_run_group_tests(tests, write_suite, leave_folder);
}
