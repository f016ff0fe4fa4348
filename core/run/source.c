#include "run/source.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "file/cache.h"
#include "file/hash.h"
#include "file/lock.h"
#include "run/fingerprint.h"
#include "state/safetensors.h"
#include "state/weights.h"

#define PREFIX "source_test_" /* of the columns of its results */
/* Keys of an entry's metadata. */
#define WHAT "what"
#define MADE_FROM "made_from"
#define HASH "hash"
#define METRICS "metrics." /* N.COLUMN */
#define RESULTS "results." /* COLUMN */

/* A source that is to be trained or restored. */
struct source {
        const struct scion_training *training;
        struct scion_row *results;
        char *what;        /* the summary of its entry; these three are NULL without a cache */
        char *fingerprint; /* the text of it */
        char *path;        /* of the entry */
};

static bool source_train(const struct source *source)
{
        struct scion_recovery *recovery = source->training->recovery;
        struct scion_trained trained;

        return (!recovery || scion_recovery_open(recovery)) && scion_train(source->training, &trained) &&
               scion_test(source->training, PREFIX, false, source->results);
}

/* --- Entries -------------------------------------------------------------------------------------------- */

/* Hashes every tensor and every pair of the metadata, but the hash itself. */
static bool entry_hash(const struct scion_safetensors *file, char hash[SCION_HASH_TEXT])
{
        struct scion_text all = { 0 };
        char shape[160];

        for (size_t i = 0; i < file->metadata_count; i++)
                if (strcmp(file->metadata[2 * i], HASH) != 0)
                        scion_text_add(&all, "%zu %s %zu %s\n", strlen(file->metadata[2 * i]),
                                       file->metadata[2 * i], strlen(file->metadata[2 * i + 1]),
                                       file->metadata[2 * i + 1]);
        for (size_t i = 0; i < file->count; i++) {
                const struct scion_safetensor *tensor = &file->tensor[i];
                size_t bytes = (size_t)scion_shape_size(&tensor->shape) * sizeof *tensor->values;

                scion_text_add(&all, "%s %s %s\n", tensor->name,
                               scion_shape_text(&tensor->shape, shape, sizeof shape),
                               tensor->values ? scion_hash_bytes(tensor->values, bytes, hash)
                                              : tensor->dtype);
        }
        if (!all.failed)
                scion_hash_bytes(all.text ? all.text : "", all.length, hash);
        free(all.text);
        return !all.failed || scion_fail("out of memory");
}

/* Adds the cells of the row to the metadata, with `prefix` before their columns. */
static bool entry_note_row(struct scion_safetensors *file, const char *prefix, const struct scion_row *row)
{
        bool good = true;

        for (size_t i = 0; good && i < row->count; i++) {
                struct scion_text key = { 0 };

                scion_text_add(&key, "%s%s", prefix, row->cell[i].column);
                good = key.failed ? scion_fail("out of memory")
                                  : scion_safetensors_note(file, key.text, row->cell[i].value);
                free(key.text);
        }
        return good;
}

static bool entry_note_metrics(struct scion_safetensors *file, const struct scion_training *training)
{
        size_t rows = training->metrics ? scion_sheet_count(training->metrics) : 0, count = 0;
        bool good = true;

        for (size_t i = 0; good && i < rows; i++) {
                const struct scion_row *row = scion_sheet_row(training->metrics, i);
                const char *stage = scion_row_get(row, "stage");
                char prefix[64];

                if (!stage || strcmp(stage, training->stage->name) != 0)
                        continue;
                snprintf(prefix, sizeof prefix, METRICS "%zu.", count++);
                good = entry_note_row(file, prefix, row);
        }
        return good;
}

static bool entry_note_results(struct scion_safetensors *file, const struct scion_row *results)
{
        struct scion_row own = { 0 };
        bool good;

        for (size_t i = 0; i < results->count; i++)
                if (strncmp(results->cell[i].column, PREFIX, strlen(PREFIX)) == 0)
                        scion_row_text(&own, results->cell[i].column, results->cell[i].value);
        good = own.failed ? scion_fail("out of memory") : entry_note_row(file, RESULTS, &own);
        scion_row_finish(&own);
        return good;
}

static bool entry_write(const struct source *source, struct scion_safetensors *file)
{
        char hash[SCION_HASH_TEXT];

        return scion_safetensors_note(file, WHAT, source->what) &&
               scion_safetensors_note(file, MADE_FROM, source->fingerprint) &&
               entry_note_metrics(file, source->training) && entry_note_results(file, source->results) &&
               entry_hash(file, hash) && scion_safetensors_note(file, HASH, hash) &&
               scion_safetensors_write(source->path, file);
}

/* Writes the trained source to the cache. A failure goes to the log only: the run has its source. */
static void entry_create(const struct source *source)
{
        struct scion_safetensors file = { 0 };

        if (!scion_weights_copy(source->training->transfer->target, &file) || !entry_write(source, &file))
                fprintf(source->training->log, "source: not kept for other runs: %s\n", scion_error());
        scion_safetensors_finish(&file);
}

/* Trains the source for the cache. Its checkpoint is next to the entry, so that any run that needs the source can
 * continue where another one has stopped. */
static bool entry_train(const struct source *source)
{
        struct scion_recovery *recovery = source->training->recovery;
        struct scion_text path = { 0 };

        scion_text_add(&path, "%s.checkpoint", source->path);
        if (path.failed) {
                free(path.text);
                return scion_fail("out of memory");
        }
        if (recovery) {
                recovery->path = path.text;
                recovery->fingerprint = XXH3_128bits(source->fingerprint, strlen(source->fingerprint));
        }
        bool good = source_train(source);

        if (good)
                entry_create(source);
        if (good)
                unlink(path.text);
        if (recovery)
                recovery->path = NULL;
        free(path.text);
        return good;
}

/* --- Restoring from the cache --------------------------------------------------------------------------- */

enum restored { RESTORED, NOT_THERE, DAMAGED, FAILED };

static bool entry_check(const struct source *source, const struct scion_safetensors *file)
{
        const char *noted = scion_safetensors_noted(file, HASH);
        const char *made_from = scion_safetensors_noted(file, MADE_FROM);
        char hash[SCION_HASH_TEXT];

        if (!entry_hash(file, hash))
                return false;
        if (!noted || strcmp(noted, hash) != 0)
                return scion_fail("its hash is not that of its contents");
        return (made_from && strcmp(made_from, source->fingerprint) == 0) ||
               scion_fail("it has another fingerprint");
}

/* Adds the cell METRICS N.COLUMN to the row. If N is not *number, the row is complete: it goes to the metrics, and a new
 * one begins. */
static bool metrics_restore_cell(const char *key, const char *value, size_t *number, struct scion_row *row,
                                 struct scion_sheet *metrics)
{
        char *dot;
        size_t now = strtoul(key + strlen(METRICS), &dot, 10);
        bool good = true;

        if (now != *number) {
                good = scion_sheet_add(metrics, row);
                scion_row_finish(row);
                *number = now;
        }
        if (*dot == '.')
                scion_row_text(row, dot + 1, value);
        return good;
}

/* Adds the rows and cells that the training has added. */
static bool entry_restore_rows(const struct source *source, const struct scion_safetensors *file)
{
        struct scion_sheet *metrics = source->training->metrics;
        struct scion_row row = { 0 };
        size_t number = 0;
        bool good = true;

        for (size_t i = 0; good && i < file->metadata_count; i++) {
                const char *key = file->metadata[2 * i], *value = file->metadata[2 * i + 1];

                if (strncmp(key, RESULTS, strlen(RESULTS)) == 0)
                        scion_row_text(source->results, key + strlen(RESULTS), value);
                else if (metrics && strncmp(key, METRICS, strlen(METRICS)) == 0)
                        good = metrics_restore_cell(key, value, &number, &row, metrics);
        }
        good = good && (row.count == 0 || scion_sheet_add(metrics, &row));
        scion_row_finish(&row);
        return good;
}

/* Restores the source from its entry. Unless the entry is intact, the model is unchanged. */
static enum restored entry_restore(const struct source *source)
{
        struct scion_model *model = source->training->transfer->target;
        struct scion_safetensors file;
        enum restored restored = DAMAGED;

        if (!scion_cache_has(source->path))
                return NOT_THERE;
        if (!scion_safetensors_read(source->path, &file))
                return DAMAGED;
        if (entry_check(source, &file) && scion_weights_check(model, &file))
                restored = scion_weights_restore(model, &file) && entry_restore_rows(source, &file) ? RESTORED
                                                                                                    : FAILED;
        scion_safetensors_finish(&file);
        if (restored == RESTORED) {
                scion_cache_touch(source->path);
                fprintf(source->training->log, "source: taken from %s\n", source->path);
        }
        return restored;
}

/* --- Training or restoring ------------------------------------------------------------------------------ */

static const char *stage_plugin_name(const struct scion_config *map, const char *key)
{
        return scion_config_get(scion_config_get(map, key), "use")->text;
}

/* Returns the summary of a source, which the caller frees. */
static char *stage_summary(const struct scion_stage *stage, const struct scion_config *run)
{
        struct scion_text what = { 0 };

        scion_text_add(&what, "%s on %s, %lld epoch%s, seed %s", stage_plugin_name(stage->map, "model"),
                       stage_plugin_name(stage->map, "dataset"), (long long)stage->epochs,
                       stage->epochs == 1 ? "" : "s", scion_config_get(run, "seed")->text);
        if (!what.failed)
                return what.text;
        free(what.text);
        return scion_fail_null("out of memory");
}

/* Finds the entry of the source. False when there is no cache; with a message when it cannot be used. */
static bool source_find_entry(struct source *source, const struct scion_config *run)
{
        const struct scion_training *training = source->training;
        char *folder = scion_cache_folder("sources");
        struct scion_text path = { 0 };
        char hash[SCION_HASH_TEXT];

        scion_error_clear();
        if (!folder)
                return false;
        if (scion_cache_create_folder(folder) && (source->what = stage_summary(training->stage, run)))
                source->fingerprint = scion_fingerprint_source(training->stage, training->data, run);
        if (source->fingerprint)
                scion_text_add(&path, "%s/%s.safetensors", folder,
                               scion_hash_bytes(source->fingerprint, strlen(source->fingerprint), hash));
        source->path = path.text;
        free(folder);
        return source->path && (!path.failed || scion_fail("out of memory"));
}

/* Waits until no other run is training the source, or this one shall stop. */
static enum scion_locked source_wait(const struct source *source, struct scion_lock *lock)
{
        const struct scion_training *training = source->training;
        const struct scion_progress waiting = { .phase = SCION_AT_WAIT, .stage = training->stage->name };
        const struct timespec moment = { .tv_nsec = 100 * 1000 * 1000 };
        enum scion_locked locked = SCION_LOCK_BUSY;

        fprintf(training->log, "source: another run is training it; waiting\n");
        fflush(training->log);
        scion_observer_tell(training->observer, &waiting);
        while (locked == SCION_LOCK_BUSY && !scion_observer_stopping(training->observer)) {
                nanosleep(&moment, NULL);
                locked = scion_lock_take(source->path, lock);
        }
        return locked;
}

/* Trains the source for the cache, or waits for the run that does and restores it. */
static bool source_train_once(const struct source *source)
{
        FILE *log = source->training->log;
        struct scion_lock lock;
        enum scion_locked locked = scion_lock_take(source->path, &lock);

        if (locked == SCION_LOCK_BUSY)
                locked = source_wait(source, &lock);
        if (locked == SCION_LOCK_BUSY) {
                if (source->training->stopped)
                        *source->training->stopped = true;
                return scion_fail("stopped while another run was training the source");
        }
        if (locked == SCION_LOCK_FAILED)
                fprintf(log, "source: others may train it at the same time: %s\n", scion_error());

        enum restored restored = entry_restore(source);
        bool good = restored == RESTORED;

        if (restored == DAMAGED)
                fprintf(log, "source: %s is damaged and made again: %s\n", source->path, scion_error());
        if (restored == DAMAGED || restored == NOT_THERE)
                good = entry_train(source);
        if (locked == SCION_LOCKED)
                scion_lock_release(&lock);
        return good;
}

bool scion_source_train(const struct scion_training *training, const struct scion_config *run,
                        struct scion_row *results)
{
        struct source source = { .training = training, .results = results };
        bool good;

        if (source_find_entry(&source, run)) {
                enum restored restored = entry_restore(&source);

                good = restored == RESTORED || (restored != FAILED && source_train_once(&source));
        } else {
                if (*scion_error())
                        fprintf(training->log, "source: not shared with other runs: %s\n", scion_error());
                good = source_train(&source);
        }
        free(source.what);
        free(source.fingerprint);
        free(source.path);
        return good;
}

char *scion_source_summary(const char *path)
{
        struct scion_safetensors file;
        struct scion_text text = { 0 };

        if (!scion_safetensors_read_header(path, &file))
                return NULL;
        const char *what = scion_safetensors_noted(&file, WHAT);

        scion_text_add(&text, "%s", what ? what : "of another version");
        for (size_t i = 0; i < file.metadata_count; i++)
                if (strncmp(file.metadata[2 * i], RESULTS, strlen(RESULTS)) == 0)
                        scion_text_add(&text, "; %s %s", file.metadata[2 * i] + strlen(RESULTS),
                                       file.metadata[2 * i + 1]);
        scion_safetensors_finish(&file);
        if (!text.failed)
                return text.text;
        free(text.text);
        return scion_fail_null("out of memory");
}
