/* A plan as a table. */
#ifndef SCION_SUITE_STATUS_TABLE_H
#define SCION_SUITE_STATUS_TABLE_H

#include <stdio.h>

#include "suite/plan.h"

/*
 * Prints a line for each run, with its id, strategy, seed, the other axes, and how far it is in OUT/NAME; then how
 * many are how far. `brief`: only that. False when what is in OUT/NAME cannot be read, or memory is out.
 */
bool scion_plan_print(const struct scion_plan *plan, const char *out, bool brief, FILE *file);

#endif
