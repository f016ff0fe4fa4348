/* scion compare: compares strategies, from the results.csv of suites. */
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "compare/write.h"
#include "process/process.h"
#include "report/page.h"
#include "report/sections.h"

enum format {
        TABLE,
        MARKDOWN,
        LATEX,
        CSV,
        JSON,
};

/* Indexed by enum format. */
static const char *const formats[] = { "table", "markdown", "latex", "csv", "json", NULL };

/* A list of names, from one or several options; name[count] is NULL. */
struct names {
        size_t count;
        const char **name;
};

struct options {
        struct scion_cli cli;
        struct names by, metric;
        const char *baseline;
        enum format format;
        const char *report; /* NULL: no report */
};

/* Splits the option's value at commas, and adds the names. */
static bool names_add(struct names *names, char *text, const char *option, int *status)
{
        for (char *name = text, *comma; name; name = comma ? comma + 1 : NULL) {
                comma = strchr(name, ',');
                if (comma)
                        *comma = '\0';
                if (!*name) {
                        *status = scion_cli_usage("compare",
                                                  "%s takes names separated by commas, and got an empty one",
                                                  option);
                        return false;
                }
                const char **larger = realloc(names->name, (names->count + 2) * sizeof *larger);

                if (!larger) {
                        scion_fail("out of memory");
                        *status = scion_cli_failed(SCION_FAILED);
                        return false;
                }
                names->name = larger;
                names->name[names->count++] = name;
                names->name[names->count] = NULL;
        }
        return true;
}

/*
 * Requires the extension .html, so that a results.csv that follows a --report without a value is not
 * overwritten.
 */
static bool report_parse(const char *text, const char **report, int *status)
{
        const char *end = strrchr(text, '.');

        if (!end || (strcmp(end, ".html") != 0 && strcmp(end, ".htm") != 0)) {
                *status = scion_cli_usage(
                        "compare",
                        "--report takes the name of a page to write, which ends in .html, and got '%s'",
                        text);
                return false;
        }
        *report = text;
        return true;
}

static bool options_parse_format(struct options *options, int *status)
{
        int format = scion_cli_choice(&options->cli, "format", options->cli.text, formats, status);

        options->format = format < 0 ? TABLE : (enum format)format;
        return format >= 0;
}

/* Returns false when the command should exit with *status. */
static bool options_parse(struct options *options, int *status)
{
        bool going = true;
        int option;

        while (going && (option = scion_cli_next(&options->cli, status)) != 0) {
                char *text = options->cli.text;

                if (option == 'b')
                        going = names_add(&options->by, text, "--by", status);
                else if (option == 'm')
                        going = names_add(&options->metric, text, "--metric", status);
                else if (option == 'B')
                        options->baseline = text;
                else if (option == 'f')
                        going = options_parse_format(options, status);
                else if (option == 'r')
                        going = report_parse(text, &options->report, status);
                else
                        going = false;
        }
        if (going && options->cli.argc == 0) {
                *status = scion_cli_usage("compare", "no file given");
                going = false;
        }
        return going;
}

static bool comparison_print_sections(const struct scion_comparison *comparison, enum format format)
{
        static bool (*const print[])(const struct scion_sections *sections, FILE *file) = {
                [TABLE] = scion_sections_print,
                [MARKDOWN] = scion_sections_print_markdown,
                [LATEX] = scion_sections_print_latex,
        };
        struct scion_sections sections = { 0 };
        bool good = scion_sections_make(comparison, &sections) && print[format](&sections, stdout);

        scion_sections_finish(&sections);
        return good;
}

static void notes_print(const struct scion_notes *notes)
{
        for (size_t i = 0; i < notes->count; i++)
                fprintf(stderr, "scion: %s\n", scion_text_make_printable(notes->text[i], false));
}

static bool comparison_print(const struct scion_comparison *comparison, enum format format)
{
        if (format == JSON)
                return scion_comparison_write_json(comparison, stdout);
        if (format != CSV)
                return comparison_print_sections(comparison, format);
        notes_print(&comparison->results->notes); /* CSV has no place for notes */
        notes_print(&comparison->notes);
        return scion_comparison_write_csv(comparison, stdout);
}

static int files_compare(const struct options *options, const char *const *paths, size_t count)
{
        struct scion_compare_options what = { options->by.name, options->metric.name, options->baseline };
        struct scion_results results = { 0 };
        struct scion_comparison comparison = { 0 };
        int status = SCION_BAD_INPUT;

        if (scion_results_read(paths, count, &results) && scion_compare(&results, &what, &comparison)) {
                bool good = comparison_print(&comparison, options->format) &&
                            (!options->report || scion_page_write(&comparison, options->report));

                status = good ? SCION_GOOD : SCION_FAILED;
        }
        status = status == SCION_GOOD ? scion_cli_printed(status) : scion_cli_failed(status);
        scion_comparison_finish(&comparison);
        scion_results_finish(&results);
        return status;
}

static int compare_main(int argc, char **argv)
{
        struct options options = { 0 };
        struct scion_cli *cli = &options.cli;
        int status = SCION_FAILED;

        if (scion_cli_begin(cli, &scion_command_compare, argc, argv) && options_parse(&options, &status))
                status = files_compare(&options, (const char *const *)cli->argv, (size_t)cli->argc);
        free(options.by.name);
        free(options.metric.name);
        scion_cli_finish(cli);
        return status;
}

static const struct scion_cli_option table[] = {
        { 'b',
          "by",
          "AXIS,...",
          "the axes that define the groups (default: strategy). An axis is named as in the matrix, or by the "
          "end of its path: per_class",
          { 0 } },
        { 'm',
          "metric",
          "NAME,...",
          "the metrics to compare (default: test_accuracy; test_mse for regression). Lower is better for "
          "names that end in loss, mae, mse, rmse, error, seconds, mib, epoch, epochs, parameters or "
          "trainable",
          { 0 } },
        { 'B', "baseline", "VALUE", "compare all with this strategy (or value of the first --by)", { 0 } },
        { 'f',
          "format",
          "FORMAT",
          "table (default), markdown, latex, csv or json. csv has a row for each metric and group; json has "
          "everything",
          { SCION_CLI_WORDS, formats } },
        { 'r',
          "report",
          "FILE.html",
          "also write an HTML page with all tables, plots (label efficiency, learning curves, critical "
          "differences, time; drawn by gnuplot), and the runs' configurations",
          { SCION_CLI_FILES, (const char *const[]){ "html", "htm", NULL } } },
        SCION_CLI_HELP,
        SCION_CLI_END,
};

#define RESULTS                                        \
        {                                              \
                SCION_CLI_FILES, (const char *const[]) \
                {                                      \
                        "csv", NULL                    \
                }                                      \
        }

const struct scion_command scion_command_compare = {
        .name = "compare",
        .summary = "compare strategies, from the results of suites",
        .arguments = "FILE...",
        .takes = { RESULTS, RESULTS },
        .text = "Compares strategies, with confidence intervals and tests, from the results.csv files of "
                "suites (or the folders that contain them). The files are joined on their axes; the name of "
                "the experiment's folder becomes the axis `task`.\n",
        .options = table,
        .notes = "For each group: number of runs and of failed runs, mean, standard deviation, a 95 % "
                 "interval of the mean (Student's t over the seeds), best, median, mean seconds. Against the "
                 "baseline, over pairs of runs that share all axes but the first of --by: mean difference, "
                 "its interval, p of an exact permutation test over the seeds, p after Holm's correction, "
                 "wins, ties, losses, "
                 "and the transfer ratio (error over the baseline's error; below 1 is better). With several "
                 "tasks: average ranks, Friedman's test, Nemenyi's critical difference. With several numbers "
                 "of labels: how many are needed to reach the baseline's score.\n",
        .status = "0 all good, 1 nothing could be written, 2 the input or the usage was wrong.",
        .run = compare_main,
};
