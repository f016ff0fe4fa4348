#include "suite/rows.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "file/files.h"
#include "run/run.h"
#include "suite/previous.h"
#include "table/csv.h"

static bool own_column(const char *path)
{
        return strcmp(path, "strategy") == 0 || strcmp(path, "seed") == 0;
}

/* run, status, strategy, seed; the other axes; what was measured. `values`: the targets are values, not
 * classes. */
static bool create_table(struct scion_rows *rows, bool values)
{
        static const char *const head[] = { "run", "status", "strategy", "seed" };
        static const char *const of_classes[] = { "source_test_accuracy", "test_loss", "test_accuracy" };
        static const char *const of_values[] = { "source_test_mae", "source_test_mse", "source_test_r2",
                                                 "test_loss",       "test_mae",        "test_mse",
                                                 "test_r2" };
        static const char *const tail[] = { "best_epoch", "epochs",   "parameters", "trainable",
                                            "seconds",    "peak_mib", "error" };
        const struct scion_config_run *run = rows->plan->planned[0].run;
        const char **column = malloc((20 + run->axes) * sizeof *column);
        size_t count = 0;

        if (!column)
                return scion_fail("out of memory");
        for (size_t i = 0; i < 4; i++)
                column[count++] = head[i];
        for (size_t i = 0; i < run->axes; i++)
                if (!own_column(run->point[i].path))
                        column[count++] = run->point[i].path;
        for (size_t i = 0; i < (values ? 7 : 3); i++)
                column[count++] = values ? of_values[i] : of_classes[i];
        for (size_t i = 0; i < 7; i++)
                column[count++] = tail[i];
        rows->table = scion_sheet_create_in_memory(rows->path, column, count, "best_epoch");
        free(column);
        return rows->table != NULL;
}

char *scion_rows_folder(const struct scion_rows *rows, const struct scion_planned *planned)
{
        return scion_path_join(rows->folder, planned->id);
}

static bool add_row(struct scion_rows *rows, const struct scion_row *row)
{
        if (!rows->table && (!scion_make_folders(rows->folder) ||
                             !create_table(rows, rows->values || scion_row_get(row, "test_mse"))))
                return false;
        return scion_sheet_add(rows->table, row);
}

/* A row of the file as it was. */
static bool hold_row(struct scion_sheet *sheet, const struct scion_csv_table *old, size_t index)
{
        struct scion_row row = { 0 };

        scion_row_copy(&row, old, index);
        bool good = scion_sheet_add_in_memory(sheet, &row);

        scion_row_finish(&row);
        return good;
}

static void forget(const struct scion_rows *rows, const struct scion_planned *planned)
{
        char *folder = scion_rows_folder(rows, planned);

        if (folder)
                scion_run_forget(folder);
        free(folder);
}

/* Those that failed stay so, unless they are wanted again. */
static bool is_kept(const struct scion_rows *rows, const struct scion_earlier *earlier, size_t row)
{
        return scion_earlier_done(earlier, row) ||
               (!rows->retry_failed && scion_earlier_failed(earlier, row));
}

/* Takes over the rows of finished runs, into memory, and counts them. */
static bool take_finished(struct scion_rows *rows, const struct scion_earlier *earlier, size_t *kept)
{
        const struct scion_csv_table *file = &earlier->rows;

        for (size_t i = 0; i < file->rows; i++) {
                const struct scion_planned *planned =
                        scion_plan_find(rows->plan, scion_earlier_id(earlier, i));

                if (!planned || !is_kept(rows, earlier, i) || rows->done[planned - rows->plan->planned] ||
                    !scion_earlier_folder(rows->folder, planned->id))
                        continue;
                if (!rows->table && !create_table(rows, scion_csv_column(file, "test_mse") >= 0))
                        return false;
                if (!hold_row(rows->table, file, i))
                        return false;
                rows->done[planned - rows->plan->planned] = true;
                rows->finished += scion_earlier_done(earlier, i);
                rows->failed += !scion_earlier_done(earlier, i);
                *kept += 1;
                /* One that has failed may be gone on with, when it is retried. */
                if (scion_earlier_done(earlier, i))
                        forget(rows, planned);
        }
        return true;
}

/* Adds the rows that are to leave results.csv, those of runs that are not in the plan, to results.old.csv. */
static bool set_aside(const struct scion_rows *rows, const struct scion_earlier *now,
                      const struct scion_earlier *before, const char *path)
{
        const char *const *columns = (const char *const *)now->rows.name;
        struct scion_sheet *aside =
                scion_sheet_create_in_memory(path, columns, now->rows.columns, "best_epoch");
        size_t leaving = 0;
        bool good = aside != NULL;

        for (size_t i = 0; good && i < before->rows.rows; i++)
                if (scion_name_map_find(&now->ids, scion_earlier_id(before, i)) == SCION_NAME_NONE)
                        good = hold_row(aside, &before->rows, i);
        for (size_t i = 0; good && i < now->rows.rows; i++) {
                if (scion_plan_find(rows->plan, scion_earlier_id(now, i)))
                        continue;
                leaving++;
                good = hold_row(aside, &now->rows, i);
        }
        good = good && (leaving == 0 || scion_sheet_write(aside));
        scion_sheet_close(aside);
        return good;
}

/*
 * Finds what earlier calls have finished. A plan that comes back, after others of the same name, finds its
 * runs in results.old.csv. results.csv itself stays as it is until there is a row to add: then all are
 * written at once, and no moment is without them.
 */
bool scion_rows_read(struct scion_rows *rows)
{
        struct scion_text path = { 0 };
        struct scion_earlier now = { 0 }, before = { 0 };
        size_t kept = 0, kept_before = 0;
        bool good = true;

        scion_text_add(&path, "%s/results.old.csv", rows->folder);
        if (path.failed)
                good = scion_fail("out of memory");
        good = good && scion_earlier_read(rows->path, &now) && scion_earlier_read(path.text, &before);
        good = good && take_finished(rows, &now, &kept) && take_finished(rows, &before, &kept_before);
        good = good && (now.rows.rows == 0 || set_aside(rows, &now, &before, path.text));
        rows->stale = kept_before > 0 || kept < now.rows.rows || now.cut;
        scion_earlier_finish(&now);
        scion_earlier_finish(&before);
        free(path.text);
        return good;
}

static size_t place_in_plan(void *context, const struct scion_row *row)
{
        const struct scion_plan *plan = context;
        const struct scion_planned *planned = scion_plan_find(plan, scion_row_get(row, "run"));

        return planned ? (size_t)(planned - plan->planned) : plan->count;
}

static bool record(struct scion_rows *rows, const struct scion_planned *planned,
                   const struct scion_report *report)
{
        struct scion_row row = { 0 };
        bool good;

        scion_row_text(&row, "run", planned->id);
        scion_row_text(&row, "status", report->status == SCION_GOOD ? "done" : "failed");
        scion_row_text(&row, "strategy", planned->strategy);
        scion_row_text(&row, "seed", planned->seed);
        for (size_t i = 0; i < planned->run->axes; i++)
                if (!own_column(planned->run->point[i].path))
                        scion_row_text(&row, planned->run->point[i].path, planned->run->point[i].label);
        for (size_t i = 0; i < report->cells.count; i++)
                scion_row_text(&row, report->cells.cell[i].column, report->cells.cell[i].value);
        if (!scion_row_get(&row, "seconds")) /* one that was gone on with knows better */
                scion_row_fixed(&row, "seconds", report->seconds, 3);
        scion_row_fixed(&row, "peak_mib", report->peak_mib, 1);
        if (report->status != SCION_GOOD)
                scion_row_text(&row, "error", report->message);
        good = add_row(rows, &row);
        scion_row_finish(&row);
        return good;
}

/* Waiting for the disk takes its time, so not more than once a second, but for the last. */
bool scion_rows_settle(struct scion_rows *rows, bool last)
{
        if (rows->unsettled_runs == 0 || (!last && scion_clock() - rows->settled < 1))
                return true;
        if (!scion_sheet_sync(rows->table) || !scion_folder_sync(rows->path))
                return false;
        for (size_t i = 0; i < rows->unsettled_runs; i++)
                forget(rows, &rows->plan->planned[rows->unsettled[i]]);
        rows->unsettled_runs = 0;
        rows->settled = scion_clock();
        return true;
}

bool scion_rows_add(struct scion_rows *rows, size_t run, const struct scion_report *report)
{
        bool failed = report->status != SCION_GOOD;

        rows->finished += !failed;
        rows->failed += failed;
        if (!record(rows, &rows->plan->planned[run], report)) {
                rows->stale = true;
                return false;
        }
        if (!failed)
                rows->unsettled[rows->unsettled_runs++] = run;
        return true;
}

bool scion_rows_end(struct scion_rows *rows)
{
        return (!rows->stale || !rows->table || scion_sheet_write(rows->table)) &&
               (!rows->table || scion_sheet_sort(rows->table, place_in_plan, (void *)rows->plan)) &&
               scion_rows_settle(rows, true);
}

bool scion_rows_open(struct scion_rows *rows, const struct scion_plan *plan, const char *folder,
                     bool retry_failed)
{
        struct scion_text path = { 0 };

        scion_text_add(&path, "%s/results.csv", folder);
        *rows = (struct scion_rows){ .plan = plan,
                                     .folder = folder,
                                     .path = path.text,
                                     .retry_failed = retry_failed,
                                     .done = calloc(plan->count, sizeof *rows->done),
                                     .unsettled = calloc(plan->count, sizeof *rows->unsettled) };
        return (!path.failed && rows->done && rows->unsettled) || scion_fail("out of memory");
}

void scion_rows_close(struct scion_rows *rows)
{
        scion_sheet_close(rows->table);
        free(rows->path);
        free(rows->done);
        free(rows->unsettled);
        *rows = (struct scion_rows){ 0 };
}
