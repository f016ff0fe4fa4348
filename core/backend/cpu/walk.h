/*
 * Iterates over several arrays of one shape with different strides, such as broadcast ones (stride 0 along some axes) and
 * permuted ones. Adjacent axes are merged where the strides of all arrays allow it. The walk steps over the outer axes;
 * the caller loops over the inner two, called rows and columns.
 */
#ifndef SCION_BACKEND_CPU_WALK_H
#define SCION_BACKEND_CPU_WALK_H

#include <scion/tensor.h>

#define SCION_WALK_OPERANDS 3

struct scion_walk {
        int64_t rows, columns; /* lengths of the inner two axes; 1 where there are fewer axes */
        int64_t row[SCION_WALK_OPERANDS], column[SCION_WALK_OPERANDS]; /* each operand's strides over them */
        int64_t offset[SCION_WALK_OPERANDS];                           /* each operand's current element */
        int operands;
        int outer; /* the number of axes outside the inner two */
        int64_t dim[SCION_MAX_DIMS], at[SCION_MAX_DIMS];
        int64_t stride[SCION_WALK_OPERANDS][SCION_MAX_DIMS];
};

/* Computes the strides, in elements, of a row-major array. */
void scion_strides(const struct scion_shape *shape, int64_t stride[SCION_MAX_DIMS]);

/* Computes the strides of a row-major array of shape `from` that is broadcast to `to`: 0 along the axes it is stretched
 * over. */
void scion_broadcast_strides(const struct scion_shape *from, const struct scion_shape *to,
                             int64_t stride[SCION_MAX_DIMS]);

/*
 * Starts a walk over `operands` arrays, whose strides over the axes of `shape` are in `stride`. Use it so:
 *
 *      do
 *              inner(&walk);
 *      while (scion_walk_next(&walk));
 */
void scion_walk_start(struct scion_walk *walk, const struct scion_shape *shape, int operands,
                      int64_t stride[][SCION_MAX_DIMS]);
/* Advances the offsets to the next entry of the outer axes, in row-major order. False at the end. */
bool scion_walk_next(struct scion_walk *walk);

#endif
