/* Running a plan: each run in a process of its own, a row of results.csv each. */
#ifndef SCION_SUITE_SUITE_H
#define SCION_SUITE_SUITE_H

#include <stdio.h>

#include "process/process.h"
#include "suite/plan.h"

struct scion_suite_options {
        const char *out; /* folder that gets a folder for each suite: OUT/NAME */
        int jobs;        /* runs at a time; at least 1 */
        double interval; /* seconds between two checkpoints of a run, at epochs' ends; 0: one after each */
        FILE *progress;  /* gets a line an event, and what is at work if it is a terminal; NULL: none */
        FILE *failures;  /* gets those when `progress` is NULL; NULL too: they are in the results alone */
        bool fail_fast;  /* starts nothing more when a run has failed */
        bool retry_failed;
};

/*
 * Runs what is not done yet, and writes OUT/NAME/results.csv, in the plan's order when all are through. Runs
 * that an earlier call has finished, and whose folders are still there, are kept; rows of runs that are not
 * in the plan any more go to results.old.csv, and are found there when they are in a later one. Runs that have failed are
 * kept likewise, unless they are to be retried; and there is no row of one that was stopped, or found no room on the disk. Fails when
 * another process runs the same suite. When more than one run is to be done, the input of all kinds of them
 * is checked first, and nothing is written if it is bad. `summary`, when not NULL, gets the table of means at
 * the end. On anything but SCION_GOOD scion_error() has a message.
 */
enum scion_status scion_suite_run(const struct scion_plan *plan, const struct scion_suite_options *options,
                                  FILE *summary);

#endif
