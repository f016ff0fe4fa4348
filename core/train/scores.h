/* Scores of outputs: the loss, and the accuracy for classes, or the errors for values. */
#ifndef SCION_TRAIN_SCORES_H
#define SCION_TRAIN_SCORES_H

#include <scion/batch.h>

#include "table/sheet.h"
#include "transfer/readings.h"

/* Sums over batches. Initialise as { 0 }; scion_scores_finish() frees it. */
struct scion_scores {
        int64_t examples; /* whose loss is in `loss` */
        double loss;      /* sum over them */
        bool values;      /* the targets are values, not classes */
        int64_t scored;   /* examples whose outputs were scored */
        int64_t correct;  /* examples with the right class */
        int64_t width;    /* values of a target */
        /* Absolute errors, squared errors, targets, squared targets: float64 [4, width]. */
        struct scion_storage *sums; /* on the device */
        double *host_sums;          /* a copy */
        bool sums_changed;          /* since they were copied */
        /* Of the last batch, between scion_scores_add() and scion_scores_read(): */
        int loss_reading, correct_reading; /* indices of readings; correct_reading is -1 for values */
        int64_t batch_examples, batch_scored;
};

/*
 * Adds a batch of `examples`: its mean loss, a scalar, and outputs [N, K] that are scored against the labels or targets
 * of `scored`. With NULL outputs only the loss is added. Nothing is read from the device: the loss and the number of
 * correct classes become readings, which scion_scores_read() adds. False, with a message.
 */
bool scion_scores_add(struct scion_scores *scores, struct scion_readings *readings, struct scion_tensor *loss,
                      int64_t examples, struct scion_tensor *outputs, const struct scion_batch *scored);

/* Adds the last batch's values to the sums. Called after scion_readings_read(). */
void scion_scores_read(struct scion_scores *scores, const struct scion_readings *readings);

/* Returns the mean loss of the examples; NaN when there are none. */
double scion_scores_loss(const struct scion_scores *scores);

/* Returns what the selection of the best epoch maximises: the accuracy, or minus the mean squared error. NaN when nothing
 * was scored, or the device cannot be read. */
double scion_scores_criterion(struct scion_scores *scores);

/*
 * Adds PREFIXloss and PREFIXaccuracy into the row; for values PREFIXmae, PREFIXmse and PREFIXr2, each the
 * mean over the values of a target (r2 as in scikit-learn: the mean of the coefficients of determination
 * of the values). Scores of no examples are left out. False, with a message, when the device cannot be read.
 */
bool scion_scores_row(struct scion_scores *scores, const char *prefix, bool with_loss, struct scion_row *row);

/* Returns the names of the scores for classes or for values, without "loss"; ended by NULL. */
const char *const *scion_scores_names(bool values);

/* Begins new sums. Returns false, with a message, when the device fails. */
bool scion_scores_clear(struct scion_scores *scores);
void scion_scores_finish(struct scion_scores *scores);

#endif
