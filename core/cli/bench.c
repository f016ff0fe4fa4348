/* scion bench: how fast a run's training and evaluation are. */
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/results.h"
#include "cli/cli.h"
#include "suite/plan.h"
#include "suite/process.h"

static const char help[] = "Usage: scion bench [options] FILE\n"
                           "\n"
                           "Times the training step that an experiment file describes, with its strategy,\n"
                           "model, loss, optimizer and data, and evaluation; after warming up. The step is\n"
                           "one of the target's training; a source that would be trained first is taken as\n"
                           "it begins. Of a suite, its first run. Nothing is written.\n"
                           "\n"
                           "Shows the median, the 10th and the 90th percentile of the milliseconds a step\n"
                           "takes, the operations of convolutions and products of matrices, as counted by\n"
                           "their definition, a second, and what share that is of what products of large\n"
                           "matrices reach on this machine, with as many threads.\n"
                           "\n"
                           "  -n, --steps N          steps to time (default: what 3 seconds have)\n"
                           "  -t, --threads N        in place of the file's\n"
                           "  -b, --evaluation-batch N\n"
                           "                         examples at a time in evaluation (default: 256, as\n"
                           "                         in a run)\n"
                           "      --random[=SHAPE]   random data like the file's; with a shape, as\n"
                           "                         3x32x32:10 (of an input, and the classes), the file's\n"
                           "                         data need not be there\n"
                           "      --recompute        do not keep what frozen modules make of the data\n"
                           "  -r, --run RUN          of a suite, the run of this id\n"
                           "      --format FORMAT    table (default), csv or json\n"
                           "      --turns PHASE      training or evaluation: for each line on standard\n"
                           "                         input take --steps steps (default: 1), and print the\n"
                           "                         seconds of one, by the clock and of the processor\n"
                           "  -s, --set KEY=VALUE    replace a value in the file (may be repeated)\n"
                           "  -f, --force            take a file that asks for more than 100000 runs\n"
                           "  -P, --plugin-path DIR  look for plugins there first (may be repeated)\n"
                           "  -h, --help             this text\n"
                           "\n"
                           "  scion bench experiments/quickstart.yaml --set strategy=fine-tune --random\n"
                           "\n"
                           "Exit status: 0 all good, 1 something failed while running, 2 the input or the\n"
                           "usage was wrong.\n";

enum { RANDOM = 256, RECOMPUTE, FORMAT, TURNS }; /* options without a letter */

enum format { TABLE, CSV, JSON };
enum turns { NO_TURNS, TRAINING, EVALUATION };

struct options {
        struct scion_cli common;
        struct scion_bench_options bench;
        int64_t threads; /* 0: the file's */
        bool random, forced;
        const char *shape, *run;
        int format, turns;
};

static bool parse_number(const char *option, const char *text, int64_t most, int64_t *number, int *status)
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

/* One of the names, ended by NULL; its number. */
static bool parse_name(const char *option, const char *const *names, const char *text, int *number,
                       int *status)
{
        size_t count = 0;

        for (; names[count]; count++)
                if (strcmp(names[count], text) == 0) {
                        *number = (int)count;
                        return true;
                }
        const char *near = scion_nearest(text, names, count);

        *status =
                near ? scion_cli_usage("bench", "%s cannot be '%s' (did you mean '%s'?)", option, text, near)
                     : scion_cli_usage("bench", "%s cannot be '%s'", option, text);
        return false;
}

/* False when the command ends here, with `status`. */
static bool take_option(int option, char **argv, struct options *options, int *status)
{
        static const char *const formats[] = { "table", "csv", "json", NULL };
        static const char *const phases[] = { "training", "evaluation", NULL };

        switch (option) {
        case 'n':
                return parse_number("--steps", optarg, 1000000000, &options->bench.steps, status);
        case 't':
                return parse_number("--threads", optarg, 1024, &options->threads, status);
        case 'b':
                return parse_number("--evaluation-batch", optarg, 1 << 20, &options->bench.evaluation_batch,
                                    status);
        case 'r':
                options->run = optarg;
                return true;
        case 'f':
                options->forced = true;
                return true;
        case RANDOM:
                options->random = true;
                options->shape = optarg;
                return true;
        case RECOMPUTE:
                options->bench.recompute = true;
                return true;
        case FORMAT:
                return parse_name("--format", formats, optarg, &options->format, status);
        case TURNS:
                if (!parse_name("--turns", phases, optarg, &options->turns, status))
                        return false;
                options->turns++;
                return true;
        default:
                return scion_cli_option(&options->common, option, argv, status);
        }
}

static bool parse(int argc, char **argv, struct options *options, int *status)
{
        static const struct option longs[] = {
                SCION_CLI_LONG,
                { "steps", required_argument, NULL, 'n' },
                { "threads", required_argument, NULL, 't' },
                { "evaluation-batch", required_argument, NULL, 'b' },
                { "random", optional_argument, NULL, RANDOM },
                { "recompute", no_argument, NULL, RECOMPUTE },
                { "run", required_argument, NULL, 'r' },
                { "format", required_argument, NULL, FORMAT },
                { "turns", required_argument, NULL, TURNS },
                { "force", no_argument, NULL, 'f' },
                { NULL, 0, NULL, 0 },
        };
        bool going = true;
        int option;

        while (going && (option = getopt_long(argc, argv, SCION_CLI_SHORT "n:t:b:r:f", longs, NULL)) != -1)
                going = take_option(option, argv, options, status);
        if (going && optind + 1 == argc)
                return true;
        if (going && optind == argc)
                *status = scion_cli_usage("bench", "no file");
        else if (going)
                *status = scion_cli_usage("bench", "'%s' is one file too many", argv[optind + 1]);
        return false;
}

static const struct scion_planned *find_run(const struct scion_plan *plan, const char *path, const char *id)
{
        const struct scion_planned *planned = id ? scion_plan_find(plan, id) : &plan->planned[0];

        if (planned)
                return planned;
        const char **ids = calloc(plan->count, sizeof *ids);
        const char *near = NULL;

        for (size_t i = 0; ids && i < plan->count; i++)
                ids[i] = plan->planned[i].id;
        if (ids)
                near = scion_nearest(id, ids, plan->count);
        if (near)
                scion_fail("%s: no run '%s' (did you mean '%s'?)", path, id, near);
        else
                scion_fail("%s: no run '%s'; 'scion run --dry-run %s' lists them", path, id, path);
        free(ids);
        return NULL;
}

/* What the options replace in the run's configuration. */
static bool replace(const struct options *options, struct scion_config *config)
{
        char text[48];

        snprintf(text, sizeof text, "threads=%lld", (long long)options->threads);
        return (options->threads == 0 || scion_config_override(config, text)) &&
               (!options->random || scion_bench_randomize(config, options->shape));
}

static const char *text_at(const struct scion_config *config, const char *key)
{
        const struct scion_config *value = scion_config_get(config, key);

        return value && value->text ? value->text : "";
}

static bool bench(const struct options *options, const char *path, const struct scion_planned *planned,
                  const struct scion_config *config, struct scion_run *run)
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
                                               .model = text_at(model, "use"),
                                               .threads = strtoll(text_at(config, "threads"), NULL, 10) };

        if (!scion_bench_run(run, &options->bench, &result))
                return false;
        return options->format == CSV    ? scion_bench_print_csv(&subject, &result, stdout)
               : options->format == JSON ? scion_bench_print_json(&subject, &result, stdout)
                                         : scion_bench_print(&subject, &result, stdout);
}

static int bench_file(const struct options *options, const char *path)
{
        int status = SCION_BAD_INPUT;
        struct scion_plan plan;

        if (!scion_plan_make(path, options->common.set, options->common.sets, options->forced, &plan))
                return scion_cli_failed(status);
        const struct scion_planned *planned = find_run(&plan, path, options->run);
        struct scion_config *config = planned ? scion_planned_config(planned) : NULL;
        struct scion_run *run = config && replace(options, config) ? scion_run_prepare(config) : NULL;

        if (run)
                status = bench(options, path, planned, config, run) ? SCION_GOOD : SCION_FAILED;
        if (status != SCION_GOOD)
                scion_cli_failed(status);
        scion_run_destroy(run);
        scion_config_destroy(config);
        scion_plan_finish(&plan);
        return status;
}

int scion_command_bench(int argc, char **argv)
{
        struct options options = { .bench.evaluation_batch = SCION_EVALUATION_BATCH };
        int status = SCION_FAILED;

        if (!scion_cli_begin(&options.common, "bench", help, argc))
                return scion_cli_failed(SCION_FAILED);
        if (parse(argc, argv, &options, &status))
                status = bench_file(&options, argv[optind]);
        free(options.common.set);
        return scion_cli_printed(status);
}
