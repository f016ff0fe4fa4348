/* Who watches a run while it goes, and may ask it to end early. */
#ifndef SCION_TRAIN_OBSERVER_H
#define SCION_TRAIN_OBSERVER_H

#include <scion/api.h>

#include "train/scores.h"

struct scion_transfer;

/* What a run is at. */
enum scion_phase {
        SCION_AT_START, /* preparing: data are opened, models built */
        SCION_AT_WAIT,  /* another run makes what this one needs; `stage` says for which stage */
        SCION_AT_STEP,  /* within an epoch; a few times a second */
        SCION_AT_EPOCH, /* at an epoch's end */
        SCION_AT_TEST,  /* the stage's training is over and its test begins */
};

/* Scores are accuracies, or mean squared errors when `values` is set. What is not known is NaN. */
struct scion_progress {
        enum scion_phase phase;
        const char *stage;     /* "source", "target", ..., valid during the call */
        int64_t epoch, epochs; /* under way, or just ended; from 1 */
        int64_t step, steps;   /* of the epoch */
        double seconds;        /* that the stage has taken up to now */
        int64_t epochs_before; /* of the stage's, those that an earlier process went through */
        bool values;
        double train_loss, train_score; /* over the epoch so far */
        double valid_loss, valid_score; /* at the last epoch's end */
};

/* The first two are not called more than a few times a second, but at the ends of epochs. They return quickly. */
struct scion_observer {
        void *context;
        void (*progress)(void *context, const struct scion_progress *progress);
        bool (*stopping)(void *context); /* the run is to end, in a state that it can go on from */
        /* Looks into each step of the epoch, when its gradients are there and the update is still to come. False,
         * with a message, fails the run. May be NULL. */
        bool (*step)(void *context, struct scion_transfer *transfer, int64_t epoch);
};

/* Those of an observer that may be NULL. */
void scion_observer_tell(const struct scion_observer *observer, const struct scion_progress *progress);
bool scion_observer_stopping(const struct scion_observer *observer);
bool scion_observer_step(const struct scion_observer *observer, struct scion_transfer *transfer,
                         int64_t epoch);

/* Fills in what the scores tell: the epoch's, and the validation's, either of which may have seen nothing yet. */
void scion_progress_scores(struct scion_progress *progress, struct scion_scores *train,
                           struct scion_scores *valid);

#endif
