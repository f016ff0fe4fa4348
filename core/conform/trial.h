/*
 * What a strategy is tried out on: a run of a few steps on random data, made to fit what the strategy needs. It goes
 * the way that `scion run` goes, each time in a process of its own and a folder of its own.
 */
#ifndef SCION_CONFORM_TRIAL_H
#define SCION_CONFORM_TRIAL_H

#include "conform/tests.h"
#include "run/run.h"
#include "transfer/transfer.h"

/* In the middle of a step: the gradients are there, the update is to come. */
struct scion_moment {
        struct scion_transfer *transfer;
        int64_t epoch, step; /* of the stage, and of the epoch, from 1 */
        const float *source; /* a copy of the source's values before setup(); NULL when there is no source */
        const char *text;    /* "step 2 of epoch 1", with the stage unless it is the main one */
};

/* Who looks at the steps of a run, in its process. */
struct scion_look {
        bool (*step)(struct scion_look *look, const struct scion_moment *moment); /* false, with a message */
        bool (*end)(struct scion_look *look); /* the run has come to its end; may be NULL */
};

struct scion_trial {
        struct scion_conform *conform;
        bool other_classes; /* the target has not as many as the source, if the strategy takes that */
        const char *folder;
};

#define SCION_TRIAL_EPOCHS 4 /* of the main stage */
#define SCION_TRIAL_STEPS 3  /* of an epoch; the last batch is the smallest that the strategy takes */

/* Makes the folder, which goes with the test. False, with a message. */
bool scion_trial_begin(struct scion_trial *trial, struct scion_conform *conform);

/* The run's configuration; the caller destroys it. NULL, with a message. */
struct scion_config *scion_trial_config(const struct scion_trial *trial);

/* The same in a few words, for messages; valid until the next call. */
const char *scion_trial_task(const struct scion_trial *trial);

/* How a run is to go. */
struct scion_trial_run {
        const char *name;        /* of its folder: runs of one name go on where the one before stopped */
        struct scion_look *look; /* NULL: nobody looks */
        int64_t stop;            /* after so many epochs of the target's stages in this process; 0: never */
        bool prepare;   /* and no more: the plugin is set up, and the loss of first batches tried out */
        bool perturbed; /* memory that is not written before it is read holds something else than usual */
};

enum scion_trial_verdict {
        SCION_TRIAL_GOOD,
        SCION_TRIAL_UNPREPARED, /* setup, or the loss of a first batch, failed */
        SCION_TRIAL_FAILED,     /* the run failed, or crashed */
        SCION_TRIAL_SEEN,       /* whoever looks has found something */
        SCION_TRIAL_STOPPED,    /* as it was asked to */
};

/* A cell: why the strategy was not set up for other classes than the source's; there is none when it was. */
#define SCION_TRIAL_REFUSAL "refusal"

/* Unless good or stopped there is a message. `results` gets the cells of the run's row in results.csv; NULL: nobody
 * wants them. */
enum scion_trial_verdict scion_trial_run(const struct scion_trial *trial, const struct scion_trial_run *how,
                                         struct scion_row *results);

/* The path of a file of that run, in memory that the next call writes to. */
const char *scion_trial_path(const struct scion_trial *trial, const char *run, const char *file);

#endif
