#include "compare/distributions.h"

#include <math.h>

#define STEPS 200       /* of bisection: more than the bits of a double */
#define TERMS 10000     /* most terms of a series or continued fraction */
#define PRECISE 1e-15   /* relative change at which they stop */
#define TINY 1e-300     /* replaces a zero denominator */
#define REACH 9.0       /* the normal density beyond it is below 1e-18 */
#define FARTHEST 1e150  /* quantiles of t are searched up to here: its square is finite */
#define GRID (1 / 32.0) /* the trapezoidal rule is exact to rounding for steps this small */

double scion_normal_cdf(double x)
{
        return erfc(-x / sqrt(2)) / 2;
}

/* Returns the x between low and high at which an increasing function has the value p, by bisection. */
static double function_invert(double (*rising)(double x, int k), int k, double p, double low, double high)
{
        for (int i = 0; i < STEPS; i++) {
                double middle = (low + high) / 2;

                if (rising(middle, k) < p)
                        low = middle;
                else
                        high = middle;
        }
        return (low + high) / 2;
}

static double normal_cdf_of_k(double x, int k)
{
        (void)k;
        return scion_normal_cdf(x);
}

double scion_normal_quantile(double p)
{
        if (p > 0.5) /* the lower tail is more precise */
                return -scion_normal_quantile(1 - p);
        return p <= 0 ? -INFINITY : function_invert(normal_cdf_of_k, 0, p, -40, 1);
}

/* --- Chi-squared and F ---------------------------------------------------------------------------------- */

/* The regularized lower incomplete gamma function by its series; converges fast for x < a + 1. */
static double gamma_series(double a, double x)
{
        double term = 1 / a, sum = term;

        for (int n = 1; n < TERMS && fabs(term) > PRECISE * fabs(sum); n++) {
                term *= x / (a + n);
                sum += term;
        }
        return sum * exp(a * log(x) - x - lgamma(a));
}

static double denominator_nonzero(double x)
{
        return fabs(x) < TINY ? TINY : x;
}

/*
 * The regularized upper incomplete gamma function by its continued fraction (Lentz's method), for x >= a + 1.
 */
static double gamma_fraction(double a, double x)
{
        double b = x + 1 - a, c = 1 / TINY, d = 1 / denominator_nonzero(b), value = d, change = 0;

        for (int i = 1; i < TERMS && fabs(change - 1) > PRECISE; i++) {
                double numerator = -i * (i - a);

                b += 2;
                d = 1 / denominator_nonzero(numerator * d + b);
                c = denominator_nonzero(b + numerator / c);
                change = c * d;
                value *= change;
        }
        return value * exp(a * log(x) - x - lgamma(a));
}

double scion_chi2_tail(double x, double freedom)
{
        double a = freedom / 2, half = x / 2;

        if (isnan(x) || half <= 0)
                return isnan(x) ? NAN : 1;
        return half < a + 1 ? 1 - gamma_series(a, half) : gamma_fraction(a, half);
}

/* The continued fraction of the incomplete beta function (Abramowitz, Stegun 26.5.8; Lentz's method). */
static double beta_fraction(double a, double b, double x)
{
        double c = 1, d = 1 / denominator_nonzero(1 - (a + b) * x / (a + 1)), value = d, change = 0;

        for (int m = 1; m < TERMS && fabs(change - 1) > PRECISE; m++) {
                double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
                double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));

                d = 1 / denominator_nonzero(1 + even * d);
                c = denominator_nonzero(1 + even / c);
                value *= c * d;
                d = 1 / denominator_nonzero(1 + odd * d);
                c = denominator_nonzero(1 + odd / c);
                change = c * d;
                value *= change;
        }
        return value;
}

/* The regularized incomplete beta function. `rest` is 1 - x, which the caller may know more precisely. */
static double beta_regularized(double a, double b, double x, double rest)
{
        double front;

        if (x <= 0 || rest <= 0)
                return x <= 0 ? 0 : 1;
        front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(rest));
        return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                         : 1 - front * beta_fraction(b, a, rest) / b;
}

double scion_f_tail(double x, double freedom1, double freedom2)
{
        if (isnan(x) || x <= 0)
                return isnan(x) ? NAN : 1;
        if (isinf(x))
                return 0;
        double sum = freedom2 + freedom1 * x;

        return beta_regularized(freedom2 / 2, freedom1 / 2, freedom2 / sum, freedom1 * x / sum);
}

double scion_t_quantile(double p, double freedom)
{
        double low = 0, high = 1;

        if (p > 0.5) /* the lower tail is more precise */
                return -scion_t_quantile(1 - p, freedom);
        /* t^2 has the F distribution with 1 and `freedom` degrees of freedom. */
        while (scion_f_tail(high * high, 1, freedom) / 2 > p && high < FARTHEST)
                high *= 2;
        for (double middle = high / 2; middle > low && middle < high; middle = (low + high) / 2) {
                if (scion_f_tail(middle * middle, 1, freedom) / 2 > p)
                        low = middle;
                else
                        high = middle;
        }
        return -(low + high) / 2;
}

/* --- The studentized range ------------------------------------------------------------------------------ */

/* Integrates over the largest value z of the k, given that the others lie less than q below it. */
double scion_range_cdf(double q, int k)
{
        double sum = 0;

        if (q <= 0)
                return 0;
        for (double z = -REACH; z <= REACH; z += GRID)
                sum += exp(-z * z / 2) * pow(scion_normal_cdf(z) - scion_normal_cdf(z - q), k - 1);
        return k * sum * GRID / sqrt(2 * acos(-1));
}

double scion_range_quantile(double p, int k)
{
        return p >= 1 ? INFINITY : function_invert(scion_range_cdf, k, p, 0, 40);
}
