/* A comparison for programs: nothing is rounded, what does not exist is empty (CSV) or null (JSON). */
#ifndef SCION_COMPARE_WRITE_H
#define SCION_COMPARE_WRITE_H

#include <stdio.h>

#include "compare/compare.h"

/* A row for each metric and group. What belongs to no group (the tests over tasks, label efficiency, the notes)
 * is not in it. */
bool scion_comparison_write_csv(const struct scion_comparison *comparison, FILE *file);

/* All of it. */
bool scion_comparison_write_json(const struct scion_comparison *comparison, FILE *file);

#endif
