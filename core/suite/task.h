/* The work of a suite's child processes: running a run, and checking a plan. */
#ifndef SCION_SUITE_TASK_H
#define SCION_SUITE_TASK_H

#include <stdio.h>

#include "process/process.h"
#include "suite/plan.h"

/* A run, for the process that executes it. */
struct scion_task {
        const struct scion_planned *planned;
        const char *folder; /* folder of the suite */
        bool checked;       /* scion_plan_check() has accepted a run of its kind */
        double interval;    /* least seconds between two checkpoints */
};

/*
 * A scion_work whose context is a struct scion_task. Executes the run, with stdout and stderr redirected to
 * its log. A run that was not checked and turns out to have bad input writes nothing.
 */
enum scion_status scion_task_work(void *context, const struct scion_observer *observer,
                                  struct scion_row *cells, struct scion_text *note);

/*
 * Prepares one run of each kind in a child process, without executing it. Sets *values if the task is
 * regression. `notes`, if not NULL, gets the notes on which weights were loaded. Returns SCION_BAD_INPUT with
 * a message that has the place; SCION_FAILED, naming the run, when the process crashed; SCION_STOPPED after a
 * signal.
 */
enum scion_status scion_plan_check(const struct scion_plan *plan, bool *values, FILE *notes);

#endif
