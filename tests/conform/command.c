/* `scion check` of plugins: what it prints and returns. */
#include "support/command.h"

#define BROKEN BUILD_DIR "/tests/conform/broken/"
#define PLUGINS BUILD_DIR "/plugins/"

static void a_good_plugin(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(0, "check " PLUGINS "losses/mse.so"),
                          PLUGINS "losses/mse.so\n  ok      it is loaded", "mse.so: good: ", " tests", NULL);
}

static void plugins_and_files_together(void **state)
{
        const struct command_result *result;

        (void)state;
        write_text("bad.yaml", "nonsense: 1\n");
        result = run_scion_expecting(2, "check " PLUGINS "losses/mse.so bad.yaml " BROKEN "full-stop.so");
        assert_output_has(result, "mse.so: good", "bad.yaml:1:1: ", "FAILED  summary",
                          "full-stop.so: wrong: 1 of ", NULL);
}

static void parameters(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(2, "check " PLUGINS "datasets/idx.so"),
                          "dataset 'idx': give root", "(parameters are given by --set KEY=VALUE)", NULL);
        assert_output_has(run_scion_expecting(2, "check " PLUGINS "strategies/attention.so"),
                          "strategy 'attention' has parameters without a default: give --set layers=VALUE (",
                          NULL);
        assert_output_has(run_scion_expecting(2, "check " PLUGINS "optimizers/sgd.so --set lr=-1"),
                          "--set lr", "lr must be at least 0, got -1", NULL);
        assert_output_has(run_scion_expecting(2, "check " PLUGINS "optimizers/sgd.so --set lrr=1"),
                          "did you mean 'lr'?", NULL);
        assert_output_has(run_scion_expecting(2, "check " PLUGINS "optimizers/sgd.so --set nesterov=true"),
                          "nesterov needs a momentum", NULL);
}

static void what_is_no_plugin(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(2, "check nowhere.so"), "FAILED  it is loaded",
                          "nowhere.so: wrong", NULL);
        write_text("text.so", "no library\n");
        assert_output_has(run_scion_expecting(2, "check text.so"), "FAILED  it is loaded", NULL);
}

static void wrong_usage(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(2, "check --time 0 " PLUGINS "losses/mse.so"),
                          "--time must be a number of seconds above 0, got '0'", NULL);
        assert_output_has(run_scion_expecting(2, "check"), "no file to check", NULL);
        assert_output_has(run_scion_expecting(0, "check --help"), "ends in .so", "--time", NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_good_plugin), cmocka_unit_test(plugins_and_files_together),
                cmocka_unit_test(parameters),    cmocka_unit_test(what_is_no_plugin),
                cmocka_unit_test(wrong_usage),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
