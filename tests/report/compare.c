/* Comparisons of results that are small enough to be checked by hand. */
#include "compare/compare.h"

#include <math.h>

#include "support/folder.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct compared {
        struct scion_results results;
        struct scion_comparison comparison;
};

static const char *const by_labels[] = { "strategy", "per_class", NULL };

/* Reads x/results.csv, and y/results.csv if `y` has text. */
static bool results_try_compare(struct compared *compared, const char *x, const char *y,
                                const struct scion_compare_options *options)
{
        const char *const paths[] = { "x", "y" };

        mkdir("x", 0777);
        mkdir("y", 0777);
        write_text("x/results.csv", x);
        write_text("y/results.csv", y ? y : "");
        if (!scion_results_read(paths, y ? 2 : 1, &compared->results))
                fail_msg("%s", scion_error());
        if (scion_compare(&compared->results, options, &compared->comparison))
                return true;
        scion_results_finish(&compared->results);
        return false;
}

static const struct scion_comparison *results_compare(struct compared *compared, const char *x, const char *y,
                                                      const struct scion_compare_options *options)
{
        if (!results_try_compare(compared, x, y, options))
                fail_msg("%s", scion_error());
        return &compared->comparison;
}

static void results_finish(struct compared *compared)
{
        scion_comparison_finish(&compared->comparison);
        scion_results_finish(&compared->results);
}

static void assert_close(double got, double wanted)
{
        if (!(fabs(got - wanted) <= 1e-12))
                fail_msg("%.17g, not %.17g", got, wanted);
}

static void assert_note(const struct scion_comparison *comparison, const char *text)
{
        for (size_t i = 0; i < comparison->notes.count; i++)
                if (strstr(comparison->notes.text[i], text))
                        return;
        fail_msg("no note says \"%s\"; %zu notes, the first: %s", text, comparison->notes.count,
                 comparison->notes.count ? comparison->notes.text[0] : "");
}

#define HEAD "run,status,strategy,seed,test_loss,test_accuracy,seconds,error\n"

static const char one_task[] = HEAD "a1,done,a,1,2,0.5,1,\na2,done,a,2,1,0.25,2,\na3,done,a,3,1,0.75,3,\n"
                                    "b1,done,b,1,2,0.75,9,\nb2,done,b,2,3,0.25,9,\nb3,failed,b,3,,,9,oh\n"
                                    "c1,failed,c,1,,,1,oh\nd3,done,d,3,1,0.5,4,\n";

static void groups(void **state)
{
        struct compared compared = { 0 };
        const struct scion_comparison *c =
                results_compare(&compared, one_task, NULL, &(struct scion_compare_options){ 0 });

        (void)state;
        assert_int_equal(c->metrics, 1);
        assert_string_equal(c->metric[0].name, "test_accuracy");
        assert_false(c->metric[0].lower_better);
        assert_null(c->metric[0].versus);
        assert_int_equal(c->groups.count, 4);
        const struct scion_score *a = &c->metric[0].score[0], *b = a + 1, *none = a + 2, *one = a + 3;

        assert_int_equal(a->counted, 3);
        assert_close(a->mean, 0.5);
        assert_close(a->deviation, 0.25);
        assert_close(a->best, 0.75);
        assert_close(a->median, 0.5);
        assert_close(a->seconds, 2);
        assert_int_equal(a->seeds, 3);
        assert_close(a->interval.low, 0); /* 0.5 - 4.30 * 0.25 / sqrt(3) < 0: an accuracy is in 0 .. 1 */
        assert_close(a->interval.high, 1);
        assert_int_equal(b->done, 2);
        assert_int_equal(b->failed, 1);
        assert_close(b->mean, 0.5);
        assert_close(b->seconds, 9);
        assert_int_equal(none->counted, 0);
        assert_int_equal(none->failed, 1);
        assert_true(isnan(none->mean) && isnan(none->best) && isnan(none->seconds) &&
                    isnan(none->interval.low));
        assert_close(one->mean, 0.5);
        assert_true(isnan(one->deviation) && isnan(one->interval.low));
        assert_note(c, "2 of 8 runs failed");
        results_finish(&compared);
}

static void against_the_baseline(void **state)
{
        static const char *const metrics[] = { "test_accuracy", "test_loss", NULL };
        struct compared compared = { 0 };
        const struct scion_compare_options options = { .metric = metrics, .baseline = "a" };
        const struct scion_comparison *c = results_compare(&compared, one_task, NULL, &options);
        const struct scion_versus *itself = &c->metric[0].versus[0], *b = itself + 1, *none = itself + 2,
                                  *one = itself + 3;

        (void)state;
        assert_int_equal(itself->pairs, 0);
        assert_int_equal(b->pairs, 2);
        assert_int_equal(b->seeds, 2);
        assert_int_equal(b->unpaired, 1); /* seed 3 */
        assert_close(b->difference, 0.125);
        assert_close(b->interval.low, 0.125 - tan(0.475 * acos(-1)) * 0.125); /* t with one degree */
        assert_close(b->interval.high, 0.125 + tan(0.475 * acos(-1)) * 0.125);
        assert_int_equal(b->wins, 1);
        assert_int_equal(b->ties, 1);
        assert_int_equal(b->losses, 0);
        assert_close(b->test.p, 1); /* a difference of 0 has no sign: all four patterns are as far */
        assert_close(b->holm, 1);   /* there is only one test, so Holm's correction changes nothing */
        assert_close(b->ratio, 0.5 / 0.625);
        assert_int_equal(none->pairs, 0);
        assert_int_equal(none->unpaired, 3);
        assert_true(isnan(none->difference) && isnan(none->test.p));
        assert_int_equal(one->pairs, 1);
        assert_close(one->difference, -0.25);
        assert_int_equal(one->losses, 1);
        assert_true(isnan(one->interval.low) && isnan(one->test.p) && isnan(one->holm));

        const struct scion_versus *loss = &c->metric[1].versus[1];

        assert_true(c->metric[1].lower_better);
        assert_close(loss->difference, 1); /* 2 - 2 and 3 - 1: more, which is worse for this metric */
        assert_int_equal(loss->wins, 0);
        assert_int_equal(loss->ties, 1);
        assert_int_equal(loss->losses, 1);
        assert_close(loss->ratio, 2.5 / 1.5);
        assert_close(c->metric[1].score[1].best, 2);
        assert_note(c, "no pair with the baseline");
        assert_note(c, "With 2 seeds, p cannot be less than 0.5; at least 6 seeds are needed for p < 0.05");
        results_finish(&compared);
}

/* Six seeds, each slightly better: p = 2/64, and Holm's correction doubles the smaller of two. */
static void holm_over_the_groups(void **state)
{
        char text[4096] = HEAD;
        struct compared compared = { 0 };

        (void)state;
        for (int seed = 1; seed <= 6; seed++)
                snprintf(text + strlen(text), sizeof text - strlen(text),
                         "a%d,done,a,%d,1,0.5,1,\nb%d,done,b,%d,1,0.6%d,1,\nc%d,done,c,%d,1,%s,1,\n", seed,
                         seed, seed, seed, seed, seed, seed, seed == 1 ? "0.4" : "0.7");
        const struct scion_comparison *c =
                results_compare(&compared, text, NULL, &(struct scion_compare_options){ .baseline = "a" });

        assert_true(c->metric[0].versus[1].test.exact);
        assert_close(c->metric[0].versus[1].test.p, 2.0 / 64);
        assert_close(c->metric[0].versus[1].holm, 4.0 / 64);
        assert_close(c->metric[0].versus[2].test.p, 4.0 / 64);
        assert_close(c->metric[0].versus[2].holm, 4.0 / 64);
        assert_note(c, "With 6 seeds and 2 tests, Holm's p cannot be less than 0.062; at least 7 seeds");
        results_finish(&compared);
}

/*
 * The signs of a seed's differences are flipped together: two seeds in four tasks have four patterns of
 * signs, and each of the two differences is up. One seed has no test in any number of tasks.
 */
static void seeds_are_the_replications(void **state)
{
        char text[4096] = "run,status,strategy,seed,layer,test_accuracy\n";
        struct compared compared = { 0 };

        (void)state;
        for (int seed = 1; seed <= 2; seed++)
                for (int task = 1; task <= 4; task++)
                        snprintf(text + strlen(text), sizeof text - strlen(text),
                                 "a%d%d,done,a,%d,%d,0.5\nb%d%d,done,b,%d,%d,0.%d%d\n%s", seed, task, seed,
                                 task, seed, task, seed, task, 5 + seed, task,
                                 seed == 2   ? ""
                                 : task == 1 ? "c1,done,c,1,1,0.75\n"
                                 : task == 2 ? "c2,done,c,1,2,0.8\n"
                                             : "");
        const struct scion_comparison *c =
                results_compare(&compared, text, NULL, &(struct scion_compare_options){ .baseline = "a" });
        const struct scion_versus *b = &c->metric[0].versus[1], *one = b + 1;

        assert_int_equal(b->pairs, 8);
        assert_int_equal(b->seeds, 2);
        assert_true(b->test.exact);
        assert_close(b->test.p, 0.5);
        assert_int_equal(one->seeds, 1);
        assert_true(isnan(one->test.p));
        results_finish(&compared);
}

#define TASKS "run,status,strategy,seed,target.dataset.per_class,test_accuracy\n"

/* Two files: a is last in every task, b first in all but one; d has no result in one task. */
static const char clothes[] = TASKS "1,done,a,1,10,0.5\n2,done,b,1,10,0.75\n3,done,c,1,10,0.625\n"
                                    "4,done,a,1,100,0.75\n5,done,b,1,100,0.875\n6,done,c,1,100,0.8125\n"
                                    "7,done,a,2,10,0.5\n8,done,b,2,10,0.75\n9,done,c,2,10,0.625\n";
static const char digits[] = TASKS "1,done,a,1,10,0.5\n2,done,b,1,10,0.75\n3,done,c,1,10,0.875\n"
                                   "4,done,a,1,100,0.9\n5,failed,b,1,100,\n6,done,c,1,100,1\n";

static void over_tasks(void **state)
{
        struct compared compared = { 0 };
        const struct scion_comparison *c = results_compare(
                &compared, clothes, digits, &(struct scion_compare_options){ .baseline = "a" });
        const struct scion_over_tasks *over = &c->metric[0].over_tasks;
        static const size_t order[] = { 1, 2, 0 };

        (void)state;
        assert_int_equal(c->tasks.count, 4);
        assert_int_equal(over->tasks, 3);
        assert_int_equal(over->left_out, 1);
        assert_close(over->standing[0].rank, 3);
        assert_close(over->standing[1].rank, 4.0 / 3);
        assert_close(over->standing[2].rank, 5.0 / 3);
        assert_memory_equal(over->order, order, sizeof order);
        assert_close(over->standing[0].ratio, 1);
        assert_close(over->standing[1].ratio, 0.5);
        assert_close(over->standing[2].ratio, (0.75 + 0.75 + 0.25) / 3);
        assert_close(over->friedman.chi2, 14.0 / 3);
        assert_true(over->by_seed.p > 0 && over->by_seed.p <= 1);
        assert_int_equal(over->cliques,
                         1); /* the critical difference of three contenders and three tasks is 1.91 */
        assert_int_equal(over->clique[0].first, 0);
        assert_int_equal(over->clique[0].last, 2);
        assert_note(c, "1 of 4 tasks are left out of the ranks");
        assert_note(c, "1 pair is left out");
        results_finish(&compared);
}

/*
 * b loses every pair, and has the better mean of its own runs, because those with seed 2 failed and one in
 * the hard task: ranks and ratios are of the runs that both have.
 */
static void failed_runs_flatter_nobody(void **state)
{
        static const char text[] = TASKS "1,done,a,1,10,0.5\n2,done,a,2,10,0.25\n3,done,a,1,100,0.75\n"
                                         "4,done,a,2,100,0.5\n5,done,b,1,10,0.4375\n6,failed,b,2,10,\n"
                                         "7,done,b,1,100,0.6875\n8,failed,b,2,100,\n9,done,a,1,1,0.125\n"
                                         "10,failed,b,1,1,\n";
        struct compared compared = { 0 };
        const struct scion_comparison *c =
                results_compare(&compared, text, NULL, &(struct scion_compare_options){ .baseline = "a" });
        const struct scion_score *a = &c->metric[0].score[0], *b = a + 1;
        const struct scion_over_tasks *over = &c->metric[0].over_tasks;

        (void)state;
        assert_close(a->mean, (0.375 + 0.625 + 0.125) / 3);
        assert_close(b->mean, 0.5625);
        assert_true(a->expected == 5 && a->lacking == 0 && a->lacking_tasks == 0);
        assert_true(b->expected == 5 && b->lacking == 3 && b->expected_tasks == 3 && b->lacking_tasks == 1);
        assert_int_equal(c->metric[0].versus[1].losses, 2);
        assert_close(c->metric[0].versus[1].difference, -0.0625);
        assert_close(c->metric[0].versus[1].ratio, (1.125 + 1.25) / 2);
        assert_int_equal(over->tasks, 2);
        assert_int_equal(over->left_out, 1);
        assert_close(over->standing[0].rank, 1);
        assert_close(over->standing[1].rank, 2);
        assert_close(over->standing[1].ratio, (1.125 + 1.25) / 2);
        results_finish(&compared);
}

/* With groups by two columns, each is compared with the baseline that has the same number of labels. */
static void by_two_columns(void **state)
{
        struct compared compared = { 0 };
        const struct scion_compare_options options = { .by = by_labels, .baseline = "a" };
        const struct scion_comparison *c = results_compare(&compared, clothes, NULL, &options);

        (void)state;
        assert_int_equal(c->groups.count, 6);
        assert_true(scion_comparison_is_baseline(c, 3)); /* a, 100 */
        assert_int_equal(c->metric[0].versus[1].pairs, 2);
        assert_close(c->metric[0].versus[1].difference, 0.25);
        assert_int_equal(c->metric[0].versus[4].pairs, 1);
        assert_close(c->metric[0].versus[4].difference, 0.125);
        results_finish(&compared);
}

/* c reaches a's 0.75 half way between 0.625 and 0.875 on the logarithmic axis: at sqrt(10 * 1000) labels. */
static void label_efficiency(void **state)
{
        static const char text[] = TASKS "1,done,a,1,1000,0.75\n2,done,a,1,10,0.5\n3,done,b,1,10,0.75\n"
                                         "4,done,c,1,10,0.625\n5,done,c,1,1000,0.875\n6,done,d,1,10,0.25\n"
                                         "7,done,d,1,1000,0.5\n";
        struct compared compared = { 0 };
        const struct scion_comparison *c =
                results_compare(&compared, text, NULL, &(struct scion_compare_options){ .baseline = "a" });
        const struct scion_compared_metric *metric = &c->metric[0];
        static const struct {
                size_t contender;
                double labels, goal, needed;
                bool at_most;
        } wanted[] = {
                { 1, 10, 0.5, 10, true },      { 1, 1000, 0.75, 10, true }, { 2, 10, 0.5, 10, true },
                { 2, 1000, 0.75, 100, false }, { 3, 10, 0.5, 1000, false }, { 3, 1000, 0.75, NAN, false },
        };

        (void)state;
        assert_int_equal(metric->needs, COUNT(wanted));
        for (size_t i = 0; i < COUNT(wanted); i++) {
                assert_int_equal(metric->need[i].contender, wanted[i].contender);
                assert_close(metric->need[i].labels, wanted[i].labels);
                assert_close(metric->need[i].goal, wanted[i].goal);
                assert_int_equal(metric->need[i].at_most, wanted[i].at_most);
                if (isnan(wanted[i].needed))
                        assert_true(isnan(metric->need[i].needed));
                else
                        assert_close(metric->need[i].needed, wanted[i].needed);
        }
        results_finish(&compared);
}

static void metrics_that_some_lack(void **state)
{
        static const char text[] = HEAD "a1,done,a,1,2,0.5,1,\na2,done,a,2,nan,,1,\nb1,done,b,1,inf,0.5,1,\n";
        static const char *const metrics[] = { "test_accuracy", "test_loss", NULL };
        struct compared compared = { 0 };
        const struct scion_comparison *c =
                results_compare(&compared, text, NULL, &(struct scion_compare_options){ .metric = metrics });

        (void)state;
        assert_int_equal(c->metric[0].missing, 1);
        assert_int_equal(c->metric[1].missing, 2);
        assert_note(c, "1 of 3 finished runs have no finite test_accuracy");
        assert_note(c, "2 of 3 finished runs have no finite test_loss");
        assert_int_equal(c->metric[0].score[0].done, 2);
        assert_int_equal(c->metric[0].score[0].counted, 1);
        results_finish(&compared);
}

/* test_mse is the default metric of regression. */
static void values_are_compared_by_mse(void **state)
{
        static const char text[] = "run,status,strategy,seed,test_loss,test_mae,test_mse,test_r2\n"
                                   "a1,done,a,1,2,1,4,0.5\nb1,done,b,1,2,1,2,0.75\n";
        static const char *const metrics[] = { "test_mse", "test_r2", NULL };
        struct compared compared = { 0 };
        const struct scion_comparison *c =
                results_compare(&compared, text, NULL, &(struct scion_compare_options){ 0 });

        (void)state;
        assert_string_equal(c->metric[0].name, "test_mse");
        results_finish(&compared);
        c = results_compare(&compared, text, NULL,
                            &(struct scion_compare_options){ .metric = metrics, .baseline = "a" });
        assert_int_equal(c->metric[0].versus[1].wins, 1);
        assert_int_equal(c->metric[1].versus[1].wins, 1);
        assert_close(c->metric[0].versus[1].ratio, 0.5);
        assert_close(c->metric[1].versus[1].ratio, 0.5); /* the error of r2 is 1 - r2 */
        results_finish(&compared);
}

/* Several runs with the same axes and seed that differ in other settings. */
static void several_runs_of_one_cell(void **state)
{
        static const char text[] =
                HEAD "a1,done,a,1,1,0.5,1,\nb1,done,b,1,1,0.5,1,\nb1x,done,b,1,1,0.75,1,\n";
        struct compared compared = { 0 };
        const struct scion_comparison *c =
                results_compare(&compared, text, NULL, &(struct scion_compare_options){ .baseline = "a" });

        (void)state;
        assert_int_equal(c->metric[0].versus[1].pairs, 1);
        assert_close(c->metric[0].versus[1].difference, 0.125);
        assert_note(c, "several runs have the same axes and seed");
        results_finish(&compared);
}

static void what_is_refused(void **state)
{
        const struct {
                struct scion_compare_options options;
                const char *says, *too;
        } bad[] = {
                { { .baseline = "scrach" }, "--baseline: no strategy 'scrach'", "did you mean 'scratch'" },
                { { .by = (const char *const[]){ "stategy", NULL } }, "--by", "did you mean 'strategy'" },
                { { .by = (const char *const[]){ "seed", "seed", NULL } }, "--by", "twice" },
                { { .metric = (const char *const[]){ "test_los", NULL } },
                  "--metric",
                  "did you mean 'test_loss'" },
                { { .metric = (const char *const[]){ "seed", NULL } },
                  "--metric",
                  "no column of results 'seed'" },
                { { .metric = (const char *const[]){ "seconds", NULL } }, "x/results.csv (row 2)", "'fast'" },
                { { .metric = (const char *const[]){ "peak_mib", NULL } },
                  "none of the 2 finished runs",
                  "peak_mib" },
        };
        static const char text[] = "run,status,strategy,seed,test_loss,test_accuracy,seconds,peak_mib\n"
                                   "a1,done,scratch,1,1,0.5,1,\nb1,done,b,1,1,0.5,fast,\n";
        struct compared compared = { 0 };

        (void)state;
        for (size_t i = 0; i < COUNT(bad); i++) {
                assert_false(results_try_compare(&compared, text, NULL, &bad[i].options));
                assert_error_has(bad[i].says, bad[i].too, NULL);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(groups),
                cmocka_unit_test(against_the_baseline),
                cmocka_unit_test(holm_over_the_groups),
                cmocka_unit_test(seeds_are_the_replications),
                cmocka_unit_test(over_tasks),
                cmocka_unit_test(failed_runs_flatter_nobody),
                cmocka_unit_test(by_two_columns),
                cmocka_unit_test(label_efficiency),
                cmocka_unit_test(metrics_that_some_lack),
                cmocka_unit_test(values_are_compared_by_mse),
                cmocka_unit_test(several_runs_of_one_cell),
                cmocka_unit_test(what_is_refused),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
