/*
 * Which strategy is better, and how sure one can be: the answers of scion compare, as numbers.
 *
 * Four ways to put the runs together:
 *   group      what `by` says: a row of the table (strategy; or strategy and per_class)
 *   contender  the first column of `by` alone: what competes, and what the baseline is one of
 *   task       all axes but the contender's and the seed
 *   pair       all axes but the contender's: runs of two contenders that share task and seed
 * Each is a struct scion_groups, so that a run's place in all four is known. Numbers that do not exist are NaN.
 *
 * The transfer ratio is the mean over tasks of error / the baseline's error (Glorot, Bordes, Bengio. ICML 2011):
 * below 1 is better than the baseline. The error is 1 - accuracy, 1 - r2, or the metric itself where less is
 * better. It does not exist for other metrics, nor when the baseline makes no error in one of the tasks.
 */
#ifndef SCION_COMPARE_COMPARE_H
#define SCION_COMPARE_COMPARE_H

#include "compare/groups.h"
#include "compare/results.h"
#include "compare/statistics.h"

/* Lists end with NULL; a NULL list, or one without an entry, is the default. */
struct scion_compare_options {
        const char *const *by;     /* columns; "strategy" */
        const char *const *metric; /* columns; test_accuracy, or test_mse when no run has that */
        const char *baseline;      /* a value of the first of `by`; NULL: none */
};

/* A group, by itself. */
struct scion_score {
        size_t done, failed;
        size_t counted; /* runs that were done and have a finite value: what the rest is computed from */
        double mean, deviation, best, median;
        struct scion_interval interval; /* of the mean */
        double seconds;                 /* mean of the runs that were done */
};

/* A group against the baseline's group of the same further columns of `by`, over the pairs both have. */
struct scion_versus {
        size_t pairs;
        size_t unpaired;   /* pairs that one of the two lacks: it failed there, or never ran */
        double difference; /* mean of group - baseline */
        struct scion_interval interval;
        struct scion_permutation test; /* none of fewer than two pairs */
        double holm;                   /* p, corrected for the metric's number of comparisons */
        size_t wins, ties, losses;
        double ratio; /* transfer ratio, over the pairs */
};

/* A contender over the tasks that all contenders have. */
struct scion_standing {
        double rank;  /* average; 1 is best */
        double ratio; /* transfer ratio, over these tasks */
};

/* Contenders, best rank first, of which the first and the last of a run of neighbours are within the critical
 * difference; only those that no larger run holds. */
struct scion_clique {
        size_t first, last; /* into `order` */
};

struct scion_over_tasks {
        size_t tasks;                    /* that all contenders have */
        size_t left_out;                 /* those that some lack */
        struct scion_standing *standing; /* a contender each */
        size_t *order;                   /* contenders, best rank first */
        struct scion_friedman friedman;
        double critical_difference; /* Nemenyi, 0.05 */
        size_t cliques;
        struct scion_clique *clique;
};

/* From how many labels on a contender is as good as the baseline is with `labels`. */
struct scion_label_need {
        size_t contender, setting; /* setting: a group of comparison->settings */
        double labels;             /* of each class, that the baseline had */
        double goal;               /* mean of the metric that it reached with them */
        double needed;             /* NaN: not reached with the most that was run */
        bool at_most;              /* reached with the fewest that were run already */
};

struct scion_compared_metric {
        size_t column;
        const char *name;
        bool lower_better;
        size_t missing;            /* runs that were done and have no finite value */
        struct scion_score *score; /* a group each */
        struct scion_versus
                *versus; /* a group each; NULL without a baseline; of the baseline itself: 0 pairs */
        struct scion_over_tasks over_tasks; /* tasks < 2 or one contender: nothing else is set */
        size_t needs;
        struct scion_label_need *need;
};

/* Starts as { 0 }. */
struct scion_comparison {
        const struct scion_results *results;
        struct scion_groups groups, contenders, tasks, pairs;
        struct scion_groups panels; /* the further columns of `by` */
        struct scion_groups
                settings; /* tasks but for the number of labels; only when there is such an axis */
        size_t labels;    /* the column per_class; SCION_NO_COLUMN without */
        size_t baseline;  /* a contender; contenders.count without */
        size_t metrics;
        struct scion_compared_metric *metric;
        struct scion_notes notes;
};

/* Compares. `results` must stay. False, with a message, for an unknown column, metric or baseline. */
bool scion_compare(const struct scion_results *results, const struct scion_compare_options *options,
                   struct scion_comparison *comparison);

void scion_comparison_finish(struct scion_comparison *comparison);

/* The contender of a group; whether a group is the baseline's. */
size_t scion_comparison_contender(const struct scion_comparison *comparison, size_t group);
bool scion_comparison_is_baseline(const struct scion_comparison *comparison, size_t group);

#endif
