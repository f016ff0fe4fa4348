/* scion bench: the speed of a run's training and evaluation. */
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/results.h"
#include "cli/cli.h"
#include "process/process.h"
#include "suite/plan.h"

enum { RANDOM = SCION_CLI_LONG, RECOMPUTE, FORMAT, TURNS, PROFILE }; /* options without a letter */

enum format { TABLE, CSV, JSON };
enum turns { NO_TURNS, TRAINING, EVALUATION };

struct options {
        struct scion_cli cli;
        struct scion_bench_options bench;
        int64_t threads; /* 0: as in the file */
        bool random;
        const char *shape, *run;
        int format, turns;
};

static bool options_parse_number(const char *option, const char *text, int64_t most, int64_t *number,
                                 int *status)
{
        char *end;
        long long value = strtoll(text, &end, 10);

        *number = value;
        if (!*end && end != text && value >= 1 && value <= most)
                return true;
        *status = scion_cli_usage("bench", "%s takes a number from 1 to %lld, not '%s'", option,
                                  (long long)most, text);
        return false;
}

static const char *const formats[] = { "table", "csv", "json", NULL };
static const char *const phases[] = { "training", "evaluation", NULL };
static const char *const profiles[] = { "operations", "shapes", NULL };

static bool options_take(struct options *options, int option, int *status)
{
        const char *text = options->cli.text;

        switch (option) {
        case 'n':
                return options_parse_number("--steps", text, 1000000000, &options->bench.steps, status);
        case 't':
                return options_parse_number("--threads", text, 1024, &options->threads, status);
        case 'b':
                return options_parse_number("--evaluation-batch", text, 1 << 20,
                                            &options->bench.evaluation_batch, status);
        case 'r':
                options->run = text;
                return true;
        case RANDOM:
                options->random = true;
                options->shape = text;
                return true;
        case RECOMPUTE:
                options->bench.recompute = true;
                return true;
        case PROFILE:
                options->bench.profile = 1 + scion_cli_choice(&options->cli, "profile",
                                                              text ? text : "operations", profiles, status);
                return options->bench.profile != SCION_PROFILE_NOTHING;
        case FORMAT:
                options->format = scion_cli_choice(&options->cli, "format", text, formats, status);
                return options->format >= 0;
        case TURNS:
                options->turns = 1 + scion_cli_choice(&options->cli, "phase", text, phases, status);
                return options->turns != NO_TURNS;
        default:
                return false;
        }
}

/* Returns false when the command should exit with *status. */
static bool options_parse(struct options *options, int *status)
{
        bool going = true;
        int option;

        while (going && (option = scion_cli_next(&options->cli, status)) != 0)
                going = options_take(options, option, status);
        if (going && options->cli.argc == 1)
                return true;
        if (going && options->cli.argc == 0)
                *status = scion_cli_usage("bench", "no file");
        else if (going)
                *status = scion_cli_usage("bench", "'%s' is one file too many", options->cli.argv[1]);
        return false;
}

static const struct scion_planned *plan_find_run(const struct scion_plan *plan, const char *path,
                                                 const char *id)
{
        const struct scion_planned *planned = id ? scion_plan_find(plan, id) : &plan->planned[0];

        if (planned)
                return planned;
        const char **ids = calloc(plan->count, sizeof *ids);
        struct scion_text suggestion = { 0 };

        for (size_t i = 0; ids && i < plan->count; i++)
                ids[i] = plan->planned[i].id;
        if (ids && scion_cli_suggest(&suggestion, id, "", ids, plan->count))
                scion_fail("%s: no run '%s'%s", path, id, suggestion.text ? suggestion.text : "");
        else
                scion_fail("%s: no run '%s'; 'scion run --dry-run %s' lists them", path, id, path);
        free(suggestion.text);
        free(ids);
        return NULL;
}

/* Applies the options to the run's configuration. */
static bool options_apply(const struct options *options, struct scion_config *config)
{
        char text[48];

        snprintf(text, sizeof text, "threads=%lld", (long long)options->threads);
        return (options->threads == 0 || scion_config_override(config, text)) &&
               (!options->random || scion_bench_randomize(config, options->shape));
}

static const char *config_text(const struct scion_config *config, const char *key)
{
        const struct scion_config *value = scion_config_get(config, key);

        return value && value->text ? value->text : "";
}

static bool bench_print_results(const struct options *options, const char *path,
                                const struct scion_planned *planned, const struct scion_config *config,
                                struct scion_run *run)
{
        const struct scion_config *target = scion_config_get(config, "target"),
                                  *model = scion_config_get(target, "model");
        struct scion_bench result;

        if (options->turns != NO_TURNS)
                return scion_bench_turns(run, &options->bench, options->turns == EVALUATION, stdin, stdout);
        if (!model)
                model = scion_config_get(scion_config_get(config, "source"), "model");
        struct scion_bench_subject subject = { .file = path,
                                               .run = planned->id,
                                               .strategy = planned->strategy,
                                               .model = config_text(model, "use"),
                                               .threads = strtoll(config_text(config, "threads"), NULL, 10) };

        if (!scion_bench_run(run, &options->bench, &result))
                return false;
        bool good = options->format == CSV    ? scion_bench_print_csv(&subject, &result, stdout)
                    : options->format == JSON ? scion_bench_print_json(&subject, &result, stdout)
                                              : scion_bench_print(&subject, &result, stdout);

        scion_bench_finish(&result);
        return good;
}

static int file_bench(const struct options *options, const char *path)
{
        int status = SCION_BAD_INPUT;
        struct scion_plan plan;

        if (!scion_plan_make(path, options->cli.set, options->cli.sets, options->cli.forced, &plan))
                return scion_cli_failed(status);
        const struct scion_planned *planned = plan_find_run(&plan, path, options->run);
        struct scion_config *config = planned ? scion_planned_config(planned) : NULL;
        struct scion_run *run = NULL;

        if (config && options_apply(options, config)) {
                scion_cli_limit_spinning(strtoll(config_text(config, "threads"), NULL, 10),
                                         (char *[]){ (char *)path }, 1);
                run = scion_run_prepare(config);
        }
        if (run)
                status = bench_print_results(options, path, planned, config, run) ? SCION_GOOD : SCION_FAILED;
        if (status != SCION_GOOD)
                scion_cli_failed(status);
        scion_run_destroy(run);
        scion_config_destroy(config);
        scion_plan_finish(&plan);
        return status;
}

static int bench_main(int argc, char **argv)
{
        struct options options = { .bench.evaluation_batch = SCION_EVALUATION_BATCH };
        int status = SCION_FAILED;

        if (scion_cli_begin(&options.cli, &scion_command_bench, argc, argv) &&
            options_parse(&options, &status))
                status = file_bench(&options, options.cli.argv[0]);
        scion_cli_finish(&options.cli);
        return scion_cli_printed(status);
}

static const struct scion_cli_option table[] = {
        { 'n', "steps", "N", "number of steps to time (default: as many as fit in 3 seconds)", { 0 } },
        { 't', "threads", "N", "number of threads, instead of the file's", { 0 } },
        { 'b', "evaluation-batch", "N", "batch size of evaluation (default: 256, as in a run)", { 0 } },
        { RANDOM,
          "random",
          "[=SHAPE]",
          "use random data like the file's; with the shape of an input and the number of classes, as "
          "3x32x32:10, the file's data are not needed",
          { 0 } },
        { RECOMPUTE, "recompute", NULL, "do not cache the outputs of frozen modules", { 0 } },
        { PROFILE,
          "profile",
          "[=BY]",
          "profile the training step by operation (default), or by operation and shape; CSV output then has "
          "only the profile",
          { SCION_CLI_WORDS, profiles } },
        { 'r', "run", "RUN", "the run of a suite with this id (default: the first)", { 0 } },
        { FORMAT, "format", "FORMAT", "table (default), csv or json", { SCION_CLI_WORDS, formats } },
        { TURNS,
          "turns",
          "PHASE",
          "training or evaluation: for each line on standard input, execute --steps steps (default: 1), and "
          "print the wall-clock and processor seconds per step",
          { SCION_CLI_WORDS, phases } },
        SCION_CLI_SET,
        SCION_CLI_FORCE,
        SCION_CLI_PLUGIN_PATH,
        SCION_CLI_HELP,
        SCION_CLI_END,
};

const struct scion_command scion_command_bench = {
        .name = "bench",
        .summary = "time training steps and evaluation",
        .arguments = "FILE",
        .takes = { SCION_CLI_YAML, { 0 } },
        .text = "Times the training step of an experiment file, with its strategy, model, loss, optimizer "
                "and data, and evaluation, after warming up. The step is one of the target's training; a "
                "source that a run would train first is used untrained. For a suite, the first run is timed. "
                "Nothing is written.\n"
                "\n"
                "Shows the median, 10th and 90th percentile of the milliseconds per step; the arithmetic "
                "operations per second of convolutions and matrix products, counted by their definition; and "
                "their share of the rate that products of large matrices reach on this machine, with the "
                "same number of threads and precision.\n",
        .options = table,
        .examples = "  scion bench experiments/quickstart.yaml --set strategy=fine-tune --random\n",
        .run = bench_main,
};
