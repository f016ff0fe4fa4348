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

#include "base/text.h"
#include "file/files.h"
#include "file/lock.h"
#include "process/pool.h"
#include "suite/display.h"
#include "suite/failure.h"
#include "suite/order.h"
#include "suite/rows.h"
#include "suite/summary.h"
#include "suite/task.h"

struct suite {
        const struct scion_plan *plan;
        const struct scion_suite_options *options;
        char *folder; /* OUT/NAME */
        struct scion_rows rows;
        struct scion_lock lock;
        struct scion_pool *pool;
        struct scion_display *display;
        size_t *run_of_slot; /* the run in each slot of the pool */
        struct scion_order order;
        int stopping;           /* 1: starts no more runs; 2: also ends those that run, at once */
        struct scion_text halt; /* why it stops, unless by a signal */
        bool bad_input;         /* the only run of the plan had bad input */
};

/* --- Running -------------------------------------------------------------------------------------------- */

static void failure_print(FILE *file, const struct suite *suite, const struct scion_planned *planned,
                          const struct scion_report *report)
{
        char *folder = scion_rows_folder(&suite->rows, planned);

        scion_failure_print(file, report->message);
        if (folder)
                scion_failure_print_details(file, planned, folder);
        free(folder);
}

static void result_print(const struct suite *suite, const struct scion_planned *planned,
                         const struct scion_report *report)
{
        bool failed = report->status != SCION_GOOD;
        FILE *file = scion_display_lines(suite->display, failed);
        const char *metric = scion_row_get(&report->cells, "test_accuracy") ? "test_accuracy" : "test_mse";
        const char *value = scion_row_get(&report->cells, metric);

        if (!file)
                return;
        fprintf(file, "[%zu/%zu] %s: ", suite->rows.finished + suite->rows.failed, suite->plan->count,
                planned->id);
        if (failed)
                failure_print(file, suite, planned, report);
        else if (value)
                fprintf(file, "%s %s, %.1f s\n", metric, value, report->seconds);
        else
                fprintf(file, "done, %.1f s\n", report->seconds);
        if (report->note && *report->note)
                fprintf(file, "  %s\n", report->note);
        fflush(file);
}

/* Starts no more runs, and asks those that run to save a checkpoint and end. */
static void suite_halt(struct suite *suite, const char *format, ...)
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

/* A resumed run reports the time of all its parts. */
static void display_update(struct suite *suite, int slot, const struct scion_report *report)
{
        const char *seconds = scion_row_get(&report->cells, "seconds");

        if (report->status == SCION_GOOD)
                scion_display_finished(suite->display, slot,
                                       seconds ? strtod(seconds, NULL) : report->seconds);
        else
                scion_display_failed(suite->display, slot);
}

/* A row that could not be written stays in memory; scion_rows_end() tries again. */
static void result_take(struct suite *suite, int slot, const struct scion_report *report)
{
        size_t run = suite->run_of_slot[slot];
        const struct scion_planned *planned = &suite->plan->planned[run];
        bool failed = report->status != SCION_GOOD;
        char *folder = scion_rows_folder(&suite->rows, planned);

        if (!scion_rows_add(&suite->rows, run, report))
                suite_halt(suite, "%s", scion_error());
        result_print(suite, planned, report);
        display_update(suite, slot, report);
        if (failed && folder)
                scion_failure_log(folder, report->message);
        if (failed && suite->options->fail_fast)
                suite_halt(suite, "stopped at the first failure, %s: %s", planned->id, report->message);
        if (!scion_rows_discard_checkpoints(&suite->rows, false))
                suite_halt(suite, "%s", scion_error());
        free(folder);
}

/*
 * Records the end of a run. A stopped run gets no row, and counts as not started. The same holds for a run
 * that found the disk full: that is not its failure, and concerns all runs.
 */
static void report_take(struct suite *suite, int slot, const struct scion_report *report)
{
        const struct scion_planned *planned = &suite->plan->planned[suite->run_of_slot[slot]];

        scion_order_ended(&suite->order, suite->run_of_slot[slot], report->status == SCION_GOOD);
        if (report->status == SCION_STOPPED) {
                scion_display_stopped(suite->display, slot);
        } else if (!report->message) {
                suite_halt(suite, "out of memory");
        } else if (report->status == SCION_BAD_INPUT && suite->plan->count == 1) {
                suite->bad_input = true;
                scion_fail("%s", report->message);
        } else if (report->status != SCION_GOOD && scion_failure_is_disk_full(report->message)) {
                scion_display_stopped(suite->display, slot);
                suite_halt(suite, "%s: %s", planned->id, report->message);
        } else {
                result_take(suite, slot, report);
        }
}

static bool suite_start_run(struct suite *suite, size_t run)
{
        struct scion_task task = { &suite->plan->planned[run], suite->folder, suite->plan->count > 1,
                                   suite->options->interval };
        int slot = scion_pool_free_slot(suite->pool);

        suite->run_of_slot[slot] = run;
        if (!scion_pool_start(suite->pool, slot, &task.planned->limits, scion_task_work, &task))
                return false;
        scion_display_started(suite->display, slot, run);
        return true;
}

/* The first SIGINT lets the current epochs end; a second one, or another signal, stops at once. */
static void signal_take(struct suite *suite, int number)
{
        FILE *file = scion_display_lines(suite->display, false);

        suite->stopping = number == SIGINT && suite->stopping == 0 ? 1 : 2;
        scion_pool_stop(suite->pool, suite->stopping == 2);
        if (suite->stopping == 1 && file) {
                fputs("stopping after the current epochs; interrupt again to stop now\n", file);
                fflush(file);
        }
}

static void event_take(struct suite *suite, struct scion_event *event)
{
        if (event->kind == SCION_EVENT_PROGRESS) {
                scion_order_progress(&suite->order, suite->run_of_slot[event->slot], &event->progress);
                scion_display_progress(suite->display, event->slot, &event->progress);
        } else if (event->kind == SCION_EVENT_ENDED) {
                report_take(suite, event->slot, &event->report);
                scion_report_finish(&event->report);
        } else if (event->kind == SCION_EVENT_SIGNAL && event->signal == SIGWINCH) {
                scion_display_redraw(suite->display);
        } else if (event->kind == SCION_EVENT_SIGNAL && event->signal == SIGTSTP) {
                scion_display_hide(suite->display);
                scion_pool_pause();
        } else if (event->kind == SCION_EVENT_SIGNAL) {
                signal_take(suite, event->signal);
        }
}

/* Runs all runs that are left, as many at a time as the pool has slots. */
static bool suite_run_left(struct suite *suite)
{
        bool good = true;

        for (;;) {
                struct scion_event event;

                while (good && !suite->stopping && scion_pool_free_slot(suite->pool) >= 0) {
                        size_t next = scion_order_next(&suite->order);

                        if (next == suite->plan->count)
                                break;
                        good = suite_start_run(suite, next);
                }
                if (scion_pool_running(suite->pool) == 0)
                        return good;
                if (!scion_pool_next(suite->pool, scion_display_tick(suite->display), &event))
                        return false;
                event_take(suite, &event);
        }
}

static bool suite_create_display(struct suite *suite)
{
        const struct scion_display_start start = {
                .plan = suite->plan,
                .done = suite->rows.done,
                .finished = suite->rows.finished,
                .failed = suite->rows.failed,
                .slots = suite->options->jobs,
        };

        suite->display = scion_display_create(suite->options->progress, suite->options->failures, &start);
        if (suite->display && scion_display_is_live(suite->display))
                scion_pool_catch_stop(suite->pool);
        return suite->display != NULL;
}

static enum scion_status suite_run_all(struct suite *suite)
{
        suite->pool = scion_pool_create(suite->options->jobs);
        bool good = suite->pool && scion_order_start(&suite->order, suite->plan, suite->rows.done) &&
                    suite_create_display(suite) && suite_run_left(suite);

        scion_order_finish(&suite->order);
        scion_display_destroy(suite->display);
        scion_pool_destroy(suite->pool);
        suite->display = NULL;
        suite->pool = NULL;
        if (suite->bad_input)
                return SCION_BAD_INPUT;
        if (!good || !scion_rows_end(&suite->rows))
                return SCION_FAILED;
        if (suite->halt.text || suite->stopping) {
                scion_fail("%s%s%zu of %zu runs are done; the same command goes on",
                           suite->halt.text ? suite->halt.text : "stopped", suite->halt.text ? "; " : ", ",
                           suite->rows.finished, suite->plan->count);
                return suite->halt.text ? SCION_FAILED : SCION_STOPPED;
        }
        if (suite->rows.failed == 0)
                return SCION_GOOD;
        scion_fail("%zu of %zu runs failed; see the column 'error' of %s; --retry-failed runs them again",
                   suite->rows.failed, suite->plan->count, suite->rows.path);
        return SCION_FAILED;
}

/* --- The suite ------------------------------------------------------------------------------------------ */

static bool suite_open(struct suite *suite)
{
        size_t jobs = (size_t)suite->options->jobs;

        suite->folder = scion_path_join(suite->options->out, suite->plan->name);
        suite->run_of_slot = calloc(jobs, sizeof *suite->run_of_slot);
        if (!suite->folder || !suite->run_of_slot)
                return scion_fail("out of memory");
        if (!scion_rows_open(&suite->rows, suite->plan, suite->folder))
                return false;
        suite->rows.retry_failed = suite->options->retry_failed;
        suite->rows.keep_changed = suite->options->keep_changed;
        suite->rows.rerun = suite->options->rerun;
        return true;
}

static void suite_close(struct suite *suite)
{
        scion_rows_close(&suite->rows);
        scion_lock_release(&suite->lock);
        free(suite->folder);
        free(suite->run_of_slot);
        free(suite->halt.text);
}

static bool folder_is_writable(const struct suite *suite)
{
        if (!scion_make_folders(suite->folder))
                return false;
        return access(suite->folder, W_OK) == 0 || scion_fail("%s: %s", suite->folder, strerror(errno));
}

/*
 * Takes the suite's lock, because two processes would overwrite each other's files. Children hold the lock
 * too, until the last has ended. Those of a killed command take a moment to end, so the lock is retried for a
 * second. On a file system that does not support locks, the suite runs unlocked.
 */
static bool suite_lock(struct suite *suite)
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
        return locked != SCION_LOCK_BUSY || scion_fail_prefix("another scion process is running this suite");
}

static void suite_print_kept(const struct suite *suite)
{
        FILE *file = suite->options->progress;
        FILE *warnings = file ? file : suite->options->failures;

        if (warnings && suite->rows.changed > 0)
                fprintf(warnings,
                        "%zu finished run%s: plugins, weights or data have changed since, so %s again; "
                        "--keep-changed keeps the results\n",
                        suite->rows.changed, suite->rows.changed == 1 ? "" : "s",
                        suite->rows.changed == 1 ? "it runs" : "they run");
        if (!file || suite->rows.finished + suite->rows.failed == 0)
                return;
        fprintf(file, "%zu of %zu runs were done before", suite->rows.finished, suite->plan->count);
        if (suite->rows.failed > 0)
                fprintf(file, ", and %zu failed; --retry-failed runs those again", suite->rows.failed);
        fputc('\n', file);
}

static enum scion_status suite_run(struct suite *suite)
{
        size_t count = suite->plan->count;

        if (!suite_lock(suite))
                return SCION_FAILED;
        scion_remove_leftovers(suite->folder);
        if (!scion_rows_read(&suite->rows))
                return SCION_BAD_INPUT;
        suite_print_kept(suite);
        if (count > 1 && suite->rows.finished + suite->rows.failed < count) {
                enum scion_status status = scion_plan_check(suite->plan, &suite->rows.values, NULL);

                /*
                 * A crash of a plugin during the check is not fatal: it will fail in the runs of that plugin
                 * only.
                 */
                if (status == SCION_BAD_INPUT || status == SCION_STOPPED)
                        return status;
                if (!folder_is_writable(suite))
                        return SCION_BAD_INPUT;
                if (!suite_lock(suite))
                        return SCION_FAILED;
        }
        return suite_run_all(suite);
}

enum scion_status scion_suite_run(const struct scion_plan *plan, const struct scion_suite_options *options,
                                  FILE *summary)
{
        struct suite suite = { .plan = plan, .options = options };
        enum scion_status status = SCION_FAILED;

        if (suite_open(&suite)) {
                status = suite_run(&suite);
                if (suite.rows.table && summary) {
                        fputc('\n', summary);
                        if (!scion_summary_print(suite.rows.table, plan->planned[0].run, summary))
                                status = SCION_FAILED;
                        fprintf(summary, "\n%s\n", suite.rows.path);
                }
        }
        suite_close(&suite);
        return status;
}
