/* scion check: is an experiment file right, or a plugin? */
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "config/scalar.h"
#include "conform/conform.h"
#include "suite/task.h"

#define SECONDS 60 /* that one test of a plugin may take, unless said otherwise */

static const char help[] =
        "Usage: scion check [options] FILE...\n"
        "\n"
        "Checks experiment files as `scion run` does before it runs anything: keys,\n"
        "plugins, parameters, data, models, weights, and what the strategies need.\n"
        "Nothing is run and nothing is written.\n"
        "\n"
        "A FILE that ends in .so is a plugin: the tests of its kind are run, each in a\n"
        "process of its own, and what it does wrong is said in plain words. Parameters\n"
        "that it needs are given by --set.\n"
        "\n"
        "  -s, --set KEY=VALUE    replace a value in the file; give a plugin a parameter\n"
        "                         (may be repeated)\n"
        "  -f, --force            take a file that asks for more than 100000 runs\n"
        "  -t, --time SECONDS     time for one test of a plugin; default 60\n"
        "  -P, --plugin-path DIR  look for plugins there first (may be repeated)\n"
        "  -h, --help             this text\n"
        "\n"
        "Exit status: 0 all good, 1 the checking itself failed, 2 a file, a plugin or the\n"
        "usage is wrong.\n";

static int check_file(const char *path, const struct scion_cli *cli)
{
        struct scion_plan plan;
        enum scion_status status = SCION_BAD_INPUT;
        bool values;

        if (scion_plan_make(path, cli->set, cli->sets, cli->forced, &plan)) {
                status = scion_plan_check(&plan, &values, stdout);
                if (status == SCION_GOOD)
                        printf("%s: good: %zu run%s\n", path, plan.count, plan.count == 1 ? "" : "s");
                scion_plan_finish(&plan);
        }
        return status == SCION_GOOD ? SCION_GOOD : scion_cli_failed((int)status);
}

/* --- A plugin ------------------------------------------------------------------------------------------- */

static void print_outcome(void *context, const struct scion_conform_outcome *outcome)
{
        static const char *const words[] = {
                [SCION_CONFORM_GOOD] = "ok    ",
                [SCION_CONFORM_WRONG] = "FAILED",
                [SCION_CONFORM_SKIPPED] = "-     ",
        };

        (void)context;
        printf("  %s  %s\n", words[outcome->verdict], outcome->test);
        for (const char *line = outcome->text; *line;) {
                size_t length = strcspn(line, "\n");

                printf("          %.*s\n", (int)length, line);
                line += length + (line[length] == '\n');
        }
        fflush(stdout);
}

static void print_counts(const char *path, const struct scion_conform_counts *counts)
{
        if (counts->wrong > 0)
                printf("%s: wrong: %d of %d tests failed", path, counts->wrong, counts->wrong + counts->good);
        else
                printf("%s: good: %d tests", path, counts->good);
        if (counts->skipped > 0)
                printf(", %d did not apply", counts->skipped);
        putchar('\n');
}

static int check_plugin(const char *path, const char *const *set, size_t sets, double seconds)
{
        const struct scion_conform_wish wish = { path, set, sets, seconds };
        struct scion_conform_counts counts;

        printf("%s\n", path);
        enum scion_status status = scion_conform_check(&wish, print_outcome, NULL, &counts);

        if (status != SCION_GOOD && counts.wrong == 0)
                return scion_cli_failed((int)status);
        if (status == SCION_GOOD || status == SCION_BAD_INPUT)
                print_counts(path, &counts);
        else
                return scion_cli_failed((int)status);
        return (int)status;
}

static bool is_plugin(const char *path)
{
        size_t length = strlen(path);

        return length > 3 && strcmp(path + length - 3, ".so") == 0;
}

/* --- The command ---------------------------------------------------------------------------------------- */

static bool take_time(const char *text, double *seconds, int *status)
{
        if (scion_scalar_float(text, seconds) == SCION_SCALAR_OK && *seconds > 0 && *seconds < 1e6)
                return true;
        *status = scion_cli_usage("check", "--time must be a number of seconds above 0, got '%s'", text);
        return false;
}

int scion_command_check(int argc, char **argv)
{
        static const struct option longs[] = {
                SCION_CLI_LONG,
                { "time", required_argument, NULL, 't' },
                { NULL, 0, NULL, 0 },
        };
        double seconds = SECONDS;
        struct scion_cli cli;
        int option, status = SCION_GOOD;
        bool going = scion_cli_begin(&cli, "check", help, argc);

        if (!going)
                return scion_cli_failed(SCION_FAILED);
        while (going && (option = getopt_long(argc, argv, SCION_CLI_SHORT "t:", longs, NULL)) != -1)
                if (option == 't')
                        going = take_time(optarg, &seconds, &status);
                else
                        going = scion_cli_option(&cli, option, argv, &status);
        if (going && optind == argc)
                status = scion_cli_usage("check", "no file to check");
        for (int i = optind; going && i < argc; i++) {
                int one = is_plugin(argv[i]) ? check_plugin(argv[i], cli.set, cli.sets, seconds)
                                             : check_file(argv[i], &cli);

                status = one > status ? one : status;
        }
        free(cli.set);
        return scion_cli_printed(status);
}
