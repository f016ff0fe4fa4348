#define _DEFAULT_SOURCE /* usleep */
#include "support/test.h"

#include <math.h>
#include <signal.h>
#include <unistd.h>

#include "process/pool.h"

static enum scion_status work_reports(void *context, const struct scion_observer *observer,
                                      struct scion_row *cells, struct scion_text *note)
{
        (void)observer;
        scion_row_text(cells, "answer", context);
        scion_row_text(cells, "empty", "");
        scion_text_add(note, "all %d loaded", 4);
        return SCION_GOOD;
}

static enum scion_status work_fails(void *context, const struct scion_observer *observer,
                                    struct scion_row *cells, struct scion_text *note)
{
        (void)observer;
        (void)note;
        (void)context;
        scion_row_text(cells, "epochs", "3");
        scion_fail("the loss became not a number");
        return SCION_FAILED;
}

static enum scion_status work_crashes(void *context, const struct scion_observer *observer,
                                      struct scion_row *cells, struct scion_text *note)
{
        (void)observer;
        (void)note;
        (void)context;
        (void)cells;
        signal(SIGSEGV, SIG_DFL); /* a sanitizer may handle the signal */
        raise(SIGSEGV);
        return SCION_GOOD;
}

static enum scion_status work_exits(void *context, const struct scion_observer *observer,
                                    struct scion_row *cells, struct scion_text *note)
{
        (void)observer;
        (void)note;
        (void)context;
        (void)cells;
        _Exit(0);
}

/*
 * Sends the progress of an epoch, waits up to ten seconds to be asked to stop, and notes that in the cell
 * "stopped".
 */
static enum scion_status work_waits(void *context, const struct scion_observer *observer,
                                    struct scion_row *cells, struct scion_text *note)
{
        const struct scion_progress progress = {
                .phase = SCION_AT_EPOCH, .stage = "target", .epoch = 3, .epochs = 7, .train_loss = 0.5
        };

        (void)context;
        (void)note;
        scion_observer_tell(observer, &progress);
        for (int i = 0; i < 10000 && !scion_observer_stopping(observer); i++)
                usleep(1000);
        if (!scion_observer_stopping(observer))
                return SCION_GOOD;
        scion_row_text(cells, "stopped", "yes");
        scion_fail("stopped after epoch 3");
        return SCION_STOPPED;
}

/* Ignores SIGTERM. */
static enum scion_status work_hangs(void *context, const struct scion_observer *observer,
                                    struct scion_row *cells, struct scion_text *note)
{
        (void)cells;
        (void)note;
        if (context)
                signal(SIGTERM, SIG_IGN);
        scion_observer_tell(observer, &(struct scion_progress){ .phase = SCION_AT_START });
        while (pause() < 0)
                ;
        return SCION_GOOD;
}

/* Allocates and writes blocks of a megabyte without end. */
static enum scion_status work_allocates(void *context, const struct scion_observer *observer,
                                        struct scion_row *cells, struct scion_text *note)
{
        (void)context;
        (void)observer;
        (void)cells;
        (void)note;
        for (char *block; (block = malloc(1 << 20));)
                memset(block, 1, 1 << 20);
        scion_fail("out of memory");
        return SCION_FAILED;
}

static enum scion_status work_sends_much(void *context, const struct scion_observer *observer,
                                         struct scion_row *cells, struct scion_text *note)
{
        (void)context;
        (void)note;
        for (int i = 1; i <= 10000; i++) /* far more than the capacity of a pipe */
                scion_observer_tell(observer, &(struct scion_progress){ .phase = SCION_AT_STEP, .step = i });
        char value[20000];

        memset(value, 'x', sizeof value - 1);
        value[sizeof value - 1] = '\0';
        for (int i = 0; i < 20; i++)
                scion_row_text(cells, "long", value);
        return SCION_GOOD;
}

static const struct scion_limits no_limits;

/* Waits for the end of the only process. */
static struct scion_report pool_wait_for_end(struct scion_pool *pool)
{
        struct scion_event event;

        do
                assert_true(scion_pool_next(pool, INFINITY, &event));
        while (event.kind != SCION_EVENT_ENDED);
        assert_int_equal(scion_pool_running(pool), 0);
        return event.report;
}

static struct scion_report work_run_limited(const struct scion_limits *limits, scion_work *work,
                                            void *context)
{
        struct scion_pool *pool = scion_pool_create(1);

        assert_non_null(pool);
        assert_true(scion_pool_start(pool, 0, limits, work, context));
        assert_int_equal(scion_pool_running(pool), 1);
        assert_int_equal(scion_pool_free_slot(pool), -1);
        struct scion_report report = pool_wait_for_end(pool);

        scion_pool_destroy(pool);
        return report;
}

static struct scion_report work_run(scion_work *work, void *context)
{
        return work_run_limited(&no_limits, work, context);
}

static void assert_fails(struct scion_report *report, const char *message)
{
        assert_int_equal(report->status, SCION_FAILED);
        if (!strstr(report->message, message))
                fail_msg("the message \"%s\" does not say \"%s\"", report->message, message);
        scion_report_finish(report);
}

static void good_report(void **state)
{
        char answer[] = "4,2\n\"x\"";
        struct scion_report report = work_run(work_reports, answer);

        (void)state;
        assert_int_equal(report.status, SCION_GOOD);
        assert_string_equal(report.message, "");
        assert_string_equal(report.note, "all 4 loaded");
        assert_string_equal(scion_row_get(&report.cells, "answer"), answer);
        assert_string_equal(scion_row_get(&report.cells, "empty"), "");
        assert_true(report.peak_mib > 0.5);
        scion_report_finish(&report);
}

static void failure_has_message_and_cells(void **state)
{
        struct scion_report report = work_run(work_fails, NULL);

        (void)state;
        assert_int_equal(report.status, SCION_FAILED);
        assert_string_equal(report.message, "the loss became not a number");
        assert_string_equal(scion_row_get(&report.cells, "epochs"), "3");
        scion_report_finish(&report);
}

static void crash_is_named(void **state)
{
        struct scion_report report = work_run(work_crashes, NULL);

        (void)state;
        assert_int_equal(report.status, SCION_FAILED);
        assert_string_equal(report.message, "killed by SIGSEGV (Segmentation fault)");
        scion_report_finish(&report);
}

static void early_exit_is_failure(void **state)
{
        struct scion_report report = work_run(work_exits, NULL);

        (void)state;
        assert_int_equal(report.status, SCION_FAILED);
        assert_string_equal(report.message, "the process ended with status 0 before the run was over");
        scion_report_finish(&report);
}

static void several_at_once(void **state)
{
        struct scion_pool *pool = scion_pool_create(3);
        char names[3][2] = { "0", "1", "2" };
        bool seen[3] = { false };

        (void)state;
        for (int i = 0; i < 3; i++) {
                int slot = scion_pool_free_slot(pool);

                assert_int_equal(slot, i);
                assert_true(scion_pool_start(pool, slot, &no_limits, work_reports, names[slot]));
        }
        while (scion_pool_running(pool) > 0) {
                struct scion_event event;

                assert_true(scion_pool_next(pool, INFINITY, &event));
                assert_int_equal(event.kind, SCION_EVENT_ENDED);
                assert_false(seen[event.slot]);
                seen[event.slot] = true;
                assert_string_equal(scion_row_get(&event.report.cells, "answer"), names[event.slot]);
                scion_report_finish(&event.report);
        }
        scion_pool_destroy(pool);
}

static void progress_is_told_before_the_end(void **state)
{
        struct scion_pool *pool = scion_pool_create(2);
        struct scion_event event;

        (void)state;
        assert_true(scion_pool_start(pool, 0, &no_limits, work_waits, NULL));
        assert_true(scion_pool_next(pool, INFINITY, &event));
        assert_int_equal(event.kind, SCION_EVENT_PROGRESS);
        assert_int_equal(event.slot, 0);
        assert_int_equal(event.progress.phase, SCION_AT_EPOCH);
        assert_string_equal(event.progress.stage, "target");
        assert_int_equal(event.progress.epoch, 3);
        assert_int_equal(event.progress.epochs, 7);
        assert_true(event.progress.train_loss == 0.5);
        assert_true(scion_pool_next(pool, 0.001, &event));
        assert_int_equal(event.kind, SCION_EVENT_TIMEOUT);

        scion_pool_stop(pool, false);
        struct scion_report report = pool_wait_for_end(pool);

        assert_int_equal(report.status, SCION_STOPPED);
        assert_string_equal(scion_row_get(&report.cells, "stopped"), "yes");
        scion_report_finish(&report);
        scion_pool_destroy(pool);
}

/* Progress is dropped when nobody reads it; the report never is. */
static void parent_that_does_not_listen(void **state)
{
        struct scion_pool *pool = scion_pool_create(1);
        struct scion_event event;
        int64_t last = 0, told = 0;

        (void)state;
        assert_true(scion_pool_start(pool, 0, &no_limits, work_sends_much, NULL));
        usleep(50000);
        for (;;) {
                assert_true(scion_pool_next(pool, INFINITY, &event));
                if (event.kind == SCION_EVENT_ENDED)
                        break;
                assert_true(event.progress.step > last);
                last = event.progress.step;
                told++;
        }
        assert_in_range(told, 1, 10000);
        assert_int_equal(event.report.status, SCION_GOOD);
        assert_int_equal(event.report.cells.count, 20);
        assert_int_equal(strlen(scion_row_get(&event.report.cells, "long")), 19999);
        scion_report_finish(&event.report);
        scion_pool_destroy(pool);
}

static void signals_come_out(void **state)
{
        struct scion_pool *pool = scion_pool_create(1);
        struct scion_event event;

        char stubborn[] = "whatever comes";

        (void)state;
        assert_true(scion_pool_start(pool, 0, &no_limits, work_hangs, NULL));
        assert_true(scion_pool_next(pool, INFINITY, &event)); /* it is there */
        raise(SIGTERM);
        assert_true(scion_pool_next(pool, INFINITY, &event));
        assert_int_equal(event.kind, SCION_EVENT_SIGNAL);
        assert_int_equal(event.signal, SIGTERM);
        assert_int_equal(scion_pool_signal(), SIGTERM);
        scion_pool_stop(pool, true);
        struct scion_report report = pool_wait_for_end(pool);

        assert_int_equal(report.status, SCION_STOPPED);
        scion_report_finish(&report);

        assert_true(scion_pool_start(pool, 0, &no_limits, work_hangs, stubborn));
        scion_pool_destroy(pool); /* and does not block */
}

static void ignored_signals_stay_ignored(void **state)
{
        struct scion_event event;

        (void)state;
        signal(SIGHUP, SIG_IGN); /* nohup */
        struct scion_pool *pool = scion_pool_create(1);

        raise(SIGHUP);
        assert_true(scion_pool_next(pool, 0, &event));
        assert_int_equal(event.kind, SCION_EVENT_TIMEOUT);
        scion_pool_destroy(pool);
        signal(SIGHUP, SIG_DFL);
}

static void time_limit(void **state)
{
        const struct scion_limits limits = { .minutes = 0.0005 },
                                  plenty = { .minutes = 5, .memory_mib = 1e5 };
        struct scion_report report = work_run_limited(&limits, work_hangs, NULL);

        (void)state;
        assert_fails(&report, "time limit of 0.0005 minutes");
        report = work_run_limited(&plenty, work_fails, NULL);
        assert_fails(&report, "the loss became not a number");
}

static void memory_limit(void **state)
{
        const struct scion_limits limits = { .memory_mib = 200 };
        struct scion_report report = work_run_limited(&limits, work_allocates, NULL);

        (void)state;
        assert_true(report.peak_mib > 200);
        assert_fails(&report, "memory limit of 200 MiB exceeded: it used ");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(good_report),
                cmocka_unit_test(failure_has_message_and_cells),
                cmocka_unit_test(crash_is_named),
                cmocka_unit_test(early_exit_is_failure),
                cmocka_unit_test(several_at_once),
                cmocka_unit_test(progress_is_told_before_the_end),
                cmocka_unit_test(parent_that_does_not_listen),
                cmocka_unit_test(signals_come_out),
                cmocka_unit_test(ignored_signals_stay_ignored),
                cmocka_unit_test(time_limit),
                cmocka_unit_test(memory_limit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
