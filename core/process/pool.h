/*
 * A pool of child processes that run in parallel, and the event loop that waits for all of them: for their
 * progress and their end, for their time and memory limits, and for signals to this process.
 */
#ifndef SCION_PROCESS_POOL_H
#define SCION_PROCESS_POOL_H

#include "process/process.h"

struct scion_pool;

enum scion_event_kind {
        SCION_EVENT_PROGRESS, /* the process in `slot` has sent progress */
        /* the process in `slot` has ended and the slot is free; the caller finishes `report` */
        SCION_EVENT_ENDED,
        SCION_EVENT_SIGNAL,  /* SIGINT, SIGTERM, SIGHUP, SIGWINCH, or SIGTSTP after scion_pool_catch_stop() */
        SCION_EVENT_TIMEOUT, /* no event within the given time */
};

/* An event. Which fields are set depends on its kind. */
struct scion_event {
        enum scion_event_kind kind;
        int slot;
        int signal;
        struct scion_progress progress; /* its strings are valid until the next call */
        struct scion_report report;
};

/*
 * Creates a pool for at most `slots` processes at a time. Until the pool is destroyed, the signals above are
 * blocked and are reported by scion_pool_next() instead; signals that were ignored stay ignored. Returns NULL
 * on failure.
 */
struct scion_pool *scion_pool_create(int slots);
/*
 * Kills the processes that still run and restores the signal mask, so that pending signals are delivered now.
 * Accepts NULL.
 */
void scion_pool_destroy(struct scion_pool *pool);

/* The number of running processes, and the index of a free slot or -1 when there is none. */
int scion_pool_running(const struct scion_pool *pool);
int scion_pool_free_slot(const struct scion_pool *pool);

/* Flushes all stdio streams and starts a process in the slot, which must be free. */
bool scion_pool_start(struct scion_pool *pool, int slot, const struct scion_limits *limits, scion_work *work,
                      void *context);

/*
 * Waits for the next event, at most `seconds` (INFINITY: without a limit). Returns false when waiting itself
 * fails.
 */
bool scion_pool_next(struct scion_pool *pool, double seconds, struct scion_event *event);

/*
 * Reports SIGTSTP, the stop signal of a terminal, as an event from now on, so that the caller can act before
 * it stops. The children receive the signal themselves. scion_pool_pause() then stops this process until
 * SIGCONT.
 */
void scion_pool_catch_stop(struct scion_pool *pool);
void scion_pool_pause(void);

/* Returns the last of SIGINT, SIGTERM and SIGHUP that any pool has reported, or 0. */
int scion_pool_signal(void);

/*
 * Asks all processes to save a checkpoint and end; with `now`, terminates them. Either way they end as
 * SCION_STOPPED.
 */
void scion_pool_stop(struct scion_pool *pool, bool now);

#endif
