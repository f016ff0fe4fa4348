/* The table at the end of a suite: what each strategy reached, over its seeds. */
#ifndef SCION_SUITE_SUMMARY_H
#define SCION_SUITE_SUMMARY_H

#include <stdio.h>

#include "config/config.h"
#include "table/sheet.h"

/*
 * Prints a line for each strategy, and for each value on the other axes but the seed's: runs, mean and
 * standard deviation (of a sample: n - 1) of the test metric, mean seconds; failed runs are counted beside.
 * The axes are those of `run`. False when memory is out.
 */
bool scion_summary_print(const struct scion_sheet *results, const struct scion_config_run *run, FILE *file);

#endif
