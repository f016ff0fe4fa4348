/* The command started by a shell: options, closed or full streams, width of the output. */
#include "support/command.h"

static const char file[] = "name: shell\n"
                           "strategy: scratch\n"
                           "target:\n"
                           "  dataset: { use: random, shape: [4], num_classes: 2, train_size: 8, test_size: "
                           "4 }\n"
                           "  model: { use: mlp, hidden: [2] }\n"
                           "  optimizer: sgd\n"
                           "  train: { epochs: 1 }\n";

static int write_file(void **state)
{
        if (enter_folder(state))
                return -1;
        write_text("file.yaml", file);
        return 0;
}

static void options_of_check(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(0, "check --set seed=2 --plugin-path . file.yaml"),
                          "file.yaml: good: 1 run", NULL);
        assert_output_has(run_scion_expecting(2, "check --set seed=x file.yaml"), "--set seed=x", NULL);
        assert_output_has(run_scion_expecting(2, "check --plugin-path none file.yaml"), "none", NULL);
        assert_output_has(run_scion_expecting(2, "check --set"), "needs a value", NULL);
        assert_output_has(run_scion_expecting(2, "check --ste x file.yaml"), "unknown option '--ste'", NULL);
}

static void full_disk_is_a_failure(void **state)
{
        static const char *const commands[] = {
                "--version",    "--help",  "check file.yaml",
                "check --help", "plugins", "run --dry-run file.yaml",
        };

        (void)state;
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
                run_scion_expecting(1, "%s >/dev/full", commands[i]);
}

/* No file of a run gets the descriptor of a closed stream. */
static void closed_streams(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(0, "run file.yaml --set name=closed <&- >&- 2>&- || echo lost"),
                          "lost", NULL);
        char *results = read_text("runs/closed/results.csv");

        assert_non_null(strstr(results, ",done,scratch,1,"));
        free(results);
}

static void out_is_a_folder(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(2, "run --dry-run file.yaml --out ''"), "empty", NULL);
}

#define CRASH "--plugin-path " BUILD_DIR "/tests/suite/plugins "

/*
 * A plugin's output goes to the run's log, up to its last line; changes to its process affect only its own
 * runs.
 */
static void plugin_that_crashes(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(1, "run " CRASH "file.yaml --set name=crash --set "
                                                 "'matrix.strategy=[crash, scratch]' 2>/dev/null"),
                          "] crash-seed1-", ": failed: killed by SIGABRT", "] scratch-seed1-", "1 failed",
                          NULL);
        assert_int_equal(system("grep -qx 'one step to the edge' runs/crash/crash-*/log.txt"), 0);
        /* Also when the command has printed something before the run starts. */
        run_scion_expecting(1, "run " CRASH "file.yaml -j 1 --set name=later --set "
                               "'matrix.strategy=[scratch, crash]' 2>/dev/null");
        assert_int_equal(system("grep -qx 'one step to the edge' runs/later/crash-*/log.txt"), 0);
        assert_output_has(run_scion_expecting(1, "check " CRASH "file.yaml --set strategy=crash"),
                          "scion: crash-seed1-", ": killed by SIGABRT", NULL);

        /* Plugins do not print to the command's standard output. */
        const struct command_result *result =
                run_scion_expecting(1, "run " CRASH "file.yaml --set strategy=crash 2>/dev/null");

        assert_null(strstr(result->output, "one step to the edge"));
}

static void what_the_summary_says(void **state)
{
        (void)state;
        const struct command_result *result = run_scion_expecting(0, "run file.yaml");

        assert_null(strstr(result->output, "±"));
        assert_output_has(run_scion_expecting(0, "run file.yaml --set matrix.seed=[1,2]"), " ± ", NULL);
        result = run_scion_expecting(0, "run file.yaml --set target.dataset.test_size=0");
        assert_null(strstr(result->output, "nan"));
        /* Two axes with the same last component are distinguished. */
        assert_output_has(
                run_scion_expecting(0, "run file.yaml --set 'matrix={target.dataset.limit: [4], "
                                       "target.model.dropout: [0], source.model.dropout: [0]}' "
                                       "--set 'source={dataset: {use: random, shape: [4], num_classes: 2}, "
                                       "model: mlp, optimizer: sgd}'"),
                "  limit  target.model.dropout  source.model.dropout  runs", NULL);
}

static void text_fits_terminal(const char *command)
{
        const char *line = run_scion_expecting(0, "%s --help", command)->output;

        assert_ptr_equal(strstr(line, "Usage: scion "), line);
        for (; *line; line += strcspn(line, "\n") + 1)
                if (strcspn(line, "\n") > 80)
                        fail_msg("%s: longer than 80 characters: %.*s", command, (int)strcspn(line, "\n"),
                                 line);
}

/* Returns the commands that `scion --help` lists: lines of two spaces, a name, and a summary. */
static void help_fits_a_terminal(void **state)
{
        char *list = strdup(run_scion_expecting(0, "--help")->output);
        int count = 0;

        (void)state;
        assert_non_null(list);
        text_fits_terminal("");
        for (char *line = list; line; line = strchr(line + 1, '\n')) {
                char name[32];

                if (sscanf(line, "\n  %31[a-z]", name) != 1)
                        continue;
                text_fits_terminal(name);
                assert_output_has(run_scion_expecting(0, "help %s", name), "[options]", NULL);
                count++;
        }
        assert_true(count >= 6);
        free(list);
}

static void wrong_options(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(2, "run --retry-faild f"), "(did you mean '--retry-failed'?)",
                          NULL);
        assert_output_has(run_scion_expecting(2, "run -qx f"), "unknown option '-x'; see 'scion run --help'",
                          NULL);
        assert_output_has(run_scion_expecting(2, "check --force=1 f"),
                          "option '--force' takes no value, and got '--force=1'", NULL);
        assert_output_has(run_scion_expecting(2, "chek f"), "no command 'chek' (did you mean 'check'?)",
                          NULL);
        assert_output_has(run_scion_expecting(2, "help chek"), "did you mean 'check'?", NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(options_of_check),     cmocka_unit_test(full_disk_is_a_failure),
                cmocka_unit_test(closed_streams),       cmocka_unit_test(out_is_a_folder),
                cmocka_unit_test(plugin_that_crashes),  cmocka_unit_test(what_the_summary_says),
                cmocka_unit_test(help_fits_a_terminal), cmocka_unit_test(wrong_options),
        };

        return cmocka_run_group_tests(tests, write_file, leave_folder);
}
