/* The training loop, and evaluation. */
#ifndef SCION_TRAIN_TRAIN_H
#define SCION_TRAIN_TRAIN_H

#include "data/data.h"
#include "experiment/experiment.h"
#include "state/recovery.h"
#include "train/observer.h"
#include "train/scores.h"
#include "transfer/transfer.h"

/* One training: of the source, or of the target. */
struct scion_training {
        const struct scion_stage *stage;
        struct scion_data *data;
        struct scion_transfer
                *transfer; /* its target is trained, by the strategy's loss; without a strategy, by the
                                            task's */
        struct scion_tape *tape;
        struct scion_sheet *metrics; /* gets a row an epoch; may be NULL */
        FILE *log;                   /* gets a line an epoch; may be NULL */
        int64_t trace;               /* the step of each stage to trace, from 1; 0: none. Needs a log */
        struct scion_text *traces;   /* gets the lines of a trace, which go to the log as well */
        const struct scion_observer *observer; /* may be NULL */
        bool *stopped; /* set to true when the training ends early, as the observer asked; may be NULL */
        struct scion_recovery *recovery; /* the checkpoint to resume from and those to write; NULL: none */
};

struct scion_trained {
        int64_t epochs;     /* of the main stage that were trained */
        int64_t best_epoch; /* whose values the model has now, from 1; 0 when there were no epochs */
};

/*
 * Trains transfer->target and the strategy's own models, through the strategy's own stages and the main stage. With a
 * validation split the model ends with the values of the epoch with the best validation score (the lower loss decides
 * between equals), otherwise with those of the last epoch. False, with a message: when the loss is not finite, with the
 * step and the last good value in the message; or when the observer asks the training to stop, after the epoch under way.
 * The metrics of whole epochs have been written then.
 */
bool scion_train(const struct scion_training *training, struct scion_trained *trained);

#define SCION_EVALUATION_BATCH 256 /* examples; larger than training's, because there is no backward pass */

/* Evaluates the model on the next batch, and adds it to the scores. SCION_NEXT_FAILED with a message. */
enum scion_next scion_evaluate_next(const struct scion_training *training, struct scion_batches *batches,
                                    struct scion_scores *scores);

/* Evaluates the model on a split, and adds it to the scores. Leaves the tape reset. Returns false, with a message,
 * on failure. */
bool scion_evaluate(const struct scion_training *training, enum scion_split split,
                    struct scion_scores *scores);

/* Adds the scores of the stage's test split to `results`, in columns whose names begin with `prefix`; nothing when the
 * split is empty. Returns false, with a message, on failure. */
bool scion_test(const struct scion_training *training, const char *prefix, bool with_loss,
                struct scion_row *results);

/* --- A step at a time ----------------------------------------------------------------------------------- */

struct scion_steps;

/*
 * Begins the training's main stage; if that has no epochs, the strategy's last stage that has. The stages before it are
 * replayed. Epochs follow each other without validation, checkpoints or metrics, and after the last one the first one
 * begins again. `training` must outlive the steps. Returns NULL, with a message, on failure.
 */
struct scion_steps *scion_steps_create(const struct scion_training *training);
void scion_steps_destroy(struct scion_steps *steps); /* takes NULL */

/* Returns the stage's name, valid as long as the transfer. */
const char *scion_steps_stage(const struct scion_steps *steps);

/* Ends the epoch under way, so that the model can be evaluated. Returns false, with a message, on failure. */
bool scion_steps_rest(struct scion_steps *steps);

/* Takes one step, after ending an epoch and beginning the next one if it is time. Returns the number of its examples; 0
 * with a message. */
int64_t scion_steps_take(struct scion_steps *steps);

#endif
