/* How fast a run is: the steps of its target's training, and evaluation, timed one by one. */
#ifndef SCION_BENCH_BENCH_H
#define SCION_BENCH_BENCH_H

#include "bench/profile.h"
#include "run/run.h"
#include "train/train.h"

struct scion_bench_options {
        int64_t steps; /* to time, of training and of evaluation; 0: as many as a few seconds have */
        int64_t evaluation_batch;      /* examples */
        bool recompute;                /* what frozen modules make is not kept for later steps */
        enum scion_profile_by profile; /* of the training's steps: of others than those that are timed */
};

/* The median, and the 10th and 90th percentile. */
struct scion_bench_spread {
        double median, low, high;
};

/* Steps of one kind. A step that has fewer examples than the largest (the last of an epoch) is not among them. */
struct scion_bench_times {
        int64_t steps;    /* timed */
        int64_t examples; /* of one step */
        struct scion_bench_spread seconds;
        double cpu_seconds;       /* of all threads, user and system: the mean */
        double part[SCION_PARTS]; /* mean seconds; SCION_PART_READ is counted as SCION_PART_SCORES */
        double operations;        /* counted, of the step in the middle: where modules thaw, steps differ */
        double allocated;         /* bytes that malloc took from the system and kept, a step */
        double faulted;           /* bytes of pages that the system handed out, a step */
        double tape_allocations;  /* blocks that the tape took from malloc, a step */
};

struct scion_bench {
        char stage[64]; /* of the training */
        struct scion_bench_times training, evaluation;
        size_t tape_bytes; /* that the tape keeps from step to step */
        double peak_mib;   /* resident, by the end of the training */
        bool bf16;         /* factors are rounded */
        double peak_flops; /* a second: of a large product of matrices, with the same threads and rounding */
        struct scion_profile profile;
};

/*
 * Times the training, then evaluation, then a product of matrices, each after warming up. A run is for nothing else
 * afterwards. False with a message.
 */
bool scion_bench_run(struct scion_run *run, const struct scion_bench_options *options,
                     struct scion_bench *bench);
void scion_bench_finish(struct scion_bench *bench);

/*
 * For taking turns with something else: warms up, writes the line "seconds,cpu_seconds" to `out`, then for each line
 * of `in` takes options->steps steps and writes the mean of each, until `in` ends.
 */
bool scion_bench_turns(struct scion_run *run, const struct scion_bench_options *options, bool evaluation,
                       FILE *in, FILE *out);

/* Operations a second of the best of some products of large matrices. 0 with a message. */
double scion_bench_peak(void);

/*
 * Puts random data in the place of the run's. Their shapes are those of the file's data, which are opened for that; or,
 * with `shape` ("3x32x32:10": of an input, and the classes), they are not touched. False, with the place.
 */
bool scion_bench_randomize(struct scion_config *config, const char *shape);

#endif
