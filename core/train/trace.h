/* One step of a stage's training, operation by operation: what SCION_TRACE asks for. */
#ifndef SCION_TRAIN_TRACE_H
#define SCION_TRAIN_TRACE_H

#include <stdio.h>

#include "base/text.h"
#include "tensor/trace.h"

/*
 * Which step of each stage SCION_TRACE asks for, counted from 1: its number, but 2 for 1, since the first step also
 * makes the kernels and asks for memory; 0: none. False, with a message, when it is no number.
 */
bool scion_step_trace_wanted(int64_t *step);

/* A step being watched. */
struct scion_step_trace {
        struct scion_tracer tracer; /* first: that is how it is found again */
        struct scion_text lines;
        double seconds[SCION_TRACE_PASSES];
        int operations[SCION_TRACE_PASSES];
};

/* The calling thread's operations are written down until scion_step_trace_finish(). The trace stays where it is. */
void scion_step_trace_start(struct scion_step_trace *trace);

/* Writes the lines, their totals and a heading to `log` and adds them to `text`; with `good` false, as far as the
 * step came. */
void scion_step_trace_finish(struct scion_step_trace *trace, const char *heading, bool good, FILE *log,
                             struct scion_text *text);

#endif
