/* Distribution functions, tails and quantiles for the tests. */
#ifndef SCION_COMPARE_DISTRIBUTIONS_H
#define SCION_COMPARE_DISTRIBUTIONS_H

/* P(X <= x) of the standard normal distribution, and its inverse. */
double scion_normal_cdf(double x);
double scion_normal_quantile(double p);

/* P(X > x) of the chi-squared distribution and of the F distribution, with the given degrees of freedom. */
double scion_chi2_tail(double x, double freedom);
double scion_f_tail(double x, double freedom1, double freedom2);

/*
 * The x with P(X <= x) = p of Student's t distribution, for 0 < p < 1 and freedom > 0, which need not be a
 * whole number.
 */
double scion_t_quantile(double p, double freedom);

/*
 * P(range of k standard normal values <= q), for k >= 2: the studentized range with infinitely many degrees
 * of freedom. And its inverse.
 */
double scion_range_cdf(double q, int k);
double scion_range_quantile(double p, int k);

#endif
