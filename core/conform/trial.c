#define _GNU_SOURCE /* mallopt() */
#include "conform/trial.h"

#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "conform/probe.h"
#include "nn/model.h"
#include "process/pool.h"

#define TASK "the trial" /* takes the place of a file's name in messages */
#define SHAPE "[1, 12, 12]"
#define CLASSES 4         /* of the source */
#define VERDICT "verdict" /* the cell in which a run's process returns its verdict */

/* --- The task ------------------------------------------------------------------------------------------- */

/* Returns the sizes of full batches, and of the last one: the smallest that the strategy supports. */
static void batch_sizes(const struct scion_strategy_plugin *plugin, int64_t *batch, int64_t *last)
{
        *last = plugin->min_batch > 1 ? plugin->min_batch : 1;
        *batch = *last > 4 ? 2 * *last : 8;
}

static void source_write(struct scion_text *text, int64_t batch)
{
        scion_text_add(text,
                       "source:\n"
                       "  dataset: { use: random, shape: " SHAPE ", num_classes: %d, train_size: %lld, "
                       "test_size: 4 }\n"
                       "  model: lenet5\n"
                       "  optimizer: { use: sgd, lr: 0.05, momentum: 0.9 }\n"
                       "  train: { epochs: 2, batch_size: %lld }\n",
                       CLASSES, (long long)(2 * batch), (long long)batch);
}

/* The configuration has a source only if the strategy needs one. */
struct scion_config *scion_trial_config(const struct scion_trial *trial)
{
        const struct scion_strategy_plugin *plugin = &trial->conform->descriptor->strategy;
        struct scion_config *config = NULL;
        struct scion_text text = { 0 };
        int64_t batch, last;

        batch_sizes(plugin, &batch, &last);
        int64_t size = (SCION_TRIAL_STEPS - 1) * batch + last;

        scion_text_add(&text, "name: trial\n");
        if (plugin->needs)
                source_write(&text, batch);
        scion_text_add(&text,
                       "target:\n"
                       "  dataset: { use: random, shape: " SHAPE
                       ", num_classes: %d, train_size: %lld, limit: %lld, "
                       "valid_size: 6, test_size: 6, unlabelled: %s }\n"
                       "%s"
                       "  optimizer: { use: sgd, lr: 0.05, momentum: 0.9 }\n"
                       "  train: { epochs: %d, batch_size: %lld }\n",
                       trial->other_classes ? CLASSES - 1 : CLASSES, (long long)(size + batch),
                       (long long)size, plugin->needs & SCION_NEEDS_UNLABELLED ? "true" : "false",
                       plugin->needs ? "" : "  model: lenet5\n", SCION_TRIAL_EPOCHS, (long long)batch);
        if (text.failed)
                scion_fail("out of memory");
        else
                config = scion_config_parse(text.text, TASK);
        free(text.text);
        if (config && !scion_config_set(config, "strategy", trial->conform->map)) {
                scion_config_destroy(config);
                return NULL;
        }
        return config;
}

const char *scion_trial_task(const struct scion_trial *trial)
{
        static char text[128];
        int64_t batch, last;

        batch_sizes(&trial->conform->descriptor->strategy, &batch, &last);
        snprintf(text, sizeof text,
                 "lenet5 on images of 1x12x12, %d classes in the source, %d in the target, batches of "
                 "%lld and %lld",
                 CLASSES, trial->other_classes ? CLASSES - 1 : CLASSES, (long long)batch, (long long)last);
        return text;
}

/* --- Its folder ----------------------------------------------------------------------------------------- */

bool scion_trial_begin(struct scion_trial *trial, struct scion_conform *conform)
{
        *trial = (struct scion_trial){ .conform = conform };
        trial->other_classes = !(conform->descriptor->strategy.needs & SCION_NEEDS_SAME_CLASSES);
        if (setenv("SCION_CACHE", "", 1) != 0) /* a trial does not use the cache */
                return scion_fail("out of memory");
        trial->folder = scion_conform_folder(conform);
        return trial->folder != NULL;
}

const char *scion_trial_path(const struct scion_trial *trial, const char *run, const char *file)
{
        static char path[512];

        snprintf(path, sizeof path, "%s/%s%s%s", trial->folder, run, file ? "/" : "", file ? file : "");
        return path;
}

/* --- A run, in its process ------------------------------------------------------------------------------ */

struct watch {
        const struct scion_trial *trial;
        const struct scion_trial_run *how;
        struct scion_run *run;
        float *source;  /* before setup() */
        bool target;    /* the present stage is one of the target */
        int64_t epochs; /* of the target, finished */
        int64_t epoch;  /* epoch, stage and number in the epoch of the last step */
        int stage;
        int64_t step;
        bool seen; /* the check of the steps has failed */
        bool out_of_memory;
        char text[128];
};

static void watch_progress(void *context, const struct scion_progress *progress)
{
        struct watch *watch = context;
        struct scion_model *source = scion_run_source(watch->run);

        watch->target = strcmp(progress->stage, "source") != 0;
        if (watch->target && progress->phase == SCION_AT_EPOCH)
                watch->epochs++;
        if (watch->target || progress->phase != SCION_AT_TEST || !source || watch->source)
                return;
        watch->source = scion_probe_values(source->values);
        watch->out_of_memory = !watch->source;
        scion_conform_doing(watch->trial->conform, "setup(), or the first step");
}

static bool watch_stopping(void *context)
{
        const struct watch *watch = context;

        return watch->target && watch->how->stop > 0 && watch->epochs >= watch->how->stop;
}

static bool watch_step(void *context, struct scion_transfer *transfer, int64_t epoch)
{
        struct watch *watch = context;
        const bool own = transfer->stage < transfer->own_stages;

        if (!transfer->strategy)
                return true;
        watch->step = epoch == watch->epoch && transfer->stage == watch->stage ? watch->step + 1 : 1;
        watch->epoch = epoch;
        watch->stage = transfer->stage;
        snprintf(watch->text, sizeof watch->text, "step %lld of epoch %lld%s%s%s", (long long)watch->step,
                 (long long)epoch, own ? " of the stage '" : "",
                 own ? transfer->own_stage[transfer->stage].name : "", own ? "'" : "");
        scion_conform_doing(watch->trial->conform, "what follows %s", watch->text);
        const struct scion_moment moment = { .transfer = transfer,
                                             .epoch = epoch,
                                             .step = watch->step,
                                             .source = watch->source,
                                             .text = watch->text };

        if (watch->out_of_memory)
                return scion_fail("out of memory");
        watch->seen = watch->how->look && !watch->how->look->step(watch->how->look, &moment);
        return !watch->seen;
}

/* Removes the file's name and the line from the message, because the user has no such file. */
static bool error_strip_place(void)
{
        char message[4096];
        const char *place = strstr(scion_error(), TASK ":");

        if (place != scion_error())
                return false;
        place += strlen(TASK) + 1;
        place += strspn(place, "0123456789:");
        snprintf(message, sizeof message, "%s", place + strspn(place, " "));
        return scion_fail("%s", message);
}

static enum scion_trial_verdict run_execute(struct watch *watch, struct scion_row *results)
{
        const struct scion_observer observer = { watch, watch_progress, watch_stopping, watch_step };
        const char *folder = scion_trial_path(watch->trial, watch->how->name, NULL);

        if (scion_run_execute(watch->run, folder, INFINITY, &observer, results)) {
                watch->seen =
                        watch->how->look && watch->how->look->end && !watch->how->look->end(watch->how->look);
                return watch->seen ? SCION_TRIAL_SEEN : SCION_TRIAL_GOOD;
        }
        if (scion_run_stopped(watch->run))
                return SCION_TRIAL_STOPPED;
        error_strip_place();
        if (watch->step == SCION_TRIAL_STEPS &&
            (strstr(scion_error(), "the loss ") || strstr(scion_error(), "the gradient of ")))
                scion_fail("%s; the batch of that step is the last of an epoch, as small as .min_batch says "
                           "that "
                           "the strategy takes",
                           scion_error());
        return watch->seen ? SCION_TRIAL_SEEN : SCION_TRIAL_FAILED;
}

/* Prepares the run. If it is refused with different numbers of classes, tries equal ones, which some parameters of a
 * strategy may require, and writes the refusal to a cell. */
static struct scion_run *run_prepare(struct scion_trial *trial, struct scion_row *cells)
{
        struct scion_config *config = scion_trial_config(trial);
        struct scion_run *run = config ? scion_run_prepare(config) : NULL;
        char refusal[2048];

        if (run || !trial->other_classes)
                return run;
        error_strip_place();
        snprintf(refusal, sizeof refusal, "%s", scion_error());
        trial->other_classes = false;
        run = run_prepare(trial, cells);
        if (run)
                scion_row_text(cells, SCION_TRIAL_REFUSAL, refusal);
        else
                scion_fail("%s", refusal);
        return run;
}

static enum scion_status run_work(void *context, const struct scion_observer *observer,
                                  struct scion_row *cells, struct scion_text *note)
{
        const struct watch *given = context;
        struct watch watch = *given;
        struct scion_trial trial = *watch.trial;
        enum scion_trial_verdict verdict = SCION_TRIAL_UNPREPARED;

        (void)observer;
        (void)note;
        if (watch.how->perturbed)
                mallopt(M_PERTURB, 0xbf); /* new memory is full of 3.0, freed memory of -1.5, as floats */
        scion_conform_doing(trial.conform, "setup(), or the loss of a first batch");
        watch.run = run_prepare(&trial, cells);
        if (!watch.run)
                error_strip_place();
        else
                verdict = watch.how->prepare ? SCION_TRIAL_GOOD : run_execute(&watch, cells);
        scion_row_int(cells, VERDICT, verdict);
        if (verdict == SCION_TRIAL_GOOD || verdict == SCION_TRIAL_STOPPED) {
                scion_conform_doing(trial.conform, "finish()");
                scion_run_destroy(watch.run);
        }
        return verdict == SCION_TRIAL_GOOD ? SCION_GOOD : SCION_FAILED;
}

/* --- A run, seen from outside --------------------------------------------------------------------------- */

/* Reads the verdict of the run's process. A process that returned none has crashed. */
static enum scion_trial_verdict report_judge(const struct scion_trial *trial,
                                             const struct scion_report *report)
{
        const char *verdict = scion_row_get(&report->cells, VERDICT);

        if (verdict) {
                scion_fail("%s", report->message);
                return (enum scion_trial_verdict)atoi(verdict);
        }
        scion_fail("%s, in %s", report->message, scion_conform_done(trial->conform));
        return SCION_TRIAL_FAILED;
}

enum scion_trial_verdict scion_trial_run(const struct scion_trial *trial, const struct scion_trial_run *how,
                                         struct scion_row *results)
{
        const struct scion_limits none = { 0 };
        struct watch watch = { .trial = trial, .how = how, .epoch = -1 };
        struct scion_pool *pool = scion_pool_create(1);
        enum scion_trial_verdict verdict = SCION_TRIAL_FAILED;
        struct scion_event event = { .kind = SCION_EVENT_PROGRESS };

        if (!pool || !scion_pool_start(pool, 0, &none, run_work, &watch))
                goto out;
        while (event.kind != SCION_EVENT_ENDED)
                if (!scion_pool_next(pool, INFINITY, &event))
                        goto out;
        verdict = report_judge(trial, &event.report);
        if (results) {
                scion_row_finish(results);
                *results = event.report.cells;
                event.report.cells = (struct scion_row){ 0 };
        }
        scion_report_finish(&event.report);
out:
        scion_pool_destroy(pool);
        return verdict;
}
