/* The order in which runs start: no run waits for a source while another one could work. */
#include "suite/order.h"

#include "support/folder.h"

/* Two seeds, each with two runs that share a source and one that has none. */
static const char suite[] = "name: order\n"
                            "source:\n"
                            "  dataset: { use: random, shape: [4], num_classes: 2 }\n"
                            "  model: { use: mlp, hidden: [2] }\n"
                            "  optimizer: sgd\n"
                            "strategy: fine-tune\n"
                            "target:\n"
                            "  dataset: { use: random, shape: [4], num_classes: 2 }\n"
                            "  optimizer: sgd\n"
                            "matrix: { seed: [1, 2], strategy: [fine-tune, linear-probe, scratch] }\n";

enum { TUNE_1, PROBE_1, SCRATCH_1, TUNE_2, PROBE_2, SCRATCH_2, NONE };

static struct scion_plan plan;
static struct scion_order order;

static int start(void **state)
{
        static const bool done[NONE];

        (void)state;
        write_text("suite.yaml", suite);
        if (!scion_plan_make("suite.yaml", NULL, 0, false, &plan) || !scion_order_start(&order, &plan, done))
                fail_msg("%s", scion_error());
        assert_int_equal(plan.count, NONE);
        return 0;
}

static int finish(void **state)
{
        (void)state;
        scion_order_finish(&order);
        scion_plan_finish(&plan);
        return 0;
}

static void run_report_phase(size_t run, const char *stage)
{
        const struct scion_progress progress = { .phase = SCION_AT_STEP, .stage = stage };

        scion_order_progress(&order, run, &progress);
}

static void runs_with_one_source(void **state)
{
        static const size_t sources[] = { TUNE_1, TUNE_1, SCION_PLAN_NO_SOURCE,
                                          TUNE_2, TUNE_2, SCION_PLAN_NO_SOURCE };

        (void)state;
        for (size_t i = 0; i < NONE; i++)
                assert_true(plan.planned[i].source == sources[i]);
}

static void who_would_wait_comes_later(void **state)
{
        (void)state;
        assert_int_equal(scion_order_next(&order), TUNE_1);
        assert_int_equal(scion_order_next(&order), SCRATCH_1);
        assert_int_equal(scion_order_next(&order), TUNE_2);
        run_report_phase(TUNE_1, "source"); /* not trained yet */
        assert_int_equal(scion_order_next(&order), SCRATCH_2);
        run_report_phase(TUNE_2, "target");
        assert_int_equal(scion_order_next(&order), PROBE_2);
        assert_int_equal(scion_order_next(&order), PROBE_1); /* a run that waits is better than none */
        assert_int_equal(scion_order_next(&order), NONE);
        assert_int_equal(scion_order_next(&order), NONE);
}

/* With one run at a time, or with sources that are trained already, the order is that of the plan. */
static void one_after_another(void **state)
{
        (void)state;
        for (size_t i = 0; i < NONE; i++) {
                assert_int_equal(scion_order_next(&order), i);
                scion_order_ended(&order, i, i != TUNE_1); /* a failed source is trained by the next run */
        }
        assert_int_equal(scion_order_next(&order), NONE);
}

static void done_before_is_left_out(void **state)
{
        const bool done[NONE] = { [TUNE_1] = true, [SCRATCH_1] = true, [TUNE_2] = true };

        (void)state;
        scion_order_finish(&order);
        assert_true(scion_order_start(&order, &plan, done));
        assert_int_equal(scion_order_next(&order), PROBE_1);
        assert_int_equal(scion_order_next(&order), PROBE_2);
        assert_int_equal(scion_order_next(&order), SCRATCH_2);
        assert_int_equal(scion_order_next(&order), NONE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(runs_with_one_source, start, finish),
                cmocka_unit_test_setup_teardown(who_would_wait_comes_later, start, finish),
                cmocka_unit_test_setup_teardown(one_after_another, start, finish),
                cmocka_unit_test_setup_teardown(done_before_is_left_out, start, finish),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
