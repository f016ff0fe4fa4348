/* How good outputs are: the loss, and the accuracy of classes, or the errors of values. */
#ifndef SCION_TRAIN_SCORES_H
#define SCION_TRAIN_SCORES_H

#include <scion/batch.h>

#include "table/sheet.h"

/* Sums over batches. Starts as { 0 }; scion_scores_finish() ends it. */
struct scion_scores {
        int64_t examples;
        double loss;     /* sum over examples */
        bool values;     /* the targets are values */
        int64_t correct; /* classes */
        int64_t width;   /* values a target has, and for each of them the sums of: */
        double *absolute, *squared, *target, *target_squared;
};

/* Adds a batch: its mean loss and its outputs [N, K]. */
bool scion_scores_add(struct scion_scores *scores, double loss, struct scion_tensor *outputs,
                      const struct scion_batch *batch);

double scion_scores_loss(const struct scion_scores *scores);

/* What makes one epoch better than another: accuracy, or minus the mean squared error. */
double scion_scores_merit(const struct scion_scores *scores);

/*
 * Puts PREFIXloss and PREFIXaccuracy into the row; for values PREFIXmae, PREFIXmse and PREFIXr2, each the
 * mean over the values of a target (r2 as in scikit-learn: the mean of each value's own coefficient of
 * determination).
 */
void scion_scores_row(const struct scion_scores *scores, const char *prefix, bool with_loss,
                      struct scion_row *row);

/* The names that follow a prefix, besides "loss": of classes, or of values; ended by NULL. */
const char *const *scion_scores_names(bool values);

void scion_scores_clear(struct scion_scores *scores);
void scion_scores_finish(struct scion_scores *scores);

#endif
