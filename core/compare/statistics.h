/*
 * The statistics for comparing strategies. Numbers that do not exist, such as the deviation of one value, are
 * NaN. Random samples are drawn from fixed seeds, so that the same values give the same result.
 */
#ifndef SCION_COMPARE_STATISTICS_H
#define SCION_COMPARE_STATISTICS_H

#include <scion/api.h>

#define SCION_LEVEL 0.05 /* of significance; intervals hold 1 - level */
/* Largest number of differences for which all patterns of signs are enumerated. */
#define SCION_PERMUTATION_EXACT 20
#define SCION_EXCHANGES_EXACT 10000 /* largest number of exchanges that are enumerated */
#define SCION_EXCHANGES_SAMPLES 9999
#define SCION_PERMUTATION_SAMPLES 99999 /* patterns that are drawn for more differences */

/* The mean of a sample; NaN for count = 0. */
double scion_sample_mean(const double *values, size_t count);
/* The standard deviation of a sample (n - 1). */
double scion_sample_deviation(const double *values, size_t count);
/* Returns false when memory is out. */
bool scion_sample_median(const double *values, size_t count, double *median);

/* An interval; both ends are NaN if it does not exist. */
struct scion_interval {
        double low, high;
};

/*
 * Results by seed and task: value[seed * tasks + task], NaN where there is none. Seeds and tasks without a
 * result do not count. The tasks are fixed. The seeds are the replications: results of different seeds are
 * independent; those of one seed need not be, because a seed draws the data and the first weights in all
 * tasks.
 */
struct scion_replicates {
        size_t seeds, tasks;
        const double *value;
};

/* The mean of replicates. */
struct scion_estimate {
        size_t seeds, tasks; /* that have a result */
        double mean;         /* over tasks, of the means over seeds */
        struct scion_interval interval;
};

/*
 * Estimates the mean and its 95 % interval, which is Student's t over the seeds: where no result is missing,
 * mean +- t sd / sqrt(n) with n - 1 degrees of freedom, of the n seeds' means over tasks. Otherwise the
 * variance is the sum of the squared influences of the seeds, and the degrees of freedom are Satterthwaite's
 * (Bell, McCaffrey. Survey Methodology 28, 2002). There is no interval for a single seed, nor if one of the
 * tasks has a single seed. Returns false when memory is out.
 */
bool scion_replicates_estimate(const struct scion_replicates *of, struct scion_estimate *estimate);

/* The result of a permutation test. */
struct scion_permutation {
        double p;
        bool exact; /* all patterns of signs were enumerated, rather than a sample */
};

/*
 * The two-sided permutation test of `count` independent differences: the share of the patterns of signs whose
 * sum is at least as far from zero as the observed one (Fisher 1935). For up to 20 differences all patterns
 * are enumerated, so that the smallest p is 2 / 2^count; for more, 99,999 are drawn, and p = (b + 1) / (drawn
 * + 1) (Phipson, Smyth. 2010). Sums that differ by `tie` or less count as equal. p is NaN for count = 0.
 * Returns false when memory is out.
 */
bool scion_permutation_test(const double *difference, size_t count, double tie,
                            struct scion_permutation *result);

/*
 * The same test for differences by seed and task. The statistic is the mean over tasks of the means over
 * seeds, and the sign of all differences of a seed is flipped at once. `rounding` is the largest rounding
 * error of a difference. p is NaN for fewer than two seeds. Returns false when memory is out.
 */
bool scion_permutation_test_seeds(const struct scion_replicates *difference, double rounding,
                                  struct scion_permutation *result);

/*
 * Holm's step-down correction (1979) of `count` p-values. NaN stays NaN and is not counted. Returns false
 * when memory is out.
 */
bool scion_holm(const double *p, size_t count, double *corrected);

/* The result of Friedman's test. */
struct scion_friedman {
        double chi2, p; /* corrected for ties; chi-squared with k - 1 degrees of freedom */
        /*
         * Iman, Davenport (1980): F with k - 1 and (k - 1)(n - 1) degrees of freedom. When all rows have the
         * same ranks, F is infinite and its p is the probability of that, k!^-(n - 1) (Conover 1999, 5.8).
         */
        double f, f_p;
};

/* Whether two numbers are equal up to the rounding of float32, the precision in which metrics are written. */
bool scion_float_equal(double a, double b);

/*
 * Ranks the k values of each of n rows (row-major), with 1 for the smallest. Values that are
 * scion_float_equal() get the mean of their ranks.
 */
void scion_ranks(const double *values, size_t n, size_t k, double *ranks);
/*
 * Friedman's test of such ranks, as in Demsar, JMLR 7 (2006), 3.2.2. NaN for fewer than two rows or columns,
 * and when all values are tied.
 */
struct scion_friedman scion_friedman_test(const double *ranks, size_t n, size_t k);
/*
 * The permutation test of the differences between k contenders, with the seeds as replications: the
 * contenders are ranked for each seed and task, and p is the share of the exchanges of contenders within each
 * seed, in all tasks at once, after which the average ranks are at least as far from each other, by the sum
 * of squares. value[(seed * tasks + task) * k + contender]; a seed does not count in a task where its first
 * value is NaN. Up to 10,000 exchanges are enumerated; of more, 9,999 are drawn. p is NaN for fewer than two
 * contenders or seeds. Returns false when memory is out.
 */
bool scion_ranks_test_seeds(const double *value, size_t seeds, size_t tasks, size_t k,
                            struct scion_permutation *result);
/* Nemenyi's critical difference of average ranks at the level 0.05 (Demsar 2006): q / sqrt(2) *
 * sqrt(k (k + 1) / (6 n)), q from the studentized range. */
double scion_nemenyi_difference(size_t n, size_t k);

#endif
