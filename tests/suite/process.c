#define _GNU_SOURCE /* SIG names */
#include "support/test.h"

#include <signal.h>
#include <unistd.h>

#include "suite/process.h"

static enum scion_status reports(void *context, struct scion_row *cells, struct scion_text *note)
{
        scion_row_text(cells, "answer", context);
        scion_row_text(cells, "empty", "");
        scion_text_add(note, "all %d loaded", 4);
        return SCION_GOOD;
}

static enum scion_status fails(void *context, struct scion_row *cells, struct scion_text *note)
{
        (void)note;
        (void)context;
        scion_row_text(cells, "epochs", "3");
        scion_fail("the loss became not a number");
        return SCION_FAILED;
}

static enum scion_status crashes(void *context, struct scion_row *cells, struct scion_text *note)
{
        (void)note;
        (void)context;
        (void)cells;
        signal(SIGSEGV, SIG_DFL); /* a sanitizer may have taken it */
        raise(SIGSEGV);
        return SCION_GOOD;
}

static enum scion_status leaves(void *context, struct scion_row *cells, struct scion_text *note)
{
        (void)note;
        (void)context;
        (void)cells;
        _Exit(0);
}

static struct scion_report run(scion_work *work, void *context)
{
        struct scion_process process;
        struct scion_report report;

        assert_true(scion_process_start(&process, work, context));
        assert_int_equal(scion_process_wait(&process, 1, &report), 0);
        assert_int_equal(process.pid, 0);
        return report;
}

static void good_report(void **state)
{
        char answer[] = "4,2\n\"x\"";
        struct scion_report report = run(reports, answer);

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
        struct scion_report report = run(fails, NULL);

        (void)state;
        assert_int_equal(report.status, SCION_FAILED);
        assert_string_equal(report.message, "the loss became not a number");
        assert_string_equal(scion_row_get(&report.cells, "epochs"), "3");
        scion_report_finish(&report);
}

static void crash_is_named(void **state)
{
        struct scion_report report = run(crashes, NULL);

        (void)state;
        assert_int_equal(report.status, SCION_FAILED);
        assert_string_equal(report.message, "killed by SIGSEGV (Segmentation fault)");
        scion_report_finish(&report);
}

static void early_exit_is_failure(void **state)
{
        struct scion_report report = run(leaves, NULL);

        (void)state;
        assert_int_equal(report.status, SCION_FAILED);
        assert_string_equal(report.message, "the process ended with status 0 before the run was over");
        scion_report_finish(&report);
}

static void several_at_once(void **state)
{
        struct scion_process processes[3];
        char names[3][2] = { "0", "1", "2" };
        bool seen[3] = { false };

        (void)state;
        for (int i = 0; i < 3; i++)
                assert_true(scion_process_start(&processes[i], reports, names[i]));
        for (int i = 0; i < 3; i++) {
                struct scion_report report;
                int index = scion_process_wait(processes, 3, &report);

                assert_in_range(index, 0, 2);
                assert_false(seen[index]);
                seen[index] = true;
                assert_string_equal(scion_row_get(&report.cells, "answer"), names[index]);
                scion_report_finish(&report);
        }
        struct scion_report none;

        assert_int_equal(scion_process_wait(processes, 3, &none), -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(good_report),     cmocka_unit_test(failure_has_message_and_cells),
                cmocka_unit_test(crash_is_named),  cmocka_unit_test(early_exit_is_failure),
                cmocka_unit_test(several_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
