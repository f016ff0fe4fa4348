/* scion check: is a file right? Nothing is run. */
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "suite/task.h"

static const char help[] = "Usage: scion check [options] FILE...\n"
                           "\n"
                           "Checks experiment files as `scion run` does before it runs anything: keys,\n"
                           "plugins, parameters, data, models, weights, and what the strategies need.\n"
                           "Nothing is run and nothing is written.\n"
                           "\n"
                           "  -s, --set KEY=VALUE    replace a value in the file (may be repeated)\n"
                           "  -f, --force            take a file that asks for more than 100000 runs\n"
                           "  -P, --plugin-path DIR  look for plugins there first (may be repeated)\n"
                           "  -h, --help             this text\n"
                           "\n"
                           "Exit status: 0 all good, 1 the checking itself failed, 2 a file or the usage is\n"
                           "wrong.\n";

static int check_file(const char *path, const char *const *set, size_t sets, bool forced)
{
        struct scion_plan plan;
        enum scion_status status = SCION_BAD_INPUT;
        bool values;

        if (scion_plan_make(path, set, sets, forced, &plan)) {
                status = scion_plan_check(&plan, &values, stdout);
                if (status == SCION_GOOD)
                        printf("%s: good: %zu run%s\n", path, plan.count, plan.count == 1 ? "" : "s");
                scion_plan_finish(&plan);
        }
        return status == SCION_GOOD ? SCION_GOOD : scion_cli_failed((int)status);
}

int scion_command_check(int argc, char **argv)
{
        static const struct option longs[] = {
                SCION_CLI_LONG,
                { "force", no_argument, NULL, 'f' },
                { NULL, 0, NULL, 0 },
        };
        bool forced = false;
        struct scion_cli cli;
        int option, status = SCION_GOOD;
        bool going = scion_cli_begin(&cli, "check", help, argc);

        if (!going)
                return scion_cli_failed(SCION_FAILED);
        while (going && (option = getopt_long(argc, argv, SCION_CLI_SHORT "f", longs, NULL)) != -1)
                if (option == 'f')
                        forced = true;
                else
                        going = scion_cli_option(&cli, option, argv, &status);
        if (going && optind == argc)
                status = scion_cli_usage("check", "no file to check");
        for (int i = optind; going && i < argc; i++) {
                int one = check_file(argv[i], cli.set, cli.sets, forced);

                status = one > status ? one : status;
        }
        free(cli.set);
        return scion_cli_printed(status);
}
