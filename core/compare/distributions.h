/* Tails and quantiles of the distributions that tests refer to. */
#ifndef SCION_COMPARE_DISTRIBUTIONS_H
#define SCION_COMPARE_DISTRIBUTIONS_H

/* P(X <= x) of the standard normal, and its inverse. */
double scion_normal_cdf(double x);
double scion_normal_quantile(double p);

/* P(X > x) of chi-squared, and of F. */
double scion_chi2_tail(double x, double freedom);
double scion_f_tail(double x, double freedom1, double freedom2);

/* P(range of k standard normal values <= q), the studentized range of infinitely many degrees of freedom; and
 * its inverse. k is 2 at least. */
double scion_range_cdf(double q, int k);
double scion_range_quantile(double p, int k);

#endif
