/* What a strategy is given (scion/strategy.h), seen from the engine. */
#ifndef SCION_TRAIN_TRANSFER_H
#define SCION_TRAIN_TRANSFER_H

#include <scion/strategy.h>

#include "plugin/plugin.h"

#define SCION_MAX_SCALARS 32
#define SCION_SCALAR_NAME 48

/* Something that the strategy logs: summed over an epoch's batches, weighted by their sizes. */
struct scion_scalar {
        char name[SCION_SCALAR_NAME];
        double sum;
        int64_t examples;
};

struct scion_transfer {
        struct scion_model *source; /* NULL: none */
        struct scion_model *target;
        struct scion_instance *strategy;
        struct scion_instance *loss; /* of the task */
        uint64_t seed;
        /* Of the batch at hand: */
        const struct scion_batch *batch;
        struct scion_tensor *outputs; /* the target's, once computed with gradients */
        struct scion_tensor *known;   /* the source's, once computed */
        /* Of the epoch at hand: */
        struct scion_scalar scalar[SCION_MAX_SCALARS];
        int scalars;
        bool failed;      /* a callback could not say so itself */
        bool loss_failed; /* the task's loss did not take what it was given */
};

/* Freezes the source, which only tells from now on, and calls the strategy's setup. */
bool scion_transfer_setup(struct scion_transfer *transfer);

/* The strategy's loss of a batch, on the current tape. */
struct scion_tensor *scion_transfer_loss(struct scion_transfer *transfer, const struct scion_batch *batch);

/* Forgets the sums of an epoch; the names stay. */
void scion_transfer_clear_scalars(struct scion_transfer *transfer);

#endif
