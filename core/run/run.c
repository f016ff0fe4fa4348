#include "run/run.h"

#include <errno.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "file/files.h"
#include "run/fingerprint.h"
#include "run/prepare.h"
#include "run/source.h"
#include "state/weights.h"

#define CHECKPOINT "checkpoint.bin"
#define SOURCE_CHECKPOINT "checkpoint-source.bin" /* until there is one of the target's training */

static struct scion_run *run_create(struct scion_config *config, bool (*make)(struct scion_run *run))
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
        return run_create(config, scion_run_make_ready);
}

struct scion_run *scion_run_open(struct scion_config *config)
{
        return run_create(config, scion_run_build);
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
        free(run->execution.traces.text);
        free(run);
}

const char *scion_run_note(const struct scion_run *run)
{
        return run->weights.text ? run->weights.text : "";
}

const char *scion_run_traces(const struct scion_run *run)
{
        return run->execution.traces.text ? run->execution.traces.text : "";
}

bool scion_run_has_values(const struct scion_run *run)
{
        return scion_data_classes(run->target_data) == 0;
}

/* --- The files of a run --------------------------------------------------------------------------------- */

static bool run_write_config(const struct scion_run *run, const char *folder)
{
        char *path = scion_path_join(folder, "config.yaml");
        char *text = scion_config_text(run->config);
        bool good = path && text && scion_file_write(path, text, strlen(text));

        free(path);
        free(text);
        return good;
}

#define MAX_COLUMNS 16

/* Appends the names PREFIXloss and PREFIXSCORE, for the kinds of targets of source and target. Returns the new count. */
static size_t columns_add(const struct scion_run *run, const char *prefix, char (*name)[32], size_t count)
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

static struct scion_sheet *metrics_create(const struct scion_run *run, const char *path)
{
        char name[MAX_COLUMNS][32] = { "stage", "epoch", "step", "seconds", "lr" };
        const char *column[MAX_COLUMNS];
        size_t count = 5;

        count = columns_add(run, "train_", name, count);
        count = columns_add(run, "valid_", name, count);
        for (size_t i = 0; i < count; i++)
                column[i] = name[i];
        return scion_sheet_create(path, column, count, NULL);
}

static bool log_open(struct scion_execution *execution, const char *folder)
{
        char *path = scion_path_join(folder, "log.txt");

        execution->log = path ? fopen(path, "a") : NULL;
        if (!execution->log)
                scion_fail("%s: %s", path ? path : folder, strerror(errno));
        free(path);
        return execution->log != NULL;
}

static bool metrics_open(struct scion_run *run, const char *folder)
{
        char *path = scion_path_join(folder, "metrics.csv");

        run->execution.metrics = path ? metrics_create(run, path) : NULL;
        free(path);
        return run->execution.metrics != NULL;
}

static bool outputs_open(struct scion_run *run, const char *folder)
{
        if (!scion_make_folders(folder) || !run_write_config(run, folder))
                return false;
        scion_remove_leftovers(folder);
        return log_open(&run->execution, folder) && metrics_open(run, folder);
}

/* After a failure (`good` is false) the first message stays: later ones, as on a full disk, follow from it. */
static bool outputs_close(struct scion_execution *execution, bool good)
{
        if (execution->log && fclose(execution->log) != 0 && good)
                good = scion_fail("log.txt: %s", strerror(errno));
        good = good && (!execution->metrics || scion_sheet_sync(execution->metrics));
        scion_sheet_close(execution->metrics);
        execution->log = NULL;
        execution->metrics = NULL;
        return good;
}

/* --- Continuing an interrupted run ---------------------------------------------------------------------- */

static bool run_fingerprint(const struct scion_run *run, XXH128_hash_t *fingerprint)
{
        char *text = scion_fingerprint_run(&run->experiment, run->source_data, run->target_data, run->config);

        if (text)
                *fingerprint = XXH3_128bits(text, strlen(text));
        free(text);
        return text != NULL;
}

static struct scion_recovery recovery_make(struct scion_run *run, const char *path, XXH128_hash_t fingerprint,
                                           double interval, struct scion_row *results)
{
        return (struct scion_recovery){ .path = path,
                                        .fingerprint = fingerprint,
                                        .interval = interval,
                                        .metrics = run->execution.metrics,
                                        .results = results,
                                        .log = run->execution.log };
}

/* --- Executing ------------------------------------------------------------------------------------------ */

/* Keeps the source's values as setup() gets them, for the target's checkpoints: setup() may change them. */
static bool source_snapshot(struct scion_run *run)
{
        run->execution.recovery.source = scion_model_snapshot(run->source);
        return run->execution.recovery.source != NULL;
}

/* Restores, trains or loads the source. */
static bool source_run(struct scion_run *run, struct scion_row *results)
{
        struct scion_transfer transfer = scion_run_source_transfer(run);
        struct scion_training training = scion_run_training(run, false, &transfer);
        bool good = true;

        if (scion_recovery_found(&run->execution.recovery, NULL))
                good = scion_recovery_source(&run->execution.recovery, run->source);
        else if (!run->experiment.source.weights)
                good = scion_source_train(&training, run->config, results);
        else
                fprintf(run->execution.log, "source: %s\n", run->weights.text);
        scion_transfer_finish(&transfer);
        return good && source_snapshot(run);
}

/* Sets the strategy up, trains and tests the target, and saves it. */
static bool target_run(struct scion_run *run, const char *folder, struct scion_row *results)
{
        struct scion_transfer transfer =
                scion_run_target_transfer(run, run->target, run->experiment.strategy);
        struct scion_training training = scion_run_training(run, true, &transfer);
        struct scion_trained trained = { 0 };
        int64_t trainable;
        bool good = scion_transfer_setup(&transfer);

        run->target = transfer.target; /* the strategy may have replaced it */
        good = good && scion_train(&training, &trained) && scion_test(&training, "test_", true, results);
        trainable = scion_model_size(run->target, true);
        for (int i = 0; i < transfer.added.models; i++)
                trainable += scion_model_size(transfer.added.model[i].model, true);
        scion_transfer_finish(&transfer);
        scion_row_int(results, "best_epoch", trained.best_epoch);
        scion_row_int(results, "epochs", trained.epochs);
        scion_row_int(results, "parameters", scion_model_size(run->target, false));
        scion_row_int(results, "trainable", trainable);
        if (!good)
                return false;

        char *path = scion_path_join(folder, "model.safetensors");

        /* The results are reported only once they are on the disk. Writing the model syncs the folder. */
        good = path && scion_sheet_sync(run->execution.metrics) && scion_weights_save(run->target, path);
        free(path);
        return good;
}

/* Runs the source and the target, each from its checkpoint if there is one. */
static bool stages_run(struct scion_run *run, const char *folder, double interval, struct scion_row *results)
{
        struct scion_recovery *recovery = &run->execution.recovery,
                              *source_recovery = &run->execution.source_recovery;
        char *path = scion_path_join(folder, CHECKPOINT),
             *source_path = scion_path_join(folder, SOURCE_CHECKPOINT);
        XXH128_hash_t fingerprint;
        bool good = path && source_path && run_fingerprint(run, &fingerprint);

        if (good) {
                *recovery = recovery_make(run, path, fingerprint, interval, results);
                *source_recovery = recovery_make(run, source_path, fingerprint, interval, results);
                good = scion_recovery_open(recovery);
        }
        good = good && (!run->with_source || source_run(run, results)) && target_run(run, folder, results);
        double before = recovery->before + source_recovery->before;

        if (before > 0)
                scion_row_fixed(results, "seconds", before + scion_clock() - scion_clock_start(), 3);
        scion_recovery_finish(recovery);
        scion_recovery_finish(source_recovery);
        free(path);
        free(source_path);
        return good;
}

bool scion_run_execute(struct scion_run *run, const char *folder, double interval,
                       const struct scion_observer *observer, struct scion_row *results)
{
        struct scion_tape *before = scion_tape_use(run->tape);

        run->execution.observer = observer;
        run->execution.stopped = false;
        bool good = outputs_open(run, folder) && stages_run(run, folder, interval, results);

        scion_tape_use(before);
        return outputs_close(&run->execution, good);
}

bool scion_run_lend(struct scion_run *run, bool (*work)(void *context, struct scion_training *training),
                    void *context)
{
        struct scion_tape *before = scion_tape_use(run->tape);
        struct scion_transfer transfer =
                scion_run_target_transfer(run, run->target, run->experiment.strategy);
        struct scion_training training = scion_run_training(run, true, &transfer);
        bool good = scion_transfer_setup(&transfer);

        training.recovery = NULL;
        run->target = transfer.target;
        good = good && work(context, &training);
        scion_transfer_finish(&transfer);
        scion_tape_use(before);
        return good;
}

bool scion_run_stopped(const struct scion_run *run)
{
        return run->execution.stopped;
}

void scion_run_forget(const char *folder)
{
        static const char *const names[] = { CHECKPOINT, SOURCE_CHECKPOINT };

        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
                char *path = scion_path_join(folder, names[i]);

                if (path)
                        unlink(path);
                free(path);
        }
}
