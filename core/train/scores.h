/* How good outputs are: the loss, and the accuracy of classes, or the errors of values. */
#ifndef SCION_TRAIN_SCORES_H
#define SCION_TRAIN_SCORES_H

#include <scion/batch.h>

#include "table/sheet.h"
#include "transfer/readings.h"

/* Sums over batches. Starts as { 0 }; scion_scores_finish() ends it. */
struct scion_scores {
        int64_t examples; /* whose loss was added */
        double loss;      /* sum over them */
        bool values;      /* the targets are values, not classes */
        int64_t scored;   /* examples whose outputs were added */
        int64_t correct;  /* classes */
        int64_t width;    /* values of a target; sums has [4, width] of them on the device */
        struct scion_storage *sums;
        double *host_sums; /* a copy of them: absolute errors, squared errors, targets, squared targets */
        bool sums_changed; /* since they were copied */
        /* Of the batch that was added last and is not read yet: */
        int loss_reading, correct_reading; /* their numbers among the readings; correct_reading -1: none */
        int64_t batch_examples, batch_scored;
};

/*
 * Adds a batch of `examples`: its mean loss, a scalar, and outputs [N, K] that are scored against the labels or targets of
 * `scored`. NULL outputs add nothing to the scores beside the loss. Nothing is read from the device: the loss and the
 * count become readings, and scion_scores_read() takes their values. False with a message.
 */
bool scion_scores_add(struct scion_scores *scores, struct scion_readings *readings, struct scion_tensor *loss,
                      int64_t examples, struct scion_tensor *outputs, const struct scion_batch *scored);

/* Takes the values of the last batch from the readings, which were read. */
void scion_scores_read(struct scion_scores *scores, const struct scion_readings *readings);

/* The mean over the examples; NaN when there are none. */
double scion_scores_loss(const struct scion_scores *scores);

/* What model selection maximises: accuracy, or minus the mean squared error; NaN when nothing was scored. */
double scion_scores_criterion(struct scion_scores *scores);

/*
 * Puts PREFIXloss and PREFIXaccuracy into the row; for values PREFIXmae, PREFIXmse and PREFIXr2, each the
 * mean over the values of a target (r2 as in scikit-learn: the mean of each value's own coefficient of
 * determination). A score of which nothing was added is left out. False, with a message, when the device cannot be read.
 */
bool scion_scores_row(struct scion_scores *scores, const char *prefix, bool with_loss, struct scion_row *row);

/* The names that follow a prefix, besides "loss": of classes, or of values; ended by NULL. */
const char *const *scion_scores_names(bool values);

void scion_scores_clear(struct scion_scores *scores);
void scion_scores_finish(struct scion_scores *scores);

#endif
