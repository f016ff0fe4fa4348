/* Compares groups with those of the baseline, over pairs of runs with the same task and seed. */
#include <scion/error.h>
#include <stdlib.h>

#include "compare/parts.h"

struct work {
        struct scion_comparison *comparison;
        struct scion_compared_metric *metric;
        struct scion_cell_mean *cell; /* for each contender and pair */
        double *by_seed;              /* the differences for each seed and task, or NaN */
        double *ours, *theirs;        /* for each task, sums over its pairs */
        size_t *pairs;                /* for each task, the number of pairs */
};

static const struct scion_cell_mean *work_cell(const struct work *work, size_t contender, size_t pair)
{
        return &work->cell[contender * work->comparison->pairs.count + pair];
}

/* Collects the pairs that both the group and the baseline have. Returns the largest rounding error. */
static double work_pair_runs(struct work *work, size_t group, struct scion_versus *versus)
{
        const struct scion_comparison *comparison = work->comparison;
        size_t contender = scion_comparison_contender(comparison, group);
        size_t panel = comparison->panels.group_of[comparison->groups.first[group]];
        size_t cells = comparison->seeds.count * comparison->tasks.count;
        double rounding = 0;

        for (size_t i = 0; i < cells; i++)
                work->by_seed[i] = NAN;
        for (size_t pair = 0; pair < comparison->pairs.count; pair++) {
                size_t run = comparison->pairs.first[pair];
                const struct scion_cell_mean *a = work_cell(work, contender, pair),
                                             *b = work_cell(work, comparison->baseline, pair);

                if (comparison->panels.group_of[run] != panel)
                        continue;
                versus->unpaired += !a->count != !b->count;
                if (!a->count || !b->count)
                        continue;
                double ours = scion_cell_mean_value(a), theirs = scion_cell_mean_value(b),
                       difference = ours - theirs;
                size_t task = comparison->tasks.group_of[run];

                if (scion_float_equal(ours, theirs))
                        versus->ties++;
                else if ((difference < 0) == work->metric->lower_better)
                        versus->wins++;
                else
                        versus->losses++;
                rounding = fmax(rounding, (fabs(ours) + fabs(theirs)) / (1 << 24)); /* of float32 */
                work->by_seed[comparison->seeds.group_of[run] * comparison->tasks.count + task] = difference;
                work->ours[task] += ours;
                work->theirs[task] += theirs;
                work->pairs[task]++;
                versus->pairs++;
        }
        return rounding;
}

/* Computes the transfer ratio from the tasks' sums, and resets them for the next group. */
static double work_transfer_ratio(struct work *work)
{
        size_t tasks = 0;

        for (size_t i = 0; i < work->comparison->tasks.count; i++) {
                if (work->pairs[i] > 0) {
                        work->ours[tasks] = work->ours[i] / (double)work->pairs[i];
                        work->theirs[tasks++] = work->theirs[i] / (double)work->pairs[i];
                }
                work->pairs[i] = 0;
        }
        double ratio = scion_transfer_ratio(work->metric->name, work->ours, work->theirs, tasks);

        for (size_t i = 0; i < work->comparison->tasks.count; i++)
                work->ours[i] = work->theirs[i] = 0;
        return ratio;
}

static struct scion_replicates work_replicates(const struct work *work)
{
        return (struct scion_replicates){ work->comparison->seeds.count, work->comparison->tasks.count,
                                          work->by_seed };
}

static bool work_compare_group(struct work *work, size_t group)
{
        struct scion_versus *versus = &work->metric->versus[group];
        double rounding = work_pair_runs(work, group, versus);
        struct scion_replicates by_seed = work_replicates(work);
        struct scion_estimate estimate;

        versus->ratio = work_transfer_ratio(work);
        if (!scion_replicates_estimate(&by_seed, &estimate) ||
            !scion_permutation_test_seeds(&by_seed, rounding, &versus->test))
                return false;
        versus->seeds = estimate.seeds;
        versus->difference = estimate.mean;
        versus->interval = estimate.interval;
        return true;
}

static bool versus_correct(struct scion_compared_metric *metric, size_t groups)
{
        double *p = malloc(2 * (groups + 1) * sizeof *p), *corrected = p ? p + groups + 1 : NULL;

        if (!p)
                return scion_fail("out of memory");
        for (size_t i = 0; i < groups; i++)
                p[i] = metric->versus[i].test.p;
        bool good = scion_holm(p, groups, corrected);

        for (size_t i = 0; good && i < groups; i++)
                metric->versus[i].holm = corrected[i];
        free(p);
        return good;
}

/* Notes when several runs have the same axes and seed, and thus differ in settings that are no axis. */
static void work_note_repeated(struct work *work)
{
        size_t mixed = 0;

        for (size_t i = 0; i < work->comparison->contenders.count * work->comparison->pairs.count; i++)
                mixed += work->cell[i].count > 1;
        if (mixed > 0)
                scion_notes_add(&work->comparison->notes,
                                "%zu time%s several runs have the same axes and seed but different settings: "
                                "the mean of each such set is paired",
                                mixed, mixed == 1 ? "" : "s");
}

/* The smallest two-sided p of the patterns of signs of that many seeds. */
static double seeds_smallest_p(size_t seeds)
{
        return ldexp(1, 1 - (int)seeds);
}

/* Returns the number of seeds from which on `tests` tests with Holm's correction can be significant. */
static size_t tests_seeds_needed(size_t tests)
{
        size_t seeds = 2;

        while (seeds_smallest_p(seeds) * (double)tests > SCION_LEVEL)
                seeds++;
        return seeds;
}

/* Notes when there are too few seeds, and thus patterns of signs, for a significant p. */
static void comparison_note_seeds(struct scion_comparison *comparison,
                                  const struct scion_compared_metric *metric)
{
        size_t fewest = SCION_PERMUTATION_EXACT, most = 0, tests = 0;

        for (size_t i = 0; i < comparison->groups.count; i++) {
                size_t seeds = metric->versus[i].seeds;

                if (seeds < 2)
                        continue;
                tests++;
                fewest = seeds < fewest ? seeds : fewest;
                most = seeds > most ? seeds : most;
        }
        if (tests > 0 && fewest < tests_seeds_needed(1))
                scion_notes_add(&comparison->notes,
                                "With %zu seeds, p cannot be less than %g; at least %zu seeds are needed for "
                                "p < %g",
                                fewest, seeds_smallest_p(fewest), tests_seeds_needed(1), SCION_LEVEL);
        if (tests > 1 && most >= tests_seeds_needed(1) && most < tests_seeds_needed(tests))
                scion_notes_add(&comparison->notes,
                                "With %zu seeds and %zu tests, Holm's p cannot be less than %.2g; at least "
                                "%zu seeds are needed for p < %g",
                                most, tests, seeds_smallest_p(most) * (double)tests,
                                tests_seeds_needed(tests), SCION_LEVEL);
}

static void comparison_note_pairs(struct scion_comparison *comparison,
                                  const struct scion_compared_metric *metric)
{
        size_t unpaired = 0, none = 0;

        for (size_t i = 0; i < comparison->groups.count; i++) {
                const struct scion_versus *versus = &metric->versus[i];

                if (scion_comparison_is_baseline(comparison, i))
                        continue;
                unpaired += versus->unpaired;
                none += versus->pairs == 0;
        }
        if (unpaired > 0)
                scion_notes_add(&comparison->notes,
                                "%s: %zu pair%s left out, because one side failed or was not run",
                                metric->name, unpaired, unpaired == 1 ? " is" : "s are");
        if (none > 0)
                scion_notes_add(&comparison->notes,
                                "%zu group%s no pair with the baseline: no task and seed in common", none,
                                none == 1 ? " has" : "s have");
}

bool scion_compare_versus(struct scion_comparison *comparison, struct scion_compared_metric *metric)
{
        size_t tasks = comparison->tasks.count;
        struct work work = { .comparison = comparison, .metric = metric };
        bool good;

        if (comparison->baseline >= comparison->contenders.count)
                return true;
        metric->versus = calloc(comparison->groups.count, sizeof *metric->versus);
        work.cell = scion_compared_cells(comparison, metric, &comparison->pairs);
        work.by_seed = malloc((comparison->seeds.count * tasks + 1) * sizeof *work.by_seed);
        work.ours = calloc(tasks + 1, sizeof *work.ours);
        work.theirs = calloc(tasks + 1, sizeof *work.theirs);
        work.pairs = calloc(tasks + 1, sizeof *work.pairs);
        good = (metric->versus && work.cell && work.by_seed && work.ours && work.theirs && work.pairs) ||
               scion_fail("out of memory");
        for (size_t i = 0; good && i < comparison->groups.count; i++) {
                if (scion_comparison_is_baseline(comparison, i))
                        metric->versus[i] = (struct scion_versus){ .difference = NAN,
                                                                   .interval = { NAN, NAN },
                                                                   .test = { NAN, true },
                                                                   .ratio = NAN };
                else
                        good = work_compare_group(&work, i);
        }
        good = good && versus_correct(metric, comparison->groups.count);
        if (good) {
                work_note_repeated(&work);
                comparison_note_pairs(comparison, metric);
                comparison_note_seeds(comparison, metric);
        }
        free(work.cell);
        free(work.by_seed);
        free(work.ours);
        free(work.theirs);
        free(work.pairs);
        return good;
}
