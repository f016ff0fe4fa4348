/* Groups of runs with the same values in some columns. */
#ifndef SCION_COMPARE_GROUPS_H
#define SCION_COMPARE_GROUPS_H

#include "compare/results.h"

/* Starts as { 0 }. Groups are numbered in the order of their first runs. */
struct scion_groups {
        size_t columns;
        size_t *column; /* indexes into the results' columns */
        size_t count;
        size_t *first;    /* for each group, its first run, which gives the group's values */
        size_t *group_of; /* for each run, its group */
};

/*
 * Groups all runs, including failed ones. Without columns there is one group. Returns false when memory is
 * out.
 */
bool scion_groups_make(const struct scion_results *results, const size_t *column, size_t columns,
                       struct scion_groups *groups);

/* Frees the contents, and resets them to { 0 }. */
void scion_groups_finish(struct scion_groups *groups);

/* Returns the value of a group in columns[index]. */
const char *scion_groups_value(const struct scion_groups *groups, const struct scion_results *results,
                               size_t group, size_t index);

/* Whether the groups differ in columns[index]. */
bool scion_groups_vary(const struct scion_groups *groups, const struct scion_results *results, size_t index);

#endif
