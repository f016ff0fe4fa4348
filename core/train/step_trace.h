/* SCION_TRACE: one step of a stage's training, operation by operation. */
#ifndef SCION_TRAIN_STEP_TRACE_H
#define SCION_TRAIN_STEP_TRACE_H

#include <stdio.h>

#include "base/text.h"
#include "tensor/trace.h"

/*
 * Sets *step to the step of each stage that SCION_TRACE asks for, counted from 1: its number, but 2 for 1, because the
 * first step also compiles kernels and allocates memory; 0: none. Returns false, with a message, when
 * it is not a number.
 */
bool scion_step_trace_wanted(int64_t *step);

/* A step that is being traced. */
struct scion_step_trace {
        struct scion_tracer tracer; /* first: the callback converts its address */
        struct scion_tracer *before;
        struct scion_text lines;
        double seconds[SCION_TRACE_PASSES];
        int operations[SCION_TRACE_PASSES];
};

/* Traces the calling thread's operations until scion_step_trace_finish(). The trace must not be moved. */
void scion_step_trace_start(struct scion_step_trace *trace);

/* Writes a heading, the lines and their totals to `log`, and adds them to `text`. `good` is false when the step failed:
 * the heading says so, and the lines end there. */
void scion_step_trace_finish(struct scion_step_trace *trace, const char *heading, bool good, FILE *log,
                             struct scion_text *text);

#endif
