/* The time of a training step, divided among its operations. */
#ifndef SCION_BENCH_PROFILE_H
#define SCION_BENCH_PROFILE_H

#include <stdio.h>

#include "tensor/trace.h"

enum scion_profile_by {
        SCION_PROFILE_NOTHING,
        SCION_PROFILE_OPERATIONS,
        SCION_PROFILE_SHAPES, /* each shape of an operation has a line of its own */
};

/* All numbers are sums over the steps. */
struct scion_profile_line {
        char name[32];
        enum scion_trace_pass pass;
        char shapes[192]; /* "" by operations */
        int64_t calls;
        double seconds;
        double operations; /* counted, floating-point */
};

/* Starts as { .by = ... }; scion_profile_finish() ends it. */
struct scion_profile {
        enum scion_profile_by by;
        int64_t steps;
        double seconds; /* of all lines */
        size_t count, room;
        struct scion_profile_line *line;
        /* Private: */
        struct scion_tracer tracer;
        double operations; /* of the device at the last event */
        bool failed;       /* memory ran out */
};

/* Begins and ends to record the operations of the calling thread. */
void scion_profile_begin(struct scion_profile *profile);
void scion_profile_end(struct scion_profile *profile);

/* Adds the time between operations, and sorts the lines, the longest first. `steps` is the number of steps that were
 * recorded. Returns false with a message. */
bool scion_profile_close(struct scion_profile *profile, int64_t steps);

/* Prints a table, or CSV with a header row. Both return false with a message. */
bool scion_profile_print(const struct scion_profile *profile, FILE *file);
bool scion_profile_print_csv(const struct scion_profile *profile, FILE *file);

extern const char *const scion_profile_passes[SCION_TRACE_PASSES];

void scion_profile_finish(struct scion_profile *profile);

#endif
