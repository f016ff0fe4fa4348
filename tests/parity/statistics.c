/* The statistics of core/report against SciPy's (make_statistics.py). */
#include "compare/statistics.h"

#include <math.h>

#include "compare/distributions.h"
#include "parity/vectors.h"

#define MOST 64

static size_t read_list(const json_t *list, double *values)
{
        size_t count = json_array_size(list);

        assert_in_range(count, 1, MOST);
        for (size_t i = 0; i < count; i++)
                values[i] = json_number_value(json_array_get(list, i));
        return count;
}

static void assert_near(const char *what, double got, double wanted, double allowed)
{
        if (!(fabs(got - wanted) <= allowed)) /* fails for NaN as well */
                fail_msg("%s is %.17g, not %.17g (allowed: %g)", what, got, wanted, allowed);
}

static void assert_equal_but_rounding(const char *what, double got, double wanted)
{
        assert_near(what, got, wanted, 1e-12 * fabs(wanted));
}

static void assert_estimate(const json_t *test_case, const struct scion_estimate *estimate, double allowed)
{
        assert_near("the mean", estimate->mean, vectors_number(test_case, "mean"), allowed);
        assert_near("the interval's low end", estimate->interval.low, vectors_number(test_case, "low"),
                    allowed);
        assert_near("the interval's high end", estimate->interval.high, vectors_number(test_case, "high"),
                    allowed);
}

static void sample(const json_t *test_case)
{
        double values[MOST], median;
        size_t count = read_list(vectors_member(test_case, "values"), values);
        struct scion_estimate estimate;

        assert_equal_but_rounding("the mean", scion_sample_mean(values, count),
                                  vectors_number(test_case, "mean"));
        assert_equal_but_rounding("the deviation", scion_sample_deviation(values, count),
                                  vectors_number(test_case, "deviation"));
        assert_true(scion_sample_median(values, count, &median));
        assert_equal_but_rounding("the median", median, vectors_number(test_case, "median"));
        assert_true(scion_replicates_estimate(&(struct scion_replicates){ count, 1, values }, &estimate));
        assert_int_equal(estimate.seeds, count);
        assert_estimate(test_case, &estimate, 1e-9 * scion_sample_deviation(values, count));
}

/* Reads rows of results by seed, with null for missing ones. */
static struct scion_replicates read_replicates(const json_t *rows, double *values)
{
        size_t seeds = json_array_size(rows), tasks = json_array_size(json_array_get(rows, 0));

        assert_in_range(seeds * tasks, 1, MOST);
        for (size_t i = 0; i < seeds * tasks; i++) {
                const json_t *value = json_array_get(json_array_get(rows, i / tasks), i % tasks);

                values[i] = json_is_null(value) ? NAN : json_number_value(value);
        }
        return (struct scion_replicates){ seeds, tasks, values };
}

static void replicates(const json_t *test_case)
{
        double values[MOST];
        struct scion_replicates by_seed = read_replicates(vectors_member(test_case, "values"), values);
        struct scion_estimate estimate;

        assert_true(scion_replicates_estimate(&by_seed, &estimate));
        assert_int_equal(estimate.seeds, vectors_integer(test_case, "seeds"));
        assert_int_equal(estimate.tasks, vectors_integer(test_case, "tasks"));
        assert_estimate(test_case, &estimate, 1e-9);
}

static void by_seed(const json_t *test_case)
{
        double values[MOST];
        struct scion_replicates differences = read_replicates(vectors_member(test_case, "values"), values);
        struct scion_permutation result;

        assert_true(scion_permutation_test_seeds(&differences, 1e-9, &result));
        assert_true(result.exact);
        assert_near("p", result.p, vectors_number(test_case, "p"), 1e-15);
}

static void permutation(const json_t *test_case)
{
        double difference[MOST], tie = 0, p = vectors_number(test_case, "p");
        size_t count = read_list(vectors_member(test_case, "difference"), difference);
        struct scion_permutation result;

        for (size_t i = 0; i < count; i++)
                tie += fabs(difference[i]) / (1 << 24);
        assert_true(scion_permutation_test(difference, count, tie, &result));
        assert_int_equal(result.exact, count <= 20);
        /* The error of p is sqrt(p (1 - p) / patterns); SciPy's, of a million, is a third of it. */
        assert_near("p", result.p, p,
                    result.exact ? 1e-15 : 4 * sqrt(1.1 * p * (1 - p) / SCION_PERMUTATION_SAMPLES));
}

static void exchanges(const json_t *test_case)
{
        double values[MOST];
        const json_t *list = vectors_member(test_case, "values");
        struct scion_permutation result;

        assert_in_range(json_array_size(list), 1, MOST);
        for (size_t i = 0; i < json_array_size(list); i++)
                values[i] = json_is_null(json_array_get(list, i))
                                    ? NAN
                                    : json_number_value(json_array_get(list, i));
        assert_true(scion_ranks_test_seeds(values, (size_t)vectors_integer(test_case, "seeds"),
                                           (size_t)vectors_integer(test_case, "tasks"),
                                           (size_t)vectors_integer(test_case, "k"), &result));
        assert_true(result.exact);
        assert_near("p", result.p, vectors_number(test_case, "p"), 1e-15);
}

static void holm(const json_t *test_case)
{
        double p[MOST], corrected[MOST], wanted[MOST];
        size_t count = read_list(vectors_member(test_case, "p"), p);

        read_list(vectors_member(test_case, "corrected"), wanted);
        assert_true(scion_holm(p, count, corrected));
        for (size_t i = 0; i < count; i++)
                assert_equal_but_rounding("a corrected p", corrected[i], wanted[i]);
}

static void friedman(const json_t *test_case)
{
        const json_t *rows = vectors_member(test_case, "values");
        size_t n = json_array_size(rows), k = json_array_size(json_array_get(rows, 0));
        double values[MOST], ranks[MOST], wanted[MOST];

        assert_in_range(n * k, 1, MOST);
        for (size_t i = 0; i < n; i++) {
                read_list(json_array_get(rows, i), values + i * k);
                read_list(json_array_get(vectors_member(test_case, "ranks"), i), wanted + i * k);
        }
        scion_ranks(values, n, k, ranks);
        assert_memory_equal(ranks, wanted, n * k * sizeof *ranks);
        struct scion_friedman result = scion_friedman_test(ranks, n, k);

        assert_equal_but_rounding("chi2", result.chi2, vectors_number(test_case, "chi2"));
        assert_equal_but_rounding("its p", result.p, vectors_number(test_case, "p"));
        if (json_object_get(test_case, "f"))
                assert_equal_but_rounding("F", result.f, vectors_number(test_case, "f"));
        else
                assert_true(isinf(result.f));
        assert_equal_but_rounding("its p", result.f_p, vectors_number(test_case, "f_p"));
        assert_near("the critical difference", scion_nemenyi_difference(n, k),
                    vectors_number(test_case, "critical_difference"), 1e-8);
}

static void distributions(const json_t *test_case)
{
        const json_t *points = vectors_member(test_case, "points"), *point;
        size_t index;

        json_array_foreach(points, index, point)
        {
                const char *of = vectors_text(point, "of");
                double x = vectors_number(point, "x"), is = vectors_number(point, "is"), got = NAN;
                double a = json_number_value(json_object_get(point, "a")),
                       b = json_number_value(json_object_get(point, "b")), allowed = 1e-11 * fabs(is) + 1e-16;

                if (strcmp(of, "normal") == 0)
                        got = scion_normal_cdf(x);
                else if (strcmp(of, "normal quantile") == 0)
                        got = scion_normal_quantile(x);
                else if (strcmp(of, "chi2") == 0)
                        got = scion_chi2_tail(x, a);
                else if (strcmp(of, "f") == 0)
                        got = scion_f_tail(x, a, b);
                else if (strcmp(of, "t quantile") == 0)
                        got = scion_t_quantile(x, a);
                else if (strcmp(of, "range") == 0)
                        got = scion_range_cdf(x, (int)a);
                else
                        got = scion_range_quantile(x, (int)a);
                if (strncmp(of, "range", 5) == 0)
                        allowed = 1e-8; /* SciPy integrates numerically, to that */
                if (!(fabs(got - is) <= allowed))
                        fail_msg("%s of %g (%g, %g) is %.17g, not %.17g", of, x, a, b, got, is);
        }
}

static void one_case(void **state)
{
        static const struct {
                const char *kind;
                void (*test)(const json_t *test_case);
        } kinds[] = {
                { "sample: ", sample },       { "replicates: ", replicates },     { "by seed: ", by_seed },
                { "exchanges: ", exchanges }, { "permutation: ", permutation },   { "holm: ", holm },
                { "friedman: ", friedman },   { "distributions", distributions },
        };
        const char *name = vectors_text(*state, "name");

        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
                if (strncmp(name, kinds[i].kind, strlen(kinds[i].kind)) == 0) {
                        kinds[i].test(*state);
                        return;
                }
        fail_msg("no test for the case");
}

int main(void)
{
        return vectors_run("statistics", one_case);
}
