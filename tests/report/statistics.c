/*
 * Edge cases of the statistics: undefined results and rounding. Their values are compared with SciPy's in
 * tests/parity.
 */
#include "compare/statistics.h"

#include <math.h>

#include "support/test.h"

static void few_values(void **state)
{
        const double one[] = { 0.75 }, equal[] = { 0.5, 0.5, 0.5 }, huge[] = { 1e308, 1.7e308, 1e308 };
        struct scion_estimate estimate;
        struct scion_permutation test;
        double median;

        (void)state;
        assert_true(isnan(scion_sample_mean(one, 0)));
        assert_true(isnan(scion_sample_deviation(one, 1)));
        assert_true(scion_sample_median(one, 0, &median));
        assert_true(isnan(median));
        assert_true(scion_sample_median(one, 1, &median));
        assert_true(median == 0.75);
        assert_true(scion_replicates_estimate(&(struct scion_replicates){ 1, 1, one }, &estimate));
        assert_true(estimate.seeds == 1 && estimate.tasks == 1 && estimate.mean == 0.75);
        assert_true(isnan(estimate.interval.low) && isnan(estimate.interval.high));
        assert_true(scion_replicates_estimate(&(struct scion_replicates){ 0, 0, one }, &estimate));
        assert_true(estimate.seeds == 0 && isnan(estimate.mean) && isnan(estimate.interval.low));
        assert_true(scion_replicates_estimate(&(struct scion_replicates){ 3, 1, equal }, &estimate));
        assert_true(estimate.interval.low == 0.5 && estimate.interval.high == 0.5);
        assert_true(scion_replicates_estimate(&(struct scion_replicates){ 3, 1, huge }, &estimate));
        assert_true(isnan(estimate.interval.low) && isnan(estimate.interval.high));
        assert_true(scion_permutation_test(one, 0, 0, &test));
        assert_true(isnan(test.p));
}

/* A task that only one seed ran in has an unknown variance, and so has the mean over the tasks. */
static void task_of_one_seed(void **state)
{
        const double values[] = { 1, 5, 2, NAN, 3, NAN };
        struct scion_replicates by_seed = { 3, 2, values };
        struct scion_estimate estimate;

        (void)state;
        assert_true(scion_replicates_estimate(&by_seed, &estimate));
        assert_true(estimate.seeds == 3 && estimate.tasks == 2 && estimate.mean == 3.5);
        assert_true(isnan(estimate.interval.low) && isnan(estimate.interval.high));
}

/* Seeds that agree in the mean over tasks leave no doubt, however far apart the tasks are. */
static void tasks_are_fixed(void **state)
{
        const double values[] = { 1, 9, 2, 8, 3, 7 };
        struct scion_replicates by_seed = { 3, 2, values };
        struct scion_estimate estimate;

        (void)state;
        assert_true(scion_replicates_estimate(&by_seed, &estimate));
        assert_true(estimate.interval.low == 5 && estimate.interval.high == 5);
}

/* Thirds rounded to float32: 2/3 - 1/3 and 1/3 - 0 must count as equal. */
static void rounding_breaks_no_tie(void **state)
{
        const double third = strtod("0.33333334", NULL), two = strtod("0.6666667", NULL);
        const double difference[] = { two - third, -third, third };
        struct scion_permutation test;

        (void)state;
        /*
         * Three differences of equal size: the sums of all eight patterns are at least as far from zero as
         * one third.
         */
        assert_true(scion_permutation_test(difference, 3, (two + 4 * third) / (1 << 24), &test));
        assert_true(test.exact && test.p == 1);
        assert_true(scion_float_equal(two - third, third));
        assert_false(scion_float_equal(0.3333334, 0.3333336));
        assert_true(scion_float_equal(0, 0));
        assert_false(scion_float_equal(0, 1e-30));
}

/* The largest number of differences for which all patterns are enumerated: only two are as extreme. */
static void exact_to_twenty(void **state)
{
        double difference[21];
        struct scion_permutation test;

        (void)state;
        for (int i = 0; i < 21; i++)
                difference[i] = 0.1 + i;
        assert_true(scion_permutation_test(difference, 20, 1e-9, &test));
        assert_true(test.exact && test.p == 2.0 / (1 << 20));
        assert_true(scion_permutation_test(difference, 21, 1e-9, &test));
        assert_false(test.exact);
        assert_true(test.p >= 1.0 / (SCION_PERMUTATION_SAMPLES + 1.0) && test.p < 2e-4);
}

static void holm_leaves_out_what_is_none(void **state)
{
        const double p[] = { 0.02, NAN, 0.04 };
        double corrected[3];

        (void)state;
        assert_true(scion_holm(p, 3, corrected));
        assert_true(corrected[0] == 0.04 && isnan(corrected[1]) && corrected[2] == 0.04);
}

static void friedman_of_nothing(void **state)
{
        const double values[] = { 1, 1, 1, 2, 2, 2 };
        double ranks[6];

        (void)state;
        scion_ranks(values, 2, 3, ranks);
        for (int i = 0; i < 6; i++)
                assert_true(ranks[i] == 2);
        assert_true(isnan(scion_friedman_test(ranks, 2, 3).p)); /* all are tied */
        assert_true(isnan(scion_friedman_test(ranks, 1, 3).p));
        assert_true(isnan(scion_nemenyi_difference(4, 1)));
}

/* Three contenders in the same order for three seeds and two tasks: one of 6 * 6 exchanges is as far. */
static void ranks_by_seed(void **state)
{
        double value[18];
        struct scion_permutation test;

        (void)state;
        for (int i = 0; i < 18; i++)
                value[i] = i % 3 + i / 3 * 0.125;
        assert_true(scion_ranks_test_seeds(value, 3, 2, 3, &test));
        assert_true(test.exact && fabs(test.p - 1.0 / 36) < 1e-15);
        assert_true(scion_ranks_test_seeds(value, 1, 6, 3, &test));
        assert_true(isnan(test.p)); /* a single seed */
        assert_true(scion_ranks_test_seeds(value, 3, 6, 1, &test));
        assert_true(isnan(test.p)); /* a single contender */
        for (int i = 0; i < 18; i++)
                value[i] = 0.5;
        assert_true(scion_ranks_test_seeds(value, 3, 2, 3, &test));
        assert_true(test.p == 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(few_values),          cmocka_unit_test(task_of_one_seed),
                cmocka_unit_test(tasks_are_fixed),     cmocka_unit_test(rounding_breaks_no_tie),
                cmocka_unit_test(exact_to_twenty),     cmocka_unit_test(holm_leaves_out_what_is_none),
                cmocka_unit_test(friedman_of_nothing), cmocka_unit_test(ranks_by_seed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
