/*
 * Strategy plugins: how what was learned on the source goes to the target.
 *
 * Before setup() the engine has trained or loaded the source model, if the run has one, and has built the
 * target model with fresh values. setup() carries over; then the engine trains the target with loss(), batch
 * by batch.
 */
#ifndef SCION_STRATEGY_H
#define SCION_STRATEGY_H

#include <scion/batch.h>
#include <scion/model.h>
#include <scion/plugin.h>

SCION_BEGIN

struct scion_transfer;

/* The model that knows something; NULL in a run without a source. */
SCION_API struct scion_model *scion_source(struct scion_transfer *transfer);

/* The model to train. */
SCION_API struct scion_model *scion_target(struct scion_transfer *transfer);

/* The run's seed, for SCION_RANDOM_STRATEGY. */
SCION_API uint64_t scion_transfer_seed(const struct scion_transfer *transfer);

/* The target model's outputs for the batch, [N, outputs]. */
SCION_API struct scion_tensor *scion_target_logits(struct scion_transfer *transfer,
                                                   const struct scion_batch *batch);

/* The source model's, without gradient. */
SCION_API struct scion_tensor *scion_source_logits(struct scion_transfer *transfer,
                                                   const struct scion_batch *batch);

/* The loss that the run's file names for the target, of these outputs: a scalar. */
SCION_API struct scion_tensor *scion_task_loss(struct scion_transfer *transfer, struct scion_tensor *outputs,
                                               const struct scion_batch *batch);

/*
 * The mean of `value`, a float scalar, over the epoch's batches becomes the column train_NAME of metrics.csv.
 * Does nothing given NULL.
 */
SCION_API void scion_log_scalar(struct scion_transfer *transfer, const char *name,
                                struct scion_tensor *value);

/* What a run must have for the strategy, checked before anything is trained. */
enum scion_needs {
        SCION_NEEDS_SOURCE = 1 << 0, /* a source model */
};

struct scion_strategy_plugin {
        SCION_PLUGIN_FIELDS
        unsigned needs; /* of enum scion_needs */
        /*
         * Makes the target model ready: copies, freezes, scales. Called once for an instance, before its
         * first batch. NULL in the descriptor: the target stays as drawn. So that mistakes show before
         * anything is trained, the engine first rehearses setup() and the loss of one batch with an instance
         * and a target of their own, on a source not trained yet.
         */
        bool (*setup)(void *self, struct scion_transfer *transfer);
        /* The loss of one batch, a float scalar. NULL in the descriptor: the task's loss of the target's
         * outputs. */
        struct scion_tensor *(*loss)(void *self, struct scion_transfer *transfer,
                                     const struct scion_batch *batch);
};

#define SCION_PLUGIN_STRATEGY(name, ...) \
        SCION_PLUGIN(scion_strategy_plugin, SCION_STRATEGY, name, __VA_ARGS__)

SCION_END

#endif
