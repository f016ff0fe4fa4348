/*
 * Measures the time that the parts of a step take. A tracer is called at the end of each part: of each operation in the
 * forward pass, when it is recorded on the tape; of each operation's gradient in the backward pass; and where a training
 * loop calls scion_trace_part(). SCION_TRACE and `scion bench` use it. Without a tracer an operation costs one branch more.
 *
 * Time is counted once: the time of an operation within another one, such as a reorder, belongs to the inner one. Time
 * that belongs to no part, such as that of a plugin's own loops, is added to `between`. So the parts of a step and
 * `between` sum to the time of the step.
 */
#ifndef SCION_TENSOR_TRACE_H
#define SCION_TENSOR_TRACE_H

#include <stdatomic.h>

#include "tensor/tape.h"

enum scion_trace_pass {
        SCION_TRACE_FORWARD,
        SCION_TRACE_BACKWARD, /* the gradient of an operation, or an operation within it */
        SCION_TRACE_OTHER,    /* not an operation: a batch is read, parameters are updated */
        SCION_TRACE_PASSES
};

/* Pointers are valid only during the call. Unused inputs are NULL. */
struct scion_trace_event {
        const char *name; /* of the operation ("conv2d"), or the argument of scion_trace_part(); a literal */
        enum scion_trace_pass pass;
        const struct scion_tensor *input[SCION_MAX_INPUTS]; /* of the operation, in the backward pass too */
        const struct scion_tensor *output;
        double seconds;
};

/* Initialise with `event` set and all other fields zero. */
struct scion_tracer {
        void (*event)(struct scion_tracer *tracer, const struct scion_trace_event *event);
        double between; /* seconds since scion_trace_use() that belong to no event */
        /* Private: */
        double last;    /* the time up to which all time has been counted */
        double own;     /* seconds of the gradient that is being computed */
        bool operation; /* an operation has begun since `last` */
        bool backward;  /* the gradient of an operation is being computed */
};

/* Sets the tracer of the calling thread (NULL: none) and returns the one before. The callback must not call operations. */
struct scion_tracer *scion_trace_use(struct scion_tracer *tracer);

/* Reports a part that is not an operation. Its time is that since the last event. `name` is a literal. */
void scion_trace_part(const char *name);

/* Writes the shapes of the inputs and of the output, and the output's layout when it is not row-major, or its type when it
 * is row-major bfloat16: "64x1x28x28 6x1x5x5 6 -> 64x6x28x28 [aBcd8b]"; "" without tensors. Text that does not fit is cut off. Returns `text`. */
const char *scion_trace_text(const struct scion_trace_event *event, char *text, size_t bytes);

/* --- Called by the tape and the operations ------------------------------------------------------------------------------------------ */

/* The number of threads that have a tracer. */
extern _Atomic int scion_tracers __attribute__((visibility("hidden")));

static inline bool scion_tracing(void)
{
        return __builtin_expect(atomic_load_explicit(&scion_tracers, memory_order_relaxed) != 0, 0);
}

/* Called when an operation, which may be within another one, checks its arguments. */
void scion_trace_begin(void);
/* Called when the operation has computed its output. */
void scion_trace_forward(const struct scion_op *op, const struct scion_tensor *output,
                         const struct scion_tensor *a, const struct scion_tensor *b,
                         const struct scion_tensor *c);
/* Called before and after an operation's gradient is computed. */
void scion_trace_backward_begin(void);
void scion_trace_backward_end(const struct scion_node *node);

#endif
