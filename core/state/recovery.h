/*
 * Going on with what was interrupted: when checkpoints are written, and what is in them besides the state of the
 * training at hand: its stage, the rows of metrics.csv, the results so far, and the source.
 *
 * A checkpoint is written at an epoch's end, when the last one is old enough. It lasts until somebody removes it
 * who has on the disk what the training was for.
 */
#ifndef SCION_STATE_RECOVERY_H
#define SCION_STATE_RECOVERY_H

#include <stdio.h>

#include "state/checkpoint.h"
#include "table/sheet.h"

/* Starts as { 0 }, which recovers nothing. */
struct scion_recovery {
        /* The caller's: */
        const char *path;            /* of the checkpoint; nobody else writes in its folder now */
        XXH128_hash_t key;           /* of all that the training depends on */
        double interval;             /* seconds between two checkpoints; 0: one after every epoch */
        struct scion_sheet *metrics; /* these two have what belongs to the training and no more */
        struct scion_row *results;
        FILE *log;
        float *source; /* what setup() was given as source; NULL: there is none */
        size_t source_bytes;
        /* Its own: */
        struct scion_checkpoint *found; /* to go on from; NULL when there is none, or no more */
        char *stage;                    /* that it was written in, after so many epochs of it */
        int64_t epoch;
        double before;        /* seconds that earlier processes took */
        double written, cost; /* when the last checkpoint was, and how long that took */
};

/*
 * Looks for a checkpoint. If there is one, metrics and results get what they had then; one that is damaged or of
 * another key is not used, and the log says so. False, with a message, when memory is out or the disk fails.
 */
bool scion_recovery_open(struct scion_recovery *recovery);
void scion_recovery_finish(struct scion_recovery *recovery);

/* Is there something to go on from? In that stage, unless NULL. These take NULL for the recovery. */
bool scion_recovery_found(const struct scion_recovery *recovery, const char *stage);
/* Writes the source's values, as setup() was given them. */
bool scion_recovery_source(struct scion_recovery *recovery, float *values, size_t bytes);
/* Writes the state's values, which is the last that is done with the checkpoint. One of another
 * state is refused. */
bool scion_recovery_restore(struct scion_recovery *recovery, const struct scion_state *state);

/* For a checkpoint that does not fit: removes it, so that the next start begins at the beginning, and fails. */
bool scion_recovery_refuse(struct scion_recovery *recovery, const char *why);

/* Is it time for a checkpoint? */
bool scion_recovery_due(const struct scion_recovery *recovery);
/* Writes one: the state, to which is added what belongs to the recovery. What goes wrong is in the log, and the
 * training goes on: the checkpoint before is still there. */
void scion_recovery_save(struct scion_recovery *recovery, const char *stage, int64_t epoch,
                         struct scion_state *state);

#endif
