/*
 * Decides which run of a plan starts next. Normally it is the first that is left. A run whose source is still
 * being trained by another run would only wait for it, so that a later run that can work starts first.
 */
#ifndef SCION_SUITE_ORDER_H
#define SCION_SUITE_ORDER_H

#include "suite/plan.h"
#include "train/observer.h"

/* The runs that have not started, and the state of the sources. */
struct scion_order {
        const struct scion_plan *plan;
        size_t first;  /* all runs before this one have started */
        bool *waiting; /* the run has not started yet */
        bool *ready;   /* indexed by the first run with a source: the source is trained */
        /* indexed by the first run with a source: the number of running runs with that source */
        unsigned *users;
};

/* `done` marks the runs of the plan that will not start. Call scion_order_finish() also after a failure. */
bool scion_order_start(struct scion_order *order, const struct scion_plan *plan, const bool *done);
void scion_order_finish(struct scion_order *order);

/* Returns the run to start next and marks it as started; plan->count when none is left. */
size_t scion_order_next(struct scion_order *order);

/* Record the progress and the end of a run that was started. */
void scion_order_progress(struct scion_order *order, size_t run, const struct scion_progress *progress);
void scion_order_ended(struct scion_order *order, size_t run, bool good);

#endif
