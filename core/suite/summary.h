/* The table at the end of a suite: the test metric of each strategy, over its seeds. */
#ifndef SCION_SUITE_SUMMARY_H
#define SCION_SUITE_SUMMARY_H

#include <stdio.h>

#include "config/config.h"
#include "table/sheet.h"

/*
 * Prints a line for each combination of strategy and values on the other axes but the seed: number of runs,
 * mean and standard deviation (of a sample: n - 1) of the test metric, mean seconds, number of failed runs.
 * The axes are those of `run`. Returns false when memory is out.
 */
bool scion_summary_print(const struct scion_sheet *results, const struct scion_config_run *run, FILE *file);

#endif
