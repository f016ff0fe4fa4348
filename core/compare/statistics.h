/*
 * The statistics that strategies are compared by. Numbers that do not exist (the deviation of one value) are
 * NaN. Whatever is drawn at random is drawn from fixed seeds: the same values give the same answer.
 */
#ifndef SCION_COMPARE_STATISTICS_H
#define SCION_COMPARE_STATISTICS_H

#include <scion/api.h>

#define SCION_BOOTSTRAP_SAMPLES 10000
#define SCION_PERMUTATION_EXACT 20      /* differences up to which all patterns of signs are gone through */
#define SCION_PERMUTATION_SAMPLES 99999 /* patterns drawn when there are more */

double scion_sample_mean(const double *values, size_t count);
/* Of a sample: n - 1. */
double scion_sample_deviation(const double *values, size_t count);
/* False when memory is out. */
bool scion_sample_median(const double *values, size_t count, double *median);

struct scion_interval {
        double low, high;
};

/*
 * A 95 % interval of the mean: the bias-corrected and accelerated bootstrap (BCa; Efron, Tibshirani. An
 * Introduction to the Bootstrap, 1993, chapter 14), 10,000 samples. With `stratum`, each value is drawn anew
 * from those of its own stratum, numbered from 0 (Davison, Hinkley. Bootstrap Methods, 1997, sections 3.2 and
 * 5.3.2); NULL: from all. NaN for fewer than two values. False when memory is out.
 */
bool scion_bootstrap_mean(const double *values, const size_t *stratum, size_t count,
                          struct scion_interval *interval);

struct scion_permutation {
        double p;
        bool exact; /* all patterns of signs; else a sample of them */
};

/*
 * The two-sided permutation test of paired differences: how many patterns of signs give a sum as far from
 * zero as the one seen (Fisher 1935). Up to 20 differences all patterns are gone through; of more,
 * 99,999 are drawn, and p = (b + 1) / (drawn + 1) (Phipson, Smyth. 2010). Sums that differ by `tie` or less
 * count as equal. p is NaN without a difference. False when memory is out.
 */
bool scion_permutation_test(const double *difference, size_t count, double tie,
                            struct scion_permutation *result);

/* Holm's step-down correction (1979) of `count` p-values; NaN stays, and does not count. */
bool scion_holm(const double *p, size_t count, double *corrected);

struct scion_friedman {
        double chi2, p; /* with the correction for ties; chi-squared with k - 1 degrees of freedom */
        /* Iman, Davenport (1980): F with k - 1 and (k - 1)(n - 1). When all rows rank alike F is infinite, and its
         * p is the chance of that, k!^-(n - 1) (Conover 1999, 5.8). */
        double f, f_p;
};

/* Equal but for the rounding of float32, as which metrics are written. */
bool scion_float_equal(double a, double b);

/* Ranks the k values of each of n rows (row-major), 1 for the least; those that scion_float_equal() share the
 * mean of their ranks. */
void scion_ranks(const double *values, size_t n, size_t k, double *ranks);
/* Friedman's test of such ranks, as in Demsar, JMLR 7 (2006), 3.2.2. NaN with fewer than two rows or columns,
 * and when all are tied. */
struct scion_friedman scion_friedman_test(const double *ranks, size_t n, size_t k);
/* Nemenyi's critical difference of average ranks at the level 0.05 (Demsar 2006): q / sqrt(2) *
 * sqrt(k (k + 1) / (6 n)), q from the studentized range. */
double scion_nemenyi_difference(size_t n, size_t k);

#endif
