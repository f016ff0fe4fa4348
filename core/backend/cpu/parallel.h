/* Runs loops on the OpenMP threads that oneDNN's kernels also use. */
#ifndef SCION_BACKEND_CPU_PARALLEL_H
#define SCION_BACKEND_CPU_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sets the number of OpenMP threads that the calling thread uses, overriding OMP_NUM_THREADS: a oneDNN kernel needs as
 * many threads as it was created for. False, with a message, when they are not available. */
bool scion_threads_set(int threads);

/*
 * Calls run(context, part, from, to) on up to `threads` threads, so that the ranges [from, to) cover 0 .. count - 1. Each
 * thread gets one part, numbered 0, 1, ...; every `from` is a multiple of `grain`. Returns when all calls have returned.
 * Results must not depend on where parts begin.
 */
void scion_parallel(int threads, int64_t count, int64_t grain,
                    void (*run)(void *context, int part, int64_t from, int64_t to), void *context);

/* Calls scion_parallel() for the elements of arrays, with the number of threads that kernels use. */
void scion_parallel_elements(size_t count, void (*run)(void *context, int part, int64_t from, int64_t to),
                             void *context);

#endif
