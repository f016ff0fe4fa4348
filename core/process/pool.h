/*
 * Processes that work at the same time, and the loop that waits for all that may happen: what they tell, that
 * they end, their limits, and signals to this process.
 */
#ifndef SCION_PROCESS_POOL_H
#define SCION_PROCESS_POOL_H

#include "process/process.h"

struct scion_pool;

enum scion_event_kind {
        SCION_EVENT_PROGRESS, /* `slot` tells how it goes */
        SCION_EVENT_ENDED,    /* `slot` has ended and is free again; `report` is the caller's to finish */
        SCION_EVENT_SIGNAL,   /* SIGINT, SIGTERM, SIGHUP, SIGWINCH, or SIGTSTP if asked for, came */
        SCION_EVENT_TIMEOUT,  /* nothing came for as long as was asked for */
};

struct scion_event {
        enum scion_event_kind kind;
        int slot;
        int signal;
        struct scion_progress progress; /* its texts are valid until the next call */
        struct scion_report report;
};

/*
 * Room for so many processes at a time. From now until it is destroyed the signals above do nothing but come out
 * of scion_pool_next(); those that were ignored stay so. NULL, with a message.
 */
struct scion_pool *scion_pool_create(int slots);
/* Kills those that still run. Takes NULL. Signals that have come and were not told are delivered now. */
void scion_pool_destroy(struct scion_pool *pool);

/* How many run; a free slot, -1 when there is none. */
int scion_pool_running(const struct scion_pool *pool);
int scion_pool_free_slot(const struct scion_pool *pool);

/* Starts a process in that slot, which is free. Flushes the streams first. */
bool scion_pool_start(struct scion_pool *pool, int slot, const struct scion_limits *limits, scion_work *work,
                      void *context);

/* Waits for the next thing to happen, at most so many seconds (INFINITY: for ever). False when that cannot be. */
bool scion_pool_next(struct scion_pool *pool, double seconds, struct scion_event *event);

/*
 * From now on SIGTSTP, by which a terminal stops what runs on it, comes out too, so that something can be done
 * before. The runs stop by themselves. scion_pool_pause() then stops this process, until it is continued.
 */
void scion_pool_take_stops(struct scion_pool *pool);
void scion_pool_pause(void);

/* The last of SIGINT, SIGTERM and SIGHUP that any pool has told of; 0: none. */
int scion_pool_signal(void);

/* Asks all to end in a state that they can go on from; and, with `now`, at once. Both end as SCION_STOPPED. */
void scion_pool_stop(struct scion_pool *pool, bool now);

#endif
