/* SCION_TRACE: prints the operations of one step of a run. */
#include "support/command.h"

static const char experiment[] =
        "name: traced\nstrategy: fine-tune\n"
        "source: &it\n"
        "  dataset: { use: random, shape: [6], num_classes: 5, train_size: 12, test_size: 4 }\n"
        "  model: { use: mlp, hidden: [3] }\n  optimizer: { use: sgd }\n"
        "  train: { epochs: 2, batch_size: 4 }\n"
        "target: *it\n";

static const struct command_result *run_with_trace(const char *value, int status)
{
        remove_tree("runs");
        setenv("SCION_TRACE", value, 1);
        write_text("traced.yaml", experiment);
        const struct command_result *result = run_scion_expecting(status, "run --cache '' traced.yaml");

        unsetenv("SCION_TRACE");
        return result;
}

static int text_count(const char *text, const char *what)
{
        int found = 0;

        for (; (text = strstr(text, what)); text += strlen(what))
                found++;
        return found;
}

static char *run_log(void)
{
        DIR *folder = opendir("runs/traced");
        char path[400] = "";

        assert_non_null(folder);
        for (struct dirent *entry; (entry = readdir(folder));)
                if (strncmp(entry->d_name, "fine-tune-", 10) == 0)
                        snprintf(path, sizeof path, "runs/traced/%s/log.txt", entry->d_name);
        closedir(folder);
        return read_text(path);
}

static void the_second_step_of_each_stage(void **state)
{
        const struct command_result *result = run_with_trace("1", 0);

        (void)state;
        assert_output_has(result, "trace of the source's step 2 (epoch 1)\n",
                          "trace of the target's step 2 (epoch 1)\n",
                          "  forward   linear                4x6 3x6 3 -> 4x3\n",
                          "  backward  linear                4x3 5x3 5 -> 4x5\n", "            batch\n",
                          "            update\n", " between them: ", NULL);
        assert_int_equal(text_count(result->output, "  forward   linear "), 4);
        assert_int_equal(text_count(result->output, "  backward  linear "), 4);
        assert_int_equal(text_count(result->output, " between them: "), 2);

        char *log = run_log();

        assert_int_equal(text_count(log, "  backward  linear "), 4);
        free(log);
}

/* Three steps per epoch, two epochs. */
static void a_later_step_and_the_last(void **state)
{
        (void)state;
        assert_output_has(run_with_trace("5", 0), "trace of the target's step 5 (epoch 2)\n", NULL);
        assert_output_has(run_with_trace("1000", 0), "trace of the target's step 6 (epoch 2)\n", NULL);
        assert_int_equal(text_count(run_with_trace("", 0)->output, "between"), 0);
        assert_int_equal(text_count(run_with_trace("0", 0)->output, "between"), 0);
}

static void no_number(void **state)
{
        (void)state;
        assert_output_has(run_with_trace("yes", 2), "SCION_TRACE is 1, or the number of a step, not 'yes'",
                          NULL);
        assert_output_has(run_with_trace("-2", 2), "not '-2'", NULL);
        assert_output_has(run_with_trace("99999999999999999999", 2), "not '99999999999999999999'", NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_second_step_of_each_stage),
                cmocka_unit_test(a_later_step_and_the_last),
                cmocka_unit_test(no_number),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
