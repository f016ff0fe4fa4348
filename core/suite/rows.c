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

static bool column_is_fixed(const char *path)
{
        return strcmp(path, "strategy") == 0 || strcmp(path, "seed") == 0;
}

/*
 * Columns: run, status, strategy, seed; the other axes; what was measured. `values` selects the metrics of
 * regression.
 */
static bool rows_create_table(struct scion_rows *rows, bool values)
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
                if (!column_is_fixed(run->point[i].path))
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

static bool rows_add_row(struct scion_rows *rows, const struct scion_row *row)
{
        if (!rows->table && (!scion_make_folders(rows->folder) ||
                             !rows_create_table(rows, rows->values || scion_row_get(row, "test_mse"))))
                return false;
        return scion_sheet_add(rows->table, row);
}

/* Adds a row of an old file to the sheet in memory, unchanged. */
static bool sheet_hold_row(struct scion_sheet *sheet, const struct scion_csv_table *old, size_t index)
{
        struct scion_row row = { 0 };

        scion_row_copy(&row, old, index);
        bool good = scion_sheet_add_in_memory(sheet, &row);

        scion_row_finish(&row);
        return good;
}

static void run_forget_checkpoint(const struct scion_rows *rows, const struct scion_planned *planned)
{
        char *folder = scion_rows_folder(rows, planned);

        if (folder)
                scion_run_forget(folder);
        free(folder);
}

/* Returns whether the inputs of a finished run have changed since. Then the run starts from the beginning. */
static bool run_has_changed(struct scion_rows *rows, const struct scion_planned *planned)
{
        char *folder = scion_rows_folder(rows, planned), *inputs = NULL;
        bool changed = false;

        if (folder && !rows->keep_changed && (inputs = scion_inputs_describe(&rows->inputs, planned)))
                changed = scion_inputs_changed(folder, inputs);
        if (changed)
                run_forget_checkpoint(rows, planned);
        free(inputs);
        free(folder);
        return changed;
}

/* Records what a finished run was made from, as it was when the suite began. */
static bool run_record_inputs(struct scion_rows *rows, const struct scion_planned *planned)
{
        char *folder = scion_rows_folder(rows, planned);
        char *inputs = folder ? scion_inputs_describe(&rows->inputs, planned) : NULL;
        bool good = inputs && scion_inputs_record(folder, inputs);

        free(inputs);
        free(folder);
        return good;
}

/* Failed runs are kept unless they are to be retried. */
static bool row_is_kept(const struct scion_rows *rows, const struct scion_previous *previous, size_t row)
{
        if (rows->rerun)
                return false;
        return scion_previous_done(previous, row) ||
               (!rows->retry_failed && scion_previous_failed(previous, row));
}

/* Adds the rows of finished runs to the table in memory, and counts them. */
static bool rows_take_finished(struct scion_rows *rows, const struct scion_previous *previous, size_t *kept)
{
        const struct scion_csv_table *file = &previous->rows;

        for (size_t i = 0; i < file->rows; i++) {
                const struct scion_planned *planned =
                        scion_plan_find(rows->plan, scion_previous_id(previous, i));

                if (!planned || !row_is_kept(rows, previous, i) ||
                    rows->done[planned - rows->plan->planned] ||
                    !scion_previous_has_folder(rows->folder, planned->id))
                        continue;
                if (scion_previous_done(previous, i) && run_has_changed(rows, planned)) {
                        rows->changed++;
                        continue;
                }
                if (!rows->table && !rows_create_table(rows, scion_csv_column(file, "test_mse") >= 0))
                        return false;
                if (!sheet_hold_row(rows->table, file, i))
                        return false;
                rows->done[planned - rows->plan->planned] = true;
                rows->finished += scion_previous_done(previous, i);
                rows->failed += !scion_previous_done(previous, i);
                *kept += 1;
                /* A failed run that is retried may resume from its checkpoint. */
                if (scion_previous_done(previous, i))
                        run_forget_checkpoint(rows, planned);
        }
        return true;
}

/* Moves the rows of runs that are no longer in the plan to results.old.csv. */
static bool rows_set_aside(const struct scion_rows *rows, const struct scion_previous *current,
                           const struct scion_previous *old, const char *path)
{
        const char *const *columns = (const char *const *)current->rows.name;
        struct scion_sheet *moved =
                scion_sheet_create_in_memory(path, columns, current->rows.columns, "best_epoch");
        size_t leaving = 0;
        bool good = moved != NULL;

        for (size_t i = 0; good && i < old->rows.rows; i++)
                if (scion_name_map_find(&current->ids, scion_previous_id(old, i)) == SCION_NAME_NONE)
                        good = sheet_hold_row(moved, &old->rows, i);
        for (size_t i = 0; good && i < current->rows.rows; i++) {
                if (scion_plan_find(rows->plan, scion_previous_id(current, i)))
                        continue;
                leaving++;
                good = sheet_hold_row(moved, &current->rows, i);
        }
        good = good && (leaving == 0 || scion_sheet_write(moved));
        scion_sheet_close(moved);
        return good;
}

/*
 * Reads results.csv and results.old.csv: a plan that is used again, after others of the same name, finds its
 * runs in the latter. results.csv itself is not changed until there is a row to add; then all rows are
 * written at once, so that none is missing at any moment.
 */
bool scion_rows_read(struct scion_rows *rows)
{
        struct scion_text path = { 0 };
        struct scion_previous current = { 0 }, old = { 0 };
        size_t kept = 0, kept_old = 0;
        bool good = true;

        /* Reads all files now, so that what is recorded is what the runs begin with. */
        for (size_t i = 0; i < rows->plan->count; i++) {
                free(scion_inputs_describe(&rows->inputs, &rows->plan->planned[i]));
                if (rows->rerun)
                        run_forget_checkpoint(rows, &rows->plan->planned[i]);
        }
        scion_text_add(&path, "%s/results.old.csv", rows->folder);
        if (path.failed)
                good = scion_fail("out of memory");
        good = good && scion_previous_read(rows->path, &current) && scion_previous_read(path.text, &old);
        good = good && rows_take_finished(rows, &current, &kept) && rows_take_finished(rows, &old, &kept_old);
        good = good && (current.rows.rows == 0 || rows_set_aside(rows, &current, &old, path.text));
        rows->stale = kept_old > 0 || kept < current.rows.rows || current.cut;
        scion_previous_finish(&current);
        scion_previous_finish(&old);
        free(path.text);
        return good;
}

static size_t row_place_in_plan(void *context, const struct scion_row *row)
{
        const struct scion_plan *plan = context;
        const struct scion_planned *planned = scion_plan_find(plan, scion_row_get(row, "run"));

        return planned ? (size_t)(planned - plan->planned) : plan->count;
}

static bool rows_record(struct scion_rows *rows, const struct scion_planned *planned,
                        const struct scion_report *report)
{
        struct scion_row row = { 0 };
        bool good;

        scion_row_text(&row, "run", planned->id);
        scion_row_text(&row, "status", report->status == SCION_GOOD ? "done" : "failed");
        scion_row_text(&row, "strategy", planned->strategy);
        scion_row_text(&row, "seed", planned->seed);
        for (size_t i = 0; i < planned->run->axes; i++)
                if (!column_is_fixed(planned->run->point[i].path))
                        scion_row_text(&row, planned->run->point[i].path, planned->run->point[i].label);
        for (size_t i = 0; i < report->cells.count; i++)
                scion_row_text(&row, report->cells.cell[i].column, report->cells.cell[i].value);
        if (!scion_row_get(&row, "seconds")) /* a resumed run reports the time of all its parts */
                scion_row_fixed(&row, "seconds", report->seconds, 3);
        scion_row_fixed(&row, "peak_mib", report->peak_mib, 1);
        if (report->status != SCION_GOOD)
                scion_row_text(&row, "error", report->message);
        good = rows_add_row(rows, &row);
        scion_row_finish(&row);
        return good;
}

/* Syncing is slow, so it is done at most once a second. */
bool scion_rows_discard_checkpoints(struct scion_rows *rows, bool last)
{
        if (rows->checkpointed_runs == 0 || (!last && scion_clock() - rows->synced_at < 1))
                return true;
        if (!scion_sheet_sync(rows->table) || !scion_folder_sync(rows->path))
                return false;
        for (size_t i = 0; i < rows->checkpointed_runs; i++)
                run_forget_checkpoint(rows, &rows->plan->planned[rows->checkpointed[i]]);
        rows->checkpointed_runs = 0;
        rows->synced_at = scion_clock();
        return true;
}

bool scion_rows_add(struct scion_rows *rows, size_t run, const struct scion_report *report)
{
        bool failed = report->status != SCION_GOOD;

        rows->finished += !failed;
        rows->failed += failed;
        if ((!failed && !run_record_inputs(rows, &rows->plan->planned[run])) ||
            !rows_record(rows, &rows->plan->planned[run], report)) {
                rows->stale = true;
                return false;
        }
        if (!failed)
                rows->checkpointed[rows->checkpointed_runs++] = run;
        return true;
}

bool scion_rows_end(struct scion_rows *rows)
{
        return (!rows->stale || !rows->table || scion_sheet_write(rows->table)) &&
               (!rows->table || scion_sheet_sort(rows->table, row_place_in_plan, (void *)rows->plan)) &&
               scion_rows_discard_checkpoints(rows, true);
}

bool scion_rows_open(struct scion_rows *rows, const struct scion_plan *plan, const char *folder)
{
        struct scion_text path = { 0 };

        scion_text_add(&path, "%s/results.csv", folder);
        *rows = (struct scion_rows){ .plan = plan,
                                     .folder = folder,
                                     .path = path.text,
                                     .done = calloc(plan->count, sizeof *rows->done),
                                     .checkpointed = calloc(plan->count, sizeof *rows->checkpointed) };
        return (!path.failed && rows->done && rows->checkpointed) || scion_fail("out of memory");
}

void scion_rows_close(struct scion_rows *rows)
{
        scion_sheet_close(rows->table);
        free(rows->path);
        free(rows->done);
        free(rows->checkpointed);
        scion_inputs_finish(&rows->inputs);
        *rows = (struct scion_rows){ 0 };
}
