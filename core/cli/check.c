/* scion check: is a file right? Nothing is run. */
#include <getopt.h>
#include <scion/error.h>
#include <stdio.h>

#include "cli/cli.h"
#include "plugin/plugin.h"
#include "suite/suite.h"

static const char help[] = "usage: scion check [options] FILE...\n"
                           "\n"
                           "Checks experiment files as `scion run` does before it runs anything: keys, "
                           "plugins, parameters, data, models,\n"
                           "weights, and what the strategies need. Nothing is run and nothing is written.\n"
                           "\n"
                           "  -s, --set KEY=VALUE    replace a value in the file (may be repeated)\n"
                           "  -P, --plugin-path DIR  look for plugins there first (may be repeated)\n"
                           "  -h, --help             this text\n"
                           "\n"
                           "Exit status: 0 all good, 2 something is wrong with a file or the usage.\n";

static int check_file(const char *path, const char *const *set, size_t sets)
{
        struct scion_plan plan;
        enum scion_status status = SCION_BAD_INPUT;

        if (scion_plan_make(path, set, sets, &plan)) {
                status = scion_suite_check(&plan);
                if (status == SCION_GOOD)
                        printf("%s: good: %zu run%s\n", path, plan.count, plan.count == 1 ? "" : "s");
                scion_plan_finish(&plan);
        }
        if (status != SCION_GOOD)
                scion_cli_error();
        return status;
}

int scion_command_check(int argc, char **argv)
{
        static const struct option longs[] = {
                { "set", required_argument, NULL, 's' },
                { "plugin-path", required_argument, NULL, 'P' },
                { "help", no_argument, NULL, 'h' },
                { NULL, 0, NULL, 0 },
        };
        const char *set[64];
        size_t sets = 0;
        int option, worst = SCION_GOOD;

        while ((option = getopt_long(argc, argv, "s:P:h", longs, NULL)) != -1) {
                switch (option) {
                case 's':
                        if (sets == sizeof set / sizeof set[0])
                                return scion_cli_usage("check", "more than %zu times --set", sets);
                        set[sets++] = optarg;
                        break;
                case 'P':
                        if (!scion_plugins_add_path(optarg))
                                return scion_cli_error();
                        break;
                case 'h':
                        fputs(help, stdout);
                        return SCION_GOOD;
                default:
                        return scion_cli_usage("check", NULL);
                }
        }
        if (optind == argc)
                return scion_cli_usage("check", "no file to check");
        for (int i = optind; i < argc; i++) {
                int status = check_file(argv[i], set, sets);

                worst = status > worst ? status : worst;
        }
        return worst;
}
