/* Runs a plan: each run in its own process, with one row of results.csv. */
#ifndef SCION_SUITE_SUITE_H
#define SCION_SUITE_SUITE_H

#include <stdio.h>

#include "process/process.h"
#include "suite/plan.h"

/* How a suite is run. */
struct scion_suite_options {
        const char *out; /* results go to OUT/NAME, for each suite */
        int jobs;        /* runs at a time; at least 1 */
        /* least seconds between two checkpoints of a run, which are written after an epoch; 0: after each */
        double interval;
        FILE *progress; /* gets a line for each event, and progress lines if it is a terminal; NULL: none */
        FILE *failures; /* gets the failures when `progress` is NULL; may be NULL */
        bool fail_fast; /* starts no more runs after a failure */
        bool retry_failed;
        bool keep_changed; /* keeps finished runs whose plugins, weights or data have changed since */
        bool rerun;        /* runs all again */
};

/*
 * Runs what is not done yet, and writes OUT/NAME/results.csv, sorted in the plan's order at the end.
 *
 * Runs that a previous call has finished, and whose folders still exist, are kept; so are failed runs, unless
 * retry_failed is set. A finished run whose plugins, weights or data files have changed since then is run
 * again, which is reported, unless keep_changed is set. Rows of runs that are no longer in the plan are moved to results.old.csv, and are used
 * again when a later plan has them. A run that was stopped, or found the disk full, gets no row.
 *
 * When more than one run is left, the input of each kind of run is checked first, and nothing is written if
 * it is bad. Fails when another process runs the same suite. `summary`, if not NULL, gets the table of means
 * at the end. For any status but SCION_GOOD, scion_error() has a message.
 */
enum scion_status scion_suite_run(const struct scion_plan *plan, const struct scion_suite_options *options,
                                  FILE *summary);

#endif
