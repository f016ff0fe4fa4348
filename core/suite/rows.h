/* The results of a suite: what earlier calls have found, and a row for each run that has ended since. */
#ifndef SCION_SUITE_ROWS_H
#define SCION_SUITE_ROWS_H

#include "process/process.h"
#include "suite/plan.h"
#include "table/sheet.h"

struct scion_rows {
        const struct scion_plan *plan;
        const char *folder;        /* OUT/NAME */
        char *path;                /* its results.csv */
        struct scion_sheet *table; /* NULL until there is a row */
        bool retry_failed;
        bool *done;                        /* by an earlier call, which may have failed */
        bool values;                       /* the targets are known to be values, not classes */
        bool stale;                        /* results.csv has other rows than the table */
        size_t finished, failed;           /* runs, with those of earlier calls */
        size_t *unsettled, unsettled_runs; /* finished, and their results perhaps not on the disk yet */
        double settled;                    /* when the others' were put there */
};

/* Nothing is read yet. `folder` outlives it. scion_rows_close() ends it, also after a failure. */
bool scion_rows_open(struct scion_rows *rows, const struct scion_plan *plan, const char *folder,
                     bool retry_failed);
void scion_rows_close(struct scion_rows *rows);

/* Finds what earlier calls have done. False when a file there is no file of results, or memory is out. */
bool scion_rows_read(struct scion_rows *rows);

/* Adds the row of a run of the plan. One that could not be written, as on a full disk, is kept for
 * scion_rows_end(). */
bool scion_rows_add(struct scion_rows *rows, size_t run, const struct scion_report *report);

/* Removes what a run could be gone on from, of those whose results are on the disk, to survive a power failure. Now
 * and then, or of all with `last`. */
bool scion_rows_settle(struct scion_rows *rows, bool last);

/* Puts the rows into the plan's order, for good. */
bool scion_rows_end(struct scion_rows *rows);

/* The folder of a run; the caller frees it. NULL when memory is out. */
char *scion_rows_folder(const struct scion_rows *rows, const struct scion_planned *planned);

#endif
