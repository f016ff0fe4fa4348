/* Errors of operations name the line of the plugin's source. */
#include "support/command.h"

#define MARK "/* line of the failure */"
#define MESSAGE "mul: shapes 4x5 and 3x7 do not fit together"
#define HINT " (compile the plugin with -g to get the line)"

/* Returns the number of the line with MARK in source_line.c. */
static int source_marked_line(void)
{
        char *source = read_text(SOURCE_DIR "/tests/plugin/source_line/source_line.c");
        char *mark = strstr(source, MARK);
        int line = 1;

        assert_non_null(mark);
        for (const char *at = source; at < mark; at++)
                line += *at == '\n';
        free(source);
        return line;
}

/* Runs an experiment with that strategy and loss. Returns the first line of the message. */
static const char *run_message(const char *strategy, const char *loss)
{
        static char message[1 << 16];
        char yaml[1000];

        snprintf(yaml, sizeof yaml,
                 "name: line\nstrategy: %s\ntarget:\n"
                 "  dataset: { use: random, shape: [6], num_classes: 5, train_size: 4, test_size: 4 }\n"
                 "  model: { use: mlp, hidden: [3] }\n  loss: %s\n"
                 "  optimizer: { use: sgd }\n  train: { epochs: 1, batch_size: 4 }\n",
                 strategy, loss);
        write_text("line.yaml", yaml);
        const struct command_result *result =
                run_scion_expecting(2, "run -P " BUILD_DIR "/tests/plugin/source_line line.yaml");

        snprintf(message, sizeof message, "%s", result->output);
        message[strcspn(message, "\n")] = '\0';
        return message;
}

static void assert_ends(const char *text, const char *end)
{
        size_t length = strlen(text), tail = strlen(end);

        if (length < tail || strcmp(text + length - tail, end) != 0)
                fail_msg("the message \"%s\" does not end in \"%s\"", text, end);
}

static void a_plugin_with_lines(void **state)
{
        static const char *const names[] = { "lines", "lines4" };
        char expected[200];

        (void)state;
        snprintf(expected, sizeof expected, "/tests/plugin/source_line/source_line.c:%d: " MESSAGE,
                 source_marked_line());
        for (size_t i = 0; i < 2; i++) {
                assert_ends(run_message(names[i], "cross-entropy"), expected);
                assert_ends(run_message("scratch", names[i]), expected);
        }
}

static void a_plugin_with_names_of_functions(void **state)
{
        (void)state;
        assert_ends(run_message("nameless", "cross-entropy"), ": nameless.so: inner(): " MESSAGE HINT);
        assert_ends(run_message("scratch", "nameless"), ": nameless.so: inner(): " MESSAGE HINT);
}

static void a_plugin_with_nothing(void **state)
{
        (void)state;
        assert_ends(run_message("stripped", "cross-entropy"), MESSAGE HINT);
        assert_non_null(strstr(run_message("stripped", "cross-entropy"), ": stripped.so+0x"));
        assert_non_null(strstr(run_message("scratch", "stripped"), ": stripped.so+0x"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_plugin_with_lines),
                cmocka_unit_test(a_plugin_with_names_of_functions),
                cmocka_unit_test(a_plugin_with_nothing),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
