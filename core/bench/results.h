/* Prints the results of a bench for people and for programs. */
#ifndef SCION_BENCH_RESULTS_H
#define SCION_BENCH_RESULTS_H

#include "bench/bench.h"
#include "table/sheet.h"

/* What was measured. */
struct scion_bench_subject {
        const char *file, *run, *strategy, *model;
        int64_t threads;
};

/* Prints tables. Returns false, with a message, when memory is out. */
bool scion_bench_print(const struct scion_bench_subject *subject, const struct scion_bench *bench,
                       FILE *file);

/* Print a header row and a row of CSV (of the profile alone, if there is one), or one JSON object. Times are in
 * milliseconds, speeds in 10^9 operations per second. Both return false with a message. */
bool scion_bench_print_csv(const struct scion_bench_subject *subject, const struct scion_bench *bench,
                           FILE *file);
bool scion_bench_print_json(const struct scion_bench_subject *subject, const struct scion_bench *bench,
                            FILE *file);

#endif
