/* `scion plugins`: what it prints and returns. */
#include "support/command.h"

#include "table/columns.h"

#define BAD "--plugin-path " BUILD_DIR "/tests/plugin/bad "

static void everything_is_listed(void **state)
{
        const struct command_result *result = run_scion_expecting(0, "plugins");

        (void)state;
        assert_output_has(result, "strategies\n  ", "\nlosses\n  ", "\ndatasets\n  ", "\nmodels\n  ", NULL);
        assert_output_has(result,
                          "\noptimizers\n"
                          "  adam   Adam: steps scaled by running moments of the gradient\n"
                          "  adamw  Adam with decoupled weight decay\n"
                          "  sgd    stochastic gradient descent, optionally with momentum or Nesterov's\n",
                          NULL);
        assert_null(strchr(result->output, '\033'));
        assert_null(strstr(result->output, " \n"));
}

static void one_kind(void **state)
{
        const struct command_result *result = run_scion_expecting(0, "plugins optimizer");

        (void)state;
        assert_int_equal(strncmp(result->output, "optimizers\n  adam ", 18), 0);
        assert_null(strstr(result->output, "datasets"));
        run_scion_expecting(0, "plugins optimizers"); /* the name of the folder is accepted too */
}

static void broken_plugins_are_listed_with_the_reason(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(0, "plugins " BAD "strategy"),
                          "cannot be used: " BUILD_DIR
                          "/tests/plugin/bad/strategies/undefined.so: undefined symbol 'scion_of_tomorrow'",
                          "  a plugin for a test\n", NULL);
}

static void one_plugin(void **state)
{
        const struct command_result *result = run_scion_expecting(0, "plugins optimizer sgd");

        (void)state;
        assert_output_has(result, "optimizer sgd: stochastic gradient descent", "  reference  Sutskever",
                          "  file       " BUILD_DIR "/plugins/optimizers/sgd.so\n", NULL);
        assert_output_has(result,
                          "  parameter     type   default  range        meaning\n"
                          "  lr            float  0.01     x >= 0       learning rate\n",
                          "  nesterov      bool   false                 use Nesterov's momentum\n",
                          "0 <= x <= 1", NULL);
        result = run_scion_expecting(0, "plugins " BAD "strategy smaller");
        assert_output_has(result, "has no parameters", NULL);
        assert_null(strstr(result->output, "reference"));
        assert_output_has(run_scion_expecting(0, "plugins dataset random"), "  shape ",
                          "Every dataset also takes", "  per_class ", NULL);
}

static void wrong_usage(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(2, "plugins optimiser"), "'optimiser'", NULL);
        assert_output_has(run_scion_expecting(2, "plugins optimizer sdg"), "did you mean 'sgd'?", NULL);
        assert_output_has(run_scion_expecting(2, "plugins " BAD "strategy undefined"), "scion_of_tomorrow",
                          NULL);
        assert_output_has(run_scion_expecting(2, "plugins optimizer sgd lr"),
                          "'lr' is one argument too many; see 'scion plugins --help'", NULL);
        assert_output_has(run_scion_expecting(2, "plugins --plugin-pathes ."),
                          "unknown option '--plugin-pathes'", NULL);
        assert_output_has(run_scion_expecting(2, "plugins --plugin-path"), "'--plugin-path' needs a value",
                          NULL);
        assert_output_has(run_scion_expecting(2, "plugins --plugin-path /nonexistent"),
                          "'/nonexistent': No such file", NULL);
        assert_output_has(run_scion_expecting(0, "plugins --help"), "Usage: scion plugins", NULL);
}

static void a_full_disk_is_noticed(void **state)
{
        (void)state;
        if (access("/dev/full", W_OK))
                skip();
        assert_output_has(run_scion_expecting(1, "plugins optimizer 2>&1 >/dev/full #"),
                          "cannot write: No space left", NULL);
}

static void columns_count_characters(void **state)
{
        struct scion_columns columns = { .per_row = 3 };
        FILE *file = tmpfile();
        static const char *const cells[] = { "größe", "", "a", "x", "", "é", "yy", NULL, "" };
        char text[200];
        size_t length;

        (void)state;
        assert_non_null(file);
        for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
                scion_columns_add(&columns, cells[i]);
        assert_true(scion_columns_print(&columns, 1, file));
        scion_columns_finish(&columns);
        rewind(file);
        length = fread(text, 1, sizeof text - 1, file);
        text[length] = '\0';
        fclose(file);
        assert_string_equal(text, " größe  a\n x      é\n yy\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(everything_is_listed),
                cmocka_unit_test(one_kind),
                cmocka_unit_test(broken_plugins_are_listed_with_the_reason),
                cmocka_unit_test(one_plugin),
                cmocka_unit_test(wrong_usage),
                cmocka_unit_test(a_full_disk_is_noticed),
                cmocka_unit_test(columns_count_characters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
