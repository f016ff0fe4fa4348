/* Learning curves: what the metrics.csv of several runs say of each epoch. */
#ifndef SCION_REPORT_CURVES_H
#define SCION_REPORT_CURVES_H

#include "compare/results.h"
#include "compare/spread.h"

/* A measure, epoch by epoch; the last ones may be empty. */
struct scion_curve {
        size_t epochs;
        struct scion_spread *epoch;
};

/* Runs together. Starts as { 0 }. */
struct scion_curves {
        size_t runs;                                     /* that were read */
        struct scion_curve accuracy[2], mse[2], loss[2]; /* training, validation */
};

/*
 * Adds a run: every row of its metrics.csv but those of the stage `source`, numbered from 1. False, with a
 * message, when it is not there or no such file.
 */
bool scion_curves_add(struct scion_curves *curves, const struct scion_results *results, size_t run);

void scion_curves_finish(struct scion_curves *curves);

/*
 * The path of a file of a run, which the caller frees. NULL, with a message, when the run's name is none of a
 * folder beside results.csv.
 */
char *scion_run_file(const struct scion_results *results, size_t run, const char *name);

#endif
