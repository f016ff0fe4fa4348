/*
 * The comparison behind `scion compare`: which strategy is better and with what confidence, as numbers.
 *
 * Runs are grouped in five ways:
 *   group      by the columns of `by`: a row of the table (strategy; or strategy and per_class)
 *   contender  by the first column of `by`: the competitors, one of which may be the baseline
 *   task       by all axes except the contender's and the seed
 *   pair       by all axes except the contender's: runs of two contenders with the same task and seed
 *   seed       by the seed, which is the unit of replication (struct scion_replicates)
 * Each is a struct scion_groups, which gives the group of every run. Numbers that do not exist are NaN.
 *
 * The transfer ratio is the mean over tasks of error / baseline's error (Glorot, Bordes, Bengio. ICML 2011):
 * below 1 is better than the baseline. The error is 1 - accuracy, 1 - r2, or the metric itself where less is
 * better. The ratio is NaN for other metrics, and when the baseline has no error in one of the tasks.
 */
#ifndef SCION_COMPARE_COMPARE_H
#define SCION_COMPARE_COMPARE_H

#include "compare/groups.h"
#include "compare/results.h"
#include "compare/statistics.h"

/* Lists end with NULL. A NULL or empty list stands for the default. */
struct scion_compare_options {
        const char *const *by; /* axis columns; default: strategy */
        const char *const
                *metric;      /* measured columns; default: test_accuracy, or test_mse when no run has that */
        const char *baseline; /* a value of the first column of `by`; NULL: no baseline */
};

/* The statistics of one group. */
struct scion_score {
        size_t done, failed;
        size_t counted; /* finished runs with a finite value, which the statistics are computed from */
        size_t seeds;   /* seeds with a counted run */
        double mean;    /* over the tasks of the group, of the means over seeds */
        struct scion_interval interval; /* 95 % interval of the mean: see scion_replicates_estimate() */
        double deviation, best, median; /* of the counted runs */
        /*
         * Pairs of task and seed, and tasks, in which a contender has a result, with the same values in the
         * further columns of `by`; and those of them in which this group has none.
         */
        size_t expected, lacking, expected_tasks, lacking_tasks;
        double seconds; /* mean duration of the finished runs */
};

/*
 * A group compared with the baseline's group that has the same values in the other columns of `by`, over the
 * pairs that both have.
 */
struct scion_versus {
        size_t pairs;
        size_t seeds;      /* seeds with a pair */
        size_t unpaired;   /* pairs that only one of the two has: the other failed or was not run */
        double difference; /* mean over tasks of the means over seeds of group - baseline */
        struct scion_interval interval;
        struct scion_permutation test; /* of the seeds; NaN for fewer than two */
        double holm;                   /* p after Holm's correction over all groups of the metric */
        size_t wins, ties, losses;
        double ratio; /* transfer ratio over the pairs */
};

/* A contender over the tasks and seeds for which all contenders have results. */
struct scion_standing {
        double rank;  /* average rank; 1 is best */
        double ratio; /* transfer ratio over these tasks */
};

/*
 * A maximal run of contenders, in the order of their ranks, whose first and last are within the critical
 * difference.
 */
struct scion_clique {
        size_t first, last; /* indexes into `order` */
};

/* The ranks of all contenders over several tasks, and tests of their differences. */
struct scion_over_tasks {
        size_t tasks;                    /* tasks in which all contenders have results with a common seed */
        size_t left_out;                 /* the other tasks */
        struct scion_standing *standing; /* one for each contender */
        size_t *order;                   /* contenders, best rank first */
        struct scion_friedman friedman;
        struct scion_permutation by_seed; /* scion_ranks_test_seeds() */
        double critical_difference;       /* Nemenyi, 0.05 */
        size_t cliques;
        struct scion_clique *clique;
};

/* The number of labels with which a contender is as good as the baseline with `labels`. */
struct scion_label_need {
        size_t contender, setting; /* setting: a group of comparison->settings */
        double labels;             /* labels of each class that the baseline had */
        double goal;               /* mean of the metric that the baseline reached with them */
        double needed; /* NaN if the contender does not reach the goal with the most labels that were run */
        bool at_most;  /* the fewest labels that were run suffice already */
};

/* Everything that is computed for one metric. */
struct scion_compared_metric {
        size_t column;
        const char *name;
        bool lower_better;
        size_t missing;            /* finished runs without a finite value */
        struct scion_score *score; /* one for each group */
        /* one for each group; NULL without a baseline; 0 pairs for the baseline's own groups */
        struct scion_versus *versus;
        /* only `tasks` and `left_out` are set for fewer than two tasks or contenders */
        struct scion_over_tasks over_tasks;
        size_t needs;
        struct scion_label_need *need;
};

/* Starts as { 0 }. */
struct scion_comparison {
        const struct scion_results *results;
        struct scion_groups groups, contenders, tasks, pairs;
        struct scion_groups seeds;  /* a single group if the seed is the contender */
        struct scion_groups panels; /* by the further columns of `by` */
        /* like tasks, without the number of labels; only if there is such an axis */
        struct scion_groups settings;
        size_t labels;   /* column per_class, or SCION_NO_COLUMN */
        size_t baseline; /* index of the contender, or contenders.count without a baseline */
        size_t metrics;
        struct scion_compared_metric *metric;
        struct scion_notes notes;
};

/*
 * Computes the comparison. `results` must outlive it. On failure, for an unknown column, metric or baseline,
 * returns false with a message and leaves *comparison empty; else the caller calls scion_comparison_finish().
 */
bool scion_compare(const struct scion_results *results, const struct scion_compare_options *options,
                   struct scion_comparison *comparison);

/* Frees the contents of a comparison, and resets it to { 0 }. */
void scion_comparison_finish(struct scion_comparison *comparison);

/* The contender of a group, and whether that is the baseline. */
size_t scion_comparison_contender(const struct scion_comparison *comparison, size_t group);
bool scion_comparison_is_baseline(const struct scion_comparison *comparison, size_t group);

#endif
