/* Runs put together by what they have in some columns. */
#ifndef SCION_COMPARE_GROUPS_H
#define SCION_COMPARE_GROUPS_H

#include "compare/results.h"

/* Starts as { 0 }. Groups are in the order in which the runs first show them. */
struct scion_groups {
        size_t columns;
        size_t *column; /* of the results */
        size_t count;
        size_t *first; /* of each group: its first run, which has the group's values */
        size_t *of;    /* of each run: its group */
};

/* All runs are in a group, failed ones too. With no column there is one group. False when memory is out. */
bool scion_groups_make(const struct scion_results *results, const size_t *column, size_t columns,
                       struct scion_groups *groups);

void scion_groups_finish(struct scion_groups *groups);

/* What all runs of the group have in the columns[index]th of its columns. */
const char *scion_groups_value(const struct scion_groups *groups, const struct scion_results *results,
                               size_t group, size_t index);

/* Whether the groups' runs differ in the columns[index]th of their columns. */
bool scion_groups_vary(const struct scion_groups *groups, const struct scion_results *results, size_t index);

#endif
