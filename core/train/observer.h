/* An observer is told how a run is getting on, and may ask it to end early. */
#ifndef SCION_TRAIN_OBSERVER_H
#define SCION_TRAIN_OBSERVER_H

#include <scion/api.h>

#include "train/scores.h"

struct scion_transfer;

/* What a run is doing. */
enum scion_phase {
        SCION_AT_START, /* it is prepared: data are opened, models built */
        SCION_AT_WAIT,  /* it waits for another run that trains the source of this `stage` */
        SCION_AT_STEP,  /* within an epoch; a few times a second */
        SCION_AT_EPOCH, /* at the end of an epoch */
        SCION_AT_TEST,  /* the stage's training is over and its test begins */
};

/* Scores are accuracies; mean squared errors if `values` is set. What is not known is NaN. */
struct scion_progress {
        enum scion_phase phase;
        const char
                *stage; /* "source", "target" or the name of a strategy's own stage; valid during the call */
        int64_t epoch, epochs; /* the one under way or just ended, from 1; and their number */
        int64_t step, steps;   /* done in the epoch; and their number */
        double seconds;        /* since the training began in this process */
        int64_t epochs_before; /* epochs of the stage that an earlier process trained */
        bool values;
        double train_loss, train_score; /* over the epoch so far */
        double valid_loss, valid_score; /* at the last epoch's end */
};

/* The callbacks. The first two are called at the ends of epochs, and otherwise at most a few times a second. They must
 * return quickly. */
struct scion_observer {
        void *context;
        void (*progress)(void *context, const struct scion_progress *progress);
        bool (*stopping)(
                void *context); /* true: the run shall end, in a state from which it can be resumed */
        /* Called in each step of training, between the backward pass and the update. False, with a message, fails the
         * run. May be NULL. */
        bool (*step)(void *context, struct scion_transfer *transfer, int64_t epoch);
};

/* Call an observer that may be NULL. */
void scion_observer_tell(const struct scion_observer *observer, const struct scion_progress *progress);
bool scion_observer_stopping(const struct scion_observer *observer);
bool scion_observer_step(const struct scion_observer *observer, struct scion_transfer *transfer,
                         int64_t epoch);

/* Sets `values` and the losses and scores from those of the epoch and of the validation, either of which may be empty. */
void scion_progress_scores(struct scion_progress *progress, struct scion_scores *train,
                           struct scion_scores *valid);

#endif
