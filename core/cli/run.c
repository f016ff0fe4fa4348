/* scion run: the runs that files ask for. */
#include <errno.h>
#include <getopt.h>
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "plugin/plugin.h"
#include "suite/suite.h"

static const char help[] =
        "usage: scion run [options] FILE...\n"
        "\n"
        "Runs the experiments that the YAML files describe. A file with a matrix is a suite of runs. Each "
        "run gets a\n"
        "folder OUT/NAME/RUN with metrics.csv, config.yaml, model.safetensors and log.txt; each file gets\n"
        "OUT/NAME/results.csv with a row for each run. Runs that are finished there already are kept.\n"
        "\n"
        "  -s, --set KEY=VALUE    replace a value in the file: --set target.train.epochs=5 (may be "
        "repeated)\n"
        "  -o, --out DIR          where results go (default: runs)\n"
        "  -j, --jobs N           runs at a time (default: the number of processors)\n"
        "  -n, --dry-run          show the runs and run nothing\n"
        "  -q, --quiet            no line for each run\n"
        "  -P, --plugin-path DIR  look for plugins there first (may be repeated)\n"
        "  -h, --help             this text\n"
        "\n"
        "Exit status: 0 all good, 1 something failed while running, 2 the input or the usage was wrong.\n";

struct options {
        struct scion_suite_options suite;
        const char **set;
        size_t sets;
        bool dry_run;
};

static int parse_jobs(const char *text)
{
        char *end;
        long jobs = strtol(text, &end, 10);

        if (*end || end == text || jobs < 1 || jobs > 4096) {
                scion_cli_usage("run", "--jobs takes a number from 1 to 4096, not '%s'", text);
                return 0;
        }
        return (int)jobs;
}

static int default_jobs(void)
{
        long processors = sysconf(_SC_NPROCESSORS_ONLN);

        return processors < 1 ? 1 : (int)processors;
}

/* Returns the index of the first file, or -1 with the command's status in `status`. */
static int parse(int argc, char **argv, struct options *options, int *status)
{
        static const struct option longs[] = {
                { "set", required_argument, NULL, 's' },  { "out", required_argument, NULL, 'o' },
                { "jobs", required_argument, NULL, 'j' }, { "dry-run", no_argument, NULL, 'n' },
                { "quiet", no_argument, NULL, 'q' },      { "plugin-path", required_argument, NULL, 'P' },
                { "help", no_argument, NULL, 'h' },       { NULL, 0, NULL, 0 },
        };
        int option;

        *status = SCION_BAD_INPUT;
        while ((option = getopt_long(argc, argv, "s:o:j:nqP:h", longs, NULL)) != -1) {
                switch (option) {
                case 's':
                        options->set[options->sets++] = optarg;
                        break;
                case 'o':
                        options->suite.out = optarg;
                        break;
                case 'j':
                        options->suite.jobs = parse_jobs(optarg);
                        if (options->suite.jobs == 0)
                                return -1;
                        break;
                case 'n':
                        options->dry_run = true;
                        break;
                case 'q':
                        options->suite.progress = NULL;
                        break;
                case 'P':
                        if (!scion_plugins_add_path(optarg))
                                return scion_cli_error(), -1;
                        break;
                case 'h':
                        fputs(help, stdout);
                        *status = SCION_GOOD;
                        return -1;
                default:
                        scion_cli_usage("run", NULL);
                        return -1;
                }
        }
        if (optind == argc) {
                scion_cli_usage("run", "no file to run");
                return -1;
        }
        return optind;
}

static void print_plan(const struct scion_plan *plan)
{
        printf("%s: %zu run%s\n", plan->name, plan->count, plan->count == 1 ? "" : "s");
        for (size_t i = 0; i < plan->count; i++)
                printf("  %s\n", plan->planned[i].id);
}

/* One file. */
static enum scion_status run_plan(const struct options *options, const struct scion_plan *plan)
{
        enum scion_status status;

        if (options->dry_run) {
                print_plan(plan);
                return SCION_GOOD;
        }
        status = scion_suite_run(plan, &options->suite, stdout);
        if (status != SCION_GOOD)
                scion_cli_error();
        return status;
}

/* All files are read and checked before the first one runs. */
static enum scion_status run_files(const struct options *options, char *const *files, size_t count)
{
        struct scion_plan *plans = calloc(count, sizeof *plans);
        enum scion_status status = plans ? SCION_GOOD : SCION_FAILED, worst;
        size_t made = 0;

        while (status == SCION_GOOD && made < count) {
                if (scion_plan_make(files[made], options->set, options->sets, &plans[made]))
                        made++;
                else
                        status = SCION_BAD_INPUT;
        }
        if (status != SCION_GOOD)
                scion_cli_error();
        worst = status;
        for (size_t i = 0; status == SCION_GOOD && i < count; i++) {
                enum scion_status one = run_plan(options, &plans[i]);

                worst = one > worst ? one : worst;
        }
        for (size_t i = 0; i < made; i++)
                scion_plan_finish(&plans[i]);
        free(plans);
        return worst;
}

int scion_command_run(int argc, char **argv)
{
        struct options options = {
                .suite = { .out = "runs", .jobs = default_jobs(), .progress = stdout },
                .set = calloc((size_t)argc, sizeof *options.set),
        };
        int status = SCION_FAILED, first = -1;

        if (options.set)
                first = parse(argc, argv, &options, &status);
        if (first >= 0)
                status = (int)run_files(&options, argv + first, (size_t)(argc - first));
        free(options.set);
        return status;
}
