/*
 * Contenders over several tasks: average ranks, Friedman's test, Nemenyi's critical difference (Demsar, JMLR
 * 2006), and transfer ratios. The score of a task is the mean over the seeds with which all contenders have a
 * result in it, so that a failed run changes the scores of all contenders alike.
 */
#include <scion/error.h>
#include <stdlib.h>

#include "compare/parts.h"

static bool pair_is_complete(const struct scion_comparison *comparison, const struct scion_cell_mean *cell,
                             size_t pair)
{
        for (size_t i = 0; i < comparison->contenders.count; i++)
                if (cell[i * comparison->pairs.count + pair].count == 0)
                        return false;
        return true;
}

/*
 * Collects the tasks for which all contenders have a score: value[task * contenders + contender]. Returns
 * their number. `seeds` is a buffer with one entry for each task.
 */
static size_t tasks_complete(const struct scion_comparison *comparison, const struct scion_cell_mean *cell,
                             double *value, size_t *seeds)
{
        size_t contenders = comparison->contenders.count, pairs = comparison->pairs.count, tasks = 0;

        for (size_t task = 0; task < comparison->tasks.count; task++) {
                seeds[task] = 0;
                for (size_t i = 0; i < contenders; i++)
                        value[task * contenders + i] = 0;
        }
        for (size_t pair = 0; pair < pairs; pair++) {
                size_t task = comparison->tasks.group_of[comparison->pairs.first[pair]];

                if (!pair_is_complete(comparison, cell, pair))
                        continue;
                for (size_t i = 0; i < contenders; i++)
                        value[task * contenders + i] += scion_cell_mean_value(&cell[i * pairs + pair]);
                seeds[task]++;
        }
        for (size_t task = 0; task < comparison->tasks.count; task++) {
                for (size_t i = 0; i < contenders && seeds[task] > 0; i++)
                        value[tasks * contenders + i] = value[task * contenders + i] / (double)seeds[task];
                tasks += seeds[task] > 0;
        }
        return tasks;
}

/* Tests the differences of ranks by exchanges within seeds. */
static bool standings_test_by_seed(const struct scion_comparison *comparison,
                                   const struct scion_cell_mean *cell, struct scion_over_tasks *over)
{
        size_t contenders = comparison->contenders.count, pairs = comparison->pairs.count;
        size_t seeds = comparison->seeds.count, tasks = comparison->tasks.count;
        double *value = malloc((seeds * tasks * contenders + 1) * sizeof *value);

        if (!value)
                return scion_fail("out of memory");
        for (size_t i = 0; i < seeds * tasks * contenders; i++)
                value[i] = NAN;
        for (size_t pair = 0; pair < pairs; pair++) {
                size_t run = comparison->pairs.first[pair];
                size_t at = comparison->seeds.group_of[run] * tasks + comparison->tasks.group_of[run];

                for (size_t i = 0; i < contenders && pair_is_complete(comparison, cell, pair); i++)
                        value[at * contenders + i] = scion_cell_mean_value(&cell[i * pairs + pair]);
        }
        bool good = scion_ranks_test_seeds(value, seeds, tasks, contenders, &over->by_seed);

        free(value);
        return good;
}

/* Sorts by rank, best first; equal ranks stay in the order of the contenders. */
static void standings_sort(struct scion_over_tasks *over, size_t contenders)
{
        for (size_t i = 0; i < contenders; i++) {
                size_t at = i;

                for (; at > 0 && over->standing[over->order[at - 1]].rank > over->standing[i].rank; at--)
                        over->order[at] = over->order[at - 1];
                over->order[at] = i;
        }
}

static void standings_find_cliques(struct scion_over_tasks *over, size_t contenders)
{
        size_t last = 0;

        for (size_t first = 0; first < contenders; first++) {
                size_t end = first;

                while (end + 1 < contenders &&
                       over->standing[over->order[end + 1]].rank - over->standing[over->order[first]].rank <=
                               over->critical_difference)
                        end++;
                if (end > first && end > last) {
                        over->clique[over->cliques++] = (struct scion_clique){ first, end };
                        last = end;
                }
        }
}

static void standings_set_ratios(const struct scion_comparison *comparison,
                                 const struct scion_compared_metric *metric, const double *value,
                                 double *column, struct scion_over_tasks *over)
{
        size_t contenders = comparison->contenders.count, tasks = over->tasks;
        double *baseline = column + tasks;

        for (size_t i = 0; i < contenders; i++) {
                over->standing[i].ratio = NAN;
                if (comparison->baseline == contenders)
                        continue;
                for (size_t task = 0; task < tasks; task++) {
                        column[task] = value[task * contenders + i];
                        baseline[task] = value[task * contenders + comparison->baseline];
                }
                over->standing[i].ratio = scion_transfer_ratio(metric->name, column, baseline, tasks);
        }
}

/* Computes ranks and tests. Overwrites `value` so that less is better. */
static void standings_set_ranks(const struct scion_comparison *comparison,
                                const struct scion_compared_metric *metric, double *value, double *ranks,
                                struct scion_over_tasks *over)
{
        size_t contenders = comparison->contenders.count, tasks = over->tasks;

        for (size_t i = 0; i < tasks * contenders && !metric->lower_better; i++)
                value[i] = -value[i];
        scion_ranks(value, tasks, contenders, ranks);
        over->friedman = scion_friedman_test(ranks, tasks, contenders);
        over->critical_difference = scion_nemenyi_difference(tasks, contenders);
        for (size_t i = 0; i < contenders; i++) {
                double sum = 0;

                for (size_t task = 0; task < tasks; task++)
                        sum += ranks[task * contenders + i];
                over->standing[i].rank = sum / (double)tasks;
        }
        standings_sort(over, contenders);
        standings_find_cliques(over, contenders);
}

bool scion_compare_tasks(struct scion_comparison *comparison, struct scion_compared_metric *metric)
{
        struct scion_over_tasks *over = &metric->over_tasks;
        size_t contenders = comparison->contenders.count, most = comparison->tasks.count;
        struct scion_cell_mean *cell = NULL;
        double *value = NULL, *ranks = NULL;
        size_t *seeds = NULL;
        bool good = true;

        if (contenders < 2 || most < 2)
                return true;
        cell = scion_compared_cells(comparison, metric, &comparison->pairs);
        value = malloc((most + 1) * contenders * sizeof *value);
        ranks = malloc((most + 1) * contenders * sizeof *ranks); /* also large enough for two columns */
        seeds = malloc((most + 1) * sizeof *seeds);
        over->standing = calloc(contenders, sizeof *over->standing);
        over->order = calloc(contenders, sizeof *over->order);
        over->clique = calloc(contenders, sizeof *over->clique);
        if (!cell || !value || !ranks || !seeds || !over->standing || !over->order || !over->clique) {
                good = scion_fail("out of memory");
        } else {
                over->tasks = tasks_complete(comparison, cell, value, seeds);
                over->left_out = most - over->tasks;
                if (over->tasks > 1) {
                        standings_set_ratios(comparison, metric, value, ranks, over);
                        standings_set_ranks(comparison, metric, value, ranks, over);
                        good = standings_test_by_seed(comparison, cell, over);
                }
                if (over->left_out > 0)
                        scion_notes_add(&comparison->notes,
                                        "%s: %zu of %zu tasks are left out of the ranks, because no seed "
                                        "has results of all contenders in them",
                                        metric->name, over->left_out, most);
        }
        free(cell);
        free(value);
        free(ranks);
        free(seeds);
        return good;
}
