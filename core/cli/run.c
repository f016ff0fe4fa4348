/* scion run: the runs that files ask for. */
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "suite/suite.h"
#include "suite/table.h"

static const char help[] = "Usage: scion run [options] FILE...\n"
                           "\n"
                           "Runs the experiments that the YAML files describe. A file with a matrix is a\n"
                           "suite of runs. Each run gets a folder OUT/NAME/RUN with metrics.csv,\n"
                           "config.yaml, model.safetensors and log.txt; each file gets OUT/NAME/results.csv\n"
                           "with a row for each run. Runs that are finished there already are kept, those\n"
                           "that were interrupted go on after their last checkpoint; a run whose folder is\n"
                           "removed is run again. Runs with the same source train it once, and it is kept\n"
                           "for later ones; see 'scion cache'.\n"
                           "\n"
                           "  -s, --set KEY=VALUE    replace a value in the file, as target.train.epochs=5\n"
                           "                         (may be repeated)\n"
                           "  -o, --out DIR          where results go (default: runs)\n"
                           "  -j, --jobs N           runs at a time (default: the processors over a\n"
                           "                         run's threads)\n"
                           "  -c, --checkpoint SECS  least time between two checkpoints of a run; each is\n"
                           "                         written after a whole epoch (default: 1; 0: after all)\n"
                           "      --fail-fast        start nothing more when a run has failed\n"
                           "      --retry-failed     run those again that have failed before\n"
                           "  -n, --dry-run          show the runs, and how far each is, and run nothing\n"
                           "  -f, --force            take a file that asks for more than 100000 runs\n"
                           "  -q, --quiet            no line for each run, but of failures\n"
                           "      --cache DIR        where trained sources and inflated data are kept for\n"
                           "                         other runs, instead of $SCION_CACHE; '' keeps none\n"
                           "  -P, --plugin-path DIR  look for plugins there first (may be repeated)\n"
                           "  -h, --help             this text\n"
                           "\n"
                           "Exit status: 0 all good, 1 something failed while running, 2 the input or the\n"
                           "usage was wrong.\n";

struct options {
        struct scion_cli common;
        struct scion_suite_options suite;
        bool dry_run;
};

static bool parse_jobs(const char *text, int *jobs, int *status)
{
        char *end;
        long number = strtol(text, &end, 10);

        *jobs = (int)number;
        if (!*end && end != text && number >= 1 && number <= 4096)
                return true;
        *status = scion_cli_usage("run", "--jobs takes a number from 1 to 4096, not '%s'", text);
        return false;
}

static bool parse_interval(const char *text, double *seconds, int *status)
{
        char *end;

        *seconds = strtod(text, &end);
        if (!*end && end != text && *seconds >= 0 && *seconds <= 1e9)
                return true;
        *status = scion_cli_usage("run", "--checkpoint takes a number of seconds, not '%s'", text);
        return false;
}

/* An empty one, from an unset variable of a script, would be the root of the file system. */
static bool parse_out(const char *out, int *status)
{
        if (*out)
                return true;
        *status = scion_cli_usage("run", "--out takes a folder, and got an empty name");
        return false;
}

enum { CACHE = 256, FAIL_FAST, RETRY_FAILED }; /* options without a letter */

/* As many runs as processors can serve, each with its threads. */
static int default_jobs(const struct scion_plan *plan)
{
        long jobs = sysconf(_SC_NPROCESSORS_ONLN) / (long)plan->threads;

        return jobs < 1 ? 1 : (int)jobs;
}

/* False when the command ends here, with `status`. */
static bool parse(int argc, char **argv, struct options *options, int *status)
{
        static const struct option longs[] = {
                SCION_CLI_LONG,
                { "out", required_argument, NULL, 'o' },
                { "jobs", required_argument, NULL, 'j' },
                { "checkpoint", required_argument, NULL, 'c' },
                { "dry-run", no_argument, NULL, 'n' },
                { "quiet", no_argument, NULL, 'q' },
                { "fail-fast", no_argument, NULL, FAIL_FAST },
                { "retry-failed", no_argument, NULL, RETRY_FAILED },
                { "cache", required_argument, NULL, CACHE },
                { NULL, 0, NULL, 0 },
        };
        bool going = true;
        int option;

        while (going && (option = getopt_long(argc, argv, SCION_CLI_SHORT "o:j:c:nq", longs, NULL)) != -1) {
                if (option == 'o')
                        going = parse_out(options->suite.out = optarg, status);
                else if (option == 'j')
                        going = parse_jobs(optarg, &options->suite.jobs, status);
                else if (option == 'c')
                        going = parse_interval(optarg, &options->suite.interval, status);
                else if (option == 'n')
                        options->dry_run = true;
                else if (option == CACHE)
                        going = scion_cli_cache(optarg, status);
                else if (option == FAIL_FAST)
                        options->suite.fail_fast = true;
                else if (option == RETRY_FAILED)
                        options->suite.retry_failed = true;
                else if (option == 'q')
                        options->suite.progress = NULL;
                else
                        going = scion_cli_option(&options->common, option, argv, status);
        }
        if (going && optind == argc) {
                *status = scion_cli_usage("run", "no file to run");
                going = false;
        }
        return going;
}

/* One file. */
static enum scion_status run_plan(const struct options *options, const struct scion_plan *plan)
{
        struct scion_suite_options suite = options->suite;
        enum scion_status status;

        if (options->dry_run) /* what is there and is no results.csv is bad input, as it is when running */
                return scion_plan_print(plan, suite.out, !suite.progress, stdout)
                               ? SCION_GOOD
                               : (enum scion_status)scion_cli_failed(SCION_BAD_INPUT);
        if (suite.jobs == 0)
                suite.jobs = default_jobs(plan);
        status = scion_suite_run(plan, &suite, stdout);
        return status == SCION_GOOD ? status : (enum scion_status)scion_cli_failed((int)status);
}

/* Two files of one name would take turns at one results.csv. */
static bool check_names(char *const *files, const struct scion_plan *plans, size_t count)
{
        for (size_t i = 0; i < count; i++)
                for (size_t j = 0; j < i; j++)
                        if (strcmp(plans[i].name, plans[j].name) == 0)
                                return scion_fail("%s and %s have the same name, '%s', and their results "
                                                  "would share a folder",
                                                  files[j], files[i], plans[i].name);
        return true;
}

/* All files are read and checked before the first one runs. */
static enum scion_status run_files(const struct options *options, char *const *files, size_t count)
{
        struct scion_plan *plans = calloc(count, sizeof *plans);
        enum scion_status status = plans || scion_fail("out of memory") ? SCION_GOOD : SCION_FAILED, worst;
        size_t made = 0;

        while (status == SCION_GOOD && made < count) {
                if (scion_plan_make(files[made], options->common.set, options->common.sets,
                                    options->common.forced, &plans[made]))
                        made++;
                else
                        status = SCION_BAD_INPUT;
        }
        if (status == SCION_GOOD && !check_names(files, plans, count))
                status = SCION_BAD_INPUT;
        if (status != SCION_GOOD)
                scion_cli_failed((int)status);
        worst = status;
        for (size_t i = 0; status == SCION_GOOD && worst != SCION_STOPPED && i < count; i++) {
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
                .suite = { .out = "runs", .interval = 1, .progress = stdout, .failures = stderr },
        };
        int status = SCION_FAILED;

        if (!scion_cli_begin(&options.common, "run", help, argc))
                return scion_cli_failed(SCION_FAILED);
        if (parse(argc, argv, &options, &status))
                status = scion_cli_printed((int)run_files(&options, argv + optind, (size_t)(argc - optind)));
        free(options.common.set);
        return status;
}
