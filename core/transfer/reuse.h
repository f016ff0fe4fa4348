/*
 * What frozen modules make of the target's training examples, computed once and used again in every epoch: of the
 * source, the outputs and features that the strategy asks for; of the target, the output of the frozen modules at
 * its front.
 *
 * All examples are gone through in their own order, in batches of one size, so that what is kept depends on the
 * modules and the data alone: a run that was interrupted finds the same.
 */
#ifndef SCION_TRANSFER_REUSE_H
#define SCION_TRANSFER_REUSE_H

#include "data/data.h"
#include "nn/model.h"

struct scion_reuse;

/* For the training split of `data`, which must outlive it. */
struct scion_reuse *scion_reuse_create(struct scion_data *data);
void scion_reuse_destroy(struct scion_reuse *reuse); /* takes NULL */

/* Tells which batch of the training split, as `batches` has given it last, is at hand; NULL: none. */
void scion_reuse_batch(struct scion_reuse *reuse, const struct scion_batches *batches,
                       const struct scion_batch *batch);

/* Somebody may have written into frozen modules: before what is kept is used next, it is seen whether they are what
 * it was made by. Once somebody writes into any parameter, all is computed anew until this is said again. */
void scion_reuse_doubt(struct scion_reuse *reuse);

/* Nothing is kept from now on: parameters are written into in each step. */
void scion_reuse_give_up(struct scion_reuse *reuse);

/*
 * While a strategy is rehearsed, notes that what the source's module makes (or takes: `input`) of training batches
 * is wanted. Afterwards gives it for the batch at hand, of the values kept, without gradient; NULL, without a
 * message, when it was not wanted then, is too large to be kept, or may be another by now.
 */
void scion_reuse_want(struct scion_reuse *reuse, struct scion_module *module, bool input);
struct scion_tensor *scion_reuse_source(struct scion_reuse *reuse, struct scion_model *source,
                                        const struct scion_module *module, bool input,
                                        const struct scion_batch *batch);

/* The strategy looks into the target: from now on its front is not passed by. */
void scion_reuse_look(struct scion_reuse *reuse);

/*
 * The target's outputs for the batch at hand, with gradients, its frozen front passed by; NULL, without a message,
 * when there is none. Modules at the front are not run. Freezing and thawing from one batch to the next is seen.
 */
struct scion_tensor *scion_reuse_target(struct scion_reuse *reuse, struct scion_model *target,
                                        const struct scion_batch *batch);

#endif
