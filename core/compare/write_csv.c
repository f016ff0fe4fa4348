#include <math.h>
#include <scion/error.h>
#include <stdlib.h>

#include "base/number.h"
#include "compare/write.h"
#include "table/csv.h"
#include "table/sheet.h"

/* NaN is an empty field, which readers take for a missing value. */
static void put(struct scion_row *row, const char *column, double value)
{
        char text[32];

        scion_row_text(row, column, isnan(value) ? "" : scion_double_text(value, text));
}

static void put_count(struct scion_row *row, const char *column, size_t count)
{
        scion_row_int(row, column, (int64_t)count);
}

static void put_score(struct scion_row *row, const struct scion_score *score)
{
        put_count(row, "runs", score->counted);
        put_count(row, "done", score->done);
        put_count(row, "failed", score->failed);
        put(row, "mean", score->mean);
        put(row, "sd", score->deviation);
        put(row, "low", score->interval.low);
        put(row, "high", score->interval.high);
        put(row, "best", score->best);
        put(row, "median", score->median);
        put(row, "seconds", score->seconds);
}

static void put_versus(struct scion_row *row, const struct scion_versus *versus, const char *baseline)
{
        scion_row_text(row, "baseline", baseline);
        put_count(row, "pairs", versus->pairs);
        put_count(row, "unpaired", versus->unpaired);
        put(row, "difference", versus->difference);
        put(row, "difference_low", versus->interval.low);
        put(row, "difference_high", versus->interval.high);
        put(row, "p", versus->test.p);
        put(row, "p_holm", versus->holm);
        put_count(row, "wins", versus->wins);
        put_count(row, "ties", versus->ties);
        put_count(row, "losses", versus->losses);
        put(row, "transfer_ratio", versus->ratio);
}

static void put_group(struct scion_row *row, const struct scion_comparison *comparison,
                      const struct scion_compared_metric *metric, size_t group)
{
        const struct scion_results *results = comparison->results;
        const struct scion_groups *groups = &comparison->groups;

        scion_row_text(row, "metric", metric->name);
        for (size_t i = 0; i < groups->columns; i++)
                scion_row_text(row, results->column[groups->column[i]].name,
                               scion_groups_value(groups, results, group, i));
        put_score(row, &metric->score[group]);
        if (metric->versus)
                put_versus(row, &metric->versus[group],
                           scion_groups_value(&comparison->contenders, results, comparison->baseline, 0));
        if (comparison->tasks.count > 1 && comparison->contenders.count > 1)
                put(row, "average_rank",
                    metric->over_tasks.tasks > 1
                            ? metric->over_tasks.standing[scion_comparison_contender(comparison, group)].rank
                            : (double)NAN);
}

static bool print(const struct scion_row *row, bool names, FILE *file)
{
        const char **field = malloc((row->count + 1) * sizeof *field);
        char *text = NULL;

        if (!field || row->failed) {
                free(field);
                return scion_fail("out of memory");
        }
        for (size_t i = 0; i < row->count; i++)
                field[i] = names ? row->cell[i].column : row->cell[i].value;
        text = scion_csv_row_text(field, row->count);
        if (text)
                fputs(text, file);
        free(text);
        free(field);
        return text != NULL;
}

bool scion_comparison_write_csv(const struct scion_comparison *comparison, FILE *file)
{
        bool good = true;

        for (size_t i = 0; good && i < comparison->metrics; i++)
                for (size_t group = 0; good && group < comparison->groups.count; group++) {
                        struct scion_row row = { 0 };

                        put_group(&row, comparison, &comparison->metric[i], group);
                        good = (i + group > 0 || print(&row, true, file)) && print(&row, false, file);
                        scion_row_finish(&row);
                }
        return good;
}
