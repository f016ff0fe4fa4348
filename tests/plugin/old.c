/* A plugin that was compiled with the first headers of this ABI still works. */
#include "support/command.h"

static const char experiment[] =
        "name: old\nstrategy: { use: old, keep: 0.5, sign: minus }\n"
        "source: &it\n"
        "  dataset: { use: random, shape: [6], num_classes: 4, train_size: 8, test_size: 4 }\n"
        "  model: { use: mlp, hidden: [3] }\n  optimizer: { use: sgd, lr: 0.1 }\n"
        "  train: { epochs: 1, batch_size: 4 }\n"
        "target: *it\n";

#define OLD "-P " BUILD_DIR "/tests/plugin/old "

static void it_runs(void **state)
{
        (void)state;
        write_text("old.yaml", experiment);
        assert_output_has(run_scion_expecting(0, "run --cache '' " OLD "old.yaml"), "[1/1] old-", NULL);
        /* The mean of four shares of 1, squared twice. */
        assert_output_has(run_scion_expecting(0, "run --cache '' " OLD "old.yaml"),
                          "1 of 1 runs were done before", NULL);
}

static void its_logs_have_the_column(void **state)
{
        DIR *folder = opendir("runs/old");
        char path[400] = "", *text;

        (void)state;
        assert_non_null(folder);
        for (struct dirent *entry; (entry = readdir(folder));)
                if (strncmp(entry->d_name, "old-", 4) == 0)
                        snprintf(path, sizeof path, "runs/old/%s/metrics.csv", entry->d_name);
        closedir(folder);
        text = read_text(path);
        assert_non_null(strstr(text, ",train_rest\n"));
        assert_non_null(strstr(text, ",0.0039062")); /* (1/4)^4: the default squares twice */
        free(text);
}

static void its_table_is_read(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(0, "plugins " OLD "strategy old"), "0 <= x < 1", "fc1.weight",
                          "plus", NULL);
        assert_output_has(run_scion_expecting(2, "run " OLD "old.yaml --set strategy.keep=1 -n"), "keep",
                          NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_runs),
                cmocka_unit_test(its_logs_have_the_column),
                cmocka_unit_test(its_table_is_read),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
