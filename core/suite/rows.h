/* The rows of a suite's results.csv: those of previous calls, and one for each run that has ended since. */
#ifndef SCION_SUITE_ROWS_H
#define SCION_SUITE_ROWS_H

#include "process/process.h"
#include "suite/inputs.h"
#include "suite/plan.h"
#include "table/sheet.h"

/* The rows of a suite's results, and which runs they cover. */
struct scion_rows {
        const struct scion_plan *plan;
        const char *folder;                     /* OUT/NAME */
        char *path;                             /* path of results.csv */
        struct scion_sheet *table;              /* NULL until there is a row */
        bool retry_failed, keep_changed, rerun; /* as in struct scion_suite_options */
        struct scion_inputs inputs;
        size_t changed; /* count of finished runs that are run again because their inputs have changed */
        bool *done;     /* for each run of the plan: it has a row of a previous call, done or failed */
        bool values;    /* the task is regression, not classification */
        bool stale;     /* results.csv does not have the same rows as the table */
        size_t finished, failed; /* counts of runs, including those of previous calls */
        /* finished runs whose rows may not be on the disk yet, so that their checkpoints are kept */
        size_t *checkpointed, checkpointed_runs;
        double synced_at; /* time of the last sync to disk */
};

/* Initialises; reads nothing yet. `folder` must outlive it. The caller sets retry_failed, keep_changed and
 * rerun afterwards. Call scion_rows_close() also after a failure. */
bool scion_rows_open(struct scion_rows *rows, const struct scion_plan *plan, const char *folder);
void scion_rows_close(struct scion_rows *rows);

/*
 * Reads the results of previous calls. Returns false when a file there is not a file of results, or memory is
 * out.
 */
bool scion_rows_read(struct scion_rows *rows);

/*
 * Adds the row of a run of the plan. Returns false if it could not be written, as on a full disk;
 * scion_rows_end() tries again.
 */
bool scion_rows_add(struct scion_rows *rows, size_t run, const struct scion_report *report);

/*
 * Removes the checkpoints of finished runs after syncing their rows to the disk, so that results survive a
 * power failure. Syncs at most once a second, except with `last`.
 */
bool scion_rows_discard_checkpoints(struct scion_rows *rows, bool last);

/* Writes all rows and sorts them in the order of the plan. */
bool scion_rows_end(struct scion_rows *rows);

/* Returns the path of a run's folder, which the caller frees; NULL when memory is out. */
char *scion_rows_folder(const struct scion_rows *rows, const struct scion_planned *planned);

#endif
