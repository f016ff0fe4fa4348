/*
 * Strategy plugins: how what was learned on the source goes to the target.
 *
 * Before setup() the engine has trained or loaded the source model, if the run has one, and has built the
 * target model with fresh values. setup() carries over; then the engine trains the target with loss(), batch
 * by batch, and whatever else the strategy has asked to be trained.
 *
 * A run that was interrupted goes on: setup() is called again, and begin_stage() and begin_epoch() for all that
 * has begun before, where scion_visit() visits the first batch alone; then the engine gives back the values of
 * parameters, buffers and scion_own_values(), and what is frozen, scaled, masked and not decayed. So what
 * changes while training belongs there. The strategy's own state holds its parameters and what setup() has
 * made of them.
 *
 * All callbacks are called on one thread, with a tape current. What the functions below return belongs to the
 * engine.
 */
#ifndef SCION_STRATEGY_H
#define SCION_STRATEGY_H

#include <scion/batch.h>
#include <scion/model.h>
#include <scion/plugin.h>

SCION_BEGIN

struct scion_transfer;

/* --- The models ----------------------------------------------------------------------------------------- */

/* The model that knows something, frozen: nothing flows back into it. NULL in a run without a source. */
SCION_API struct scion_model *scion_source(struct scion_transfer *transfer);

/* The model to train. */
SCION_API struct scion_model *scion_target(struct scion_transfer *transfer);

/* The run's seed, for SCION_RANDOM_STRATEGY. */
SCION_API uint64_t scion_transfer_seed(const struct scion_transfer *transfer);

/* --- In setup() ----------------------------------------------------------------------------------------- */

/*
 * Makes the target anew: the source's architecture, for the target's inputs and outputs, with fresh values, and
 * with every width (channels, hidden units) multiplied by `width`. What scion_target() gave before is gone.
 * Fails when the file gives the target a model of its own, and when the model has no width to multiply.
 */
SCION_API bool scion_target_like_source(struct scion_transfer *transfer, double width);

/* The source as it was before its training. NULL, with a message, when it was loaded, not trained. */
SCION_API struct scion_model *scion_source_initial(struct scion_transfer *transfer);

/*
 * A module of the strategy's own, trained beside the target: a regressor, a classifier of domains. The model
 * made of it takes what scion_model_forward() gives it, of any shape. The engine owns the module, also when
 * this fails. Its values are drawn by the run's seed and `name`, which no other has. NULL, with a message.
 */
SCION_API struct scion_model *scion_own_model(struct scion_transfer *transfer, const char *name,
                                              struct scion_module *module);

/* `count` floats, zero at first, that are kept when a run is interrupted. NULL, with a message. */
SCION_API float *scion_own_values(struct scion_transfer *transfer, const char *name, int64_t count);

/*
 * Memory for `count` things of `size` bytes, zero at first, for what setup() makes of the models: it is the engine's,
 * valid as long as the transfer, and nobody frees it. It is not kept when a run is interrupted: setup() is called
 * again then. NULL, with a message, when there is not so much; for none, a pointer that is not looked into.
 */
SCION_API void *scion_transfer_alloc(struct scion_transfer *transfer, size_t count, size_t size);

/*
 * A stage of the strategy's own before the main one, which is called "target": so many epochs, with the target's
 * optimizer, begun afresh, and schedule. `name` stands in metrics.csv. Returns its number: 0 for the first one
 * added, 1 for the next; the main stage has the number after the last. -1, with a message.
 */
SCION_API int scion_add_stage(struct scion_transfer *transfer, const char *name, int64_t epochs);

/*
 * The target stays as setup() makes it: the main stage has no epochs, whatever the file gives it. Outside setup() it
 * fails, with a message, and nothing changes.
 */
SCION_API bool scion_train_nothing(struct scion_transfer *transfer);

/* --- Layers that are compared -------------------------------------------------------------------------- */

#define SCION_MAX_LAYERS 128

/* Layers of the target, each with one of the source: paths, for scion_target_features() and
 * scion_source_features(). NULL is what the head is given. */
struct scion_layers {
        int count;
        const char *target[SCION_MAX_LAYERS];
        const char *source[SCION_MAX_LAYERS];
};

/*
 * In setup(), after whatever makes the target another: the layers that the file names, by patterns as in
 * scion_model_select(), in the order of the patterns. No patterns of the source's are the same as the target's;
 * none at all what both heads are given. Fails when one model's are not as many as the other's, and with near
 * names when a pattern matches nothing.
 */
SCION_API bool scion_layers_pair(struct scion_transfer *transfer, const struct scion_strings *target,
                                 const struct scion_strings *source, struct scion_layers *layers);

/* What a layer makes of one example, without the batch axis. */
SCION_API struct scion_shape scion_layers_target_shape(struct scion_transfer *transfer,
                                                       const struct scion_layers *layers, int index);
SCION_API struct scion_shape scion_layers_source_shape(struct scion_transfer *transfer,
                                                       const struct scion_layers *layers, int index);

/* The message that this pair does not go together: paths, shapes, and `why`. Returns false. */
SCION_API bool scion_layers_fail(struct scion_transfer *transfer, const struct scion_layers *layers,
                                 int index, const char *why);

/* --- Where training stands ------------------------------------------------------------------------------ */

/* The number of the stage at hand: 0 is the first that scion_add_stage() added; the main one comes after the last. */
SCION_API int scion_stage(const struct scion_transfer *transfer);

/* The share of the stage's steps that are done: 0 at the first, below 1 at the last. */
SCION_API double scion_progress(const struct scion_transfer *transfer);

/* --- Batches -------------------------------------------------------------------------------------------- */

/* The next batch of the source's training split, as large as the target's batches: one for each step, however
 * often it is asked for, in loss(). For strategies with SCION_NEEDS_SOURCE_BATCHES; NULL, with a message, for
 * others. */
SCION_API const struct scion_batch *scion_source_batch(struct scion_transfer *transfer);

/* The same of the target's examples without labels; labels and targets are NULL in it. For strategies with
 * SCION_NEEDS_UNLABELLED. */
SCION_API const struct scion_batch *scion_unlabelled_batch(struct scion_transfer *transfer);

/*
 * Goes through the target's training split, in its own order and in evaluation mode, in setup() and at the
 * beginning of stages and epochs: calls `visit` with each batch, on a tape of its own that is reset after each,
 * until all were visited or one call returns false, which fails. A rehearsal visits the first batch alone.
 */
SCION_API bool scion_visit(struct scion_transfer *transfer,
                           bool (*visit)(void *context, struct scion_transfer *transfer,
                                         const struct scion_batch *batch),
                           void *context);

/* --- Outputs and losses --------------------------------------------------------------------------------- */

/*
 * The target model's outputs for the batch, [N, outputs], and what the module at `path` has made on the way to
 * them, [N, ...]; NULL stands for what the head is given. Computed once a batch, however much is asked for.
 * NULL, with near names in the message, when there is no such module.
 */
SCION_API struct scion_tensor *scion_target_logits(struct scion_transfer *transfer,
                                                   const struct scion_batch *batch);
SCION_API struct scion_tensor *scion_target_features(struct scion_transfer *transfer,
                                                     const struct scion_batch *batch, const char *path);

/* The source model's, without gradient and dropout. NULL, with a message, in a run without a source. */
SCION_API struct scion_tensor *scion_source_logits(struct scion_transfer *transfer,
                                                   const struct scion_batch *batch);
SCION_API struct scion_tensor *scion_source_features(struct scion_transfer *transfer,
                                                     const struct scion_batch *batch, const char *path);

/* The loss that the run's file names for the target, of these outputs: a scalar. */
SCION_API struct scion_tensor *scion_task_loss(struct scion_transfer *transfer, struct scion_tensor *outputs,
                                               const struct scion_batch *batch);

/*
 * Distillation beside another loss: `loss` + weight KL(teacher || student), of the source's and the target's
 * outputs for the batch at the temperature, which is above 0; the mean over examples, logged as "kd". A weight of
 * 0 leaves it out, and costs nothing. Fails when the targets are values, and when the models have not as many
 * outputs. Hinton, Vinyals, Dean. arXiv:1503.02531, where the weight has a factor of temperature^2.
 */
SCION_API struct scion_tensor *scion_add_kd(struct scion_tensor *loss, struct scion_transfer *transfer,
                                            const struct scion_batch *batch, float weight, float temperature);

/*
 * The mean of `value`, a float scalar, over the epoch's batches becomes the column train_NAME of metrics.csv.
 * Does nothing given NULL, and where no batch is at hand: outside loss().
 */
SCION_API void scion_log_scalar(struct scion_transfer *transfer, const char *name,
                                struct scion_tensor *value);

/* --- Two domains ----------------------------------------------------------------------------------------- */

/*
 * For strategies that adapt the target to a domain of which no labels are known, with SCION_NEEDS_SOURCE_BATCHES
 * and SCION_NEEDS_UNLABELLED: called in setup(), so that in each step scion_source_batch() and
 * scion_unlabelled_batch(), and the target's labelled batch if `supervised` is above 0, go through the target as
 * one batch. Batch normalisation then sees, in training, the mixture of domains by whose statistics it goes in
 * evaluation; two passes would each have statistics of their own. Fails, with the shapes, when the two domains'
 * examples are of different ones.
 */
SCION_API bool scion_join_domains(struct scion_transfer *transfer, float supervised);

enum scion_domain {
        SCION_DOMAIN_SOURCE, /* of scion_source_batch() */
        SCION_DOMAIN_TARGET, /* of scion_unlabelled_batch() */
};

/* What the target's module at `path` makes of one domain's examples, NULL being what the head is given, as
 * [N, D]. */
SCION_API struct scion_tensor *scion_domain_features(struct scion_transfer *transfer,
                                                     enum scion_domain domain, const char *path);

/* The task's loss of the source's labelled examples + `supervised` times that of the target's. */
SCION_API struct scion_tensor *scion_domains_loss(struct scion_transfer *transfer);

/* --- The plugin ----------------------------------------------------------------------------------------- */

/* What a run must have for the strategy, checked before anything is trained. */
enum scion_needs {
        SCION_NEEDS_SOURCE = 1 << 0,         /* a source model */
        SCION_NEEDS_SOURCE_BATCHES = 1 << 1, /* and its data */
        SCION_NEEDS_UNLABELLED = 1 << 2,     /* examples of the target without labels */
        SCION_NEEDS_SAME_CLASSES = 1 << 3,   /* a source model with as many outputs as the target has */
        SCION_NEEDS_ARCHITECTURE = 1 << 4,   /* a source in the file, which need not be trained */
};

struct scion_strategy_plugin {
        SCION_PLUGIN_FIELDS
        unsigned needs; /* of enum scion_needs */
        /*
         * Makes the target model ready: copies, freezes, scales. Called once for an instance, before its
         * first batch. NULL in the descriptor: the target stays as drawn. So that mistakes show before
         * anything is trained, the engine first rehearses: setup(), and of each stage its beginning and the
         * loss of one batch, with an instance and a target of their own, on a source not trained yet. False,
         * with a message, refuses the file in the rehearsal, and ends the run later.
         */
        bool (*setup)(void *self, struct scion_transfer *transfer);
        /* The loss of one batch, a float scalar that depends on what is trained, the tape's. Called once a step,
         * with gradients on and the tape in training. `batch` is valid during the call. NULL, with a message, ends
         * the run. NULL in the descriptor: the task's loss of the target's outputs. */
        struct scion_tensor *(*loss)(void *self, struct scion_transfer *transfer,
                                     const struct scion_batch *batch);
        /* Before the stage's first epoch: freezes, thaws, scales. May be NULL. */
        bool (*begin_stage)(void *self, struct scion_transfer *transfer, int stage);
        /* Before each epoch, counted from 1 in its stage. May be NULL. */
        bool (*begin_epoch)(void *self, struct scion_transfer *transfer, int64_t epoch);
        /* Makes parameters of the target from others, with scion_parameter_make(): before each step, with
         * gradients, and before evaluation, without. May be NULL. */
        bool (*make)(void *self, struct scion_transfer *transfer);
        int64_t min_batch; /* the fewest examples of a batch that the loss can take; 0: one */
};

#define SCION_PLUGIN_STRATEGY(name, ...) \
        SCION_PLUGIN(scion_strategy_plugin, SCION_STRATEGY, name, __VA_ARGS__)

SCION_END

#endif
