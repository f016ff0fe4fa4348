/*
 * Continuing an interrupted run: when checkpoints are written, and what they hold besides the state of the training:
 * its stage, the rows of metrics.csv, the results so far, and the source's values.
 *
 * A checkpoint is written at an epoch's end when the last one is old enough. The caller removes it once the results of
 * the training are on the disk.
 */
#ifndef SCION_STATE_RECOVERY_H
#define SCION_STATE_RECOVERY_H

#include <stdio.h>

#include "nn/model.h"
#include "state/checkpoint.h"
#include "table/sheet.h"

/* Initialise as { 0 }, which recovers nothing. */
struct scion_recovery {
        /* Set by the caller: */
        const char *path;            /* of the checkpoint, in a folder that no other process writes to */
        XXH128_hash_t fingerprint;   /* a hash of everything that the training depends on */
        double interval;             /* seconds between two checkpoints; 0: one after every epoch */
        struct scion_sheet *metrics; /* metrics and results of this training only */
        struct scion_row *results;
        FILE *log;
        struct scion_storage *source; /* the source's values as setup() gets them, destroyed by
                                         scion_recovery_finish(); NULL: there is no source */
        /* Private, but `before`: */
        struct scion_checkpoint
                *found; /* to continue from; NULL when there is none, and after it was restored */
        char *stage;    /* the stage in which it was written, after `epoch` epochs */
        int64_t epoch;
        double before; /* seconds that earlier processes have spent on the run */
        double written,
                cost; /* when the last checkpoint was written (scion_clock()), and how many seconds it took */
};

/*
 * Looks for a checkpoint, and restores metrics and results from it. One that is damaged or has another fingerprint is not
 * used, and the log says so. False, with a message, when memory is out or the disk fails.
 */
bool scion_recovery_open(struct scion_recovery *recovery);
void scion_recovery_finish(struct scion_recovery *recovery);

/* Returns whether there is a checkpoint to continue from that was written in this stage (NULL: in any). False for a NULL
 * recovery. */
bool scion_recovery_found(const struct scion_recovery *recovery, const char *stage);
/* Restores the source's values, as setup() got them, from the checkpoint. False, with a message. */
bool scion_recovery_source(struct scion_recovery *recovery, struct scion_model *source);
/* Restores the state from the checkpoint and closes it. A checkpoint of another state is refused by
 * scion_recovery_refuse(): false, with a message. */
bool scion_recovery_restore(struct scion_recovery *recovery, const struct scion_state *state);

/* Removes a checkpoint that does not fit, so that the next start begins at the beginning. Returns false, with `why` in
 * the message. */
bool scion_recovery_refuse(struct scion_recovery *recovery, const char *why);

/* Returns whether a checkpoint should be written now. False for a NULL recovery. */
bool scion_recovery_due(const struct scion_recovery *recovery);
/* Writes a checkpoint: the state, to which the recovery's own blocks are added. A failure is written to the log, and the
 * training goes on: the checkpoint before is still there. */
void scion_recovery_save(struct scion_recovery *recovery, const char *stage, int64_t epoch,
                         struct scion_state *state);

#endif
