/* scion check: checks experiment files and plugins. */
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "config/scalar.h"
#include "conform/conform.h"
#include "suite/task.h"

#define SECONDS 60 /* default time limit of one test of a plugin */

static int file_check(const char *path, const struct scion_cli *cli)
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

static void outcome_print(void *context, const struct scion_conform_outcome *outcome)
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

static void counts_print(const char *path, const struct scion_conform_counts *counts)
{
        if (counts->wrong > 0)
                printf("%s: wrong: %d of %d tests failed", path, counts->wrong, counts->wrong + counts->good);
        else
                printf("%s: good: %d tests", path, counts->good);
        if (counts->skipped > 0)
                printf(", %d did not apply", counts->skipped);
        putchar('\n');
}

static int plugin_check(const char *path, const struct scion_cli *cli, double seconds)
{
        const struct scion_conform_request request = { path, cli->set, cli->sets, seconds };
        struct scion_conform_counts counts;

        printf("%s\n", path);
        enum scion_status status = scion_conform_check(&request, outcome_print, NULL, &counts);

        if (status != SCION_GOOD && counts.wrong == 0)
                return scion_cli_failed((int)status);
        if (status == SCION_GOOD || status == SCION_BAD_INPUT)
                counts_print(path, &counts);
        else
                return scion_cli_failed((int)status);
        return (int)status;
}

static bool path_is_plugin(const char *path)
{
        size_t length = strlen(path);

        return length > 3 && strcmp(path + length - 3, ".so") == 0;
}

/* --- The command ---------------------------------------------------------------------------------------- */

static bool time_parse(const char *text, double *seconds, int *status)
{
        if (scion_scalar_float(text, seconds) == SCION_SCALAR_OK && *seconds > 0 && *seconds < 1e6)
                return true;
        *status = scion_cli_usage("check", "--time must be a number of seconds above 0, got '%s'", text);
        return false;
}

static int check_main(int argc, char **argv)
{
        double seconds = SECONDS;
        struct scion_cli cli;
        int option, status = SCION_FAILED;
        bool going = scion_cli_begin(&cli, &scion_command_check, argc, argv);

        while (going && (option = scion_cli_next(&cli, &status)) != 0)
                going = option == 't' && time_parse(cli.text, &seconds, &status);
        if (going)
                status = cli.argc > 0 ? SCION_GOOD : scion_cli_usage("check", "no file to check");
        for (int i = 0; going && i < cli.argc; i++) {
                int one = path_is_plugin(cli.argv[i]) ? plugin_check(cli.argv[i], &cli, seconds)
                                                      : file_check(cli.argv[i], &cli);

                status = one > status ? one : status;
        }
        scion_cli_finish(&cli);
        return scion_cli_printed(status);
}

static const struct scion_cli_option table[] = {
        { 's',
          "set",
          "KEY=VALUE",
          "replace a value in the file; give a plugin a parameter (may be repeated)",
          { 0 } },
        SCION_CLI_FORCE,
        { 't', "time", "SECONDS", "time limit for one test of a plugin (default: 60)", { 0 } },
        SCION_CLI_PLUGIN_PATH,
        SCION_CLI_HELP,
        SCION_CLI_END,
};

#define CHECKED                                        \
        {                                              \
                SCION_CLI_FILES, (const char *const[]) \
                {                                      \
                        "yaml", "yml", "so", NULL      \
                }                                      \
        }

const struct scion_command scion_command_check = {
        .name = "check",
        .summary = "check experiment files, without running them, or plugins",
        .arguments = "FILE...",
        .takes = { CHECKED, CHECKED },
        .text = "Checks experiment files as `scion run` does before it runs them: keys, plugins, parameters, "
                "data, models, weights, and the requirements of the strategies. Nothing is run or written.\n"
                "\n"
                "A FILE that ends in .so is a plugin: it is tested with the tests for its kind, each in its "
                "own process, and errors are explained. Parameters that it requires are given with --set. A "
                "strategy is tested with two lenet5 models (conv1, conv2, fc1, fc2, fc3), on random images "
                "of 1x12x12.\n",
        .options = table,
        .status = "0 all good, 1 the check itself failed, 2 a file, a plugin or the usage is wrong.",
        .run = check_main,
};
