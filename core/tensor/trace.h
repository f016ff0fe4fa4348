/*
 * What the parts of a step cost. Whoever wants to know has a tracer called as each part ends: operations forward,
 * as they record themselves on the tape; each operation's gradient in the backward pass; and whatever else a loop
 * says of itself. SCION_TRACE and `scion bench` are made from this. Without a tracer an operation pays a branch.
 *
 * Time is counted once: what operations within an operation take (a reorder, say) is theirs, not its own. Time
 * that no part has, a plugin's own loops for instance, adds up in `between`. So a step's parts and `between` make
 * the step.
 */
#ifndef SCION_TENSOR_TRACE_H
#define SCION_TENSOR_TRACE_H

#include <stdatomic.h>

#include "tensor/tape.h"

enum scion_trace_pass {
        SCION_TRACE_FORWARD,
        SCION_TRACE_BACKWARD, /* the gradient of an operation, or an operation within it */
        SCION_TRACE_OTHER,    /* no operation: a batch is read, parameters are updated */
        SCION_TRACE_PASSES
};

/* Pointers are valid during the call alone, and NULL where there is nothing: the operation has fewer inputs. */
struct scion_trace_event {
        const char *name; /* of the operation, "conv2d"; or as scion_trace_part() was told. A literal */
        enum scion_trace_pass pass;
        const struct scion_tensor *input[SCION_MAX_INPUTS]; /* of the operation, in the backward pass too */
        const struct scion_tensor *output;
        double seconds;
};

/* Starts with `event` (and what is around the tracer) set, and otherwise zero. */
struct scion_tracer {
        void (*event)(struct scion_tracer *tracer, const struct scion_trace_event *event);
        double between; /* seconds since the tracer was put to use that were in no event */
        /* Inside: */
        double last;    /* all before this time is accounted for */
        double own;     /* of the gradient that is at work */
        bool operation; /* an operation has begun since `last` */
        bool backward;  /* the gradient of an operation is at work */
};

/* From now on the calling thread's parts go to this tracer (NULL: none). Returns the one before. An event does not
 * use operations. */
struct scion_tracer *scion_trace_use(struct scion_tracer *tracer);

/* Ends a part that is no operation: all that no event has had since the last one is this part's. */
void scion_trace_part(const char *name);

/* A line's worth: "64x1x28x28 6x1x5x5 6 -> 64x6x28x28 [aBcd8b]", the inputs' shapes, the output's, and the
 * output's layout when it is not row-major; "" without tensors. Cut to fit. Returns `text`. */
const char *scion_trace_text(const struct scion_trace_event *event, char *text, size_t bytes);

/* --- For the tape ------------------------------------------------------------------------------------------ */

/* How many threads have a tracer. */
extern _Atomic int scion_tracers __attribute__((visibility("hidden")));

static inline bool scion_tracing(void)
{
        return __builtin_expect(atomic_load_explicit(&scion_tracers, memory_order_relaxed) != 0, 0);
}

/* An operation looks at its arguments; it may be within another one. */
void scion_trace_begin(void);
/* It has made its output. */
void scion_trace_forward(const struct scion_op *op, const struct scion_tensor *output,
                         const struct scion_tensor *a, const struct scion_tensor *b,
                         const struct scion_tensor *c);
/* Its gradient begins, and ends. */
void scion_trace_backward_begin(void);
void scion_trace_backward_end(const struct scion_node *node);

#endif
