/* Learning curves over several runs, read from their metrics.csv. */
#ifndef SCION_REPORT_CURVES_H
#define SCION_REPORT_CURVES_H

#include "compare/results.h"
#include "compare/spread.h"

/* The mean and spread of a measure for each epoch. The last epochs may be empty. */
struct scion_curve {
        size_t epochs;
        struct scion_spread *epoch;
};

/* The curves of a group of runs. Starts as { 0 }. */
struct scion_curves {
        size_t runs;                                     /* runs that were read */
        struct scion_curve accuracy[2], mse[2], loss[2]; /* [0] training, [1] validation */
};

/*
 * Adds a run: all rows of its metrics.csv except those of the stage `source`; epochs are numbered from 1.
 * Returns false, with a message, when the file is missing or malformed.
 */
bool scion_curves_add(struct scion_curves *curves, const struct scion_results *results, size_t run);

/* Frees the contents, and resets them to { 0 }. */
void scion_curves_finish(struct scion_curves *curves);

/*
 * Returns the path of a file in a run's folder, which the caller frees. Returns NULL, with a message, when
 * the run's id is not a valid folder name.
 */
char *scion_run_file(const struct scion_results *results, size_t run, const char *name);

#endif
