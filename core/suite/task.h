/* What a suite's child processes do. */
#ifndef SCION_SUITE_TASK_H
#define SCION_SUITE_TASK_H

#include <stdio.h>

#include "process/process.h"
#include "suite/plan.h"

struct scion_task {
        const struct scion_planned *planned;
        const char *folder; /* of the suite */
        bool checked;       /* its like, by scion_plan_check() */
        double interval;    /* seconds between two checkpoints */
};

/*
 * A scion_work; the context is a struct scion_task. Runs it, with all that it prints in its log. One that was
 * not checked and turns out to be bad writes nothing.
 */
enum scion_status scion_task_work(void *context, const struct scion_observer *observer,
                                  struct scion_row *cells, struct scion_text *note);

/*
 * Prepares a run of each kind, in a process of its own, and drops it. `values`: whether the targets are
 * values, not classes. `notes`, when not NULL, gets what was loaded and what was not.
 * SCION_BAD_INPUT with the place; SCION_FAILED, with the run, when the process itself ended; SCION_STOPPED when a
 * signal came.
 */
enum scion_status scion_plan_check(const struct scion_plan *plan, bool *values, FILE *notes);

#endif
