/* The training loop, and evaluation. */
#ifndef SCION_TRAIN_TRAIN_H
#define SCION_TRAIN_TRAIN_H

#include "data/data.h"
#include "experiment/experiment.h"
#include "state/recovery.h"
#include "train/observer.h"
#include "train/scores.h"
#include "transfer/transfer.h"

/* A model to train, on what, and who wants to know. */
struct scion_training {
        const struct scion_stage *stage;
        struct scion_data *data;
        /* The target is trained by the strategy's loss; with strategy NULL in it, by the task's. */
        struct scion_transfer *transfer;
        struct scion_tape *tape;
        struct scion_sheet *metrics; /* a row an epoch */
        FILE *log;                   /* a line an epoch */
        int64_t trace;             /* the step of each stage that is watched, from 1; 0: none. Needs a log */
        struct scion_text *traces; /* what was seen is added there, too */
        const struct scion_observer *observer; /* NULL: nobody watches */
        bool *stopped; /* set when it ends early, as the observer asked; NULL: nobody wants to know */
        struct scion_recovery *recovery; /* what it goes on from, and where checkpoints go; NULL: neither */
};

struct scion_trained {
        int64_t epochs; /* gone through */
        int64_t best_epoch; /* the one whose parameters and buffers the model has now, from 1; 0 when none was gone
                               through */
};

/*
 * Trains transfer->target, and the strategy's own models, through the strategy's own stages and the main one. With
 * a validation split the model ends with the parameters of the epoch that did
 * best on it (the lower loss decides between equals), otherwise with the last epoch's. Fails when the loss is
 * not finite, naming the step and the last good value; the metrics of whole epochs are written by then. When the
 * observer asks for it, ends after the epoch at hand; false too.
 */
bool scion_train(const struct scion_training *training, struct scion_trained *trained);

/* Evaluation keeps nothing for a backward pass, so its batches can be larger than training's. */
#define SCION_EVALUATION_BATCH 256

/* Adds the next batch to `scores`. */
enum scion_next scion_evaluate_next(const struct scion_training *training, struct scion_batches *batches,
                                    struct scion_scores *scores);

/* Adds a whole split to `scores`. Leaves the tape reset. */
bool scion_evaluate(const struct scion_training *training, enum scion_split split,
                    struct scion_scores *scores);

/* Adds the scores of the split to test on to `results`, their columns' names after `prefix`; nothing when the data
 * have no such examples. */
bool scion_test(const struct scion_training *training, const char *prefix, bool with_loss,
                struct scion_row *results);

/* --- A step at a time, as long as somebody wants ---------------------------------------------------------- */

struct scion_steps;

/*
 * Training's main stage, or the last of the strategy's own when there is nothing to train in it, from its
 * beginning. Epochs follow each other without validation, checkpoints or rows; after the last one the schedule begins
 * anew. `training` must outlive it. NULL, with a message.
 */
struct scion_steps *scion_steps_create(const struct scion_training *training);
void scion_steps_destroy(struct scion_steps *steps); /* takes NULL */

/* The stage's name. Valid as long as the transfer. */
const char *scion_steps_stage(const struct scion_steps *steps);

/* Ends the epoch at hand, so that the model can be evaluated. */
bool scion_steps_rest(struct scion_steps *steps);

/* One step; an epoch's beginning and end come before it. The number of its examples; 0 with a message. */
int64_t scion_steps_take(struct scion_steps *steps);

#endif
