/*
 * Simulates suites of strategies that do not differ, and counts how often the 95 % intervals of scion compare
 * contain the true mean and how often its tests reject at 5 %. Without arguments, each design of a suite is a
 * test, which fails when a share is outside of the limits below. With the argument `table`, prints the shares
 * of all designs from more suites: simulated.txt.
 */
#include "compare/statistics.h"

#include <math.h>
#include <scion/random.h>

#include "support/test.h"

#define SUITES 4000
#define SUITES_TABLE 20000
#define MOST_SEEDS 10
#define MOST_TASKS 5
#define STRATEGIES 3        /* of Friedman's test */
#define MOST_POOLED 15      /* pairs of the test that pools them, which takes 2^pairs sums */
#define MOST_EXCHANGES 1000 /* suites with a test of the ranks by seed, which takes longest */

#define COVERAGE_LOW 0.93
#define COVERAGE_HIGH 0.975
#define ERROR_HIGH 0.06
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum outcome {
        NORMAL,
        SKEWED,    /* log-normal with sigma 0.25: skewness 0.8 */
        LONG_TAIL, /* log-normal with sigma 1: skewness 6.2 */
        BINOMIAL,  /* correct ones of 500 test examples, of a probability that depends on the run */
        ROUNDED,   /* normal, rounded to its standard deviation: ties */
};

static const char *const outcome_names[] = { "normal", "skewed", "long tail", "binomial", "rounded" };

/*
 * Two strategies run in all tasks with all seeds. `correlation` is that of two tasks' outcomes with the same
 * seed; `missing` is the share of runs that failed.
 */
struct design {
        size_t seeds, tasks;
        double correlation;
        enum outcome outcome;
        double missing;
        bool too_narrow; /* the intervals are known to be: their shares are only printed */
};

static const struct design designs[] = {
        { 2, 1, 0, NORMAL, 0, false },     { 3, 1, 0, NORMAL, 0, false },
        { 5, 1, 0, NORMAL, 0, false },     { 8, 1, 0, NORMAL, 0, false },
        { 10, 1, 0, NORMAL, 0, false },    { 2, 1, 0, SKEWED, 0, false },
        { 3, 1, 0, SKEWED, 0, false },     { 5, 1, 0, SKEWED, 0, false },
        { 8, 1, 0, SKEWED, 0, false },     { 10, 1, 0, SKEWED, 0, false },
        { 2, 1, 0, BINOMIAL, 0, false },   { 3, 1, 0, BINOMIAL, 0, false },
        { 5, 1, 0, BINOMIAL, 0, false },   { 8, 1, 0, BINOMIAL, 0, false },
        { 10, 1, 0, BINOMIAL, 0, false },  { 5, 1, 0, ROUNDED, 0, false },
        { 10, 1, 0, ROUNDED, 0, false },   { 3, 5, 0, NORMAL, 0, false },
        { 3, 5, 0.3, NORMAL, 0, false },   { 3, 5, 0.5, NORMAL, 0, false },
        { 5, 5, 0.5, NORMAL, 0, false },   { 8, 5, 0, NORMAL, 0, false },
        { 8, 5, 0.3, NORMAL, 0, false },   { 10, 5, 0.5, NORMAL, 0, false },
        { 3, 5, 0.5, SKEWED, 0, false },   { 8, 5, 0.3, SKEWED, 0, false },
        { 3, 5, 0.3, BINOMIAL, 0, false }, { 8, 5, 0.5, BINOMIAL, 0, false },
        { 8, 5, 0.3, ROUNDED, 0, false },  { 3, 5, 0.3, NORMAL, 0.1, false },
        { 5, 5, 0, NORMAL, 0.1, false },   { 5, 5, 0.5, NORMAL, 0.2, false },
        { 8, 5, 0.5, NORMAL, 0.2, false }, { 10, 5, 0.3, BINOMIAL, 0.1, false },
        { 10, 1, 0, NORMAL, 0.2, false },  { 3, 1, 0, LONG_TAIL, 0, true },
        { 5, 1, 0, LONG_TAIL, 0, true },   { 10, 1, 0, LONG_TAIL, 0, true },
};

/* What was seen of all suites of a design. */
struct seen {
        size_t means, mean_held; /* intervals of a strategy's mean; those that held the true mean */
        size_t differences, difference_held;  /* intervals of the difference; those that held 0 */
        size_t tests, rejected;               /* tests of the difference; those with p <= 0.05 */
        size_t pooled, pooled_rejected;       /* the same of all pairs, as if they were independent */
        size_t exchanges, exchanges_rejected; /* tests of the ranks by seed */
        size_t friedman, friedman_rejected;   /* Friedman's test, by Iman and Davenport's F */
        double smallest_p;                    /* of the tests */
};

static double task_level(size_t task)
{
        return 10 * (double)task;
}

static double task_spread(size_t task)
{
        static const double spread[MOST_TASKS] = { 1, 0.5, 2, 1, 1.5 };

        return spread[task];
}

static double task_probability(size_t task)
{
        static const double probability[MOST_TASKS] = { 0.8, 0.6, 0.9, 0.5, 0.7 };

        return probability[task];
}

static double outcome_true_mean(enum outcome outcome, size_t task)
{
        switch (outcome) {
        case SKEWED:
                return task_level(task) + task_spread(task) * exp(0.25 * 0.25 / 2);
        case LONG_TAIL:
                return task_level(task) + task_spread(task) * exp(0.5);
        case BINOMIAL:
                return task_probability(task);
        default:
                return task_level(task);
        }
}

/* Draws the outcome of a run whose luck is z, a standard normal number. */
static double outcome_draw(enum outcome outcome, size_t task, double z, struct scion_random *random)
{
        double right = 0;

        switch (outcome) {
        case SKEWED:
                return task_level(task) + task_spread(task) * exp(0.25 * z);
        case LONG_TAIL:
                return task_level(task) + task_spread(task) * exp(z);
        case BINOMIAL:
                for (int i = 0; i < 500; i++)
                        right += scion_random_uniform(random) < task_probability(task) + 0.02 * z;
                return right / 500;
        case ROUNDED:
                return task_level(task) + task_spread(task) * round(z);
        default:
                return task_level(task) + task_spread(task) * z;
        }
}

/* Draws the results of a strategy, by seed and task. */
static void strategy_draw(const struct design *design, struct scion_random *random, double *value)
{
        for (size_t seed = 0; seed < design->seeds; seed++) {
                double shared = sqrt(design->correlation) * scion_random_normal(random);

                for (size_t task = 0; task < design->tasks; task++) {
                        double own = sqrt(1 - design->correlation) * scion_random_normal(random);
                        double drawn = outcome_draw(design->outcome, task, shared + own, random);

                        value[seed * design->tasks + task] =
                                scion_random_uniform(random) < design->missing ? NAN : drawn;
                }
        }
}

static bool interval_holds(const struct scion_interval *interval, double value)
{
        return interval->low - 1e-12 <= value && value <= interval->high + 1e-12;
}

/* The true mean over the tasks with results. */
static double design_true_mean(const struct design *design, const double *value)
{
        double sum = 0;
        size_t tasks = 0;

        for (size_t task = 0; task < design->tasks; task++) {
                bool some = false;

                for (size_t seed = 0; seed < design->seeds; seed++)
                        some = some || !isnan(value[seed * design->tasks + task]);
                sum += some ? outcome_true_mean(design->outcome, task) : 0;
                tasks += some;
        }
        return sum / (double)tasks;
}

static void seen_add_pooled(struct seen *seen, const double *difference, size_t pairs)
{
        struct scion_permutation test;

        assert_true(scion_permutation_test(difference, pairs, 1e-9, &test));
        seen->pooled++;
        seen->pooled_rejected += test.p <= SCION_LEVEL;
}

static void seen_add_friedman(struct seen *seen, const struct design *design,
                              const double *const value[STRATEGIES], size_t most_seeds)
{
        double mean[STRATEGIES * MOST_TASKS] = { 0 }, ranks[STRATEGIES * MOST_TASKS];
        double all[STRATEGIES * MOST_TASKS * MOST_SEEDS];
        struct scion_permutation by_seed;

        if (design->tasks < 2 || design->missing > 0)
                return;
        for (size_t i = 0; i < STRATEGIES; i++)
                for (size_t at = 0; at < design->seeds * design->tasks; at++) {
                        mean[at % design->tasks * STRATEGIES + i] += value[i][at];
                        all[at * STRATEGIES + i] = value[i][at];
                }
        scion_ranks(mean, design->tasks, STRATEGIES, ranks);
        struct scion_friedman friedman = scion_friedman_test(ranks, design->tasks, STRATEGIES);

        seen->friedman++;
        seen->friedman_rejected += friedman.f_p <= SCION_LEVEL;
        if (seen->exchanges >= MOST_EXCHANGES || design->seeds > most_seeds)
                return;
        assert_true(scion_ranks_test_seeds(all, design->seeds, design->tasks, STRATEGIES, &by_seed));
        seen->exchanges++;
        seen->exchanges_rejected += by_seed.p <= SCION_LEVEL;
}

static void seen_add_suite(struct seen *seen, const struct design *design, uint64_t suite, bool table)
{
        double a[MOST_SEEDS * MOST_TASKS], b[MOST_SEEDS * MOST_TASKS], c[MOST_SEEDS * MOST_TASKS],
                difference[MOST_SEEDS * MOST_TASKS];
        struct scion_random random = scion_random((uint64_t)(design - designs) + 1, SCION_RANDOM_DATA, suite);
        size_t cells = design->seeds * design->tasks;
        struct scion_replicates by_seed = { design->seeds, design->tasks, a };
        struct scion_estimate estimate;
        struct scion_permutation test;

        strategy_draw(design, &random, a);
        strategy_draw(design, &random, b);
        for (size_t i = 0; i < cells; i++)
                difference[i] = a[i] - b[i];
        assert_true(scion_replicates_estimate(&by_seed, &estimate));
        if (!isnan(estimate.interval.low)) {
                seen->means++;
                seen->mean_held += interval_holds(&estimate.interval, design_true_mean(design, a));
        }
        by_seed.value = difference;
        assert_true(scion_replicates_estimate(&by_seed, &estimate));
        if (!isnan(estimate.interval.low)) {
                seen->differences++;
                seen->difference_held += interval_holds(&estimate.interval, 0);
        }
        assert_true(scion_permutation_test_seeds(&by_seed, 1e-9, &test));
        if (!isnan(test.p)) {
                seen->tests++;
                seen->rejected += test.p <= SCION_LEVEL;
                seen->smallest_p = fmin(seen->smallest_p, test.p);
        }
        strategy_draw(design, &random, c);
        seen_add_friedman(seen, design, (const double *const[]){ a, b, c }, table ? MOST_SEEDS : 5);
        if (table && design->missing <= 0 && cells <= MOST_POOLED)
                seen_add_pooled(seen, difference, cells);
}

static struct seen design_simulate(const struct design *design, uint64_t suites, bool table)
{
        struct seen seen = { .smallest_p = 1 };

        for (uint64_t suite = 0; suite < suites; suite++)
                seen_add_suite(&seen, design, suite, table);
        return seen;
}

static double share(size_t count, size_t of)
{
        return of ? (double)count / (double)of : NAN;
}

static void share_print(size_t count, size_t of, int width)
{
        if (of > 0)
                printf("%*.1f", width, 100 * share(count, of));
        else
                printf("%*s", width, "-");
}

static void table_print(void)
{
        printf("Two strategies that do not differ, in %d simulated suites for each line; made by\n"
               "`build/tests/test-compare-simulate table >tests/compare/simulated.txt`. All shares in %%.\n\n"
               "mean, difference: 95 %% intervals of a strategy's mean and of the difference that hold the "
               "true one\n"
               "there: suites that have an interval of the difference\n"
               "p<0.05: tests over the seeds that reject; least p: the smallest p that was seen\n"
               "pairs: tests that reject if all pairs of seed and task count as independent (up to %d "
               "pairs)\n"
               "Friedman: Friedman's tests of three such strategies over the tasks (Iman and Davenport's F) "
               "that reject\n"
               "by seed: the tests of their ranks by seed that reject, of %d suites\n\n"
               "seeds  tasks  corr.  outcome    failed   mean  difference  there  p<0.05    least p  pairs  "
               "Friedman  by seed\n",
               SUITES_TABLE, MOST_POOLED, MOST_EXCHANGES);
        for (size_t i = 0; i < COUNT(designs); i++) {
                const struct design *design = &designs[i];
                struct seen seen = design_simulate(design, SUITES_TABLE, true);

                printf("%5zu  %5zu  %5.1f  %-9s  %6.0f", design->seeds, design->tasks, design->correlation,
                       outcome_names[design->outcome], 100 * design->missing);
                share_print(seen.mean_held, seen.means, 7);
                share_print(seen.difference_held, seen.differences, 12);
                share_print(seen.differences, SUITES_TABLE, 7);
                share_print(seen.rejected, seen.tests, 8);
                printf("%11.4f", seen.smallest_p);
                share_print(seen.pooled_rejected, seen.pooled, 7);
                share_print(seen.friedman_rejected, seen.friedman, 10);
                share_print(seen.exchanges_rejected, seen.exchanges, 9);
                printf("\n");
                fflush(stdout);
        }
}

static void assert_share(const char *what, double got, double low, double high)
{
        if (!(got >= low && got <= high))
                fail_msg("%s: %.4f is not within %g and %g", what, got, low, high);
}

static void one_design(void **state)
{
        const struct design *design = *state;
        struct seen seen = design_simulate(design, SUITES, false);

        if (!design->too_narrow) {
                assert_share("intervals of the mean that hold it", share(seen.mean_held, seen.means),
                             COVERAGE_LOW, COVERAGE_HIGH);
                assert_share("intervals of the difference that hold it",
                             share(seen.difference_held, seen.differences), COVERAGE_LOW, COVERAGE_HIGH);
        }
        assert_share("tests that reject", share(seen.rejected, seen.tests), 0, ERROR_HIGH);
        if (seen.exchanges > 0)
                assert_share("tests of the ranks that reject", share(seen.exchanges_rejected, seen.exchanges),
                             0, ERROR_HIGH);
        assert_true(seen.smallest_p >= ldexp(2, -(int)design->seeds));
}

int main(int argc, char **argv)
{
        struct CMUnitTest tests[COUNT(designs)];
        char names[COUNT(designs)][96];

        if (argc > 1 && strcmp(argv[1], "table") == 0) {
                table_print();
                return 0;
        }
        for (size_t i = 0; i < COUNT(designs); i++) {
                snprintf(names[i], sizeof names[i], "%zu seeds, %zu tasks, correlation %g, %s, %g %% failed",
                         designs[i].seeds, designs[i].tasks, designs[i].correlation,
                         outcome_names[designs[i].outcome], 100 * designs[i].missing);
                tests[i] = (struct CMUnitTest)cmocka_unit_test_prestate(one_design, (void *)&designs[i]);
                tests[i].name = names[i];
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
