/*
 * Strategy plugins: they transfer knowledge from the source to the target.
 *
 * Before setup() the engine has trained or loaded the source model, if the run has one, and has built the target
 * model with fresh values. setup() transfers values from one to the other, freezes parameters, or adds modules. Then
 * the engine trains the target, and the strategy's own models, by loss(), batch by batch.
 *
 * To resume an interrupted run, the engine calls setup() again, and begin_stage() and begin_epoch() of all stages and
 * epochs that have begun; scion_visit() then visits the first batch only. After that the engine restores the values
 * of parameters, buffers and scion_own_values(), and what is frozen, scaled, masked and excluded from weight decay.
 * Nothing else may change during training: `self` holds only the parameters and what setup() derives from them.
 *
 * All callbacks are called on one thread, with a current tape. Objects that the functions below return belong to the
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

/* Returns the source model, which is frozen. NULL in a run without a source. */
SCION_API struct scion_model *scion_source(struct scion_transfer *transfer);

/* Returns the target model, which is trained. */
SCION_API struct scion_model *scion_target(struct scion_transfer *transfer);

/* Returns the seed for random numbers of the purpose SCION_RANDOM_STRATEGY; it follows from the run's seed. */
SCION_API uint64_t scion_transfer_seed(const struct scion_transfer *transfer);

/* --- In setup() ----------------------------------------------------------------------------------------- */

/*
 * Replaces the target by a new model: the source's architecture for the target's inputs and outputs, with fresh
 * values and with every width (channels, hidden units) multiplied by `width`. Destroys the old target. Returns false,
 * with a message, if the file gives the target its own model, or if the model has no widths to multiply.
 */
SCION_API bool scion_target_like_source(struct scion_transfer *transfer, double width);

/* Returns the source model with its initial values, before its training. NULL, with a message, if the source was
 * loaded instead of trained. */
SCION_API struct scion_model *scion_source_initial(struct scion_transfer *transfer);

/*
 * Adds a model of the strategy's own, which is trained together with the target: a regressor, a domain classifier.
 * scion_model_forward() runs it, on inputs of any shape. Takes ownership of `module`, also on failure. `name` must be
 * unique among the strategy's models; the initial values depend on it and on the run's seed. Returns NULL, with a
 * message, on failure.
 */
SCION_API struct scion_model *scion_own_model(struct scion_transfer *transfer, const char *name,
                                              struct scion_module *module);

/* Allocates `count` floats on the host, initially 0, which are saved in checkpoints and restored when a run is
 * resumed. `name` must be unique. NULL, with a message, on failure. */
SCION_API float *scion_own_values(struct scion_transfer *transfer, const char *name, int64_t count);

/*
 * Allocates memory for `count` elements of `size` bytes, initially 0, for what setup() derives from the models. The
 * engine frees it after the run. It is not saved in checkpoints, because setup() is called again when a run is
 * resumed. Returns NULL, with a message, if memory runs out; for 0 bytes, a pointer that must not be dereferenced.
 */
SCION_API void *scion_transfer_alloc(struct scion_transfer *transfer, size_t count, size_t size);

/*
 * Adds a stage of `epochs` epochs before the main stage, which is called "target". It uses the target's optimizer,
 * with fresh state, and the target's schedule. `name` appears in the column `stage` of metrics.csv. Returns the
 * stage's number: 0 for the first that is added, 1 for the next; the main stage has the next number after the last.
 * -1, with a message, on failure.
 */
SCION_API int scion_add_stage(struct scion_transfer *transfer, const char *name, int64_t epochs);

/*
 * Skips the main stage: the target stays as setup() leaves it, whatever number of epochs the file gives. Returns
 * false, with a message, outside setup().
 */
SCION_API bool scion_train_nothing(struct scion_transfer *transfer);

/* --- Pairs of layers ------------------------------------------------------------------------------------ */

#define SCION_MAX_LAYERS 128

/* Layers of the target, each paired with one of the source: paths for scion_target_features() and
 * scion_source_features(). A path of NULL stands for the head's input. */
struct scion_layers {
        int count;
        const char *target[SCION_MAX_LAYERS];
        const char *source[SCION_MAX_LAYERS];
};

/*
 * Fills in `layers` with the layers that the file names, by patterns as in scion_model_select(), in the order of the
 * patterns. Call it in setup(), after changes of the target's structure. If `source` is empty, the target's patterns
 * apply to both models; if both are empty, the only pair is the two heads' inputs. Returns false, with a message, if
 * the numbers of layers differ, or if a pattern matches nothing.
 */
SCION_API bool scion_layers_pair(struct scion_transfer *transfer, const struct scion_strings *target,
                                 const struct scion_strings *source, struct scion_layers *layers);

/* Return the shape of a layer's output for one example, without the batch axis. */
SCION_API struct scion_shape scion_layers_target_shape(struct scion_transfer *transfer,
                                                       const struct scion_layers *layers, int index);
SCION_API struct scion_shape scion_layers_source_shape(struct scion_transfer *transfer,
                                                       const struct scion_layers *layers, int index);

/* Sets the message that a pair of layers does not match: their paths, their shapes, and `why`. Always returns
 * false. */
SCION_API bool scion_layers_fail(struct scion_transfer *transfer, const struct scion_layers *layers,
                                 int index, const char *why);

/* --- Progress of the training ---------------------------------------------------------------------------- */

/* Returns the number of the current stage, as scion_add_stage() counts them. */
SCION_API int scion_stage(const struct scion_transfer *transfer);

/* Returns the fraction of the stage's steps that are done: 0 at the first step, below 1 at the last. */
SCION_API double scion_progress(const struct scion_transfer *transfer);

/* --- Batches -------------------------------------------------------------------------------------------- */

/* Returns this step's batch of the source's training split, with the batch size of the target; the same one for each
 * call in a step. Call it in loss(). Needs SCION_NEEDS_SOURCE_BATCHES; else returns NULL, with a message. */
SCION_API const struct scion_batch *scion_source_batch(struct scion_transfer *transfer);

/* Returns this step's batch of the target's unlabelled examples; its labels and targets are NULL. Call it in loss().
 * Needs SCION_NEEDS_UNLABELLED; else returns NULL, with a message. */
SCION_API const struct scion_batch *scion_unlabelled_batch(struct scion_transfer *transfer);

/*
 * Calls `visit` for each batch of the target's training split, in the dataset's order, in evaluation mode and on a
 * tape that is reset after each batch. For setup(), begin_stage() and begin_epoch(). Stops and returns false if a
 * call returns false. A rehearsal visits the first batch only.
 */
SCION_API bool scion_visit(struct scion_transfer *transfer,
                           bool (*visit)(void *context, struct scion_transfer *transfer,
                                         const struct scion_batch *batch),
                           void *context);

/* --- Outputs and losses --------------------------------------------------------------------------------- */

/*
 * Return the target model's outputs for the batch, [N, outputs], and the output of its module at `path` in the same
 * forward pass, [N, ...]; a path of NULL stands for the head's input. The model runs once for a batch, however often
 * these are called. NULL, with similar names in the message, if there is no such module.
 */
SCION_API struct scion_tensor *scion_target_logits(struct scion_transfer *transfer,
                                                   const struct scion_batch *batch);
SCION_API struct scion_tensor *scion_target_features(struct scion_transfer *transfer,
                                                     const struct scion_batch *batch, const char *path);

/* The same of the source model, in evaluation mode and without gradients. NULL, with a message, in a run without a
 * source. */
SCION_API struct scion_tensor *scion_source_logits(struct scion_transfer *transfer,
                                                   const struct scion_batch *batch);
SCION_API struct scion_tensor *scion_source_features(struct scion_transfer *transfer,
                                                     const struct scion_batch *batch, const char *path);

/* Returns the loss that the experiment file names for the target, of outputs [N, K] for the batch: a float32 scalar.
 * NULL on failure. */
SCION_API struct scion_tensor *scion_task_loss(struct scion_transfer *transfer, struct scion_tensor *outputs,
                                               const struct scion_batch *batch);

/*
 * Adds a distillation term: returns `loss` + weight KL(teacher || student), the scion_kl_divergence() of the source's
 * and the target's outputs for the batch at the temperature, which must be above 0. Logs the divergence as "kd". With
 * a weight of 0, returns `loss` and computes nothing. Returns NULL, with a message, if the targets are values, or if
 * the two models have different numbers of outputs. Hinton, Vinyals, Dean. arXiv:1503.02531, where the weight
 * includes a factor of temperature^2.
 */
SCION_API struct scion_tensor *scion_add_kd(struct scion_tensor *loss, struct scion_transfer *transfer,
                                            const struct scion_batch *batch, float weight, float temperature);

/*
 * Logs `value`, a float32 tensor of one element: its mean over the epoch's batches, weighted by their sizes, becomes
 * the column train_NAME of metrics.csv. The value is read after the step's update, together with the loss, so logging
 * does not wait for the device. Does nothing for NULL, and outside loss().
 */
SCION_API void scion_log_scalar(struct scion_transfer *transfer, const char *name,
                                struct scion_tensor *value);

/* --- Two domains ----------------------------------------------------------------------------------------- */

/*
 * For strategies that adapt the target to a domain without labels, with SCION_NEEDS_SOURCE_BATCHES and
 * SCION_NEEDS_UNLABELLED. Call it in setup(). In each step the examples of scion_source_batch() and
 * scion_unlabelled_batch(), and those of the target's labelled batch if `supervised` is above 0, then go through the
 * target as one batch. So the statistics of batch normalisation are those of the mixture of both domains, as in
 * evaluation; two forward passes would each have their own. The column train_accuracy of metrics.csv is the accuracy
 * on the source's examples, or on the target's labelled ones if `supervised` is above 0. Returns false, with the
 * shapes in the message, if the examples of the two domains differ in shape.
 */
SCION_API bool scion_join_domains(struct scion_transfer *transfer, float supervised);

enum scion_domain {
        SCION_DOMAIN_SOURCE, /* of scion_source_batch() */
        SCION_DOMAIN_TARGET, /* of scion_unlabelled_batch() */
};

/* Returns the output of the target's module at `path` for one domain's examples, as [N, D]; a path of NULL stands for
 * the head's input. NULL on failure. */
SCION_API struct scion_tensor *scion_domain_features(struct scion_transfer *transfer,
                                                     enum scion_domain domain, const char *path);

/* Returns the task's loss of the source's examples + `supervised` times that of the target's labelled examples. NULL
 * on failure. */
SCION_API struct scion_tensor *scion_domains_loss(struct scion_transfer *transfer);

/* --- The plugin ----------------------------------------------------------------------------------------- */

/* What a strategy needs of a run; checked before anything is trained. */
enum scion_needs {
        SCION_NEEDS_SOURCE = 1 << 0,         /* a source model */
        SCION_NEEDS_SOURCE_BATCHES = 1 << 1, /* and the source's data, for scion_source_batch() */
        SCION_NEEDS_UNLABELLED = 1 << 2,     /* unlabelled examples of the target */
        SCION_NEEDS_SAME_CLASSES = 1 << 3,   /* a source model with as many outputs as the target */
        SCION_NEEDS_ARCHITECTURE = 1 << 4,   /* a source in the file; it need not be trained */
};

struct scion_strategy_plugin {
        SCION_PLUGIN_FIELDS
        unsigned needs; /* of enum scion_needs */
        /*
         * Prepares the target model: copies, freezes, scales. Called once for each instance, before the first batch.
         * NULL: the target keeps its initial values. To find mistakes before anything is trained, the engine first
         * rehearses with a separate instance, a separate target, and a source that is not trained yet: it calls
         * setup(), and for each stage its begin_stage() and the loss of one batch. Returns false, with a message, on
         * failure: in the rehearsal the file is then refused, later the run fails.
         */
        bool (*setup)(void *self, struct scion_transfer *transfer);
        /* Returns the loss of one batch, a float32 scalar on the current tape that depends on trained parameters.
         * Called once a step, with gradients on and the tape in training. `batch` is valid during the call. Returns
         * NULL, with a message, on failure; the run then fails. If the callback is NULL, the loss is the task's loss
         * of the target's outputs. */
        struct scion_tensor *(*loss)(void *self, struct scion_transfer *transfer,
                                     const struct scion_batch *batch);
        /* Called before a stage's first epoch: freezes, unfreezes, scales. May be NULL. */
        bool (*begin_stage)(void *self, struct scion_transfer *transfer, int stage);
        /* Called before each epoch, which is counted from 1 in each stage. May be NULL. */
        bool (*begin_epoch)(void *self, struct scion_transfer *transfer, int64_t epoch);
        /* Computes parameters of the target from others, with scion_parameter_make(). Called before each step, with
         * gradients, and before an evaluation, without. May be NULL. */
        bool (*make)(void *self, struct scion_transfer *transfer);
        int64_t min_batch; /* least number of examples in a batch that loss() supports; 0: 1 */
};

#define SCION_PLUGIN_STRATEGY(name, ...) \
        SCION_PLUGIN(scion_strategy_plugin, SCION_STRATEGY, name, __VA_ARGS__)

SCION_END

#endif
