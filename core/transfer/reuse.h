/*
 * The outputs of frozen modules for the target's training examples, computed once and used in every epoch: of the
 * source, the outputs and features that the strategy asks for; of the target, the output of the frozen modules at its
 * front.
 *
 * They are computed for all examples in the order of the data, in batches of one size, so that they depend on the
 * modules and the data alone: a run that resumes stores the same.
 */
#ifndef SCION_TRANSFER_REUSE_H
#define SCION_TRANSFER_REUSE_H

#include "data/data.h"
#include "nn/model.h"

struct scion_reuse;

/* Creates a cache of outputs for the training split of `data`, which must outlive it. Returns NULL, with a message, when
 * memory is out. */
struct scion_reuse *scion_reuse_create(struct scion_data *data);
void scion_reuse_destroy(struct scion_reuse *reuse); /* takes NULL */

/* Sets the batch of the training split that the next calls are about: the one that `batches` gave last. NULL: none. */
void scion_reuse_set_batch(struct scion_reuse *reuse, const struct scion_batches *batches,
                           const struct scion_batch *batch);

/* Before stored outputs are used next, checks by a hash whether the modules still have the values that the outputs were
 * computed with, and computes them again if not. Called once an epoch: after a write into any parameter, nothing stored
 * is used until then. */
void scion_reuse_recheck(struct scion_reuse *reuse);

/* Stores nothing from now on: for a strategy that writes into parameters in each step. */
void scion_reuse_disable(struct scion_reuse *reuse);

/* Records, in the dry run, that the strategy asks for the output of the source's module, or its input. */
void scion_reuse_record(struct scion_reuse *reuse, struct scion_module *module, bool input);

/* Sets *output to what was recorded, for the batch that was set, without gradient; to NULL when it was not recorded, is
 * too large to be stored, or may be out of date. Returns false, with a message, on failure. */
bool scion_reuse_source(struct scion_reuse *reuse, struct scion_model *source,
                        const struct scion_module *module, bool input, const struct scion_batch *batch,
                        struct scion_tensor **output);

/* Runs the target's front in every step from now on: for a strategy that asks for features of the target. */
void scion_reuse_run_front(struct scion_reuse *reuse);

/*
 * Sets *outputs to the target's outputs for the batch that was set, with gradients, computed from the stored output of
 * its frozen front, whose modules do not run; to NULL when nothing is frozen at the front or its output cannot be stored.
 * Returns false, with a message, on failure. A module may be frozen or thawed from one batch to the next.
 */
bool scion_reuse_target(struct scion_reuse *reuse, struct scion_model *target,
                        const struct scion_batch *batch, struct scion_tensor **outputs);

#endif
