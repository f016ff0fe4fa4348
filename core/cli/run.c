/* scion run: runs experiments. */
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "suite/status_table.h"
#include "suite/suite.h"

struct options {
        struct scion_cli cli;
        struct scion_suite_options suite;
        bool dry_run;
};

static bool jobs_parse(const char *text, int *jobs, int *status)
{
        char *end;
        long number = strtol(text, &end, 10);

        *jobs = (int)number;
        if (!*end && end != text && number >= 1 && number <= 4096)
                return true;
        *status = scion_cli_usage("run", "--jobs takes a number from 1 to 4096, not '%s'", text);
        return false;
}

static bool interval_parse(const char *text, double *seconds, int *status)
{
        char *end;

        *seconds = strtod(text, &end);
        if (!*end && end != text && *seconds >= 0 && *seconds <= 1e9)
                return true;
        *status = scion_cli_usage("run", "--checkpoint takes a number of seconds, not '%s'", text);
        return false;
}

/*
 * Rejects an empty name, as from an unset variable in a script, which would mean the root of the file system.
 */
static bool out_parse(const char *out, int *status)
{
        if (*out)
                return true;
        *status = scion_cli_usage("run", "--out takes a folder, and got an empty name");
        return false;
}

enum { FAIL_FAST = SCION_CLI_LONG, RETRY_FAILED, KEEP_CHANGED, RERUN }; /* options without a letter */

/* Returns the number of runs that the processors can serve, each with its threads. */
static int plan_default_jobs(const struct scion_plan *plan)
{
        long jobs = sysconf(_SC_NPROCESSORS_ONLN) / (long)plan->threads;

        return jobs < 1 ? 1 : (int)jobs;
}

/* Returns false when the command should exit with *status. */
static bool options_parse(struct options *options, int *status)
{
        bool going = true;
        int option;

        while (going && (option = scion_cli_next(&options->cli, status)) != 0) {
                char *text = options->cli.text;

                if (option == 'o')
                        going = out_parse(options->suite.out = text, status);
                else if (option == 'j')
                        going = jobs_parse(text, &options->suite.jobs, status);
                else if (option == 'c')
                        going = interval_parse(text, &options->suite.interval, status);
                else if (option == 'n')
                        options->dry_run = true;
                else if (option == FAIL_FAST)
                        options->suite.fail_fast = true;
                else if (option == RETRY_FAILED)
                        options->suite.retry_failed = true;
                else if (option == KEEP_CHANGED)
                        options->suite.keep_changed = true;
                else if (option == RERUN)
                        options->suite.rerun = true;
                else if (option == 'q')
                        options->suite.progress = NULL;
                else
                        going = false;
        }
        if (going && options->cli.argc == 0) {
                *status = scion_cli_usage("run", "no file to run");
                going = false;
        }
        return going;
}

/* Runs one file, or prints its plan with --dry-run. */
static enum scion_status plan_run(const struct options *options, const struct scion_plan *plan)
{
        struct scion_suite_options suite = options->suite;
        enum scion_status status;

        if (options->dry_run) /* an unreadable results.csv is bad input here as well */
                return scion_status_table_print(plan, suite.out, !suite.progress, stdout)
                               ? SCION_GOOD
                               : (enum scion_status)scion_cli_failed(SCION_BAD_INPUT);
        if (suite.jobs == 0)
                suite.jobs = plan_default_jobs(plan);
        status = scion_suite_run(plan, &suite, stdout);
        return status == SCION_GOOD ? status : (enum scion_status)scion_cli_failed((int)status);
}

/* Two experiments with the same name would write the same results.csv. */
static bool plans_check_names(char *const *files, const struct scion_plan *plans, size_t count)
{
        for (size_t i = 0; i < count; i++)
                for (size_t j = 0; j < i; j++)
                        if (strcmp(plans[i].name, plans[j].name) == 0)
                                return scion_fail("%s and %s have the same name, '%s', and their results "
                                                  "would share a folder",
                                                  files[j], files[i], plans[i].name);
        return true;
}

static int64_t plans_most_threads(const struct scion_plan *plans, size_t count)
{
        int64_t most = 1;

        for (size_t i = 0; i < count; i++)
                most = plans[i].threads > most ? plans[i].threads : most;
        return most;
}

/* Reads and checks all files before the first one runs. */
static enum scion_status files_run(const struct options *options, char *const *files, size_t count)
{
        struct scion_plan *plans = calloc(count, sizeof *plans);
        enum scion_status status = plans || scion_fail("out of memory") ? SCION_GOOD : SCION_FAILED, worst;
        size_t made = 0;

        while (status == SCION_GOOD && made < count) {
                if (scion_plan_make(files[made], options->cli.set, options->cli.sets, options->cli.forced,
                                    &plans[made]))
                        made++;
                else
                        status = SCION_BAD_INPUT;
        }
        if (status == SCION_GOOD && !plans_check_names(files, plans, count))
                status = SCION_BAD_INPUT;
        if (status != SCION_GOOD)
                scion_cli_failed((int)status);
        else if (!options->dry_run)
                scion_cli_limit_spinning(plans_most_threads(plans, count), files, count);
        worst = status;
        for (size_t i = 0; status == SCION_GOOD && worst != SCION_STOPPED && i < count; i++) {
                enum scion_status one = plan_run(options, &plans[i]);

                worst = one > worst ? one : worst;
        }
        for (size_t i = 0; i < made; i++)
                scion_plan_finish(&plans[i]);
        free(plans);
        return worst;
}

static int run_main(int argc, char **argv)
{
        struct options options = {
                .suite = { .out = "runs", .interval = 1, .progress = stdout, .failures = stderr },
        };
        struct scion_cli *cli = &options.cli;
        int status = SCION_FAILED;

        if (scion_cli_begin(cli, &scion_command_run, argc, argv) && options_parse(&options, &status))
                status = scion_cli_printed((int)files_run(&options, cli->argv, (size_t)cli->argc));
        scion_cli_finish(cli);
        return status;
}

static const struct scion_cli_option table[] = {
        { 's',
          "set",
          "KEY=VALUE",
          "replace a value in the file, as target.train.epochs=5 (may be repeated)",
          { 0 } },
        { 'o', "out", "DIR", "folder for results (default: runs)", { SCION_CLI_FOLDERS, NULL } },
        { 'j', "jobs", "N", "number of parallel runs (default: processors / threads of a run)", { 0 } },
        { 'c',
          "checkpoint",
          "SECS",
          "least time between two checkpoints of a run, which are written after an epoch (default: 1; 0: "
          "after every epoch)",
          { 0 } },
        { FAIL_FAST, "fail-fast", NULL, "start no more runs after a failure", { 0 } },
        { RETRY_FAILED, "retry-failed", NULL, "run failed runs again", { 0 } },
        { KEEP_CHANGED,
          "keep-changed",
          NULL,
          "keep finished runs whose plugins, weights or data files have changed since",
          { 0 } },
        { RERUN, "rerun", NULL, "run all runs again, from the beginning", { 0 } },
        { 'n', "dry-run", NULL, "list the runs and their states, without running anything", { 0 } },
        SCION_CLI_FORCE,
        { 'q', "quiet", NULL, "print no line for each run, only failures", { 0 } },
        SCION_CLI_CACHE("folder that caches trained sources and inflated data for other runs, instead of "
                        "$SCION_CACHE; '' for none"),
        SCION_CLI_PLUGIN_PATH,
        SCION_CLI_HELP,
        SCION_CLI_END,
};

const struct scion_command scion_command_run = {
        .name = "run",
        .summary = "run experiments",
        .arguments = "FILE...",
        .takes = { SCION_CLI_YAML, SCION_CLI_YAML },
        .text = "Runs the experiments that the YAML files describe. A file with a matrix is a suite of runs. "
                "Each run gets a folder OUT/NAME/RUN with metrics.csv, config.yaml, inputs.txt, "
                "model.safetensors and log.txt; each file gets OUT/NAME/results.csv with a row for each run. "
                "Finished runs are "
                "kept, and interrupted ones resume from their last checkpoint; a run whose folder has been "
                "removed is run again, and so is one whose plugins, weights or data files have changed "
                "since. Runs with the same source train it once, and it is cached for later "
                "ones; see `scion cache`.\n",
        .options = table,
        .run = run_main,
};
