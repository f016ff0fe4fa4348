/* Reductions over axes: what they share, and sums for operations that broadcast. */
#ifndef SCION_TENSOR_REDUCE_H
#define SCION_TENSOR_REDUCE_H

#include "tensor/tensor.h"

/*
 * x, of any layout, summed over the axes along which a tensor of shape `shape` would stretch to x's shape; x
 * itself when there are none. Row-major, not recorded. NULL for NULL.
 */
struct scion_tensor *scion_sum_to(struct scion_tensor *x, const struct scion_shape *shape);

/* The shape of a reduction of `shape` over axes, one bit each: `kept` has length 1 there, `result` has that
 * or, without `keep`, leaves them out. */
void scion_reduced_shapes(const struct scion_shape *shape, unsigned axes, bool keep, struct scion_shape *kept,
                          struct scion_shape *result);

#endif
