/* What the parts of a comparison share. */
#ifndef SCION_COMPARE_PARTS_H
#define SCION_COMPARE_PARTS_H

#include <math.h>

#include "compare/compare.h"

/* A sum over runs, and how many they are. */
struct scion_cell_mean {
        double sum;
        size_t count;
};

static inline double scion_cell_value(const struct scion_cell_mean *cell)
{
        return cell->count ? cell->sum / (double)cell->count : (double)NAN;
}

/* Whether the run was done, and its finite value. */
bool scion_compared_value(const struct scion_comparison *comparison,
                          const struct scion_compared_metric *metric, size_t run, double *value);

/*
 * Adds each contender's runs up: cell[contender * of->count + group]. The caller frees it. NULL when memory is
 * out.
 */
struct scion_cell_mean *scion_compared_cells(const struct scion_comparison *comparison,
                                             const struct scion_compared_metric *metric,
                                             const struct scion_groups *of);

/* The mean over tasks of the errors' ratio. */
double scion_transfer_ratio(const char *metric, const double *values, const double *baseline, size_t count);

/* Against the baseline, a group each: compare_versus.c. */
bool scion_compare_versus(struct scion_comparison *comparison, struct scion_compared_metric *metric);
/* Ranks over tasks: compare_tasks.c. */
bool scion_compare_tasks(struct scion_comparison *comparison, struct scion_compared_metric *metric);
/* Label efficiency: compare_labels.c. */
bool scion_compare_labels(struct scion_comparison *comparison, struct scion_compared_metric *metric);

/*
 * The interval of the mean of values that come from tasks: samples are drawn within each task, when each has
 * two values or more, else from all; a note tells of the latter. `task` is changed; `map` has room for a number
 * for each of the comparison's tasks.
 */
bool scion_compared_interval(struct scion_comparison *comparison, const double *value, size_t *task,
                             size_t count, size_t *map, struct scion_interval *interval);

#endif
