/* What a bench has found, for people and for programs. */
#ifndef SCION_BENCH_RESULTS_H
#define SCION_BENCH_RESULTS_H

#include "bench/bench.h"
#include "table/sheet.h"

/* What was measured. */
struct scion_bench_subject {
        const char *file, *run, *strategy, *model;
        int64_t threads;
};

/* For people. False, with a message, when memory is out. */
bool scion_bench_print(const struct scion_bench_subject *subject, const struct scion_bench *bench,
                       FILE *file);

/* A header row and a row of CSV (with a profile, that alone); or one JSON object. Milliseconds, and units of 10^9
 * operations a second. */
bool scion_bench_print_csv(const struct scion_bench_subject *subject, const struct scion_bench *bench,
                           FILE *file);
bool scion_bench_print_json(const struct scion_bench_subject *subject, const struct scion_bench *bench,
                            FILE *file);

#endif
