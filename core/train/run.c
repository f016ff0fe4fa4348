#include "train/run.h"

#include <errno.h>
#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/files.h"
#include "tensor/tensor.h"
#include "train/key.h"
#include "train/safetensors.h"
#include "train/source.h"
#include "train/weights.h"

#define CHECKPOINT "checkpoint.bin"
#define SOURCE_CHECKPOINT "checkpoint-source.bin" /* until there is one of the target's training */

struct scion_run {
        struct scion_config *config;
        struct scion_experiment experiment;
        bool with_source; /* the strategy wants it */
        struct scion_data *source_data, *target_data;
        struct scion_model *source, *target;
        struct scion_reuse *reuse; /* of what frozen modules make of the target's data */
        struct scion_tape *tape;
        struct scion_text weights; /* what was loaded and what was not */
        /* Of an execution: */
        FILE *log;
        struct scion_sheet *metrics;
        const struct scion_observer *observer;
        bool stopped;
        struct scion_recovery recovery; /* of the target's training; and of the source's before it */
        struct scion_recovery source_recovery;
};

/* --- Preparing
 * ----------------------------------------------------------------------------------------------------- */

static struct scion_model *create_target(const struct scion_run *run)
{
        const struct scion_stage *stage = &run->experiment.target;
        struct scion_shape shape = scion_data_shape(run->target_data);

        return scion_model_create(stage->model, &shape, scion_data_outputs(run->target_data), stage->seed);
}

/* A source that is loaded takes the target's inputs, and has as many outputs as the file's head. */
static bool load_source(struct scion_run *run)
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

static bool prepare_source(struct scion_run *run)
{
        const struct scion_stage *stage = &run->experiment.source;

        if (stage->dataset && !(run->source_data = scion_data_open(stage->dataset, stage->seed)))
                return false;
        if (stage->weights)
                return load_source(run);
        struct scion_shape shape = scion_data_shape(run->source_data);

        run->source =
                scion_model_create(stage->model, &shape, scion_data_outputs(run->source_data), stage->seed);
        return run->source != NULL;
}

static struct scion_training training_of(struct scion_run *run, bool target, struct scion_transfer *transfer)
{
        return (struct scion_training){
                .stage = target ? &run->experiment.target : &run->experiment.source,
                .data = target ? run->target_data : run->source_data,
                .transfer = transfer,
                .tape = run->tape,
                .metrics = run->metrics,
                .log = run->log,
                .observer = run->observer,
                .stopped = &run->stopped,
                .recovery = target ? &run->recovery : &run->source_recovery,
        };
}

/* The source's training is a transfer of nothing to it, by the task's loss. */
static struct scion_transfer source_transfer(const struct scion_run *run)
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

static struct scion_transfer target_transfer(const struct scion_run *run, struct scion_model *target,
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

static bool check_loss(const struct scion_tensor *loss, const struct scion_transfer *transfer,
                       const struct scion_stage *stage)
{
        if (scion_size(loss) != 1)
                return scion_fail("the loss has %lld elements, not one", (long long)scion_size(loss));
        return loss->requires_grad || scion_transfer_stage_epochs(transfer, stage) == 0 ||
               scion_fail("there is nothing to train: the loss depends on no parameter that is not frozen");
}

static bool check_batch(const struct scion_config *map, const struct scion_strategy_plugin *plugin,
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
static bool check_batches(const struct scion_run *run)
{
        const struct scion_strategy_plugin *plugin =
                (const struct scion_strategy_plugin *)run->experiment.strategy->plugin;
        const struct scion_stage *stage = &run->experiment.target;
        int64_t examples = scion_data_size(run->target_data, SCION_TRAIN), size = stage->batch_size;
        int64_t last = examples % size;

        if (!check_batch(stage->map, plugin, "the first one", least(examples, size)))
                return false;
        if (plugin->needs & SCION_NEEDS_SOURCE_BATCHES &&
            !check_batch(run->experiment.source.dataset, plugin, "one of the source",
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

/* What the strategy needs and only the data can tell. */
static bool check_needs(const struct scion_run *run)
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
        return check_batches(run);
}

/* The loss of so many examples, thrown away. */
static bool rehearse_batch(const struct scion_run *run, const struct scion_training *training, int64_t size)
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
                struct scion_tensor *loss = scion_transfer_loss(transfer);

                good = loss && check_loss(loss, transfer, training->stage);
        }
        scion_model_clear_stand_ins(transfer->target);
        scion_transfer_end_step(transfer);
        scion_tape_reset(run->tape);
        scion_batches_destroy(batches);
        return good;
}

/* The loss of the first batch, and of a smaller one at the end of an epoch: whatever does not fit together shows
 * here. */
static bool rehearse_loss(struct scion_run *run, bool target, struct scion_transfer *transfer)
{
        struct scion_training training = training_of(run, target, transfer);
        const struct scion_config *map = training.stage->map;
        int64_t examples = scion_data_size(training.data, SCION_TRAIN), size = training.stage->batch_size;
        int64_t last = examples > size && !training.stage->drop_last ? examples % size : 0;
        bool good = rehearse_batch(run, &training, size);

        if (good && last > 0 && !rehearse_batch(run, &training, last))
                good = scion_fail_prefix("the last batch of an epoch, of %lld", (long long)last);
        if (transfer->loss_failed)
                map = scion_config_get(map, "loss");
        return good || scion_config_fail(map, "%s: %s", training.stage->name, scion_error());
}

/* The beginning of every stage, and the loss of its first batch. */
static bool rehearse_stages(struct scion_run *run, const struct scion_config *map,
                            struct scion_transfer *transfer)
{
        for (int stage = 0; stage <= transfer->own_stages; stage++) {
                if (!scion_transfer_begin_stage(transfer, stage) || !scion_transfer_begin_epoch(transfer, 1))
                        return scion_config_fail(map, "%s", scion_error());
                if (!rehearse_loss(run, true, transfer))
                        return false;
        }
        return true;
}

static bool rehearse_strategy(struct scion_run *run)
{
        const struct scion_config *map = scion_config_get(run->config, "strategy");
        struct scion_instance *strategy = scion_instance_create(SCION_STRATEGY, map, NULL);
        struct scion_model *target = strategy ? create_target(run) : NULL;
        bool good = false;

        if (target) {
                struct scion_transfer transfer = target_transfer(run, target, strategy);

                transfer.rehearsal = true;
                good = scion_transfer_setup(&transfer) || scion_config_fail(map, "%s", scion_error());
                good = good && rehearse_stages(run, map, &transfer);
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
static bool rehearse_with_source(struct scion_run *run)
{
        size_t bytes = run->source->extent * sizeof *run->source->values;
        float *kept = malloc(bytes + 1);
        unsigned char *handling = malloc(scion_model_handling_bytes(run->source) + 1);
        bool good = true;

        if (!kept || !handling) {
                free(kept);
                free(handling);
                return scion_fail("out of memory");
        }
        memcpy(kept, run->source->values, bytes);
        scion_model_read_handling(run->source, handling);
        if (!run->experiment.source.weights) {
                struct scion_transfer transfer = source_transfer(run);

                good = rehearse_loss(run, false, &transfer);
        }
        good = good && rehearse_strategy(run);
        /* Masks first: taking them away does not bring back what they have covered. */
        if (good)
                good = scion_model_write_handling(run->source, handling);
        memcpy(run->source->values, kept, bytes);
        free(kept);
        free(handling);
        return good;
}

static bool rehearse(struct scion_run *run)
{
        struct scion_tape *before = scion_tape_use(run->tape);
        bool good = run->source ? rehearse_with_source(run) : rehearse_strategy(run);

        scion_tape_use(before);
        return good;
}

/* What the file says, and the target's data. */
static bool begin(struct scion_run *run)
{
        struct scion_experiment *experiment = &run->experiment;

        if (!scion_experiment_read(run->config, experiment))
                return false;
        scion_backend_set_threads((int)experiment->threads);
        run->tape = scion_tape_create();
        run->target_data =
                run->tape ? scion_data_open(experiment->target.dataset, experiment->target.seed) : NULL;
        return run->target_data != NULL;
}

static bool build(struct scion_run *run)
{
        if (!begin(run) || (run->experiment.has_source && !prepare_source(run)))
                return false;
        run->target = create_target(run);
        return run->target != NULL;
}

static bool prepare(struct scion_run *run)
{
        struct scion_experiment *experiment = &run->experiment;

        if (!begin(run))
                return false;
        const struct scion_strategy_plugin *strategy =
                (const struct scion_strategy_plugin *)experiment->strategy->plugin;

        run->with_source = strategy->needs & (SCION_NEEDS_SOURCE | SCION_NEEDS_SAME_CLASSES);
        if (run->with_source && !prepare_source(run))
                return false;
        if (strategy->needs & SCION_NEEDS_SOURCE_BATCHES && !run->source_data &&
            !(run->source_data = scion_data_open(experiment->source.dataset, experiment->source.seed)))
                return false;
        run->reuse = scion_reuse_create(run->target_data);
        if (!run->reuse || !check_needs(run) || !rehearse(run))
                return false;
        run->target = create_target(run);
        return run->target != NULL;
}

static struct scion_run *create(struct scion_config *config, bool (*make)(struct scion_run *run))
{
        struct scion_run *run = calloc(1, sizeof *run);

        if (!run)
                return scion_fail_null("out of memory");
        run->config = config;
        if (make(run))
                return run;
        scion_run_destroy(run);
        return NULL;
}

struct scion_run *scion_run_prepare(struct scion_config *config)
{
        return create(config, prepare);
}

struct scion_run *scion_run_open(struct scion_config *config)
{
        return create(config, build);
}

struct scion_model *scion_run_source(struct scion_run *run)
{
        return run->source;
}

struct scion_model *scion_run_target(struct scion_run *run)
{
        return run->target;
}

void scion_run_destroy(struct scion_run *run)
{
        if (!run)
                return;
        scion_tape_destroy(run->tape);
        scion_reuse_destroy(run->reuse);
        scion_model_destroy(run->source);
        scion_model_destroy(run->target);
        scion_data_close(run->source_data);
        scion_data_close(run->target_data);
        scion_experiment_finish(&run->experiment);
        free(run->weights.text);
        free(run);
}

const char *scion_run_note(const struct scion_run *run)
{
        return run->weights.text ? run->weights.text : "";
}

bool scion_run_has_values(const struct scion_run *run)
{
        return scion_data_classes(run->target_data) == 0;
}

/* --- Executing
 * ------------------------------------------------------------------------------------------------------- */

static char *path_in(const char *folder, const char *name)
{
        struct scion_text path = { 0 };

        scion_text_add(&path, "%s/%s", folder, name);
        if (!path.failed)
                return path.text;
        free(path.text);
        return scion_fail_null("out of memory");
}

static bool write_config(const struct scion_run *run, const char *folder)
{
        char *path = path_in(folder, "config.yaml");
        char *text = scion_config_text(run->config);
        bool good = path && text && scion_file_write(path, text, strlen(text));

        free(path);
        free(text);
        return good;
}

#define MOST_COLUMNS 16

/* PREFIXloss, and what the targets of the stages ask for. */
static size_t add_columns(const struct scion_run *run, const char *prefix, char (*name)[32], size_t count)
{
        bool values = scion_data_classes(run->target_data) == 0, classes = !values;

        if (run->source_data) {
                values = values || scion_data_classes(run->source_data) == 0;
                classes = classes || scion_data_classes(run->source_data) > 0;
        }
        snprintf(name[count++], sizeof name[0], "%sloss", prefix);
        for (const char *const *score = scion_scores_names(false); classes && *score; score++)
                snprintf(name[count++], sizeof name[0], "%s%s", prefix, *score);
        for (const char *const *score = scion_scores_names(true); values && *score; score++)
                snprintf(name[count++], sizeof name[0], "%s%s", prefix, *score);
        return count;
}

static struct scion_sheet *create_metrics(const struct scion_run *run, const char *path)
{
        char name[MOST_COLUMNS][32] = { "stage", "epoch", "step", "seconds", "lr" };
        const char *column[MOST_COLUMNS];
        size_t count = 5;

        count = add_columns(run, "train_", name, count);
        count = add_columns(run, "valid_", name, count);
        for (size_t i = 0; i < count; i++)
                column[i] = name[i];
        return scion_sheet_create(path, column, count, NULL);
}

static bool open_outputs(struct scion_run *run, const char *folder)
{
        char *path;

        if (!scion_make_folders(folder) || !write_config(run, folder))
                return false;
        scion_remove_leftovers(folder);
        path = path_in(folder, "log.txt");
        run->log = path ? fopen(path, "a") : NULL;
        if (!run->log)
                scion_fail("%s: %s", path ? path : folder, strerror(errno));
        free(path);
        if (!run->log)
                return false;
        path = path_in(folder, "metrics.csv");
        run->metrics = path ? create_metrics(run, path) : NULL;
        free(path);
        return run->metrics != NULL;
}

/* Of one that has failed the first message counts: what follows from it, as on a full disk, does not. */
static bool close_outputs(struct scion_run *run, bool good)
{
        if (run->log && fclose(run->log) != 0 && good)
                good = scion_fail("log.txt: %s", strerror(errno));
        good = good && (!run->metrics || scion_sheet_sync(run->metrics));
        scion_sheet_close(run->metrics);
        run->log = NULL;
        run->metrics = NULL;
        return good;
}

/* --- Going on with what was interrupted --- */

static bool make_key(const struct scion_run *run, XXH128_hash_t *key)
{
        char *text = scion_run_describe(&run->experiment, run->source_data, run->target_data, run->config);

        if (text)
                *key = XXH3_128bits(text, strlen(text));
        free(text);
        return text != NULL;
}

static struct scion_recovery recovery_of(struct scion_run *run, const char *path, XXH128_hash_t key,
                                         double interval, struct scion_row *results)
{
        return (struct scion_recovery){ .path = path,
                                        .key = key,
                                        .interval = interval,
                                        .metrics = run->metrics,
                                        .results = results,
                                        .log = run->log };
}

/* The source as setup() is given it goes into the target's checkpoints: it may be changed by then. */
static bool keep_source(struct scion_run *run)
{
        size_t bytes = run->source->extent * sizeof *run->source->values;

        run->recovery.source = malloc(bytes + 1);
        if (!run->recovery.source)
                return scion_fail("out of memory");
        memcpy(run->recovery.source, run->source->values, bytes);
        run->recovery.source_bytes = bytes;
        return true;
}

static bool run_source(struct scion_run *run, struct scion_row *results)
{
        struct scion_transfer transfer = source_transfer(run);
        struct scion_training training = training_of(run, false, &transfer);
        bool good = true;

        if (scion_recovery_found(&run->recovery, NULL))
                good = scion_recovery_source(&run->recovery, run->source->values,
                                             run->source->extent * sizeof *run->source->values);
        else if (!run->experiment.source.weights)
                good = scion_source_train(&training, run->config, results);
        else
                fprintf(run->log, "source: %s\n", run->weights.text);
        return good && keep_source(run);
}

static bool run_target(struct scion_run *run, const char *folder, struct scion_row *results)
{
        struct scion_transfer transfer = target_transfer(run, run->target, run->experiment.strategy);
        struct scion_training training = training_of(run, true, &transfer);
        struct scion_trained trained = { 0 };
        int64_t trainable;
        bool good = scion_transfer_setup(&transfer);

        run->target = transfer.target; /* the strategy may have made another */
        good = good && scion_train(&training, &trained) && scion_test(&training, "test_", true, results);
        trainable = scion_model_size(run->target, true);
        for (int i = 0; i < transfer.own_models; i++)
                trainable += scion_model_size(transfer.own_model[i].model, true);
        scion_transfer_finish(&transfer);
        scion_row_int(results, "best_epoch", trained.best_epoch);
        scion_row_int(results, "epochs", trained.epochs);
        scion_row_int(results, "parameters", scion_model_size(run->target, false));
        scion_row_int(results, "trainable", trainable);
        if (!good)
                return false;

        char *path = path_in(folder, "model.safetensors");

        /* On the disk before anybody says that the run is done; writing the model syncs the folder. */
        good = path && scion_sheet_sync(run->metrics) && scion_weights_save(run->target, path);
        free(path);
        return good;
}

static bool run_all(struct scion_run *run, const char *folder, double interval, struct scion_row *results)
{
        char *path = path_in(folder, CHECKPOINT), *source_path = path_in(folder, SOURCE_CHECKPOINT);
        XXH128_hash_t key;
        bool good = path && source_path && make_key(run, &key);

        if (good) {
                run->recovery = recovery_of(run, path, key, interval, results);
                run->source_recovery = recovery_of(run, source_path, key, interval, results);
                good = scion_recovery_open(&run->recovery);
        }
        good = good && (!run->with_source || run_source(run, results)) && run_target(run, folder, results);
        if (run->recovery.before + run->source_recovery.before > 0)
                scion_row_fixed(results, "seconds",
                                run->recovery.before + run->source_recovery.before + scion_clock() -
                                        scion_clock_start(),
                                3);
        scion_recovery_finish(&run->recovery);
        scion_recovery_finish(&run->source_recovery);
        free(path);
        free(source_path);
        return good;
}

bool scion_run_execute(struct scion_run *run, const char *folder, double interval,
                       const struct scion_observer *observer, struct scion_row *results)
{
        struct scion_tape *before = scion_tape_use(run->tape);

        run->observer = observer;
        run->stopped = false;
        bool good = open_outputs(run, folder) && run_all(run, folder, interval, results);

        scion_tape_use(before);
        return close_outputs(run, good);
}

bool scion_run_stopped(const struct scion_run *run)
{
        return run->stopped;
}

void scion_run_forget(const char *folder)
{
        static const char *const names[] = { CHECKPOINT, SOURCE_CHECKPOINT };

        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
                char *path = path_in(folder, names[i]);

                if (path)
                        unlink(path);
                free(path);
        }
}
