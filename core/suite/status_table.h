/* The table of a plan's runs and their states, for `scion run --dry-run`. */
#ifndef SCION_SUITE_STATUS_TABLE_H
#define SCION_SUITE_STATUS_TABLE_H

#include <stdio.h>

#include "suite/plan.h"

/*
 * Prints a line for each run, with its id, strategy, seed, values on the other axes, and state in OUT/NAME;
 * then the number of runs in each state. With `brief`, prints only the numbers. Returns false when the
 * results cannot be read, or memory is out.
 */
bool scion_status_table_print(const struct scion_plan *plan, const char *out, bool brief, FILE *file);

#endif
