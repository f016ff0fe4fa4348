/* Estimates of the remaining time, and the progress lines, in terminals of all sizes. */
#include "suite/forecast.h"

#include <math.h>

#include "base/width.h"
#include "suite/progress_lines.h"
#include "support/folder.h"

/* Two strategies, three seeds. */
static const char suite[] =
        "name: forecast\n"
        "strategy: scratch\n"
        "target:\n"
        "  dataset: { use: random, shape: [4], num_classes: 2 }\n"
        "  model: { use: mlp, hidden: [2] }\n"
        "  optimizer: sgd\n"
        "matrix: { strategy: [scratch, { use: scratch, label: slow }], seed: [1, 2, 3] }\n";

enum { SCRATCH_1, SCRATCH_2, SCRATCH_3, SLOW_1, SLOW_2, SLOW_3, RUNS };

static struct scion_plan plan;
static struct scion_forecast forecast;
static bool done[RUNS];

static int start(void **state)
{
        (void)state;
        write_text("suite.yaml", suite);
        if (!scion_plan_make("suite.yaml", NULL, 0, false, &plan) ||
            !scion_forecast_start(&forecast, &plan, done))
                fail_msg("%s", scion_error());
        assert_int_equal(plan.count, RUNS);
        return 0;
}

static int finish(void **state)
{
        (void)state;
        memset(done, 0, sizeof done);
        scion_forecast_finish(&forecast);
        scion_plan_finish(&plan);
        return 0;
}

/* Reports the end of an epoch of ten, with the seconds of the stage so far. */
static void slot_end_epoch(struct scion_slot *slot, const char *stage, int64_t epoch, int64_t before,
                           double seconds, double now)
{
        const struct scion_progress progress = {
                .phase = SCION_AT_EPOCH,
                .stage = stage,
                .epoch = epoch,
                .epochs = 10,
                .epochs_before = before,
                .seconds = seconds,
        };

        scion_slot_update(slot, &progress, now);
}

static void slot_start_run(struct scion_slot *slot, size_t run, double now)
{
        scion_slot_start(slot, run, now);
        scion_forecast_started(&forecast, run);
}

static double run_seconds_left(const struct scion_slot *slot, double now)
{
        bool more;
        double left = scion_forecast_run_left(&forecast, slot, now, &more);

        assert_false(more);
        return left;
}

static void by_epochs(void **state)
{
        struct scion_slot slot = { 0 };
        const struct scion_progress within = {
                .phase = SCION_AT_STEP, .stage = "target", .epoch = 1, .epochs = 10
        };

        (void)state;
        slot_start_run(&slot, SCRATCH_1, 100);
        assert_true(isnan(run_seconds_left(&slot, 100)));
        scion_slot_update(&slot, &within, 104);
        assert_true(isnan(run_seconds_left(&slot, 104))); /* no estimate before the first epoch has ended */
        slot_end_epoch(&slot, "target", 1, 0, 5, 105);
        assert_float_equal(run_seconds_left(&slot, 105), 45, 1e-9);
        assert_float_equal(run_seconds_left(&slot, 107), 43, 1e-9);
        assert_float_equal(run_seconds_left(&slot, 130), 40,
                           1e-9); /* the second epoch takes long: eight are still to come */
        slot_end_epoch(&slot, "target", 2, 0, 7, 107);
        assert_float_equal(run_seconds_left(&slot, 107), 16, 1e-9); /* two seconds each, without the first */
        slot_end_epoch(&slot, "target", 4, 0, 13, 113);
        assert_float_equal(run_seconds_left(&slot, 114), 15, 1e-9); /* (13 - 5) / 3 each */
        slot_end_epoch(&slot, "target", 10, 0, 30, 130);
        assert_float_equal(run_seconds_left(&slot, 131), 0, 1e-9);
}

/* Epochs of an earlier process do not count in this one's seconds. */
static void when_resumed(void **state)
{
        struct scion_slot slot = { 0 };

        (void)state;
        scion_forecast_finished(&forecast, SCRATCH_2, 1000); /* has no estimate for part of a run */
        slot_start_run(&slot, SCRATCH_1, 0);
        slot_end_epoch(&slot, "target", 7, 6, 3, 4);
        assert_true(slot.resumed);
        assert_float_equal(run_seconds_left(&slot, 4), 9, 1e-9);
        slot_end_epoch(&slot, "target", 8, 6, 5, 6);
        assert_float_equal(run_seconds_left(&slot, 6), 4, 1e-9);
}

/* The source stage gives no estimate for the target; finished runs of the strategy do. */
static void stages(void **state)
{
        struct scion_slot slot = { 0 };
        bool more;

        (void)state;
        slot_start_run(&slot, SCRATCH_1, 0);
        slot_end_epoch(&slot, "source", 9, 0, 18, 20);
        assert_float_equal(scion_forecast_run_left(&forecast, &slot, 20, &more), 2, 1e-9);
        assert_true(more);
        assert_true(isnan(scion_forecast_suite_left(&forecast, &slot, 1, 20)));
        scion_forecast_finished(&forecast, SLOW_1, 500);
        scion_forecast_run_left(&forecast, &slot, 20, &more);
        assert_true(more); /* of another strategy */
        scion_forecast_finished(&forecast, SCRATCH_2, 50);
        scion_forecast_finished(&forecast, SCRATCH_3, 70);
        assert_float_equal(run_seconds_left(&slot, 20), 40, 1e-9);
        assert_float_equal(scion_forecast_run_left(&forecast, &slot, 90, &more), 0, 1e-9);
        assert_true(more); /* it takes longer than those */
        slot_end_epoch(&slot, "target", 1, 0, 1, 21);
        assert_float_equal(run_seconds_left(&slot, 21), 9, 1e-9); /* from the epochs of the stage only */
}

static void whole_suite(void **state)
{
        struct scion_slot slot[2] = { { 0 } };

        (void)state;
        assert_int_equal(forecast.waiting, RUNS);
        assert_true(isnan(scion_forecast_suite_left(&forecast, slot, 2, 0)));
        slot_start_run(&slot[0], SCRATCH_1, 0);
        slot_start_run(&slot[1], SLOW_1, 0);
        slot_end_epoch(&slot[0], "target", 1, 0, 1, 1);
        /* The only known duration is ten seconds for one run: (9 + 9 + 4 * 10) / 2. */
        assert_float_equal(scion_forecast_suite_left(&forecast, slot, 2, 1), 29, 1e-9);
        slot[0].busy = false;
        scion_forecast_finished(&forecast, SCRATCH_1, 10);
        /* SLOW_1 by the overall mean: 10 - 4; then scratch 2 * 10 and slow 2 * 10, also by it. */
        assert_float_equal(scion_forecast_suite_left(&forecast, slot, 2, 4), (6 + 40) / 2., 1e-9);
        slot[1].busy = false;
        scion_forecast_finished(&forecast, SLOW_1, 100);
        assert_float_equal(scion_forecast_suite_left(&forecast, slot, 2, 100), (2 * 10 + 2 * 100) / 2., 1e-9);
        slot_start_run(&slot[0], SCRATCH_2, 100);
        slot_start_run(&slot[1], SCRATCH_3, 100);
        slot_start_run(&slot[0], SLOW_2, 110);
        slot[1].busy = false;
        /* A single run cannot be split: SLOW_3 alone takes 100, and SLOW_2 100 - 1. */
        assert_float_equal(scion_forecast_suite_left(&forecast, slot, 2, 111), 100, 1e-9);
        slot_start_run(&slot[1], SLOW_3, 111);
        assert_int_equal(forecast.waiting, 0);
        assert_float_equal(scion_forecast_suite_left(&forecast, slot, 2, 120), 91, 1e-9);
}

static void what_is_done_does_not_wait(void **state)
{
        (void)state;
        scion_forecast_finish(&forecast);
        done[SCRATCH_2] = done[SLOW_3] = true;
        assert_true(scion_forecast_start(&forecast, &plan, done));
        assert_int_equal(forecast.waiting, 4);
}

static void times(void **state)
{
        static const struct {
                double seconds;
                const char *text;
        } cases[] = {
                { 0, "0:00" },
                { 0.2, "0:01" },
                { 59.5, "1:00" },
                { 754, "12:34" },
                { 3600, "1:00:00" },
                { 10921, "3:02:01" },
                { 2.125 * 86400, "2 d 03 h" },
                { NAN, "-" },
                { INFINITY, "-" },
                { -1, "-" },
                { 1e300, "-" },
        };
        char text[32];

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                assert_string_equal(scion_time_text(cases[i].seconds, text), cases[i].text);
}

/* --- Lines ---------------------------------------------------------------------------------------------- */

#define ROWS 3

static struct scion_slot slots[ROWS];
static struct scion_progress_lines_run rows[ROWS];
static struct scion_progress_lines block = {
        .name = "plums",
        .count = 120,
        .done = 12,
        .failed = 1,
        .waiting = 104,
        .left = 3725,
        .run = rows,
        .runs = ROWS,
};

static int fill_block(void **state)
{
        static const struct scion_progress progress[ROWS] = {
                { .phase = SCION_AT_STEP,
                  .stage = "target",
                  .epoch = 12,
                  .epochs = 20,
                  .step = 9,
                  .steps = 20,
                  .train_loss = 0.45213,
                  .train_score = 0.8521,
                  .valid_loss = NAN,
                  .valid_score = 0.75 },
                { .phase = SCION_AT_WAIT, .stage = "source" },
                { .phase = SCION_AT_STEP,
                  .stage = "学習",
                  .epoch = 1,
                  .epochs = 3,
                  .step = 1,
                  .steps = 3,
                  .train_loss = NAN,
                  .train_score = NAN,
                  .valid_loss = NAN,
                  .valid_score = NAN },
        };
        static const char *const ids[ROWS] = { "fine-tune-seed1-d755c397", "学習-seed1-32eabbc1", "scratch" };

        (void)state;
        for (int i = 0; i < ROWS; i++) {
                scion_slot_start(&slots[i], (size_t)i, 0);
                scion_slot_update(&slots[i], &progress[i], 1);
                rows[i] = (struct scion_progress_lines_run){ ids[i], &slots[i], i == 0 ? 65 : NAN, false };
        }
        rows[2].left = 3;
        rows[2].more = true;
        return 0;
}

static void assert_block(int width, int height, const char *expected)
{
        struct scion_text text = { 0 };
        int count = scion_progress_lines_add(&block, width, height, false, &text), lines = 1;

        for (const char *at = text.text; *at; at++)
                lines += *at == '\n';
        assert_string_equal(text.text, expected);
        assert_int_equal(count, lines);
        free(text.text);
}

static void roomy(void **state)
{
        (void)state;
        assert_block(100, 20,
                     "plums: 12 of 120 done, 3 running, 1 failed, 104 waiting, 1:02:05 left\n"
                     "run                       stage   epoch          loss  accuracy   valid   left\n"
                     "fine-tune-seed1-d755c397  target  12/20  45 %  0.4521    85.2 %  75.0 %   1:05\n"
                     "学習-seed1-32eabbc1       source  waits     -       -         -       -      -\n"
                     "scratch                   学習      1/3  33 %       -         -       -  0:03+");
}

static void narrow(void **state)
{
        (void)state;
        assert_block(50, 20,
                     "12/120 done, 3 run, 1 fail, 104 wait, 1:02:05\n"
                     "run                 stage   epoch  accuracy   left\n"
                     "fine-tune-seed1-d…  target  12/20    85.2 %   1:05\n"
                     "学習-seed1-32eabb…  source  waits         -      -\n"
                     "scratch             学習      1/3         -  0:03+");
        assert_block(20, 20,
                     "12/120, 1:02:05\n"
                     "run     epoch   left\n"
                     "fine-…  12/20   1:05\n"
                     "学習-…  waits      -\n"
                     "scrat…    1/3  0:03+");
        assert_block(8, 20, "12/120\nrun     \nfine-tu…\n学習-se…\nscratch ");
        assert_block(1, 20, "…\n…\n…\n…\n…");
}

static void low(void **state)
{
        (void)state;
        assert_block(20, 4, "12/120, 1:02:05\nrun     epoch   left\nfine-…  12/20   1:05\n... and 2 more");
        assert_block(20, 3, "12/120, 1:02:05\nfine-…  12/20   1:05\n... and 2 more");
        assert_block(20, 2, "12/120, 1:02:05\n... and 3 more");
        assert_block(20, 1, "12/120, 1:02:05");
}

/* Returns the width of a text without its escape sequences. */
static int line_width(const char *text)
{
        int width = scion_width(text);

        for (const char *at = text; (at = strchr(at, '\033')); at++)
                width -= (int)strcspn(at, "m") + 1;
        return width;
}

/* No line is too wide, and there are never too many lines. */
static void all_sizes(void **state)
{
        (void)state;
        for (int width = 1; width < 120; width++)
                for (int height = 1; height < 8; height++) {
                        struct scion_text text = { 0 };
                        int count = scion_progress_lines_add(&block, width, height, true, &text), lines = 0;

                        for (char *line = strtok(text.text, "\n"); line; line = strtok(NULL, "\n"), lines++)
                                assert_in_range(line_width(line), 0, width);
                        assert_int_equal(lines, count);
                        assert_in_range(count, 1, height);
                        free(text.text);
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(by_epochs, start, finish),
                cmocka_unit_test_setup_teardown(when_resumed, start, finish),
                cmocka_unit_test_setup_teardown(stages, start, finish),
                cmocka_unit_test_setup_teardown(whole_suite, start, finish),
                cmocka_unit_test_setup_teardown(what_is_done_does_not_wait, start, finish),
                cmocka_unit_test(times),
                cmocka_unit_test_setup(roomy, fill_block),
                cmocka_unit_test_setup(narrow, fill_block),
                cmocka_unit_test_setup(low, fill_block),
                cmocka_unit_test_setup(all_sizes, fill_block),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
