/* Preparing a run: all that is checked before anything is trained. */
#include "run/prepare.h"

#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>

#include "backend/backend.h"
#include "state/safetensors.h"
#include "state/weights.h"
#include "train/step_trace.h"

/* --- Source and target ------------------------------------------------------------------------------------ */

struct scion_model *scion_run_create_target(const struct scion_run *run)
{
        const struct scion_stage *stage = &run->experiment.target;
        struct scion_shape shape = scion_data_shape(run->target_data);

        return scion_model_create(stage->model, &shape, scion_data_outputs(run->target_data), stage->seed);
}

/* Builds the source and loads its weights. Without data of its own it takes the target's inputs, and has as many outputs
 * as the head in the file. */
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

/* --- Trainings -------------------------------------------------------------------------------------------- */

struct scion_training scion_run_training(struct scion_run *run, bool target, struct scion_transfer *transfer)
{
        return (struct scion_training){
                .stage = target ? &run->experiment.target : &run->experiment.source,
                .data = target ? run->target_data : run->source_data,
                .transfer = transfer,
                .tape = run->tape,
                .metrics = run->execution.metrics,
                .log = run->execution.log,
                .trace = run->traced_step,
                .traces = &run->execution.traces,
                .observer = run->execution.observer,
                .stopped = &run->execution.stopped,
                .recovery = target ? &run->execution.recovery : &run->execution.source_recovery,
        };
}

struct scion_transfer scion_run_source_transfer(const struct scion_run *run)
{
        return (struct scion_transfer){
                .target = run->source,
                .plan = { .loss = run->experiment.source.loss, .seed = run->experiment.source.seed },
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
                .plan = { .strategy = strategy,
                          .loss = experiment->target.loss,
                          .seed = experiment->target.seed,
                          .target = blueprint_of(&experiment->target, run->target_data),
                          .target_given = experiment->target.model != experiment->source.model,
                          .source_data = run->source_data,
                          .target_data = run->target_data,
                          .batch_size = experiment->target.batch_size },
                .reuse = run->reuse,
        };

        if (run->source_data)
                transfer.plan.source = blueprint_of(&experiment->source, run->source_data);
        transfer.plan.source.map = experiment->source.model;
        transfer.plan.source_trained = run->source && !experiment->source.weights;
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

static int64_t int_min(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

/* Checks that every batch is large enough for the strategy. Auxiliary batches are all of one size. */
static bool batches_check(const struct scion_run *run)
{
        const struct scion_strategy_plugin *plugin =
                (const struct scion_strategy_plugin *)run->experiment.strategy->plugin;
        const struct scion_stage *stage = &run->experiment.target;
        int64_t examples = scion_data_size(run->target_data, SCION_TRAIN), size = stage->batch_size;
        int64_t last = examples % size;

        if (!batch_check(stage->map, plugin, "the first one", int_min(examples, size)))
                return false;
        if (plugin->needs & SCION_NEEDS_SOURCE_BATCHES &&
            !batch_check(run->experiment.source.dataset, plugin, "one of the source",
                         int_min(scion_data_size(run->source_data, SCION_TRAIN), size)))
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

/* --- All of it -------------------------------------------------------------------------------------------- */

/* Reads the configuration, and opens the device and the target's data. */
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
        run->target = scion_run_create_target(run);
        return run->target != NULL;
}

bool scion_run_make_ready(struct scion_run *run)
{
        struct scion_experiment *experiment = &run->experiment;

        if (!scion_step_trace_wanted(&run->traced_step) || !run_begin(run))
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
        if (!run->reuse || !needs_check(run) || !scion_run_dry_run(run))
                return false;
        run->target = scion_run_create_target(run);
        return run->target != NULL;
}
