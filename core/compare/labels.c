/*
 * Label efficiency: how many labels a contender needs to reach the baseline's score. Between two numbers of
 * labels that were run, the metric is interpolated linearly in the logarithm of the labels; the first
 * crossing from below counts.
 */
#include <scion/error.h>
#include <stdlib.h>

#include "compare/parts.h"

struct point {
        double labels, value;
};

static int point_by_labels(const void *a, const void *b)
{
        double left = ((const struct point *)a)->labels, right = ((const struct point *)b)->labels;

        return (left > right) - (left < right);
}

/* Collects a contender's points in a setting, sorted by the number of labels. Returns their number. */
static size_t contender_curve(const struct scion_comparison *comparison, const struct scion_cell_mean *cell,
                              size_t contender, size_t setting, struct point *point)
{
        const struct scion_groups *tasks = &comparison->tasks;
        size_t count = 0;

        for (size_t task = 0; task < tasks->count; task++) {
                const struct scion_cell_mean *at = &cell[contender * tasks->count + task];
                double labels =
                        scion_results_number(comparison->results, tasks->first[task], comparison->labels);

                if (comparison->settings.group_of[tasks->first[task]] == setting && at->count > 0 &&
                    labels > 0 && isfinite(labels))
                        point[count++] = (struct point){ labels, scion_cell_mean_value(at) };
        }
        qsort(point, count, sizeof *point, point_by_labels);
        return count;
}

static bool value_reaches(const struct scion_compared_metric *metric, double value, double goal)
{
        return scion_float_equal(value, goal) || (metric->lower_better ? value < goal : value > goal);
}

static void need_find_crossing(const struct scion_compared_metric *metric, const struct point *point,
                               size_t count, struct scion_label_need *need)
{
        size_t i = 0;

        need->needed = NAN;
        while (i < count && !value_reaches(metric, point[i].value, need->goal))
                i++;
        if (i == count)
                return;
        need->at_most = i == 0;
        need->needed = point[i].labels;
        if (i == 0 || scion_float_equal(point[i].value, need->goal))
                return;
        double share = (need->goal - point[i - 1].value) / (point[i].value - point[i - 1].value);

        need->needed = point[i - 1].labels * pow(point[i].labels / point[i - 1].labels, share);
}

static bool metric_add_need(struct scion_compared_metric *metric, const struct scion_label_need *need)
{
        struct scion_label_need *larger = realloc(metric->need, (metric->needs + 1) * sizeof *larger);

        if (!larger)
                return scion_fail("out of memory");
        metric->need = larger;
        metric->need[metric->needs++] = *need;
        return true;
}

/* `goal` and `point` are buffers with one entry for each task. */
static bool metric_compare_setting(const struct scion_comparison *comparison,
                                   struct scion_compared_metric *metric, const struct scion_cell_mean *cell,
                                   size_t setting, struct point *goal, struct point *point)
{
        size_t goals = contender_curve(comparison, cell, comparison->baseline, setting, goal);

        for (size_t contender = 0; contender < comparison->contenders.count; contender++) {
                size_t count = contender_curve(comparison, cell, contender, setting, point);

                if (contender == comparison->baseline || count == 0)
                        continue;
                for (size_t i = 0; i < goals; i++) {
                        struct scion_label_need need = { .contender = contender,
                                                         .setting = setting,
                                                         .labels = goal[i].labels,
                                                         .goal = goal[i].value };

                        need_find_crossing(metric, point, count, &need);
                        if (!metric_add_need(metric, &need))
                                return false;
                }
        }
        return true;
}

bool scion_compare_labels(struct scion_comparison *comparison, struct scion_compared_metric *metric)
{
        size_t tasks = comparison->tasks.count;
        struct scion_cell_mean *cell;
        struct point *point;
        bool good;

        if (comparison->labels == SCION_NO_COLUMN || comparison->baseline == comparison->contenders.count ||
            comparison->settings.count == tasks) /* each setting has only one number of labels */
                return true;
        cell = scion_compared_cells(comparison, metric, &comparison->tasks);
        point = malloc((2 * tasks + 1) * sizeof *point);
        good = (cell && point) || scion_fail("out of memory");
        for (size_t setting = 0; good && setting < comparison->settings.count; setting++)
                good = metric_compare_setting(comparison, metric, cell, setting, point, point + tasks);
        free(cell);
        free(point);
        return good;
}
