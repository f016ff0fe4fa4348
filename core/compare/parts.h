/* Functions that the parts of a comparison share. */
#ifndef SCION_COMPARE_PARTS_H
#define SCION_COMPARE_PARTS_H

#include <math.h>

#include "compare/compare.h"

/* The sum and the number of some runs' values. */
struct scion_cell_mean {
        double sum;
        size_t count;
};

static inline double scion_cell_mean_value(const struct scion_cell_mean *cell)
{
        return cell->count ? cell->sum / (double)cell->count : (double)NAN;
}

/* Gets a run's value of the metric. Returns false if the run failed or its value is not finite. */
bool scion_compared_value(const struct scion_comparison *comparison,
                          const struct scion_compared_metric *metric, size_t run, double *value);

/*
 * Sums the values for each contender and group: cell[contender * of->count + group]. The caller frees the
 * array. Returns NULL when memory is out.
 */
struct scion_cell_mean *scion_compared_cells(const struct scion_comparison *comparison,
                                             const struct scion_compared_metric *metric,
                                             const struct scion_groups *of);

/* Returns the transfer ratio: the mean over `count` tasks of error / baseline's error. See compare.h. */
double scion_transfer_ratio(const char *metric, const double *values, const double *baseline, size_t count);

/* Counts what metric->score[] lacks: gaps.c. */
bool scion_compare_gaps(struct scion_comparison *comparison, struct scion_compared_metric *metric);
/* Fills metric->versus: versus.c. */
bool scion_compare_versus(struct scion_comparison *comparison, struct scion_compared_metric *metric);
/* Fills metric->over_tasks: tasks.c. */
bool scion_compare_tasks(struct scion_comparison *comparison, struct scion_compared_metric *metric);
/* Fills metric->need: labels.c. */
bool scion_compare_labels(struct scion_comparison *comparison, struct scion_compared_metric *metric);

#endif
