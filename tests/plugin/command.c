/* `scion plugins`: what it prints and returns. */
#include "support/test.h"

#include "cli/cli.h"
#include "report/columns.h"

#include <unistd.h>

static char out[20000], err[4000];

/* Points a stream at a temporary file; returns where it led before. */
static int divert(FILE *stream, FILE *to)
{
        int kept;

        fflush(stream);
        kept = dup(fileno(stream));
        assert_true(kept >= 0);
        assert_true(dup2(fileno(to), fileno(stream)) >= 0);
        return kept;
}

static void restore(FILE *stream, int kept, FILE *from, char *text, size_t room)
{
        size_t length;

        fflush(stream);
        dup2(kept, fileno(stream));
        close(kept);
        rewind(from);
        length = fread(text, 1, room - 1, from);
        text[length] = '\0';
        fclose(from);
}

/* Runs the command with these words (ended by NULL); its output is in out and err. */
static int run(const char *word, ...)
{
        char *argv[10] = { (char *)"plugins" };
        FILE *files[2] = { tmpfile(), tmpfile() };
        int argc = 1, kept[2], status;
        va_list more;

        assert_non_null(files[0]);
        assert_non_null(files[1]);
        va_start(more, word);
        for (; word; word = va_arg(more, const char *))
                argv[argc++] = (char *)word;
        va_end(more);
        kept[0] = divert(stdout, files[0]);
        kept[1] = divert(stderr, files[1]);
        status = scion_command_plugins(argc, argv);
        restore(stdout, kept[0], files[0], out, sizeof out);
        restore(stderr, kept[1], files[1], err, sizeof err);
        return status;
}

static void has(const char *where, const char *text)
{
        if (!strstr(where, text))
                fail_msg("\"%s\" is not in:\n%s", text, where);
}

static void everything_is_listed(void **state)
{
        (void)state;
        assert_int_equal(run(NULL), 0);
        has(out, "strategies\n");
        has(out, "losses\n");
        has(out, "datasets\n");
        has(out, "models\n");
        has(out, "\noptimizers\n"
                 "  adam   steps scaled by running moments of the gradient\n"
                 "  adamw  Adam with decoupled weight decay\n"
                 "  sgd    stochastic gradient descent, with momentum and Nesterov's\n");
        assert_string_equal(err, "");
        assert_null(strchr(out, '\033'));
        assert_null(strstr(out, " \n"));
}

static void one_kind(void **state)
{
        (void)state;
        assert_int_equal(run("optimizer", NULL), 0);
        assert_int_equal(strncmp(out, "optimizers\n  adam ", 18), 0);
        assert_null(strstr(out, "datasets"));
        assert_int_equal(run("optimizers", NULL), 0); /* the folder's name is as good */
        assert_int_equal(run("--plugin-path", BUILD_DIR "/tests/plugin/bad", "strategy", NULL), 0);
        has(out, "  undefined        cannot be used: " BUILD_DIR
                 "/tests/plugin/bad/strategies/undefined.so: needs "
                 "'scion_of_tomorrow'");
        has(out, "  smaller          a plugin for a test\n");
}

static void one_plugin(void **state)
{
        (void)state;
        assert_int_equal(run("optimizer", "sgd", NULL), 0);
        has(out, "optimizer sgd: stochastic gradient descent");
        has(out, "  reference  Sutskever");
        has(out, "  file       " BUILD_DIR "/plugins/optimizers/sgd.so\n");
        has(out, "  parameter     type   default  range        meaning\n"
                 "  lr            float  0.01     x >= 0       learning rate\n");
        has(out, "  nesterov      bool   false                 look ahead along the momentum\n");
        has(out, "0 <= x <= 1");
        assert_int_equal(run("strategy", "smaller", NULL), 0);
        has(out, "has no parameters");
        assert_null(strstr(out, "reference"));
        assert_int_equal(run("dataset", "random", NULL), 0);
        has(out, "  shape ");
        has(out, "Every dataset also takes");
        has(out, "  per_class ");
}

static void wrong_usage(void **state)
{
        (void)state;
        assert_int_equal(run("optimiser", NULL), 2);
        has(err, "'optimiser'");
        assert_int_equal(run("optimizer", "sdg", NULL), 2);
        has(err, "did you mean 'sgd'?");
        assert_int_equal(run("strategy", "undefined", NULL), 2);
        has(err, "scion_of_tomorrow");
        assert_int_equal(run("optimizer", "sgd", "lr", NULL), 2);
        has(err, "'lr' is one argument too many; see 'scion plugins --help'");
        assert_int_equal(run("--plugin-pathes", ".", NULL), 2);
        has(err, "unknown option '--plugin-pathes'");
        assert_int_equal(run("--plugin-path", NULL), 2);
        has(err, "'--plugin-path' needs a value");
        assert_int_equal(run("--plugin-path", "/nonexistent", NULL), 2);
        has(err, "'/nonexistent': No such file");
        assert_string_equal(out, "");
        assert_int_equal(run("--help", NULL), 0);
        has(out, "Usage: scion plugins");
        assert_string_equal(err, "");
}

static void a_full_disk_is_noticed(void **state)
{
        FILE *full = fopen("/dev/full", "w"), *note = tmpfile();
        char *argv[] = { (char *)"plugins", (char *)"optimizer", NULL };
        int kept, kept_err, status;

        (void)state;
        if (!full)
                skip();
        assert_non_null(note);
        kept = divert(stdout, full);
        kept_err = divert(stderr, note);
        status = scion_command_plugins(2, argv);
        restore(stderr, kept_err, note, err, sizeof err);
        fflush(stdout);
        dup2(kept, fileno(stdout));
        close(kept);
        clearerr(stdout);
        fclose(full);
        assert_int_equal(status, 1);
        has(err, "cannot write: No space left");
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
                cmocka_unit_test(one_plugin),
                cmocka_unit_test(wrong_usage),
                cmocka_unit_test(a_full_disk_is_noticed),
                cmocka_unit_test(columns_count_characters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
