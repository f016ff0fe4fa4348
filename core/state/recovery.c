#include "state/recovery.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "file/files.h"

/* Writing checkpoints takes at most 1 / SHARE of the time, unless one is wanted after each epoch. */
#define SHARE 10

/* --- Continuing ----------------------------------------------------------------------------------------- */

static bool recovery_restore_metrics(struct scion_recovery *recovery)
{
        size_t bytes;
        char *text = scion_checkpoint_take(recovery->found, "metrics", &bytes);
        bool good = text && scion_sheet_restore(recovery->metrics, text, bytes);

        free(text);
        return good;
}

/* The block has columns and values in turn, each with its NUL. */
static bool recovery_restore_results(struct scion_recovery *recovery)
{
        size_t bytes;
        char *cells = scion_checkpoint_take(recovery->found, "results", &bytes);

        for (const char *at = cells; cells && at < cells + bytes;) {
                const char *value = at + strlen(at) + 1;

                scion_row_text(recovery->results, at, value);
                at = value + strlen(value) + 1;
        }
        free(cells);
        return cells && (!recovery->results->failed || scion_fail("out of memory"));
}

bool scion_recovery_open(struct scion_recovery *recovery)
{
        size_t bytes;

        recovery->written = scion_clock();
        recovery->found = scion_checkpoint_open(recovery->path, recovery->fingerprint);
        if (!recovery->found) {
                if (*scion_error())
                        fprintf(recovery->log, "the checkpoint is not used: %s\n", scion_error());
                return true;
        }
        recovery->stage = scion_checkpoint_take(recovery->found, "stage", &bytes);
        return recovery->stage &&
               scion_checkpoint_take_into(recovery->found, "epoch", &recovery->epoch,
                                          sizeof recovery->epoch) &&
               scion_checkpoint_take_into(recovery->found, "seconds", &recovery->before,
                                          sizeof recovery->before) &&
               recovery_restore_metrics(recovery) && recovery_restore_results(recovery);
}

void scion_recovery_finish(struct scion_recovery *recovery)
{
        scion_checkpoint_close(recovery->found);
        free(recovery->stage);
        scion_storage_destroy(recovery->source);
        *recovery = (struct scion_recovery){ 0 };
}

bool scion_recovery_found(const struct scion_recovery *recovery, const char *stage)
{
        return recovery && recovery->found && (!stage || strcmp(recovery->stage, stage) == 0);
}

bool scion_recovery_source(struct scion_recovery *recovery, struct scion_model *source)
{
        return scion_checkpoint_take_into_storage(recovery->found, "source", source->values);
}

bool scion_recovery_refuse(struct scion_recovery *recovery, const char *why)
{
        scion_checkpoint_close(recovery->found);
        recovery->found = NULL;
        unlink(recovery->path);
        return scion_fail("%s: %s; it is removed, and the next start begins at the beginning", recovery->path,
                          why);
}

bool scion_recovery_restore(struct scion_recovery *recovery, const struct scion_state *state)
{
        if (!scion_checkpoint_restore(recovery->found, state))
                return scion_recovery_refuse(recovery, scion_error());
        scion_checkpoint_close(recovery->found);
        recovery->found = NULL;
        return true;
}

/* --- Saving --------------------------------------------------------------------------------------------- */

bool scion_recovery_due(const struct scion_recovery *recovery)
{
        if (!recovery || !recovery->path)
                return false;
        double since = scion_clock() - recovery->written;

        return recovery->interval <= 0 || (since >= recovery->interval && since >= SHARE * recovery->cost);
}

/* Returns the columns and values of the row in turn, each with its NUL. The caller frees them. */
static char *row_cells(const struct scion_row *row, size_t *bytes)
{
        char *cells, *at;

        *bytes = 0;
        for (size_t i = 0; i < row->count; i++)
                *bytes += strlen(row->cell[i].column) + strlen(row->cell[i].value) + 2;
        at = cells = malloc(*bytes + 1);
        if (!cells)
                return scion_fail_null("out of memory");
        for (size_t i = 0; i < row->count; i++) {
                at = stpcpy(at, row->cell[i].column) + 1;
                at = stpcpy(at, row->cell[i].value) + 1;
        }
        return cells;
}

static bool recovery_write(const struct scion_recovery *recovery, const char *stage, int64_t epoch,
                           struct scion_state *state)
{
        double seconds = recovery->before + scion_clock() - scion_clock_start();
        size_t bytes = 0, length = 0;
        char *cells = row_cells(recovery->results, &bytes);
        char *metrics = cells ? scion_sheet_text(recovery->metrics, &length) : NULL;

        scion_state_add(state, "stage", (void *)(uintptr_t)stage, strlen(stage)); /* only read */
        scion_state_add(state, "epoch", &epoch, sizeof epoch);
        scion_state_add(state, "seconds", &seconds, sizeof seconds);
        scion_state_add(state, "results", cells, bytes);
        scion_state_add(state, "metrics", metrics, length);
        if (recovery->source)
                scion_state_add_storage(state, "source", recovery->source, 0, recovery->source->bytes);
        bool good = metrics && scion_checkpoint_write(recovery->path, recovery->fingerprint, state);

        free(cells);
        free(metrics);
        return good;
}

void scion_recovery_save(struct scion_recovery *recovery, const char *stage, int64_t epoch,
                         struct scion_state *state)
{
        double began = scion_clock();

        if (!recovery || !recovery->path)
                return;
        if (!recovery_write(recovery, stage, epoch, state)) {
                fprintf(recovery->log, "no checkpoint: %s\n", scion_error());
                scion_error_clear();
        }
        recovery->written = scion_clock();
        recovery->cost = recovery->written - began;
}
