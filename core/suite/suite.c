#include "suite/suite.h"

#include <errno.h>
#include <math.h>
#include <scion/error.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/lock.h"
#include "base/text.h"
#include "report/csv.h"
#include "report/summary.h"
#include "suite/earlier.h"
#include "suite/failure.h"
#include "suite/order.h"
#include "suite/pool.h"
#include "suite/task.h"
#include "train/run.h"

struct suite {
        const struct scion_plan *plan;
        const struct scion_suite_options *options;
        char *folder;              /* OUT/NAME */
        char *results;             /* its results.csv */
        struct scion_sheet *table; /* NULL until there is a row */
        bool *done;                /* by an earlier call, which may have failed */
        bool values;               /* the targets are known to be values, not classes */
        bool stale;                /* results.csv has other rows than the table */
        struct scion_lock lock;
        size_t finished, failed;
        size_t *unsettled, unsettled_runs; /* finished, and their results perhaps not on the disk yet */
        double settled;                    /* when the others' were put there */
        struct scion_pool *pool;
        size_t *working; /* what each of the pool's slots works on */
        struct scion_order order;
        int stopping;           /* 1: nothing more is started, 2: and what runs ends at once */
        struct scion_text halt; /* why, unless it was a signal */
        bool bad;               /* its input was bad, and it is the only run there is */
};

/* --- The table of results
 * -------------------------------------------------------------------------------------------- */

static bool own_column(const char *path)
{
        return strcmp(path, "strategy") == 0 || strcmp(path, "seed") == 0;
}

/* run, status, strategy, seed; the other axes; what was measured. `values`: the targets are values, not
 * classes. */
static bool create_table(struct suite *suite, bool values)
{
        static const char *const head[] = { "run", "status", "strategy", "seed" };
        static const char *const of_classes[] = { "source_test_accuracy", "test_loss", "test_accuracy" };
        static const char *const of_values[] = { "source_test_mae", "source_test_mse", "source_test_r2",
                                                 "test_loss",       "test_mae",        "test_mse",
                                                 "test_r2" };
        static const char *const tail[] = { "best_epoch", "epochs",   "parameters", "trainable",
                                            "seconds",    "peak_mib", "error" };
        const struct scion_config_run *run = suite->plan->planned[0].run;
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
        suite->table = scion_sheet_plan(suite->results, column, count, "best_epoch");
        free(column);
        return suite->table != NULL;
}

/* The caller frees it; NULL when memory is out. */
static char *folder_of(const struct suite *suite, const struct scion_planned *planned)
{
        struct scion_text path = { 0 };

        scion_text_add(&path, "%s/%s", suite->folder, planned->id);
        if (!path.failed)
                return path.text;
        free(path.text);
        return NULL;
}

static bool add_row(struct suite *suite, const struct scion_row *row)
{
        if (!suite->table && (!scion_make_folders(suite->folder) ||
                              !create_table(suite, suite->values || scion_row_get(row, "test_mse"))))
                return false;
        return scion_sheet_add(suite->table, row);
}

/* A row of the file as it was. */
static bool hold_row(struct scion_sheet *sheet, const struct scion_csv_table *old, size_t index)
{
        struct scion_row row = { 0 };

        scion_row_take(&row, old, index);
        bool good = scion_sheet_hold(sheet, &row);

        scion_row_finish(&row);
        return good;
}

static void forget(const struct suite *suite, const struct scion_planned *planned)
{
        char *folder = folder_of(suite, planned);

        if (folder)
                scion_run_forget(folder);
        free(folder);
}

/* Those that failed stay so, unless they are wanted again. */
static bool is_kept(const struct suite *suite, const struct scion_earlier *earlier, size_t row)
{
        return scion_earlier_done(earlier, row) ||
               (!suite->options->retry_failed && scion_earlier_failed(earlier, row));
}

/* Takes over the rows of finished runs, into memory, and counts them. */
static bool take_finished(struct suite *suite, const struct scion_earlier *earlier, size_t *kept)
{
        const struct scion_csv_table *rows = &earlier->rows;

        for (size_t i = 0; i < rows->rows; i++) {
                const struct scion_planned *planned =
                        scion_plan_find(suite->plan, scion_earlier_id(earlier, i));

                if (!planned || !is_kept(suite, earlier, i) || suite->done[planned - suite->plan->planned] ||
                    !scion_earlier_folder(suite->folder, planned->id))
                        continue;
                if (!suite->table && !create_table(suite, scion_csv_column(rows, "test_mse") >= 0))
                        return false;
                if (!hold_row(suite->table, rows, i))
                        return false;
                suite->done[planned - suite->plan->planned] = true;
                suite->finished += scion_earlier_done(earlier, i);
                suite->failed += !scion_earlier_done(earlier, i);
                *kept += 1;
                if (scion_earlier_done(earlier,
                                       i)) /* one that has failed may be gone on with, when retried */
                        forget(suite, planned);
        }
        return true;
}

/* Adds the rows that are to leave results.csv, those of runs that are not in the plan, to results.old.csv. */
static bool set_aside(const struct suite *suite, const struct scion_earlier *now,
                      const struct scion_earlier *before, const char *path)
{
        const char *const *columns = (const char *const *)now->rows.name;
        struct scion_sheet *aside = scion_sheet_plan(path, columns, now->rows.columns, "best_epoch");
        size_t leaving = 0;
        bool good = aside != NULL;

        for (size_t i = 0; good && i < before->rows.rows; i++)
                if (scion_index_find(&now->ids, scion_earlier_id(before, i)) == SCION_INDEX_NONE)
                        good = hold_row(aside, &before->rows, i);
        for (size_t i = 0; good && i < now->rows.rows; i++) {
                if (scion_plan_find(suite->plan, scion_earlier_id(now, i)))
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
static bool keep_finished(struct suite *suite)
{
        struct scion_text path = { 0 };
        struct scion_earlier now = { 0 }, before = { 0 };
        size_t kept = 0, kept_before = 0;
        bool good = true;

        scion_text_add(&path, "%s/results.old.csv", suite->folder);
        if (path.failed)
                good = scion_fail("out of memory");
        good = good && scion_earlier_read(suite->results, &now) && scion_earlier_read(path.text, &before);
        good = good && take_finished(suite, &now, &kept) && take_finished(suite, &before, &kept_before);
        good = good && (now.rows.rows == 0 || set_aside(suite, &now, &before, path.text));
        suite->stale = kept_before > 0 || kept < now.rows.rows || now.cut;
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

/* --- Running -------------------------------------------------------------------------------------------- */

static void say_failed(FILE *file, const struct suite *suite, const struct scion_planned *planned,
                       const struct scion_report *report)
{
        char *folder = folder_of(suite, planned);

        fprintf(file, "failed: %s\n", report->message);
        if (folder)
                scion_failure_show(file, planned, folder);
        free(folder);
}

static void say(const struct suite *suite, const struct scion_planned *planned,
                const struct scion_report *report)
{
        bool failed = report->status != SCION_GOOD;
        FILE *file = suite->options->progress ? suite->options->progress
                     : failed                 ? suite->options->failures
                                              : NULL;
        const char *metric = scion_row_get(&report->cells, "test_accuracy") ? "test_accuracy" : "test_mse";
        const char *value = scion_row_get(&report->cells, metric);

        if (!file)
                return;
        fprintf(file, "[%zu/%zu] %s: ", suite->finished + suite->failed, suite->plan->count, planned->id);
        if (failed)
                say_failed(file, suite, planned, report);
        else if (value)
                fprintf(file, "%s %s, %.1f s\n", metric, value, report->seconds);
        else
                fprintf(file, "done, %.1f s\n", report->seconds);
        if (report->note && *report->note)
                fprintf(file, "  %s\n", report->note);
        fflush(file);
}

static bool record(struct suite *suite, const struct scion_planned *planned,
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
        good = add_row(suite, &row);
        scion_row_finish(&row);
        return good;
}

/*
 * What a run could be gone on from is removed when its results are on the disk, to survive a power failure. Waiting
 * for the disk takes its time, so not more than once a second, but for the last.
 */
static bool settle(struct suite *suite, bool last)
{
        if (suite->unsettled_runs == 0 || (!last && scion_clock() - suite->settled < 1))
                return true;
        if (!scion_sheet_sync(suite->table) || !scion_folder_sync(suite->results))
                return false;
        for (size_t i = 0; i < suite->unsettled_runs; i++)
                forget(suite, &suite->plan->planned[suite->unsettled[i]]);
        suite->unsettled_runs = 0;
        suite->settled = scion_clock();
        return true;
}

/* Nothing more is started, and what runs ends where it can be gone on with. */
static void halt(struct suite *suite, const char *format, ...)
{
        char text[1024];
        va_list arguments;

        if (suite->halt.text)
                return;
        va_start(arguments, format);
        vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        scion_text_add(&suite->halt, "%s", text);
        if (suite->stopping == 0) {
                suite->stopping = 1;
                scion_pool_stop(suite->pool, false);
        }
}

/* A row that could not be written is kept in memory: at the end there may be room for it. */
static void take_result(struct suite *suite, size_t run, const struct scion_report *report)
{
        const struct scion_planned *planned = &suite->plan->planned[run];
        bool failed = report->status != SCION_GOOD;
        char *folder = folder_of(suite, planned);

        suite->finished += !failed;
        suite->failed += failed;
        if (!record(suite, planned, report)) {
                suite->stale = true;
                halt(suite, "%s", scion_error());
        } else if (!failed) {
                suite->unsettled[suite->unsettled_runs++] = run;
        }
        say(suite, planned, report);
        if (failed && folder)
                scion_failure_log(folder, report->message);
        if (failed && suite->options->fail_fast)
                halt(suite, "stopped at the first failure, %s: %s", planned->id, report->message);
        if (!settle(suite, false))
                halt(suite, "%s", scion_error());
        free(folder);
}

/* What became of a run. One that was stopped has no row: it is as good as not started. So is one that found the
 * disk full, which is not its fault, and is so for all. */
static void take_report(struct suite *suite, int slot, const struct scion_report *report)
{
        const struct scion_planned *planned = &suite->plan->planned[suite->working[slot]];

        scion_order_ended(&suite->order, suite->working[slot], report->status == SCION_GOOD);
        if (report->status == SCION_STOPPED)
                return;
        if (!report->message) {
                halt(suite, "out of memory");
                return;
        }
        if (report->status == SCION_BAD_INPUT && suite->plan->count == 1) {
                suite->bad = true;
                scion_fail("%s", report->message);
        } else if (report->status != SCION_GOOD && scion_failure_is_of_space(report->message)) {
                halt(suite, "%s: %s", planned->id, report->message);
        } else {
                take_result(suite, suite->working[slot], report);
        }
}

static bool start(struct suite *suite, size_t run)
{
        struct scion_task task = { &suite->plan->planned[run], suite->folder, suite->plan->count > 1,
                                   suite->options->interval };
        int slot = scion_pool_free_slot(suite->pool);

        suite->working[slot] = run;
        return scion_pool_start(suite->pool, slot, &task.planned->limits, scion_task_work, &task);
}

/* SIGINT lets the epochs at hand end; a second one does not, and neither do the others. */
static void take_signal(struct suite *suite, int number)
{
        FILE *file = suite->options->progress;

        suite->stopping = number == SIGINT && suite->stopping == 0 ? 1 : 2;
        scion_pool_stop(suite->pool, suite->stopping == 2);
        if (suite->stopping == 1 && file) {
                fputs("stopping after the epochs at hand; interrupt again to stop now\n", file);
                fflush(file);
        }
}

static void take_event(struct suite *suite, struct scion_event *event)
{
        if (event->kind == SCION_EVENT_PROGRESS) {
                scion_order_told(&suite->order, suite->working[event->slot], &event->progress);
        } else if (event->kind == SCION_EVENT_ENDED) {
                take_report(suite, event->slot, &event->report);
                scion_report_finish(&event->report);
        } else if (event->kind == SCION_EVENT_SIGNAL && event->signal != SIGWINCH) {
                take_signal(suite, event->signal);
        }
}

/* All that are left, as many at a time as the pool has slots for. */
static bool run_left(struct suite *suite)
{
        bool good = true;

        for (;;) {
                struct scion_event event;

                while (good && !suite->stopping && scion_pool_free_slot(suite->pool) >= 0) {
                        size_t next = scion_order_next(&suite->order);

                        if (next == suite->plan->count)
                                break;
                        good = start(suite, next);
                }
                if (scion_pool_running(suite->pool) == 0)
                        return good;
                if (!scion_pool_next(suite->pool, INFINITY, &event))
                        return false;
                take_event(suite, &event);
        }
}

static enum scion_status run_all(struct suite *suite)
{
        suite->pool = scion_pool_create(suite->options->jobs);
        bool good =
                suite->pool && scion_order_start(&suite->order, suite->plan, suite->done) && run_left(suite);

        scion_order_finish(&suite->order);
        scion_pool_destroy(suite->pool);
        suite->pool = NULL;
        if (suite->bad)
                return SCION_BAD_INPUT;
        if (!good || (suite->stale && suite->table && !scion_sheet_write(suite->table)) ||
            (suite->table && !scion_sheet_sort(suite->table, place_in_plan, (void *)suite->plan)) ||
            !settle(suite, true))
                return SCION_FAILED;
        if (suite->halt.text || suite->stopping) {
                scion_fail("%s%s%zu of %zu runs are done; the same command goes on",
                           suite->halt.text ? suite->halt.text : "stopped", suite->halt.text ? "; " : ", ",
                           suite->finished, suite->plan->count);
                return suite->halt.text ? SCION_FAILED : SCION_STOPPED;
        }
        if (suite->failed == 0)
                return SCION_GOOD;
        scion_fail("%zu of %zu runs failed; see the column 'error' of %s; --retry-failed runs them again",
                   suite->failed, suite->plan->count, suite->results);
        return SCION_FAILED;
}

/* --- The whole
 * ------------------------------------------------------------------------------------------------------- */

static bool open_suite(struct suite *suite)
{
        struct scion_text folder = { 0 }, results = { 0 };
        size_t jobs = (size_t)suite->options->jobs;

        scion_text_add(&folder, "%s/%s", suite->options->out, suite->plan->name);
        scion_text_add(&results, "%s/%s/results.csv", suite->options->out, suite->plan->name);
        suite->folder = folder.text;
        suite->results = results.text;
        suite->done = calloc(suite->plan->count, sizeof *suite->done);
        suite->unsettled = calloc(suite->plan->count, sizeof *suite->unsettled);
        suite->working = calloc(jobs, sizeof *suite->working);
        if (folder.failed || results.failed || !suite->done || !suite->unsettled || !suite->working)
                return scion_fail("out of memory");
        return true;
}

static void close_suite(struct suite *suite)
{
        scion_sheet_close(suite->table);
        scion_lock_release(&suite->lock);
        free(suite->folder);
        free(suite->results);
        free(suite->done);
        free(suite->unsettled);
        free(suite->working);
        free(suite->halt.text);
}

static bool writable(const struct suite *suite)
{
        if (!scion_make_folders(suite->folder))
                return false;
        return access(suite->folder, W_OK) == 0 || scion_fail("%s: %s", suite->folder, strerror(errno));
}

/*
 * Two at once would write each other's files. The children hold the lock too, until the last has ended; those
 * of a killed command take a moment to go, and are waited for. A file system without locks does without.
 */
static bool lock(struct suite *suite)
{
        const struct timespec moment = { .tv_nsec = 50 * 1000 * 1000 };
        enum scion_locked locked = suite->lock.path ? SCION_LOCKED : SCION_LOCK_BUSY;
        struct scion_text path = { 0 };

        scion_text_add(&path, "%s/suite", suite->folder);
        if (path.failed)
                return scion_fail("out of memory");
        for (int tries = 0; locked == SCION_LOCK_BUSY && tries < 20; tries++) {
                if (tries > 0)
                        nanosleep(&moment, NULL);
                locked = scion_lock_take(path.text, &suite->lock);
        }
        free(path.text);
        return locked != SCION_LOCK_BUSY || scion_fail_prefix("another scion is running there");
}

static void say_kept(const struct suite *suite)
{
        FILE *file = suite->options->progress;

        if (!file || suite->finished + suite->failed == 0)
                return;
        fprintf(file, "%zu of %zu runs were done before", suite->finished, suite->plan->count);
        if (suite->failed > 0)
                fprintf(file, ", and %zu failed; --retry-failed runs those again", suite->failed);
        fputc('\n', file);
}

static enum scion_status run_suite(struct suite *suite)
{
        size_t count = suite->plan->count;

        if (!lock(suite))
                return SCION_FAILED;
        scion_remove_leftovers(suite->folder);
        if (!keep_finished(suite))
                return SCION_BAD_INPUT;
        say_kept(suite);
        if (count > 1 && suite->finished + suite->failed < count) {
                enum scion_status status = scion_plan_check(suite->plan, &suite->values, NULL);

                /* A plugin that crashes here will do so in its own runs, and no others. */
                if (status == SCION_BAD_INPUT || status == SCION_STOPPED)
                        return status;
                if (!writable(suite))
                        return SCION_BAD_INPUT;
                if (!lock(suite))
                        return SCION_FAILED;
        }
        return run_all(suite);
}

enum scion_status scion_suite_run(const struct scion_plan *plan, const struct scion_suite_options *options,
                                  FILE *summary)
{
        struct suite suite = { .plan = plan, .options = options };
        enum scion_status status = SCION_FAILED;

        if (open_suite(&suite)) {
                status = run_suite(&suite);
                if (suite.table && summary) {
                        fputc('\n', summary);
                        if (!scion_summary_print(suite.table, plan->planned[0].run, summary))
                                status = SCION_FAILED;
                        fprintf(summary, "\n%s\n", suite.results);
                }
        }
        close_suite(&suite);
        return status;
}
