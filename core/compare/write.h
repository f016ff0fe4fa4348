/*
 * Output of a comparison for programs: numbers are not rounded; missing ones are empty (CSV) or null (JSON).
 */
#ifndef SCION_COMPARE_WRITE_H
#define SCION_COMPARE_WRITE_H

#include <stdio.h>

#include "compare/compare.h"

/*
 * Writes a row for each metric and group. What belongs to no single group, such as the tests over tasks,
 * label efficiency and the notes, is left out.
 */
bool scion_comparison_write_csv(const struct scion_comparison *comparison, FILE *file);

/* Writes everything. */
bool scion_comparison_write_json(const struct scion_comparison *comparison, FILE *file);

#endif
