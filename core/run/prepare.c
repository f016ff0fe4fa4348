/* Preparing a run: all that is checked before anything is trained. */
#include "run/prepare.h"

#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "state/safetensors.h"
#include "state/weights.h"
#include "tensor/tensor.h"
#include "train/trace.h"

/* --- Source and target ------------------------------------------------------------------------------------ */

static struct scion_model *target_create(const struct scion_run *run)
{
        const struct scion_stage *stage = &run->experiment.target;
        struct scion_shape shape = scion_data_shape(run->target_data);

        return scion_model_create(stage->model, &shape, scion_data_outputs(run->target_data), stage->seed);
}

/* A source that is loaded takes the target's inputs, and has as many outputs as the file's head. */
static bool source_load(struct scion_run *run)
{
        const struct scion_stage *stage = &run->experiment.source;
        struct scion_data *data = run->source_data ? run->source_data : run->target_data;
        struct scion_shape shape = scion_data_shape(data);
        int64_t outputs = scion_data_outputs(data);
        struct scion_safetensors file;
        bool good;

        if (!scion_safetensors_read(stage->weights->text, &file))
                return scion_config_fail(stage->weights, "%s", scion_error());
        run->source = scion_model_create(stage->model, &shape, outputs, stage->seed);
        int64_t has = run->source ? scion_weights_outputs(&file, scion_model_head(run->source)) : 0;

        if (!run->source_data && has > 0 && has != outputs) {
                scion_model_destroy(run->source);
                run->source = scion_model_create(stage->model, &shape, has, stage->seed);
        }
        good = run->source != NULL;
        if (good && !scion_weights_load(run->source, &file, stage->weights->text, &run->weights))
                good = scion_config_fail(stage->weights, "%s", scion_error());
        scion_safetensors_finish(&file);
        return good;
}

static bool source_prepare(struct scion_run *run)
{
        const struct scion_stage *stage = &run->experiment.source;

        if (stage->dataset && !(run->source_data = scion_data_open(stage->dataset, stage->seed)))
                return false;
        if (stage->weights)
                return source_load(run);
        struct scion_shape shape = scion_data_shape(run->source_data);

        run->source =
                scion_model_create(stage->model, &shape, scion_data_outputs(run->source_data), stage->seed);
        return run->source != NULL;
}

/* --- What is trained, and by what ------------------------------------------------------------------------- */

struct scion_training scion_run_training(struct scion_run *run, bool target, struct scion_transfer *transfer)
{
        return (struct scion_training){
                .stage = target ? &run->experiment.target : &run->experiment.source,
                .data = target ? run->target_data : run->source_data,
                .transfer = transfer,
                .tape = run->tape,
                .metrics = run->metrics,
                .log = run->log,
                .trace = run->trace,
                .traces = &run->traces,
                .observer = run->observer,
                .stopped = &run->stopped,
                .recovery = target ? &run->recovery : &run->source_recovery,
        };
}

struct scion_transfer scion_run_source_transfer(const struct scion_run *run)
{
        return (struct scion_transfer){
                .target = run->source,
                .loss = run->experiment.source.loss,
                .seed = run->experiment.source.seed,
        };
}

static struct scion_blueprint blueprint_of(const struct scion_stage *stage, const struct scion_data *data)
{
        return (struct scion_blueprint){ .map = stage->model,
                                         .input = scion_data_shape(data),
                                         .outputs = scion_data_outputs(data),
                                         .seed = stage->seed };
}

struct scion_transfer scion_run_target_transfer(const struct scion_run *run, struct scion_model *target,
                                                struct scion_instance *strategy)
{
        const struct scion_experiment *experiment = &run->experiment;
        struct scion_transfer transfer = {
                .source = run->source,
                .target = target,
                .strategy = strategy,
                .loss = experiment->target.loss,
                .seed = experiment->target.seed,
                .target_plan = blueprint_of(&experiment->target, run->target_data),
                .target_given = experiment->target.model != experiment->source.model,
                .source_data = run->source_data,
                .target_data = run->target_data,
                .batch_size = experiment->target.batch_size,
                .reuse = run->reuse,
        };

        if (run->source_data)
                transfer.source_plan = blueprint_of(&experiment->source, run->source_data);
        transfer.source_plan.map = experiment->source.model;
        transfer.source_trained = run->source && !experiment->source.weights;
        return transfer;
}

/* --- What the strategy needs ------------------------------------------------------------------------------ */

static bool batch_check(const struct scion_config *map, const struct scion_strategy_plugin *plugin,
                        const char *what, int64_t size)
{
        return size >= plugin->min_batch ||
               scion_config_fail(map,
                                 "strategy '%s' takes batches of at least %lld examples, and %s has %lld",
                                 plugin->name, (long long)plugin->min_batch, what, (long long)size);
}

static int64_t least(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

/* Is every batch large enough for the strategy? Those beside the target's are all of one size. */
static bool batches_check(const struct scion_run *run)
{
        const struct scion_strategy_plugin *plugin =
                (const struct scion_strategy_plugin *)run->experiment.strategy->plugin;
        const struct scion_stage *stage = &run->experiment.target;
        int64_t examples = scion_data_size(run->target_data, SCION_TRAIN), size = stage->batch_size;
        int64_t last = examples % size;

        if (!batch_check(stage->map, plugin, "the first one", least(examples, size)))
                return false;
        if (plugin->needs & SCION_NEEDS_SOURCE_BATCHES &&
            !batch_check(run->experiment.source.dataset, plugin, "one of the source",
                         least(scion_data_size(run->source_data, SCION_TRAIN), size)))
                return false;
        if (last > 0 && last < plugin->min_batch && examples > size && !stage->drop_last)
                return scion_config_fail(
                        stage->map,
                        "strategy '%s' takes batches of at least %lld examples, and the last of an "
                        "epoch has %lld; train: { drop_last: true } leaves it out",
                        plugin->name, (long long)plugin->min_batch, (long long)last);
        return true;
}

/* Checks those needs of the strategy that depend on the data. */
static bool needs_check(const struct scion_run *run)
{
        const struct scion_strategy_plugin *plugin =
                (const struct scion_strategy_plugin *)run->experiment.strategy->plugin;
        const struct scion_config *map = scion_config_get(run->config, "strategy");

        if (plugin->needs & SCION_NEEDS_UNLABELLED && scion_data_unlabelled(run->target_data) == 0)
                return scion_config_fail(run->experiment.target.dataset,
                                         "strategy '%s' needs unlabelled examples of the target: add "
                                         "'unlabelled: true'",
                                         plugin->name);
        if (plugin->needs & SCION_NEEDS_SAME_CLASSES &&
            scion_model_outputs(run->source) != scion_data_outputs(run->target_data))
                return scion_config_fail(map,
                                         "strategy '%s' needs a source and a target of the same classes; the "
                                         "source has %lld outputs, the target %lld",
                                         plugin->name, (long long)scion_model_outputs(run->source),
                                         (long long)scion_data_outputs(run->target_data));
        return batches_check(run);
}

/* --- Rehearsing ------------------------------------------------------------------------------------------- */

static bool loss_check(const struct scion_tensor *loss, const struct scion_transfer *transfer,
                       const struct scion_stage *stage)
{
        if (scion_size(loss) != 1)
                return scion_fail("the loss has %lld elements, not one", (long long)scion_size(loss));
        return loss->requires_grad || scion_transfer_stage_epochs(transfer, stage) == 0 ||
               scion_fail("there is nothing to train: the loss depends on no parameter that is not frozen");
}

/* The loss of so many examples, thrown away. */
static bool batch_rehearse(const struct scion_run *run, const struct scion_training *training, int64_t size)
{
        struct scion_batches *batches = scion_batches_create(training->data, SCION_TRAIN, size);
        struct scion_transfer *transfer = training->transfer;
        struct scion_batch batch;
        bool good = false;

        if (!batches)
                return false;
        scion_tape_reset(run->tape);
        scion_tape_set_training(run->tape, true);
        if (scion_batches_next(batches, &batch) == SCION_NEXT_BATCH) {
                scion_transfer_begin_step(transfer, &batch);
                uint64_t writes = scion_parameter_writes();
                struct scion_tensor *loss = scion_transfer_loss(transfer);

                good = loss && loss_check(loss, transfer, training->stage);
                if (writes != scion_parameter_writes())
                        scion_reuse_give_up(run->reuse);
        }
        scion_transfer_clear_substitutes(transfer);
        scion_transfer_end_step(transfer);
        scion_tape_reset(run->tape);
        scion_batches_destroy(batches);
        return good;
}

/* The loss of the first batch, and of a smaller one at the end of an epoch: whatever does not fit together shows
 * here. */
static bool loss_rehearse(struct scion_run *run, bool target, struct scion_transfer *transfer)
{
        struct scion_training training = scion_run_training(run, target, transfer);
        const struct scion_config *map = training.stage->map;
        int64_t examples = scion_data_size(training.data, SCION_TRAIN), size = training.stage->batch_size;
        int64_t last = examples > size && !training.stage->drop_last ? examples % size : 0;
        bool good = batch_rehearse(run, &training, size);

        if (good && last > 0 && !batch_rehearse(run, &training, last))
                good = scion_fail_prefix("the last batch of an epoch, of %lld", (long long)last);
        if (transfer->loss_failed)
                map = scion_config_get(map, "loss");
        return good || scion_config_fail(map, "%s: %s", training.stage->name, scion_error());
}

/* The beginning of every stage, and the loss of its first batch. */
static bool stages_rehearse(struct scion_run *run, const struct scion_config *map,
                            struct scion_transfer *transfer)
{
        for (int stage = 0; stage <= transfer->own_stages; stage++) {
                if (!scion_transfer_begin_stage(transfer, stage) || !scion_transfer_begin_epoch(transfer, 1))
                        return scion_config_fail(map, "%s", scion_error());
                if (!loss_rehearse(run, true, transfer))
                        return false;
        }
        return true;
}

static bool strategy_rehearse(struct scion_run *run)
{
        const struct scion_config *map = scion_config_get(run->config, "strategy");
        struct scion_instance *strategy = scion_instance_create(SCION_STRATEGY, map, NULL);
        struct scion_model *target = strategy ? target_create(run) : NULL;
        bool good = false;

        if (target) {
                struct scion_transfer transfer = scion_run_target_transfer(run, target, strategy);

                transfer.rehearsal = true;
                good = scion_transfer_setup(&transfer) || scion_config_fail(map, "%s", scion_error());
                good = good && stages_rehearse(run, map, &transfer);
                target = transfer.target;
                scion_transfer_finish(&transfer);
        }
        scion_tape_reset(run->tape);
        scion_model_destroy(target);
        scion_instance_destroy(strategy);
        return good;
}

/* The same with a source, which is rehearsed too when it is to be trained. Afterwards it is as it was: a batch
 * moves buffers, a setup may write into it, mask and scale, and its training may be to come. */
static bool source_and_strategy_rehearse(struct scion_run *run)
{
        struct scion_storage *kept = scion_model_snapshot(run->source);
        unsigned char *handling = kept ? malloc(scion_model_flags_bytes(run->source) + 1) : NULL;
        bool good = true;

        if (!handling) {
                scion_storage_destroy(kept);
                return kept ? scion_fail("out of memory") : false;
        }
        scion_model_read_flags(run->source, handling);
        if (!run->experiment.source.weights) {
                struct scion_transfer transfer = scion_run_source_transfer(run);

                good = loss_rehearse(run, false, &transfer);
        }
        good = good && strategy_rehearse(run);
        /* Masks first: taking them away does not bring back what they have covered. */
        if (good)
                good = scion_model_write_flags(run->source, handling);
        good = scion_model_restore(run->source, kept) && good;
        scion_storage_destroy(kept);
        free(handling);
        return good;
}

static bool run_rehearse(struct scion_run *run)
{
        struct scion_tape *before = scion_tape_use(run->tape);
        bool good = run->source ? source_and_strategy_rehearse(run) : strategy_rehearse(run);

        scion_tape_use(before);
        return good;
}

/* --- All of it -------------------------------------------------------------------------------------------- */

/* What the file says, and the target's data. */
static bool run_begin(struct scion_run *run)
{
        struct scion_experiment *experiment = &run->experiment;

        if (!scion_experiment_read(run->config, experiment) || !scion_experiment_open_device(experiment))
                return false;
        run->tape = scion_tape_create();
        run->target_data =
                run->tape ? scion_data_open(experiment->target.dataset, experiment->target.seed) : NULL;
        return run->target_data != NULL;
}

bool scion_run_build(struct scion_run *run)
{
        if (!run_begin(run) || (run->experiment.has_source && !source_prepare(run)))
                return false;
        run->target = target_create(run);
        return run->target != NULL;
}

bool scion_run_make_ready(struct scion_run *run)
{
        struct scion_experiment *experiment = &run->experiment;

        if (!scion_step_trace_wanted(&run->trace) || !run_begin(run))
                return false;
        const struct scion_strategy_plugin *strategy =
                (const struct scion_strategy_plugin *)experiment->strategy->plugin;

        run->with_source = strategy->needs & (SCION_NEEDS_SOURCE | SCION_NEEDS_SAME_CLASSES);
        if (run->with_source && !source_prepare(run))
                return false;
        if (strategy->needs & SCION_NEEDS_SOURCE_BATCHES && !run->source_data &&
            !(run->source_data = scion_data_open(experiment->source.dataset, experiment->source.seed)))
                return false;
        run->reuse = scion_reuse_create(run->target_data);
        if (!run->reuse || !needs_check(run) || !run_rehearse(run))
                return false;
        run->target = target_create(run);
        return run->target != NULL;
}
