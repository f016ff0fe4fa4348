#include "compare/statistics.h"

#include <math.h>
#include <scion/error.h>
#include <scion/random.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "compare/distributions.h"

#define SEED 1 /* of all random samples */
#define FLOAT_ROUNDING (1.0 / (1 << 24))

double scion_sample_mean(const double *values, size_t count)
{
        double sum = 0;

        for (size_t i = 0; i < count; i++)
                sum += values[i];
        return count ? sum / (double)count : NAN;
}

double scion_sample_deviation(const double *values, size_t count)
{
        double mean = scion_sample_mean(values, count), sum = 0;

        for (size_t i = 0; i < count; i++)
                sum += (values[i] - mean) * (values[i] - mean);
        return count > 1 ? sqrt(sum / (double)(count - 1)) : NAN;
}

static int double_by_size(const void *a, const void *b)
{
        double left = *(const double *)a, right = *(const double *)b;

        return (left > right) - (left < right);
}

bool scion_sample_median(const double *values, size_t count, double *median)
{
        double *sorted = malloc((count + 1) * sizeof *sorted);

        *median = NAN;
        if (!sorted)
                return scion_fail("out of memory");
        memcpy(sorted, values, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, double_by_size);
        if (count > 0)
                *median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
        free(sorted);
        return true;
}

/* --- Bootstrap ------------------------------------------------------------------------------------------ */

/* The values in the order of their strata. */
struct strata {
        double *value;
        size_t count, *end; /* end[s]: one past the last of stratum s */
};

static bool strata_sort(const double *values, const size_t *stratum, size_t count, struct strata *strata)
{
        size_t strata_count = 1;

        for (size_t i = 0; stratum && i < count; i++)
                if (stratum[i] >= strata_count)
                        strata_count = stratum[i] + 1;
        strata->count = strata_count;
        strata->value = malloc((count + 1) * sizeof *strata->value);
        strata->end = calloc(strata_count + 1, sizeof *strata->end);
        if (!strata->value || !strata->end)
                return scion_fail("out of memory");
        for (size_t i = 0; i < count; i++)
                strata->end[(stratum ? stratum[i] : 0) + 1]++;
        for (size_t s = 0; s < strata_count; s++)
                strata->end[s + 1] +=
                        strata->end[s]; /* the start of s + 1, which the next loop advances to its end */
        for (size_t i = 0; i < count; i++)
                strata->value[strata->end[stratum ? stratum[i] : 0]++] = values[i];
        return true;
}

/* Draws the bootstrap means, sorted. `number` is a buffer with one entry for each value. */
static void strata_draw_means(const struct strata *strata, size_t count, uint32_t *number, double *means)
{
        struct scion_random random = scion_random(SEED, SCION_RANDOM_DATA, 0);

        for (size_t b = 0; b < SCION_BOOTSTRAP_SAMPLES; b++) {
                double sum = 0;

                scion_random_fill(&random, number, count);
                for (size_t s = 0, start = 0; s < strata->count; start = strata->end[s++]) {
                        uint64_t size = strata->end[s] - start;

                        for (size_t i = start; i < strata->end[s]; i++)
                                sum += strata->value[start + (number[i] * size >> 32)];
                }
                means[b] = sum / (double)count;
        }
        qsort(means, SCION_BOOTSTRAP_SAMPLES, sizeof *means, double_by_size);
}

/* The acceleration: the sum of cubed influences over the sum of squared ones to the power 3/2, over 6. */
static double strata_acceleration(const struct strata *strata)
{
        double squares = 0, cubes = 0;

        for (size_t s = 0, start = 0; s < strata->count; start = strata->end[s++]) {
                double mean = scion_sample_mean(strata->value + start, strata->end[s] - start);

                for (size_t i = start; i < strata->end[s]; i++) {
                        double influence = strata->value[i] - mean;

                        squares += influence * influence;
                        cubes += influence * influence * influence;
                }
        }
        return squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0;
}

/* The share of the bootstrap means below the mean; those equal to it, up to rounding, count half. */
static double means_share_below(const double *means, double mean)
{
        double rounding = 1e-12 * (fabs(means[0]) + fabs(means[SCION_BOOTSTRAP_SAMPLES - 1]));
        size_t below = 0, equal = 0;

        for (size_t b = 0; b < SCION_BOOTSTRAP_SAMPLES; b++) {
                below += means[b] < mean - rounding;
                equal += fabs(means[b] - mean) <= rounding;
        }
        return ((double)below + (double)equal / 2) / SCION_BOOTSTRAP_SAMPLES;
}

/* Interpolates linearly between neighbours. */
static double sorted_quantile(const double *sorted, size_t count, double p)
{
        double place = p * (double)(count - 1);

        if (isnan(place)) /* for values so large that their sum overflows */
                return NAN;
        size_t below = (size_t)place;

        return below + 1 >= count
                       ? sorted[count - 1]
                       : sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

static double bca_quantile(const double *means, double bias, double a, double p)
{
        double z = bias + scion_normal_quantile(p);

        return sorted_quantile(means, SCION_BOOTSTRAP_SAMPLES, scion_normal_cdf(bias + z / (1 - a * z)));
}

bool scion_bootstrap_mean(const double *values, const size_t *stratum, size_t count,
                          struct scion_interval *interval)
{
        struct strata strata = { 0 };
        double *means = malloc(SCION_BOOTSTRAP_SAMPLES * sizeof *means);
        uint32_t *number = malloc((count + 1) * sizeof *number);
        bool good = (means && number) || scion_fail("out of memory");

        *interval = (struct scion_interval){ NAN, NAN };
        if (good && count > 1 && (good = strata_sort(values, stratum, count, &strata))) {
                strata_draw_means(&strata, count, number, means);
                double bias =
                        scion_normal_quantile(means_share_below(means, scion_sample_mean(values, count)));
                double a = strata_acceleration(&strata);

                interval->low = bca_quantile(means, bias, a, SCION_LEVEL / 2);
                interval->high = bca_quantile(means, bias, a, 1 - SCION_LEVEL / 2);
        }
        free(strata.value);
        free(strata.end);
        free(number);
        free(means);
        return good;
}

/* --- The permutation test ------------------------------------------------------------------------------- */

/*
 * Precomputes the signed sums of each eight differences for all patterns of their signs: sums[256 * i +
 * pattern] for the ith eight.
 */
static double *differences_sums(const double *difference, size_t count)
{
        size_t eights = (count + 7) / 8;
        double *sums = malloc(eights * 256 * sizeof *sums);

        for (size_t i = 0; sums && i < 256 * eights; i++) {
                sums[i] = 0;
                for (size_t j = i / 256 * 8; j < count && j < i / 256 * 8 + 8; j++)
                        sums[i] += i >> (j % 8) & 1 ? -difference[j] : difference[j];
        }
        return sums;
}

/* The bits of `pattern` are the signs, 32 in a word. */
static double signed_sum(const double *sums, size_t eights, const uint32_t *pattern)
{
        double sum = 0;

        for (size_t i = 0; i < eights; i++)
                sum += sums[256 * i + (pattern[i / 4] >> i % 4 * 8 & 255)];
        return sum;
}

static double permutation_exact_p(const double *sums, size_t count, double limit)
{
        uint32_t patterns = (uint32_t)1 << count;
        size_t far = 0;

        for (uint32_t pattern = 0; pattern < patterns; pattern++)
                far += fabs(signed_sum(sums, (count + 7) / 8, &pattern)) >= limit;
        return (double)far / patterns;
}

static bool permutation_sampled_p(const double *sums, size_t count, double limit, double *p)
{
        struct scion_random random = scion_random(SEED, SCION_RANDOM_DATA, 1);
        size_t words = (count + 31) / 32, far = 0;
        uint32_t *pattern = malloc(words * sizeof *pattern);

        if (!pattern)
                return scion_fail("out of memory");
        for (int i = 0; i < SCION_PERMUTATION_SAMPLES; i++) {
                scion_random_fill(&random, pattern, words);
                far += fabs(signed_sum(sums, (count + 7) / 8, pattern)) >= limit;
        }
        *p = ((double)far + 1) / (SCION_PERMUTATION_SAMPLES + 1.0);
        free(pattern);
        return true;
}

bool scion_permutation_test(const double *difference, size_t count, double tie,
                            struct scion_permutation *result)
{
        *result = (struct scion_permutation){ NAN, count <= SCION_PERMUTATION_EXACT };
        if (count == 0)
                return true;
        double *sums = differences_sums(difference, count);
        bool good = true;

        if (!sums)
                return scion_fail("out of memory");
        double seen = 0; /* summed in the same order as the patterns, for the same rounding */

        for (size_t i = 0; i < (count + 7) / 8; i++)
                seen += sums[256 * i];
        double limit = fabs(seen) - tie;

        if (result->exact)
                result->p = permutation_exact_p(sums, count, limit);
        else
                good = permutation_sampled_p(sums, count, limit, &result->p);
        free(sums);
        return good;
}

/* The number of seeds with a result in a task. */
static size_t task_seeds(const struct scion_replicates *of, size_t task)
{
        size_t count = 0;

        for (size_t seed = 0; seed < of->seeds; seed++)
                count += !isnan(of->value[seed * of->tasks + task]);
        return count;
}

static bool seed_has_results(const struct scion_replicates *of, size_t seed)
{
        for (size_t task = 0; task < of->tasks; task++)
                if (!isnan(of->value[seed * of->tasks + task]))
                        return true;
        return false;
}

size_t scion_replicates_seeds(const struct scion_replicates *of)
{
        size_t count = 0;

        for (size_t seed = 0; seed < of->seeds; seed++)
                count += seed_has_results(of, seed);
        return count;
}

bool scion_permutation_test_seeds(const struct scion_replicates *difference, double rounding,
                                  struct scion_permutation *result)
{
        double *sum = calloc(difference->seeds + 1, sizeof *sum); /* each seed's part of the statistic */
        size_t tasks = 0, seeds = 0;

        if (!sum)
                return scion_fail("out of memory");
        for (size_t task = 0; task < difference->tasks; task++) {
                size_t count = task_seeds(difference, task);

                tasks += count > 0;
                for (size_t seed = 0; seed < difference->seeds && count > 0; seed++) {
                        double value = difference->value[seed * difference->tasks + task];

                        sum[seed] += isnan(value) ? 0 : value / (double)count;
                }
        }
        for (size_t seed = 0; seed < difference->seeds; seed++)
                if (seed_has_results(difference, seed))
                        sum[seeds++] = sum[seed];
        /* The weights of a task's differences have the sum 1. */
        bool good = scion_permutation_test(sum, seeds > 1 ? seeds : 0, (double)tasks * rounding, result);

        free(sum);
        return good;
}

/* --- Multiple comparisons ------------------------------------------------------------------------------- */

struct ranked {
        double p;
        size_t index;
};

static int ranked_by_p(const void *a, const void *b)
{
        return double_by_size(&((const struct ranked *)a)->p, &((const struct ranked *)b)->p);
}

bool scion_holm(const double *p, size_t count, double *corrected)
{
        struct ranked *ranked = malloc((count + 1) * sizeof *ranked);
        size_t tests = 0;
        double largest = 0;

        if (!ranked)
                return scion_fail("out of memory");
        for (size_t i = 0; i < count; i++) {
                corrected[i] = NAN;
                if (!isnan(p[i]))
                        ranked[tests++] = (struct ranked){ p[i], i };
        }
        qsort(ranked, tests, sizeof *ranked, ranked_by_p);
        for (size_t i = 0; i < tests; i++) {
                largest = fmax(largest, fmin(1, (double)(tests - i) * ranked[i].p));
                corrected[ranked[i].index] = largest;
        }
        free(ranked);
        return true;
}

/* --- Ranks ---------------------------------------------------------------------------------------------- */

bool scion_float_equal(double a, double b)
{
        return fabs(a - b) <= FLOAT_ROUNDING * (fabs(a) + fabs(b));
}

void scion_ranks(const double *values, size_t n, size_t k, double *ranks)
{
        for (size_t row = 0; row < n; row++, values += k, ranks += k)
                for (size_t i = 0; i < k; i++) {
                        size_t less = 0, equal = 0; /* `equal` counts itself */

                        for (size_t j = 0; j < k; j++) {
                                bool same = scion_float_equal(values[i], values[j]);

                                equal += same;
                                less += !same && values[j] < values[i];
                        }
                        ranks[i] = (double)less + (double)(equal + 1) / 2;
                }
}

/* This form of chi2 (Conover 1999, 5.8) needs no extra term for ties. */
struct scion_friedman scion_friedman_test(const double *ranks, size_t n, size_t k)
{
        struct scion_friedman result = { NAN, NAN, NAN, NAN };
        double rows = (double)n, columns = (double)k, between = 0, total = 0, middle = (columns + 1) / 2;

        for (size_t j = 0; j < k; j++) {
                double sum = 0;

                for (size_t i = 0; i < n; i++) {
                        double distance = ranks[i * k + j] - middle;

                        sum += distance;
                        total += distance * distance;
                }
                between += sum * sum;
        }
        if (n < 2 || k < 2 || total <= 0)
                return result;
        result.chi2 = (columns - 1) * between / total;
        result.p = scion_chi2_tail(result.chi2, columns - 1);

        double most = rows * (columns - 1), left = most - result.chi2;

        if (left > 1e-9 * most) {
                result.f = (rows - 1) * result.chi2 / left;
                result.f_p = scion_f_tail(result.f, columns - 1, (columns - 1) * (rows - 1));
        } else { /* all rows have the same ranks: the probability of that */
                result.f = INFINITY;
                result.f_p = exp(-(rows - 1) * lgamma(columns + 1));
        }
        return result;
}

double scion_nemenyi_difference(size_t n, size_t k)
{
        if (n < 1 || k < 2)
                return NAN;
        return scion_range_quantile(1 - SCION_LEVEL, (int)k) / sqrt(2) *
               sqrt((double)(k * (k + 1)) / (6 * (double)n));
}
