/* Functions that reductions share, and sums for operations that broadcast. */
#ifndef SCION_TENSOR_REDUCE_H
#define SCION_TENSOR_REDUCE_H

#include "tensor/tensor.h"

/*
 * Sums x, of any layout, over the axes along which a tensor of shape `shape` would stretch to x's shape. Returns x
 * itself when there are no such axes. The result is row-major and not recorded. Returns NULL for NULL.
 */
struct scion_tensor *scion_sum_to(struct scion_tensor *x, const struct scion_shape *shape);

/* Computes the shape of a reduction of `shape` over axes, one bit each. In `kept` these axes have length 1; `result` is
 * the same with `keep`, and leaves these axes out without it. */
void scion_reduced_shapes(const struct scion_shape *shape, unsigned axes, bool keep, struct scion_shape *kept,
                          struct scion_shape *result);

/* Returns the elements of x, which must be row-major, as an array of another shape of as many elements. */
static inline struct scion_array scion_array_reshaped(const struct scion_array *x, struct scion_shape shape)
{
        return scion_array_over(x->storage, x->offset, shape, x->dtype);
}

#endif
