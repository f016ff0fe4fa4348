/* Inside a tensor, for the operations. */
#ifndef SCION_TENSOR_TENSOR_H
#define SCION_TENSOR_TENSOR_H

#include <scion/error.h>
#include <scion/tape.h>
#include <scion/tensor.h>

#include "backend/backend.h"
#include "base/refuse.h"

struct scion_node;

struct scion_tensor {
        struct scion_shape shape;
        enum scion_dtype dtype;
        const struct scion_layout *layout; /* NULL: plain row-major */
        size_t length;                  /* elements in memory, padding of the layout included; padding is 0 */
        void *data;                     /* 64-byte aligned when the engine made it */
        struct scion_tape *tape;        /* whose it is; NULL for what outlives steps: parameters */
        struct scion_node *node;        /* the operation that made it, when gradients flow through it */
        struct scion_tensor *plain;     /* a row-major copy, made when asked for */
        struct scion_tensor *grad;      /* see below */
        struct scion_tensor *next_leaf; /* of the tape's list of those that scion_require_grad() asked for */
        bool requires_grad;
        bool grad_is_slot; /* grad is memory of its own (a parameter's), to be written, not replaced */
        bool has_grad;     /* grad holds a value */
        bool own_memory;   /* data is a piece of the tape's, whole, that the tensor was made with */
        bool keeps_grad;   /* asked for, though an operation made it: it stays after the backward pass */
        bool owns_grad;    /* grad is shared with no one: it may be added to in place */
};

/* --- Making
 * ------------------------------------------------------------------------------------------------------ */

/* A tensor on the current tape, its elements undefined. layout NULL is row-major. */
struct scion_tensor *scion_tensor_new(struct scion_shape shape, enum scion_dtype dtype,
                                      const struct scion_layout *layout);

/* The same row-major elements under another shape of the same size; no gradient. x must be row-major. */
struct scion_tensor *scion_tensor_view(struct scion_tensor *x, struct scion_shape shape);

/* Are there elements of padding? */
bool scion_tensor_padded(const struct scion_tensor *x);

/* Row-major over the caller's memory, which must outlive the tape's step; no gradient. */
struct scion_tensor *scion_tensor_wrap(struct scion_shape shape, enum scion_dtype dtype, void *data);

/* x in row-major layout: x itself when it is. Gradients flow through. NULL for NULL. */
struct scion_tensor *scion_tensor_plain(struct scion_tensor *x);

/* x in `layout`, by a reorder when it lies otherwise. Gradients flow through. NULL for NULL. */
struct scion_tensor *scion_tensor_in_layout(struct scion_tensor *x, const struct scion_layout *layout);

/* Copies the elements of x into the memory of y, a tensor of the same shape. */
bool scion_tensor_copy(const struct scion_tensor *x, struct scion_tensor *y);

/* --- Checking arguments: each fails with a message that names the operation
 * ---------------------------------------- */

/* Can a tensor have this shape? 0 to SCION_MAX_DIMS axes, each at least 1 long, not too many elements. */
bool scion_check_shape(const struct scion_shape *shape);

/* False for NULL (the message there is kept), and for a tensor that is not float. */
bool scion_check_float(const char *operation, const struct scion_tensor *x);

/* The axis counted from 0, or -1 with a message. */
int scion_check_axis(const char *operation, const struct scion_tensor *x, int axis);

/* The shape that a and b broadcast to. */
bool scion_check_broadcast(const char *operation, const struct scion_tensor *a, const struct scion_tensor *b,
                           struct scion_shape *result);

/* Two float matrices of as many columns, [N, D] and [M, D], of at least `least` rows each. */
bool scion_check_rows(const char *operation, const struct scion_tensor *a, const struct scion_tensor *b,
                      int64_t least);

/* Axes set as in scion_sum(), as one bit an axis; fails on an axis that is not there. */
bool scion_check_axes(const char *operation, const struct scion_tensor *x, unsigned axes, unsigned *result);

#endif
