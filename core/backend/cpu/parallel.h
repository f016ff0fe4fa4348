/* Threads, those of oneDNN's kernels and of loops of our own. */
#ifndef SCION_BACKEND_CPU_PARALLEL_H
#define SCION_BACKEND_CPU_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* oneDNN's kernels wait for as many threads as they were made for: sees to it that the calling thread has them,
 * whatever the environment says. False, with a message, when it cannot. */
bool scion_threads_promise(int threads);

/*
 * Does the work of 0 .. count - 1 by calls of run(context, part, from, to), on up to `threads` threads, each of which gets
 * one part of its own: 0, 1, .... Every `from` is a multiple of the grain. Returns when all is done. What
 * is made must not depend on where parts begin.
 */
void scion_parallel(int threads, int64_t count, int64_t grain,
                    void (*run)(void *context, int part, int64_t from, int64_t to), void *context);

/* The same over the elements of tensors, on as many threads as kernels use. */
void scion_parallel_elements(size_t count, void (*run)(void *context, int part, int64_t from, int64_t to),
                             void *context);

#endif
