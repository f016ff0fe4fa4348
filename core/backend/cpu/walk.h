/*
 * Walking over tensors of one shape that lie differently: broadcast ones stand still along some axes,
 * permuted ones jump. Axes that can be run through as one are joined; the inner two that remain are for the
 * caller's own loops.
 */
#ifndef SCION_BACKEND_CPU_WALK_H
#define SCION_BACKEND_CPU_WALK_H

#include <scion/tensor.h>

#define SCION_WALK_OPERANDS 3

struct scion_walk {
        int64_t rows, columns; /* of the inner two axes; 1 where there are fewer */
        int64_t row[SCION_WALK_OPERANDS], column[SCION_WALK_OPERANDS]; /* each operand's strides over them */
        int64_t offset[SCION_WALK_OPERANDS];                           /* where each operand is now */
        int operands;
        int outer; /* axes outside of the inner two */
        int64_t dim[SCION_MAX_DIMS], at[SCION_MAX_DIMS];
        int64_t stride[SCION_WALK_OPERANDS][SCION_MAX_DIMS];
};

/* Elements from one entry of an axis to the next, row-major. */
void scion_strides(const struct scion_shape *shape, int64_t stride[SCION_MAX_DIMS]);

/* The same for a tensor of shape `from` that is broadcast to `to`: 0 along the axes that it stretches over. */
void scion_broadcast_strides(const struct scion_shape *from, const struct scion_shape *to,
                             int64_t stride[SCION_MAX_DIMS]);

/*
 * Begins at the first element, row-major. The operands' strides are as many as `operands`, from their first
 * element on. Then
 *
 *      do
 *              inner(&walk);
 *      while (scion_walk_next(&walk));
 */
void scion_walk_start(struct scion_walk *walk, const struct scion_shape *shape, int operands,
                      int64_t stride[][SCION_MAX_DIMS]);
bool scion_walk_next(struct scion_walk *walk);

#endif
