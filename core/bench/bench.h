/* Measures the speed of a run: times the steps of the target's training and of evaluation one by one. */
#ifndef SCION_BENCH_BENCH_H
#define SCION_BENCH_BENCH_H

#include "bench/profile.h"
#include "run/run.h"
#include "train/train.h"
#include "transfer/meter.h"

struct scion_bench_options {
        int64_t steps; /* to time, of training and of evaluation; 0: as many as take a few seconds */
        int64_t evaluation_batch;      /* examples */
        bool recompute;                /* do not keep the outputs of frozen modules for later steps */
        enum scion_profile_by profile; /* of steps of training other than the timed ones */
};

/* The median, and the 10th and 90th percentile. */
struct scion_bench_spread {
        double median, low, high;
};

/* Times of the steps of training or of evaluation. Steps with fewer examples than the largest, such as the last of an
 * epoch, are left out. */
struct scion_bench_times {
        int64_t steps;    /* timed */
        int64_t examples; /* of one step */
        struct scion_bench_spread seconds;
        double cpu_seconds;       /* of all threads, user and system; the mean */
        double part[SCION_PARTS]; /* seconds; the mean */
        double operations; /* floating-point, of the median step, because steps differ when modules are unfrozen */
        double allocated;        /* bytes per step that malloc() took from the system and kept */
        double faulted;          /* bytes per step of pages that the system handed out */
        double tape_allocations; /* blocks per step that the tape took from malloc() */
};

struct scion_bench {
        char stage[64]; /* of the training */
        struct scion_bench_times training, evaluation;
        size_t tape_bytes; /* kept by the tape from step to step */
        double peak_mib;   /* the largest resident size until the end of the training */
        bool bf16;         /* factors are rounded to bfloat16 */
        double peak_flops; /* operations per second of a large product of matrices, with the same threads and rounding */
        struct scion_profile profile;
};

/*
 * Times the training, then evaluation, each after a warm-up and followed by a product of matrices. The run can only be
 * destroyed afterwards. Returns false with a message.
 */
bool scion_bench_run(struct scion_run *run, const struct scion_bench_options *options,
                     struct scion_bench *bench);
void scion_bench_finish(struct scion_bench *bench);

/*
 * Takes turns with another program: warms up, writes the line "seconds,cpu_seconds" to `out`, then for each line of `in`
 * takes options->steps steps and writes their mean times, until `in` ends. Returns false with a message.
 */
bool scion_bench_turns(struct scion_run *run, const struct scion_bench_options *options, bool evaluation,
                       FILE *in, FILE *out);

/* Returns the operations per second of the fastest of some products of large matrices, or 0 with a message. */
double scion_bench_peak(void);

/*
 * Replaces the run's datasets by random data. Their shape is that of the file's data, which are opened to find it, or
 * `shape` ("3x32x32:10": the shape of an input, and the number of classes). Returns false with a message.
 */
bool scion_bench_randomize(struct scion_config *config, const char *shape);

#endif
