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
        union {
                struct scion_array array;
                struct {
                        SCION_ARRAY_FIELDS
                };
        };
        struct scion_tape *tape;        /* that it belongs to; NULL for what outlives steps: parameters */
        struct scion_node *node;        /* the operation that made it, when gradients flow through it */
        struct scion_tensor *row_major; /* a row-major copy, made when asked for */
        const void *host;               /* the row-major elements for scion_data(), once asked for */
        struct scion_tensor *grad;      /* see below */
        struct scion_tensor *next_leaf; /* of the tape's list of those that scion_require_grad() asked for */
        bool requires_grad;
        bool grad_is_slot; /* grad has memory of its own (a parameter's), which is written, not replaced */
        bool has_grad;     /* grad holds a value */
        bool own_memory;   /* the storage is a block of the tape's that was taken for this tensor */
        bool keeps_grad; /* scion_require_grad() was called on the result of an operation: the gradient stays */
        bool owns_grad; /* grad is not shared: it may be added to in place */
};

/* The tensor's array; NULL for NULL. */
static inline struct scion_array *scion_array_of(struct scion_tensor *x)
{
        return x ? &x->array : NULL;
}

/* --- Making
 * ------------------------------------------------------------------------------------------------------ */

/* A tensor on the current tape, its elements undefined. layout NULL is row-major. */
struct scion_tensor *scion_tensor_new(struct scion_shape shape, enum scion_dtype dtype,
                                      const struct scion_layout *layout);

/* The same of float32. */
struct scion_tensor *scion_tensor_float(struct scion_shape shape, const struct scion_layout *layout);

/* The same row-major elements under another shape of the same size; no gradient. x must be row-major. */
struct scion_tensor *scion_tensor_view(struct scion_tensor *x, struct scion_shape shape);

/* Are there elements of padding? */
bool scion_tensor_padded(const struct scion_tensor *x);

/* A row-major tensor over part of a storage, which must outlive the tape's step; no gradient. `offset` is in bytes. */
struct scion_tensor *scion_tensor_over(struct scion_storage *storage, size_t offset, struct scion_shape shape,
                                       enum scion_dtype dtype);

/*
 * Reads `count` float scalars at once: the values of tensors of one element each, into `values`. On a device that the
 * host cannot address this is one transfer. False with a message.
 */
bool scion_tensor_read_scalars(struct scion_tensor *const *x, int count, float *values);

/* x in row-major layout: x itself when it is. Gradients flow through. NULL for NULL. */
struct scion_tensor *scion_tensor_row_major(struct scion_tensor *x);

/* max(x, least), element by element; NaN at NaN. Gradients flow where x is not below `least`. */
struct scion_tensor *scion_clamp_min(struct scion_tensor *x, float least);

/* x in `layout`, by a reorder when it lies otherwise. Gradients flow through. NULL for NULL. */
struct scion_tensor *scion_tensor_in_layout(struct scion_tensor *x, const struct scion_layout *layout);

/* The same in `layout` and of type `dtype`: float32 or bfloat16. */
struct scion_tensor *scion_tensor_in_form(struct scion_tensor *x, enum scion_dtype dtype,
                                          const struct scion_layout *layout);

/* Says that the tensor's memory is written to again: copies that were made of it are no longer used. */
static inline void scion_tensor_changed(struct scion_tensor *x)
{
        x->row_major = NULL;
        x->host = NULL;
}

/* Copies the elements of x into the memory of y, a tensor of the same shape. */
bool scion_tensor_copy(const struct scion_tensor *x, struct scion_tensor *y);

/* --- Checking arguments: each fails with a message that names the operation
 * ---------------------------------------- */

/* Can a tensor have this shape? 0 to SCION_MAX_DIMS axes, each at least 1 long, not too many elements. */
bool scion_check_shape(const struct scion_shape *shape);

/* False for NULL (the message there is kept), and, with a message, for a tensor that is not float32. */
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
