#include "compare/compare.h"

#include <math.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "compare/parts.h"
#include "table/metric.h"

/* --- Grouping ------------------------------------------------------------------------------------------- */

static bool list_has(const size_t *list, size_t count, size_t column)
{
        for (size_t i = 0; i < count; i++)
                if (list[i] == column)
                        return true;
        return false;
}

/* Groups the runs by all axes except those in `without`. */
static bool groups_create_by_others(const struct scion_results *results, const size_t *without, size_t count,
                                    struct scion_groups *groups)
{
        size_t *column = malloc((results->columns + 1) * sizeof *column), columns = 0;
        bool good;

        if (!column)
                return scion_fail("out of memory");
        for (size_t i = 0; i < results->columns; i++)
                if (results->column[i].kind == SCION_COLUMN_AXIS && !list_has(without, count, i))
                        column[columns++] = i;
        good = scion_groups_make(results, column, columns, groups);
        free(column);
        return good;
}

/* Returns the axis with the number of target examples of each class, or SCION_NO_COLUMN. */
static size_t results_labels_column(const struct scion_results *results)
{
        static const char tail[] = ".per_class";

        for (size_t i = 0; i < results->columns; i++) {
                const char *name = results->column[i].name;
                size_t length = strlen(name);

                if (results->column[i].kind == SCION_COLUMN_AXIS && strncmp(name, "source.", 7) != 0 &&
                    length >= sizeof tail && strcmp(name + length - strlen(tail), tail) == 0)
                        return i;
        }
        return SCION_NO_COLUMN;
}

static bool comparison_create_groups(struct scion_comparison *comparison, const size_t *by, size_t count)
{
        const struct scion_results *results = comparison->results;
        const size_t without[] = { by[0], results->seed, results_labels_column(results) };

        if (!scion_groups_make(results, by, count, &comparison->groups) ||
            !scion_groups_make(results, by, 1, &comparison->contenders) ||
            !scion_groups_make(results, by + 1, count - 1, &comparison->panels) ||
            !groups_create_by_others(results, without, 2, &comparison->tasks) ||
            !groups_create_by_others(results, without, 1, &comparison->pairs) ||
            !scion_groups_make(results, &results->seed, by[0] != results->seed, &comparison->seeds))
                return false;
        comparison->labels = without[2] == by[0] ? SCION_NO_COLUMN : without[2];
        return comparison->labels == SCION_NO_COLUMN ||
               groups_create_by_others(results, without, 3, &comparison->settings);
}

static bool comparison_find_groups(struct scion_comparison *comparison, const char *const *names)
{
        static const char *const strategy[] = { "strategy", NULL };
        size_t count = 0;

        if (!names || !names[0])
                names = strategy;
        while (names[count])
                count++;
        size_t *by = malloc(count * sizeof *by);
        bool good = by || scion_fail("out of memory");

        for (size_t i = 0; good && i < count; i++) {
                by[i] = scion_results_find(comparison->results, names[i], SCION_COLUMN_AXIS, "--by");
                good = by[i] != SCION_NO_COLUMN;
                if (good && list_has(by, i, by[i]))
                        good = scion_fail("--by: '%s' is given twice", names[i]);
        }
        good = good && comparison_create_groups(comparison, by, count);
        free(by);
        return good;
}

static bool comparison_find_baseline(struct scion_comparison *comparison, const char *name)
{
        const struct scion_groups *contenders = &comparison->contenders;
        const char **values = malloc((contenders->count + 1) * sizeof *values);

        comparison->baseline = contenders->count;
        if (!values)
                return scion_fail("out of memory");
        for (size_t i = 0; name && i < contenders->count; i++) {
                values[i] = scion_groups_value(contenders, comparison->results, i, 0);
                if (strcmp(values[i], name) == 0)
                        comparison->baseline = i;
        }
        bool good = !name || comparison->baseline < contenders->count ||
                    scion_results_fail_unknown(
                            "--baseline", scion_results_heading(comparison->results, contenders->column[0]),
                            name, values, contenders->count, contenders->count);

        free(values);
        return good;
}

size_t scion_comparison_contender(const struct scion_comparison *comparison, size_t index)
{
        return comparison->contenders.group_of[comparison->groups.first[index]];
}

bool scion_comparison_is_baseline(const struct scion_comparison *comparison, size_t index)
{
        return scion_comparison_contender(comparison, index) == comparison->baseline;
}

/* --- Metrics -------------------------------------------------------------------------------------------- */

bool scion_compared_value(const struct scion_comparison *comparison,
                          const struct scion_compared_metric *metric, size_t run, double *value)
{
        if (!comparison->results->run[run].done)
                return false;
        *value = scion_results_number(comparison->results, run, metric->column);
        return isfinite(*value);
}

struct scion_cell_mean *scion_compared_cells(const struct scion_comparison *comparison,
                                             const struct scion_compared_metric *metric,
                                             const struct scion_groups *of)
{
        struct scion_cell_mean *cell = calloc(comparison->contenders.count * of->count + 1, sizeof *cell);

        for (size_t run = 0; cell && run < comparison->results->runs; run++) {
                double value;

                if (!scion_compared_value(comparison, metric, run, &value))
                        continue;
                struct scion_cell_mean *at =
                        &cell[comparison->contenders.group_of[run] * of->count + of->group_of[run]];

                at->sum += value;
                at->count++;
        }
        if (!cell)
                scion_fail("out of memory");
        return cell;
}

double scion_transfer_ratio(const char *metric, const double *values, const double *baseline, size_t count)
{
        double ideal = scion_metric_ideal(metric), sum = 0;

        for (size_t i = 0; i < count; i++) {
                if (!(fabs(ideal - baseline[i]) > 0))
                        return NAN;
                sum += fabs(ideal - values[i]) / fabs(ideal - baseline[i]);
        }
        return count ? sum / (double)count : NAN;
}

/* Checks that all values of a metric are numbers, and notes how many finished runs have none. */
static bool metric_check(struct scion_comparison *comparison, struct scion_compared_metric *metric)
{
        const struct scion_results *results = comparison->results;
        size_t done = 0;

        for (size_t run = 0; run < results->runs; run++) {
                const char *text = scion_results_value(results, run, metric->column);
                double value;
                char *end;

                strtod(text, &end);
                if (*text && (end == text || *end))
                        return scion_fail("%s (row %zu): %s is '%s', which is not a number",
                                          results->file[results->run[run].file].path,
                                          results->run[run].row + 1, metric->name, text);
                done += results->run[run].done;
                metric->missing +=
                        results->run[run].done && !scion_compared_value(comparison, metric, run, &value);
        }
        if (metric->missing == done && done > 0)
                return scion_fail("--metric: none of the %zu finished runs has a %s", done, metric->name);
        if (metric->missing > 0)
                scion_notes_add(&comparison->notes,
                                "%zu of %zu finished runs have no finite %s, and are left out of it",
                                metric->missing, done, metric->name);
        return true;
}

/* Returns the first of these metrics that a finished run has. */
static const char *results_default_metric(const struct scion_results *results)
{
        static const char *const metrics[] = { "test_accuracy", "test_mse" };

        for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++)
                for (size_t column = 0; column < results->columns; column++)
                        for (size_t run = 0;
                             strcmp(results->column[column].name, metrics[i]) == 0 && run < results->runs;
                             run++)
                                if (results->run[run].done && *scion_results_value(results, run, column))
                                        return metrics[i];
        return metrics[0];
}

static bool comparison_find_metrics(struct scion_comparison *comparison, const char *const *names)
{
        const char *const standard[] = { results_default_metric(comparison->results), NULL };
        size_t count = 0;

        if (!names || !names[0])
                names = standard;
        while (names[count])
                count++;
        comparison->metric = calloc(count, sizeof *comparison->metric);
        if (!comparison->metric)
                return scion_fail("out of memory");
        for (size_t i = 0; i < count; i++) {
                struct scion_compared_metric *metric = &comparison->metric[i];

                metric->column =
                        scion_results_find(comparison->results, names[i], SCION_COLUMN_MEASURE, "--metric");
                if (metric->column == SCION_NO_COLUMN)
                        return false;
                for (size_t j = 0; j < i; j++)
                        if (comparison->metric[j].column == metric->column)
                                return scion_fail("--metric: '%s' is given twice", names[i]);
                metric->name = comparison->results->column[metric->column].name;
                metric->lower_better = scion_metric_lower_better(metric->name);
                comparison->metrics++;
                if (!metric_check(comparison, metric))
                        return false;
        }
        return true;
}

/* --- Statistics of groups ------------------------------------------------------------------------------- */

/* Buffers for the values of one group. */
struct values {
        double *value; /* of each run */
        size_t count;
        struct scion_cell_mean *cell; /* for each seed and task */
        double *by_seed;              /* the means of the cells, or NaN */
};

static size_t results_seconds_column(const struct scion_results *results)
{
        for (size_t i = 0; i < results->columns; i++)
                if (results->column[i].kind == SCION_COLUMN_MEASURE &&
                    strcmp(results->column[i].name, "seconds") == 0)
                        return i;
        return SCION_NO_COLUMN;
}

/* Counts the runs of a group, and collects their values and mean duration. */
static void group_gather(const struct scion_comparison *comparison,
                         const struct scion_compared_metric *metric, size_t index, struct scion_score *score,
                         struct values *values)
{
        const struct scion_results *results = comparison->results;
        size_t seconds = results_seconds_column(results), timed = 0;
        size_t tasks = comparison->tasks.count;
        double sum = 0;

        values->count = 0;
        memset(values->cell, 0, comparison->seeds.count * tasks * sizeof *values->cell);
        for (size_t run = 0; run < results->runs; run++) {
                if (comparison->groups.group_of[run] != index)
                        continue;
                score->done += results->run[run].done;
                score->failed += !results->run[run].done;
                if (scion_compared_value(comparison, metric, run, &values->value[values->count])) {
                        struct scion_cell_mean *cell = &values->cell[comparison->seeds.group_of[run] * tasks +
                                                                     comparison->tasks.group_of[run]];

                        cell->sum += values->value[values->count++];
                        cell->count++;
                }
                double took = seconds == SCION_NO_COLUMN ? NAN : scion_results_number(results, run, seconds);

                if (results->run[run].done && isfinite(took)) {
                        sum += took;
                        timed++;
                }
        }
        score->counted = values->count;
        score->seconds = timed ? sum / (double)timed : NAN;
        for (size_t i = 0; i < comparison->seeds.count * tasks; i++)
                values->by_seed[i] = scion_cell_mean_value(&values->cell[i]);
}

/* An accuracy is between 0 and 1, and so is its mean. */
static struct scion_interval interval_clip(const char *metric, double mean, struct scion_interval interval)
{
        if (!scion_metric_is_fraction(metric) || mean < 0 || mean > 1 || isnan(interval.low))
                return interval;
        return (struct scion_interval){ fmax(0, interval.low), fmin(1, interval.high) };
}

static bool score_compute(const struct scion_comparison *comparison,
                          const struct scion_compared_metric *metric, struct scion_score *score,
                          const struct values *values)
{
        const struct scion_replicates by_seed = { comparison->seeds.count, comparison->tasks.count,
                                                  values->by_seed };
        const double *value = values->value;
        size_t count = values->count;
        struct scion_estimate estimate;

        score->deviation = scion_sample_deviation(value, count);
        score->best = count ? value[0] : NAN;
        for (size_t i = 1; i < count; i++)
                if (metric->lower_better ? value[i] < score->best : value[i] > score->best)
                        score->best = value[i];
        if (!scion_sample_median(value, count, &score->median) ||
            !scion_replicates_estimate(&by_seed, &estimate))
                return false;
        score->seeds = estimate.seeds;
        score->mean = estimate.mean;
        score->interval = interval_clip(metric->name, estimate.mean, estimate.interval);
        return true;
}

static bool metric_score_groups(struct scion_comparison *comparison, struct scion_compared_metric *metric)
{
        size_t runs = comparison->results->runs, cells = comparison->seeds.count * comparison->tasks.count;
        struct values values = { malloc((runs + 1) * sizeof *values.value), 0,
                                 malloc((cells + 1) * sizeof *values.cell),
                                 malloc((cells + 1) * sizeof *values.by_seed) };
        bool good;

        metric->score = calloc(comparison->groups.count, sizeof *metric->score);
        good = (metric->score && values.value && values.cell && values.by_seed) ||
               scion_fail("out of memory");
        for (size_t i = 0; good && i < comparison->groups.count; i++) {
                group_gather(comparison, metric, i, &metric->score[i], &values);
                good = score_compute(comparison, metric, &metric->score[i], &values);
        }
        free(values.value);
        free(values.cell);
        free(values.by_seed);
        return good;
}

/* --- The comparison ------------------------------------------------------------------------------------- */

static void comparison_note_failures(struct scion_comparison *comparison)
{
        const struct scion_results *results = comparison->results;
        size_t failed = 0;

        for (size_t run = 0; run < results->runs; run++)
                failed += !results->run[run].done;
        if (failed > 0)
                scion_notes_add(&comparison->notes,
                                "%zu of %zu runs failed: they are counted, but are not part of any mean",
                                failed, results->runs);
}

static bool comparison_compute(struct scion_comparison *comparison,
                               const struct scion_compare_options *options)
{
        if (!comparison_find_groups(comparison, options->by) ||
            !comparison_find_baseline(comparison, options->baseline))
                return false;
        comparison_note_failures(comparison);
        if (!comparison_find_metrics(comparison, options->metric))
                return false;
        for (size_t i = 0; i < comparison->metrics; i++) {
                struct scion_compared_metric *metric = &comparison->metric[i];

                if (!metric_score_groups(comparison, metric) || !scion_compare_gaps(comparison, metric) ||
                    !scion_compare_versus(comparison, metric) || !scion_compare_tasks(comparison, metric) ||
                    !scion_compare_labels(comparison, metric))
                        return false;
        }
        return !comparison->notes.failed || scion_fail("out of memory");
}

bool scion_compare(const struct scion_results *results, const struct scion_compare_options *options,
                   struct scion_comparison *comparison)
{
        *comparison = (struct scion_comparison){ .results = results, .labels = SCION_NO_COLUMN };
        if (comparison_compute(comparison, options))
                return true;
        scion_comparison_finish(comparison);
        return false;
}

void scion_comparison_finish(struct scion_comparison *comparison)
{
        for (size_t i = 0; i < comparison->metrics; i++) {
                struct scion_compared_metric *metric = &comparison->metric[i];

                free(metric->score);
                free(metric->versus);
                free(metric->over_tasks.standing);
                free(metric->over_tasks.order);
                free(metric->over_tasks.clique);
                free(metric->need);
        }
        free(comparison->metric);
        scion_groups_finish(&comparison->groups);
        scion_groups_finish(&comparison->contenders);
        scion_groups_finish(&comparison->panels);
        scion_groups_finish(&comparison->tasks);
        scion_groups_finish(&comparison->pairs);
        scion_groups_finish(&comparison->seeds);
        scion_groups_finish(&comparison->settings);
        scion_notes_finish(&comparison->notes);
        *comparison = (struct scion_comparison){ 0 };
}
