/* The fields of a tensor, and internal functions that operations use. */
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
        struct scion_tape *tape; /* the tape it belongs to; NULL for a parameter, which outlives steps */
        struct scion_node *node; /* the recorded operation that computed it, or NULL */
        struct scion_tensor *row_major; /* the row-major copy that scion_tensor_row_major() keeps, or NULL */
        const void *host;               /* the copy of the elements that scion_data() keeps, or NULL */
        struct scion_tensor *grad;      /* valid when has_grad; a parameter's is its slot */
        struct scion_tensor *next_leaf; /* in the tape's list of tensors given to scion_require_grad() */
        bool requires_grad;
        bool grad_is_slot; /* grad is a parameter's fixed memory: it is written, never replaced */
        bool has_grad;     /* grad holds a gradient */
        bool own_memory;   /* the storage is a block of the tape that was allocated for this tensor */
        bool keeps_grad;   /* an operation's result for which scion_require_grad() was called: grad is kept */
        bool owns_grad;    /* no other tensor shares grad, so it may be added to in place */
};

/* Returns the tensor's array; NULL for NULL. */
static inline struct scion_array *scion_array_of(struct scion_tensor *x)
{
        return x ? &x->array : NULL;
}

/* --- Creating ------------------------------------------------------------------------------------------ */

/* Returns a tensor on the current tape, whose elements are undefined. A `layout` of NULL means row-major. NULL, with a
 * message, for an invalid shape and when memory is out. */
struct scion_tensor *scion_tensor_new(struct scion_shape shape, enum scion_dtype dtype,
                                      const struct scion_layout *layout);

/* scion_tensor_new() for float32. */
struct scion_tensor *scion_tensor_float(struct scion_shape shape, const struct scion_layout *layout);

/* Returns a tensor that shares the elements of x, which must be row-major, under another shape of the same size. It is
 * not recorded. */
struct scion_tensor *scion_tensor_view(struct scion_tensor *x, struct scion_shape shape);

/* Returns whether the layout of x has padding. */
bool scion_tensor_padded(const struct scion_tensor *x);

/* Returns a row-major tensor over part of a storage, from the byte `offset` on. The storage must outlive the step. The
 * tensor is not recorded. */
struct scion_tensor *scion_tensor_over(struct scion_storage *storage, size_t offset, struct scion_shape shape,
                                       enum scion_dtype dtype);

/*
 * Reads the values of `count` float32 tensors of one element each into `values`, with a single transfer if the host
 * cannot address the device's memory. False, with a message, on failure.
 */
bool scion_tensor_read_scalars(struct scion_tensor *const *x, int count, float *values);

/* Returns x in row-major layout: x itself if it is row-major. The reorder is differentiable. NULL for NULL. */
struct scion_tensor *scion_tensor_row_major(struct scion_tensor *x);

/* Returns max(x, least) of each element; NaN stays NaN. The gradient is 0 where x < least. */
struct scion_tensor *scion_clamp_min(struct scion_tensor *x, float least);

/* Returns x in `layout`: x itself if it has that layout. The reorder is differentiable. NULL for NULL. */
struct scion_tensor *scion_tensor_in_layout(struct scion_tensor *x, const struct scion_layout *layout);

/* Returns x in `layout`, converted to `dtype`, which is float32 or bfloat16. Otherwise as scion_tensor_in_layout(). */
struct scion_tensor *scion_tensor_in_form(struct scion_tensor *x, enum scion_dtype dtype,
                                          const struct scion_layout *layout);

/* Discards the cached copies of x. Call it when the elements of x are overwritten. */
static inline void scion_tensor_changed(struct scion_tensor *x)
{
        x->row_major = NULL;
        x->host = NULL;
}

/* Copies the elements of x into y, a tensor of the same shape, whose type and layout may differ. False, with a message,
 * on failure. */
bool scion_tensor_copy(const struct scion_tensor *x, struct scion_tensor *y);

/* --- Checking arguments: failures have a message that begins with the operation's name ------------------ */

/* Checks that a tensor can have this shape: 0 to SCION_MAX_DIMS axes, each of length 1 or more, and at most 2^42
 * elements. */
bool scion_check_shape(const struct scion_shape *shape);

/* Checks that x is float32. False, keeping the earlier message, when x is NULL. */
bool scion_check_float(const char *operation, const struct scion_tensor *x);

/* Returns the axis counted from 0, where a negative axis counts from the end; -1, with a message, if x has no such
 * axis. */
int scion_check_axis(const char *operation, const struct scion_tensor *x, int axis);

/* Computes the shape that a and b broadcast to. */
bool scion_check_broadcast(const char *operation, const struct scion_tensor *a, const struct scion_tensor *b,
                           struct scion_shape *result);

/* Checks that a and b are float32 matrices [N, D] and [M, D] with N, M >= least. */
bool scion_check_rows(const char *operation, const struct scion_tensor *a, const struct scion_tensor *b,
                      int64_t least);

/* Converts a set of axes as scion_sum() takes it into one bit for each axis. Fails if x does not have one of them. */
bool scion_check_axes(const char *operation, const struct scion_tensor *x, unsigned axes, unsigned *result);

#endif
