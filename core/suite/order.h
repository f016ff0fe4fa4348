/*
 * Which run of a plan starts next. It is the first that is left, unless it would only wait for the source that a
 * run at work trains: then one that has something to do goes before it.
 */
#ifndef SCION_SUITE_ORDER_H
#define SCION_SUITE_ORDER_H

#include "suite/plan.h"
#include "train/observer.h"

struct scion_order {
        const struct scion_plan *plan;
        size_t first;    /* before it no run is left */
        bool *left;      /* is to start */
        bool *ready;     /* of a source, at the first run that has it: it was trained */
        unsigned *users; /* likewise: runs at work that have it */
};

/* `done`: runs that are not to start. scion_order_finish() ends it, also after a failure. */
bool scion_order_start(struct scion_order *order, const struct scion_plan *plan, const bool *done);
void scion_order_finish(struct scion_order *order);

/* The run to start now; the plan's count when none is left. */
size_t scion_order_next(struct scion_order *order);

/* How a run that was started goes, and that it has ended. */
void scion_order_told(struct scion_order *order, size_t run, const struct scion_progress *progress);
void scion_order_ended(struct scion_order *order, size_t run, bool good);

#endif
