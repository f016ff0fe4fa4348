#include <math.h>
#include <scion/error.h>
#include <stdlib.h>

#include "base/number.h"
#include "compare/write.h"
#include "table/csv.h"
#include "table/sheet.h"

/* NaN becomes an empty field, which CSV readers treat as a missing value. */
static void row_put_number(struct scion_row *row, const char *column, double value)
{
        char text[32];

        scion_row_text(row, column, isnan(value) ? "" : scion_double_text(value, text));
}

static void row_put_count(struct scion_row *row, const char *column, size_t count)
{
        scion_row_int(row, column, (int64_t)count);
}

static void row_put_score(struct scion_row *row, const struct scion_score *score)
{
        row_put_count(row, "runs", score->counted);
        row_put_count(row, "seeds", score->seeds);
        row_put_count(row, "done", score->done);
        row_put_count(row, "failed", score->failed);
        row_put_count(row, "lacking", score->lacking);
        row_put_number(row, "mean", score->mean);
        row_put_number(row, "sd", score->deviation);
        row_put_number(row, "low", score->interval.low);
        row_put_number(row, "high", score->interval.high);
        row_put_number(row, "best", score->best);
        row_put_number(row, "median", score->median);
        row_put_number(row, "seconds", score->seconds);
}

static void row_put_versus(struct scion_row *row, const struct scion_versus *versus, const char *baseline)
{
        scion_row_text(row, "baseline", baseline);
        row_put_count(row, "pairs", versus->pairs);
        row_put_count(row, "paired_seeds", versus->seeds);
        row_put_count(row, "unpaired", versus->unpaired);
        row_put_number(row, "difference", versus->difference);
        row_put_number(row, "difference_low", versus->interval.low);
        row_put_number(row, "difference_high", versus->interval.high);
        row_put_number(row, "p", versus->test.p);
        row_put_number(row, "p_holm", versus->holm);
        row_put_count(row, "wins", versus->wins);
        row_put_count(row, "ties", versus->ties);
        row_put_count(row, "losses", versus->losses);
        row_put_number(row, "transfer_ratio", versus->ratio);
}

static void row_put_group(struct scion_row *row, const struct scion_comparison *comparison,
                          const struct scion_compared_metric *metric, size_t group)
{
        const struct scion_results *results = comparison->results;
        const struct scion_groups *groups = &comparison->groups;

        scion_row_text(row, "metric", metric->name);
        for (size_t i = 0; i < groups->columns; i++)
                scion_row_text(row, results->column[groups->column[i]].name,
                               scion_groups_value(groups, results, group, i));
        row_put_score(row, &metric->score[group]);
        if (metric->versus)
                row_put_versus(row, &metric->versus[group],
                               scion_groups_value(&comparison->contenders, results, comparison->baseline, 0));
        if (comparison->tasks.count > 1 && comparison->contenders.count > 1)
                row_put_number(
                        row, "average_rank",
                        metric->over_tasks.tasks > 1
                                ? metric->over_tasks.standing[scion_comparison_contender(comparison, group)]
                                          .rank
                                : (double)NAN);
}

static bool row_print(const struct scion_row *row, bool names, FILE *file)
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

                        row_put_group(&row, comparison, &comparison->metric[i], group);
                        good = (i + group > 0 || row_print(&row, true, file)) && row_print(&row, false, file);
                        scion_row_finish(&row);
                }
        return good;
}
