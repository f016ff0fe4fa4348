/*
 * Gaps: results that a group lacks, because runs failed or were not made, and that another contender has for
 * the same task and seed. Means of groups with gaps are over different runs and cannot be compared.
 */
#include <scion/error.h>
#include <stdlib.h>

#include "compare/parts.h"

static bool pair_has_results(const struct scion_comparison *comparison, const struct scion_cell_mean *cell,
                             size_t pair)
{
        for (size_t i = 0; i < comparison->contenders.count; i++)
                if (cell[i * comparison->pairs.count + pair].count > 0)
                        return true;
        return false;
}

/* `in_task` is a buffer with one entry for each task. */
static void score_count_gaps(const struct scion_comparison *comparison, const struct scion_cell_mean *cell,
                             size_t group, size_t *in_task, struct scion_score *score)
{
        const struct scion_cell_mean *own =
                &cell[scion_comparison_contender(comparison, group) * comparison->pairs.count];
        size_t panel = comparison->panels.group_of[comparison->groups.first[group]];
        enum { NO_RESULTS, OF_OTHERS, OWN };

        for (size_t task = 0; task < comparison->tasks.count; task++)
                in_task[task] = NO_RESULTS;
        for (size_t pair = 0; pair < comparison->pairs.count; pair++) {
                size_t run = comparison->pairs.first[pair], task = comparison->tasks.group_of[run];

                if (comparison->panels.group_of[run] != panel || !pair_has_results(comparison, cell, pair))
                        continue;
                score->expected++;
                score->lacking += own[pair].count == 0;
                if (own[pair].count > 0)
                        in_task[task] = OWN;
                else if (in_task[task] == NO_RESULTS)
                        in_task[task] = OF_OTHERS;
        }
        for (size_t task = 0; task < comparison->tasks.count; task++) {
                score->expected_tasks += in_task[task] != NO_RESULTS;
                score->lacking_tasks += in_task[task] == OF_OTHERS;
        }
}

bool scion_compare_gaps(struct scion_comparison *comparison, struct scion_compared_metric *metric)
{
        struct scion_cell_mean *cell = scion_compared_cells(comparison, metric, &comparison->pairs);
        size_t *in_task = malloc((comparison->tasks.count + 1) * sizeof *in_task);
        bool good = (cell && in_task) || scion_fail("out of memory");

        for (size_t i = 0; good && i < comparison->groups.count; i++)
                score_count_gaps(comparison, cell, i, in_task, &metric->score[i]);
        free(cell);
        free(in_task);
        return good;
}
