/* Ranks of contenders over tasks, and the tests of them. */
#include <math.h>
#include <scion/error.h>
#include <scion/random.h>
#include <stdlib.h>

#include "compare/distributions.h"
#include "compare/statistics.h"

#define SEED 1 /* of the exchanges that are drawn */
#define FLOAT_ROUNDING (1.0 / (1 << 24))

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
static double friedman_chi2(const double *ranks, size_t n, size_t k)
{
        double columns = (double)k, between = 0, total = 0, middle = (columns + 1) / 2;

        for (size_t j = 0; j < k; j++) {
                double sum = 0;

                for (size_t i = 0; i < n; i++) {
                        double distance = ranks[i * k + j] - middle;

                        sum += distance;
                        total += distance * distance;
                }
                between += sum * sum;
        }
        return n < 2 || k < 2 || total <= 0 ? (double)NAN : (columns - 1) * between / total;
}

struct scion_friedman scion_friedman_test(const double *ranks, size_t n, size_t k)
{
        struct scion_friedman result = { friedman_chi2(ranks, n, k), NAN, NAN, NAN };
        double rows = (double)n, columns = (double)k;

        if (isnan(result.chi2))
                return result;
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

/* Exchanges of contenders within seeds. */
struct exchanges {
        size_t seeds, k;
        double *sum;   /* sum[seed * k + i]: contender i's ranks in the tasks of a seed, less their mean */
        size_t *order; /* order[seed * k + i]: the contender whose ranks i gets */
};

/* The squared distance of the contenders' sums of ranks from their mean. */
static double exchanges_distance(const struct exchanges *of)
{
        double distance = 0;

        for (size_t i = 0; i < of->k; i++) {
                double sum = 0;

                for (size_t seed = 0; seed < of->seeds; seed++)
                        sum += of->sum[seed * of->k + of->order[seed * of->k + i]];
                distance += sum * sum;
        }
        return distance;
}

/* Sets the order of a seed to the permutation of that number, below k!. */
static void exchanges_set(const struct exchanges *of, size_t seed, size_t number)
{
        size_t *order = of->order + seed * of->k;

        for (size_t i = 0; i < of->k; i++)
                order[i] = i;
        for (size_t i = of->k - 1; i > 0; number /= i + 1, i--) {
                size_t at = number % (i + 1), last = order[i];

                order[i] = order[at];
                order[at] = last;
        }
}

static void exchanges_draw(const struct exchanges *of, struct scion_random *random)
{
        for (size_t seed = 0; seed < of->seeds; seed++)
                for (size_t i = of->k - 1; i > 0; i--) {
                        size_t *order = of->order + seed * of->k, last = order[i];
                        size_t at = (size_t)scion_random_below(random, i + 1);

                        order[i] = order[at];
                        order[at] = last;
                }
}

/*
 * Returns the number of exchanges, k! for each seed but the first, whose order does not matter; 0 if there
 * are more than SCION_EXCHANGES_EXACT.
 */
static size_t exchanges_number(size_t seeds, size_t k, size_t *permutations)
{
        size_t number = 1;

        *permutations = 1;
        for (size_t i = 2; i <= k && *permutations <= SCION_EXCHANGES_EXACT; i++)
                *permutations *= i;
        for (size_t seed = 1; seed < seeds && number <= SCION_EXCHANGES_EXACT; seed++)
                number *= *permutations;
        return number <= SCION_EXCHANGES_EXACT ? number : 0;
}

static double exchanges_p(const struct exchanges *of, bool *exact)
{
        struct scion_random random = scion_random(SEED, SCION_RANDOM_DATA, 2);
        double limit = exchanges_distance(of) * (1 - 1e-9);
        size_t permutations, number = exchanges_number(of->seeds, of->k, &permutations), far = 0;

        *exact = number > 0;
        for (size_t i = 0; i < (*exact ? number : SCION_EXCHANGES_SAMPLES); i++) {
                size_t rest = i;

                for (size_t seed = 1; *exact && seed < of->seeds; seed++, rest /= permutations)
                        exchanges_set(of, seed, rest % permutations);
                if (!*exact)
                        exchanges_draw(of, &random);
                far += exchanges_distance(of) >= limit;
        }
        return *exact ? (double)far / (double)number : ((double)far + 1) / (SCION_EXCHANGES_SAMPLES + 1.0);
}

/*
 * Adds the ranks of a task to the seeds' sums, divided by the number of its seeds so that all tasks weigh the
 * same. `ranks` is a buffer with one entry for each contender.
 */
static void exchanges_add_task(const struct exchanges *of, const double *value, size_t tasks, size_t task,
                               double *ranks)
{
        size_t count = 0;

        for (size_t seed = 0; seed < of->seeds; seed++)
                count += !isnan(value[(seed * tasks + task) * of->k]);
        for (size_t seed = 0; seed < of->seeds; seed++) {
                const double *row = value + (seed * tasks + task) * of->k;

                if (isnan(row[0]))
                        continue;
                scion_ranks(row, 1, of->k, ranks);
                for (size_t i = 0; i < of->k; i++)
                        of->sum[seed * of->k + i] += (ranks[i] - (double)(of->k + 1) / 2) / (double)count;
        }
}

static bool seed_has_values(const double *value, size_t seed, size_t tasks, size_t k)
{
        for (size_t task = 0; task < tasks; task++)
                if (!isnan(value[(seed * tasks + task) * k]))
                        return true;
        return false;
}

bool scion_ranks_test_seeds(const double *value, size_t seeds, size_t tasks, size_t k,
                            struct scion_permutation *result)
{
        struct exchanges exchanges = { seeds, k, calloc(seeds * k + 1, sizeof(double)),
                                       malloc((seeds * k + 1) * sizeof(size_t)) };
        double *ranks = malloc((k + 1) * sizeof *ranks);
        bool good = (exchanges.sum && exchanges.order && ranks) || scion_fail("out of memory");
        size_t replications = 0;

        *result = (struct scion_permutation){ NAN, true };
        for (size_t task = 0; good && task < tasks; task++)
                exchanges_add_task(&exchanges, value, tasks, task, ranks);
        for (size_t seed = 0; seed < seeds; seed++)
                replications += seed_has_values(value, seed, tasks, k);
        for (size_t i = 0; good && i < seeds * k; i++)
                exchanges.order[i] = i % k;
        if (good && k > 1 && replications > 1)
                result->p = exchanges_p(&exchanges, &result->exact);
        free(exchanges.sum);
        free(exchanges.order);
        free(ranks);
        return good;
}

double scion_nemenyi_difference(size_t n, size_t k)
{
        if (n < 1 || k < 2)
                return NAN;
        return scion_range_quantile(1 - SCION_LEVEL, (int)k) / sqrt(2) *
               sqrt((double)(k * (k + 1)) / (6 * (double)n));
}
