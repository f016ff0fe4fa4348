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

#define PREFIX "source_test_" /* of its results */
/* Keys of an entry's metadata. */
#define WHAT "what"
#define MADE_FROM "made_from"
#define HASH "hash"
#define METRICS "metrics." /* N.COLUMN */
#define RESULTS "results." /* COLUMN */

struct source {
        const struct scion_training *training;
        struct scion_row *results;
        char *what, *made_from, *path; /* NULL when it is not to be kept */
};

static bool train(const struct source *source)
{
        struct scion_recovery *recovery = source->training->recovery;
        struct scion_trained trained;

        return (!recovery || scion_recovery_open(recovery)) && scion_train(source->training, &trained) &&
               scion_test(source->training, PREFIX, false, source->results);
}

/* --- Entries -------------------------------------------------------------------------------------------- */

/* Of every value and every pair but itself. */
static bool hash_entry(const struct scion_safetensors *file, char hash[SCION_HASH_TEXT])
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

/* The pairs of a row: PREFIX and its columns. */
static bool note_row(struct scion_safetensors *file, const char *prefix, const struct scion_row *row)
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

static bool note_metrics(struct scion_safetensors *file, const struct scion_training *training)
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
                good = note_row(file, prefix, row);
        }
        return good;
}

static bool note_results(struct scion_safetensors *file, const struct scion_row *results)
{
        struct scion_row own = { 0 };
        bool good;

        for (size_t i = 0; i < results->count; i++)
                if (strncmp(results->cell[i].column, PREFIX, strlen(PREFIX)) == 0)
                        scion_row_text(&own, results->cell[i].column, results->cell[i].value);
        good = own.failed ? scion_fail("out of memory") : note_row(file, RESULTS, &own);
        scion_row_finish(&own);
        return good;
}

static bool write_entry(const struct source *source, struct scion_safetensors *file)
{
        char hash[SCION_HASH_TEXT];

        return scion_safetensors_note(file, WHAT, source->what) &&
               scion_safetensors_note(file, MADE_FROM, source->made_from) &&
               note_metrics(file, source->training) && note_results(file, source->results) &&
               hash_entry(file, hash) && scion_safetensors_note(file, HASH, hash) &&
               scion_safetensors_write(source->path, file);
}

/* The source is there all the same. */
static void keep(const struct source *source)
{
        struct scion_safetensors file = { 0 };

        if (!scion_weights_copy(source->training->transfer->target, &file) || !write_entry(source, &file))
                fprintf(source->training->log, "source: not kept for other runs: %s\n", scion_error());
        scion_safetensors_finish(&file);
}

/* Whichever run comes to make the entry goes on where another one stopped. */
static bool make_entry(const struct source *source)
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
                recovery->fingerprint = XXH3_128bits(source->made_from, strlen(source->made_from));
        }
        bool good = train(source);

        if (good)
                keep(source);
        if (good)
                unlink(path.text);
        if (recovery)
                recovery->path = NULL;
        free(path.text);
        return good;
}

/* --- Taking --------------------------------------------------------------------------------------------- */

enum taken { TAKEN, NOT_THERE, DAMAGED, FAILED };

static bool check_entry(const struct source *source, const struct scion_safetensors *file)
{
        const char *noted = scion_safetensors_noted(file, HASH);
        const char *made_from = scion_safetensors_noted(file, MADE_FROM);
        char hash[SCION_HASH_TEXT];

        if (!hash_entry(file, hash))
                return false;
        if (!noted || strcmp(noted, hash) != 0)
                return scion_fail("its hash is not that of its contents");
        return (made_from && strcmp(made_from, source->made_from) == 0) ||
               scion_fail("it was made from something else");
}

/* A cell METRICS N.COLUMN goes to the row at hand, or, of another N, to the next. */
static bool replay_cell(const char *key, const char *value, size_t *number, struct scion_row *row,
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

/* Writes what the training would have written. */
static bool replay(const struct source *source, const struct scion_safetensors *file)
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
                        good = replay_cell(key, value, &number, &row, metrics);
        }
        good = good && (row.count == 0 || scion_sheet_add(metrics, &row));
        scion_row_finish(&row);
        return good;
}

/* The model stays as it is unless the entry is good to the last bit. */
static enum taken take(const struct source *source)
{
        struct scion_model *model = source->training->transfer->target;
        struct scion_safetensors file;
        enum taken taken = DAMAGED;

        if (!scion_cache_has(source->path))
                return NOT_THERE;
        if (!scion_safetensors_read(source->path, &file))
                return DAMAGED;
        if (check_entry(source, &file) && scion_weights_check(model, &file))
                taken = scion_weights_restore(model, &file) && replay(source, &file) ? TAKEN : FAILED;
        scion_safetensors_finish(&file);
        if (taken == TAKEN) {
                scion_cache_touch(source->path);
                fprintf(source->training->log, "source: taken from %s\n", source->path);
        }
        return taken;
}

/* --- Both ----------------------------------------------------------------------------------------------- */

static const char *used(const struct scion_config *map, const char *key)
{
        return scion_config_get(scion_config_get(map, key), "use")->text;
}

static char *tell(const struct scion_stage *stage, const struct scion_config *run)
{
        struct scion_text what = { 0 };

        scion_text_add(&what, "%s on %s, %lld epoch%s, seed %s", used(stage->map, "model"),
                       used(stage->map, "dataset"), (long long)stage->epochs, stage->epochs == 1 ? "" : "s",
                       scion_config_get(run, "seed")->text);
        if (!what.failed)
                return what.text;
        free(what.text);
        return scion_fail_null("out of memory");
}

/* False when there is no cache, or it cannot be used; there is a message then. */
static bool find_place(struct source *source, const struct scion_config *run)
{
        const struct scion_training *training = source->training;
        char *folder = scion_cache_folder("sources");
        struct scion_text path = { 0 };
        char hash[SCION_HASH_TEXT];

        scion_error_clear();
        if (!folder)
                return false;
        if (scion_cache_create_folder(folder) && (source->what = tell(training->stage, run)))
                source->made_from = scion_source_describe(training->stage, training->data, run);
        if (source->made_from)
                scion_text_add(&path, "%s/%s.safetensors", folder,
                               scion_hash_bytes(source->made_from, strlen(source->made_from), hash));
        source->path = path.text;
        free(folder);
        return source->path && (!path.failed || scion_fail("out of memory"));
}

/* Until nobody else is making it, or the run is to stop. */
static enum scion_locked wait_for(const struct source *source, struct scion_lock *lock)
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

/* Trains it, or waits for who does. */
static bool make(const struct source *source)
{
        FILE *log = source->training->log;
        struct scion_lock lock;
        enum scion_locked locked = scion_lock_take(source->path, &lock);

        if (locked == SCION_LOCK_BUSY)
                locked = wait_for(source, &lock);
        if (locked == SCION_LOCK_BUSY) {
                if (source->training->stopped)
                        *source->training->stopped = true;
                return scion_fail("stopped while another run was training the source");
        }
        if (locked == SCION_LOCK_FAILED)
                fprintf(log, "source: others may train it at the same time: %s\n", scion_error());

        enum taken taken = take(source);
        bool good = taken == TAKEN;

        if (taken == DAMAGED)
                fprintf(log, "source: %s is damaged and made again: %s\n", source->path, scion_error());
        if (taken == DAMAGED || taken == NOT_THERE)
                good = make_entry(source);
        if (locked == SCION_LOCKED)
                scion_lock_release(&lock);
        return good;
}

bool scion_source_train(const struct scion_training *training, const struct scion_config *run,
                        struct scion_row *results)
{
        struct source source = { .training = training, .results = results };
        bool good;

        if (find_place(&source, run)) {
                enum taken taken = take(&source);

                good = taken == TAKEN || (taken != FAILED && make(&source));
        } else {
                if (*scion_error())
                        fprintf(training->log, "source: not shared with other runs: %s\n", scion_error());
                good = train(&source);
        }
        free(source.what);
        free(source.made_from);
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
