#include "compare/statistics.h"

#include <math.h>
#include <scion/error.h>
#include <scion/random.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "compare/distributions.h"

#define SEED 1 /* of all random samples */

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

/* --- Replicates ----------------------------------------------------------------------------------------- */

static double replicates_value(const struct scion_replicates *of, size_t seed, size_t task)
{
        return of->value[seed * of->tasks + task];
}

static bool seed_has_results(const struct scion_replicates *of, size_t seed)
{
        for (size_t task = 0; task < of->tasks; task++)
                if (!isnan(replicates_value(of, seed, task)))
                        return true;
        return false;
}

/* Computes the number of seeds with a result in a task, and the mean of their results. */
static size_t task_mean(const struct scion_replicates *of, size_t task, double *mean)
{
        size_t count = 0;
        double sum = 0;

        for (size_t seed = 0; seed < of->seeds; seed++)
                if (!isnan(replicates_value(of, seed, task))) {
                        sum += replicates_value(of, seed, task);
                        count++;
                }
        *mean = sum / (double)count;
        return count;
}

/*
 * The influences of the seeds on the mean, and what is needed for their distribution. A deviation of a task
 * with n seeds is scaled by sqrt(n / (n - 1)), so that the sum of the squared influences is an unbiased
 * estimate of the variance.
 */
struct influences {
        const struct scion_replicates *of;
        double *seed;   /* the sum over tasks of scale * (value - mean) */
        double *scale;  /* of each task: sqrt(n / (n - 1)) / (n tasks); 0 for a task without results */
        double *column; /* a buffer with one entry for each seed */
        size_t *count;  /* results of each task */
};

/* The sum over the other seed of the squared covariances, for values that are independent with variance 1. */
static double influences_covariances(const struct influences *of, size_t seed, double *variance)
{
        double sum = 0;

        for (size_t i = 0; i < of->of->seeds; i++)
                of->column[i] = 0;
        for (size_t task = 0; task < of->of->tasks; task++) {
                double square = of->scale[task] * of->scale[task];

                if (isnan(replicates_value(of->of, seed, task)))
                        continue;
                for (size_t i = 0; i < of->of->seeds; i++)
                        if (!isnan(replicates_value(of->of, i, task)))
                                of->column[i] -= square / (double)of->count[task];
                of->column[seed] += square;
        }
        *variance = of->column[seed];
        for (size_t i = 0; i < of->of->seeds; i++)
                sum += of->column[i] * of->column[i];
        return sum;
}

static struct scion_interval influences_interval(const struct influences *of, double mean)
{
        double variance = 0, trace = 0, squares = 0;

        for (size_t seed = 0; seed < of->of->seeds; seed++) {
                double own;

                variance += of->seed[seed] * of->seed[seed];
                squares += influences_covariances(of, seed, &own);
                trace += own;
        }
        double half = -scion_t_quantile(SCION_LEVEL / 2, trace * trace / squares) * sqrt(variance);

        return isfinite(half) ? (struct scion_interval){ mean - half, mean + half }
                              : (struct scion_interval){ NAN, NAN };
}

/* Computes the estimate without its interval, and the influences. Returns whether there is an interval. */
static bool influences_compute(struct influences *of, struct scion_estimate *estimate)
{
        const struct scion_replicates *replicates = of->of;
        size_t single = 0;
        double sum = 0;

        for (size_t seed = 0; seed < replicates->seeds; seed++)
                estimate->seeds += seed_has_results(replicates, seed);
        for (size_t task = 0; task < replicates->tasks; task++) {
                double mean;

                of->count[task] = task_mean(replicates, task, &mean);
                if (of->count[task] == 0)
                        continue;
                estimate->tasks++;
                single += of->count[task] == 1;
                sum += mean;
        }
        estimate->mean = estimate->tasks ? sum / (double)estimate->tasks : NAN;
        for (size_t task = 0; task < replicates->tasks && single == 0; task++) {
                double mean, n = (double)of->count[task];

                if (of->count[task] == 0)
                        continue;
                task_mean(replicates, task, &mean);
                of->scale[task] = sqrt(n / (n - 1)) / (n * (double)estimate->tasks);
                for (size_t seed = 0; seed < replicates->seeds; seed++)
                        if (!isnan(replicates_value(replicates, seed, task)))
                                of->seed[seed] +=
                                        of->scale[task] * (replicates_value(replicates, seed, task) - mean);
        }
        return estimate->tasks > 0 && single == 0;
}

bool scion_replicates_estimate(const struct scion_replicates *of, struct scion_estimate *estimate)
{
        struct influences influences = { of, calloc(of->seeds + 1, sizeof(double)),
                                         calloc(of->tasks + 1, sizeof(double)),
                                         calloc(of->seeds + 1, sizeof(double)),
                                         calloc(of->tasks + 1, sizeof(size_t)) };
        bool good = (influences.seed && influences.scale && influences.column && influences.count) ||
                    scion_fail("out of memory");

        *estimate = (struct scion_estimate){ 0, 0, NAN, { NAN, NAN } };
        if (good && influences_compute(&influences, estimate))
                estimate->interval = influences_interval(&influences, estimate->mean);
        free(influences.seed);
        free(influences.scale);
        free(influences.column);
        free(influences.count);
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

bool scion_permutation_test_seeds(const struct scion_replicates *difference, double rounding,
                                  struct scion_permutation *result)
{
        double *sum = calloc(difference->seeds + 1, sizeof *sum); /* each seed's part of the statistic */
        size_t tasks = 0, seeds = 0;

        if (!sum)
                return scion_fail("out of memory");
        for (size_t task = 0; task < difference->tasks; task++) {
                double mean;
                size_t count = task_mean(difference, task, &mean);

                tasks += count > 0;
                for (size_t seed = 0; seed < difference->seeds && count > 0; seed++) {
                        double value = replicates_value(difference, seed, task);

                        sum[seed] += isnan(value) ? 0 : value / (double)count;
                }
        }
        for (size_t seed = 0; seed < difference->seeds; seed++)
                if (seed_has_results(difference, seed))
                        sum[seeds++] = sum[seed];
        /* The weights of the differences of each task have the sum 1. */
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
