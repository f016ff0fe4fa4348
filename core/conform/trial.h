/*
 * A trial of a strategy: a run of a few steps on random data that meet the strategy's needs. It is executed as `scion
 * run` does, each time in a process and a folder of its own.
 */
#ifndef SCION_CONFORM_TRIAL_H
#define SCION_CONFORM_TRIAL_H

#include "conform/tests.h"
#include "run/run.h"
#include "transfer/transfer.h"

/* The state of a run in the middle of a step, after the backward pass and before the update. */
struct scion_moment {
        struct scion_transfer *transfer;
        int64_t epoch, step; /* epoch of the stage, and step of the epoch, from 1 */
        const float *source; /* a copy of the source's values before setup(); NULL when there is no source */
        const char *text;    /* "step 2 of epoch 1", with the stage unless it is the main one */
};

/* A check of the steps of a run, called in the run's process. */
struct scion_look {
        bool (*step)(struct scion_look *look, const struct scion_moment *moment); /* false, with a message */
        bool (*end)(struct scion_look *look); /* called at the end of the run; may be NULL */
};

struct scion_trial {
        struct scion_conform *conform;
        bool other_classes; /* the target has another number of classes than the source, if the strategy supports it */
        const char *folder;
};

#define SCION_TRIAL_EPOCHS 4 /* of the main stage */
#define SCION_TRIAL_STEPS 3  /* of an epoch; the last batch is the smallest that the strategy supports */

/* Creates the folder, which is removed with the test's. Returns false with a message. */
bool scion_trial_begin(struct scion_trial *trial, struct scion_conform *conform);

/* Returns the run's configuration, which the caller destroys, or NULL with a message. */
struct scion_config *scion_trial_config(const struct scion_trial *trial);

/* Describes the configuration in a few words, for messages. Valid until the next call. */
const char *scion_trial_task(const struct scion_trial *trial);

/* Options of a run. */
struct scion_trial_run {
        const char *name;        /* of its folder; a run resumes an earlier, stopped run of the same name */
        struct scion_look *look; /* NULL: no check */
        int64_t stop; /* stop after so many epochs of the target's stages in this process; 0: do not stop */
        bool prepare; /* only set up the plugin and compute the loss of first batches */
        bool perturbed; /* fill new memory with other bytes than usual, to find reads of memory that was not written */
};

enum scion_trial_verdict {
        SCION_TRIAL_GOOD,
        SCION_TRIAL_UNPREPARED, /* setup, or the loss of a first batch, failed */
        SCION_TRIAL_FAILED,     /* the run failed, or crashed */
        SCION_TRIAL_SEEN,       /* the check of the steps has failed */
        SCION_TRIAL_STOPPED,    /* as the options asked */
};

/* A cell with the reason why the strategy refused another number of classes than the source's; absent if it did not. */
#define SCION_TRIAL_REFUSAL "refusal"

/* Executes a run. There is a message unless the verdict is GOOD or STOPPED. `results` gets the cells of the run's row in
 * results.csv; it may be NULL. */
enum scion_trial_verdict scion_trial_run(const struct scion_trial *trial, const struct scion_trial_run *how,
                                         struct scion_row *results);

/* Returns the path of a file of that run, valid until the next call. */
const char *scion_trial_path(const struct scion_trial *trial, const char *run, const char *file);

#endif
