/*
 * The training loop, piece by piece: stages, epochs and steps. scion_train() goes through all of them;
 * scion_steps_take() takes one step at a time.
 */
#ifndef SCION_TRAIN_LOOP_H
#define SCION_TRAIN_LOOP_H

#include "train/train.h"
#include "train/update.h"

/* The stage under way. Starts as { 0 } with its name and epochs. */
struct scion_loop_stage {
        const char *name; /* valid as long as the transfer */
        int64_t epochs;
        int64_t step;                /* steps done, over the stage's epochs */
        int64_t steps_here;          /* those of them that this process has done */
        int64_t resumed;             /* the epoch after which this process resumed the stage; 0: it did not */
        struct scion_update *update; /* NULL outside of the stage */
        double factor;               /* of the learning rate, in the last step */
};

/* The epoch under way. */
struct scion_loop_epoch {
        int64_t number;            /* within its stage, from 1; 0 before the first */
        struct scion_scores train; /* over the epoch so far */
        struct scion_scores valid; /* at the last epoch's end */
        int64_t step;              /* steps begun */
};

/* The best epoch of the stage so far, by the validation split. */
struct scion_loop_best {
        struct scion_storage *values; /* of the model; NULL: there is no validation split */
        double criterion, loss;
        int64_t epoch; /* 0 before the first */
};

struct scion_loop {
        const struct scion_training *training;
        struct scion_batches *batches;
        int64_t steps;      /* of one epoch */
        int64_t shuffled;   /* epochs begun, over all stages: each has an order of its own */
        float last_loss;    /* the last one, which is finite; NaN before the first */
        double began, told; /* seconds on scion_clock(): when, and when the observer was told last */
        struct scion_loop_stage stage;
        struct scion_loop_epoch epoch;
        struct scion_loop_best best;
};

/* Opens the training's batches. Returns false, with a message, on failure; scion_loop_finish() must be called then, too.
 * `training` must outlive the loop. */
bool scion_loop_init(struct scion_loop *loop, const struct scion_training *training);
void scion_loop_finish(struct scion_loop *loop);

/* Begins the stage of that number. With `replayed`, the call of the strategy's begin_stage() is a replay: the stage has
 * begun before, in an earlier process, or is only gone through on the way to a later one. */
bool scion_loop_begin_stage(struct scion_loop *loop, int stage, bool replayed);

/* Replays the strategy's begin_epoch() for the first `epochs` epochs of the stage, without training. */
bool scion_loop_replay_epochs(struct scion_loop *loop, int64_t epochs);

/* Creates stage.update: the optimizer's state for the target and the strategy's own models. */
bool scion_loop_create_update(struct scion_loop *loop);

/* Begins the epoch epoch.number, in an order of its own. */
bool scion_loop_begin_epoch(struct scion_loop *loop);
/* Takes the epoch's next step. Returns the number of its examples; 0, with a message, on failure. */
int64_t scion_loop_step(struct scion_loop *loop);
/* Ends the epoch: no batch is at hand any more. */
void scion_loop_end_epoch(struct scion_loop *loop);

/* Makes the model ready for evaluation: parameters that the strategy computes from others get their values. */
bool scion_loop_settle(struct scion_loop *loop);

#endif
