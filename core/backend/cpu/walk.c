/* Iterates over several arrays of one shape with different strides. */
#include "backend/cpu/walk.h"

#include <string.h>

void scion_strides(const struct scion_shape *shape, int64_t stride[SCION_MAX_DIMS])
{
        int64_t step = 1;

        for (int i = shape->ndim - 1; i >= 0; i--) {
                stride[i] = step;
                step *= shape->dim[i];
        }
}

void scion_broadcast_strides(const struct scion_shape *from, const struct scion_shape *to,
                             int64_t stride[SCION_MAX_DIMS])
{
        int more = to->ndim - from->ndim;
        int64_t step = 1;

        for (int i = to->ndim - 1; i >= 0; i--) {
                int64_t length = i >= more ? from->dim[i - more] : 1;

                stride[i] = length == 1 ? 0 : step;
                step *= length;
        }
}

/* Returns whether axis `next`, of the given length, continues `axis` of the walk in every operand. */
static bool walk_can_join(const struct scion_walk *walk, int axis, int64_t stride[][SCION_MAX_DIMS], int next,
                          int64_t length)
{
        for (int k = 0; k < walk->operands; k++)
                if (walk->stride[k][axis] != stride[k][next] * length)
                        return false;
        return true;
}

/* Removes the innermost of the remaining axes and returns its length, or 1 when none remains. */
static int64_t walk_take_inner(struct scion_walk *walk, int64_t *stride)
{
        int axis = --walk->outer;

        if (axis < 0) {
                walk->outer = 0;
                return 1;
        }
        for (int k = 0; k < walk->operands; k++)
                stride[k] = walk->stride[k][axis];
        return walk->dim[axis];
}

void scion_walk_start(struct scion_walk *walk, const struct scion_shape *shape, int operands,
                      int64_t stride[][SCION_MAX_DIMS])
{
        int axes = 0;

        memset(walk, 0, sizeof *walk);
        walk->operands = operands;
        for (int i = 0; i < shape->ndim; i++) {
                if (shape->dim[i] == 1)
                        continue;
                bool join = axes > 0 && walk_can_join(walk, axes - 1, stride, i, shape->dim[i]);

                if (!join)
                        walk->dim[axes++] = 1;
                walk->dim[axes - 1] *= shape->dim[i];
                for (int k = 0; k < operands; k++)
                        walk->stride[k][axes - 1] = stride[k][i];
        }
        walk->outer = axes;
        walk->columns = walk_take_inner(walk, walk->column);
        walk->rows = walk_take_inner(walk, walk->row);
}

bool scion_walk_next(struct scion_walk *walk)
{
        for (int i = walk->outer - 1; i >= 0; i--) {
                for (int k = 0; k < walk->operands; k++)
                        walk->offset[k] += walk->stride[k][i];
                if (++walk->at[i] < walk->dim[i])
                        return true;
                for (int k = 0; k < walk->operands; k++)
                        walk->offset[k] -= walk->stride[k][i] * walk->dim[i];
                walk->at[i] = 0;
        }
        return false;
}
