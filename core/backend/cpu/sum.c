/* Sums over axes, in an order that depends only on the shape, and their gradient. */
#include <scion/simd.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/lanes.h"
#include "backend/cpu/walk.h"

#define TILE \
        256 /* columns that column_sums() sums at a time, so that the sums stay in the first-level cache */
#define BLOCK 128 /* rows that it sums before adding them to the total, for accuracy in long columns */

/* Operand 0 of the walk is x, operand 1 the sums. In rows_sum() the sums have stride 0 along the columns, in
 * columns_sum() stride 1. */
SCION_CLONES static void rows_sum(const struct scion_walk *walk, const float *x, double *sum)
{
        for (int64_t i = 0; i < walk->rows; i++)
                sum[i * walk->row[1]] += scion_sum_of(x + i * walk->row[0], walk->columns);
}

SCION_CLONES static void columns_sum(const struct scion_walk *walk, const float *x, double *sum)
{
        const int64_t columns = walk->columns;

        for (int64_t i = 0; i < walk->rows; i++) {
                const float *restrict from = x + i * walk->row[0];
                double *restrict to = sum + i * walk->row[1];

                for (int64_t j = 0; j < columns; j++)
                        to[j] += (double)from[j];
        }
}

bool scion_cpu_sum(void *self, const struct scion_array *x, double factor, struct scion_array *y)
{
        const float *from = scion_cpu_data(x);
        float *to = scion_cpu_data(y);
        int64_t stride[2][SCION_MAX_DIMS], count = (int64_t)y->length;
        struct scion_walk walk;
        double one = 0, *sum = count == 1 ? &one : scion_cpu_scratch((size_t)count * sizeof *sum);

        (void)self;
        if (!sum)
                return false;
        memset(sum, 0, (size_t)count * sizeof *sum);
        scion_strides(&x->shape, stride[0]);
        scion_broadcast_strides(&y->shape, &x->shape, stride[1]);
        scion_walk_start(&walk, &x->shape, 2, stride);
        do
                (walk.column[1] ? columns_sum : rows_sum)(&walk, from + walk.offset[0], sum + walk.offset[1]);
        while (scion_walk_next(&walk));
        for (int64_t i = 0; i < count; i++)
                to[i] = (float)(sum[i] * factor);
        return true;
}

/* Operand 0 of the walk is y, operand 1 is x. */
SCION_CLONES static void stretch_inner(const struct scion_walk *walk, float *y, const float *x, float factor)
{
        for (int64_t i = 0; i < walk->rows; i++) {
                const float *restrict from = x + i * walk->row[1];
                float *restrict to = y + i * walk->row[0];

                if (walk->column[1]) {
                        for (int64_t j = 0; j < walk->columns; j++)
                                to[j] = from[j] * factor;
                } else {
                        float value = from[0] * factor;

                        for (int64_t j = 0; j < walk->columns; j++)
                                to[j] = value;
                }
        }
}

bool scion_cpu_stretch(void *self, const struct scion_array *x, float factor, struct scion_array *y)
{
        const float *from = scion_cpu_data(x);
        float *to = scion_cpu_data(y);
        int64_t stride[2][SCION_MAX_DIMS];
        struct scion_walk walk;

        (void)self;
        scion_strides(&y->shape, stride[0]);
        scion_broadcast_strides(&x->shape, &y->shape, stride[1]);
        scion_walk_start(&walk, &y->shape, 2, stride);
        do
                stretch_inner(&walk, to + walk.offset[0], from + walk.offset[1], factor);
        while (scion_walk_next(&walk));
        return true;
}

SCION_CLONES static void column_sums(const float *restrict x, int64_t rows, int64_t columns,
                                     float *restrict sum)
{
        float part[TILE];

        memset(sum, 0, (size_t)columns * sizeof *sum);
        for (int64_t first = 0; first < columns; first += TILE) {
                int64_t width = columns - first < TILE ? columns - first : TILE;

                for (int64_t row = 0; row < rows; row += BLOCK) {
                        int64_t end = rows - row < BLOCK ? rows : row + BLOCK;

                        memset(part, 0, sizeof part);
                        for (int64_t r = row; r < end; r++)
                                for (int64_t c = 0; c < width; c++)
                                        part[c] += x[r * columns + first + c];
                        for (int64_t c = 0; c < width; c++)
                                sum[first + c] += part[c];
                }
        }
}

bool scion_cpu_column_sums(void *self, const struct scion_array *x, struct scion_array *y)
{
        int64_t columns = (int64_t)y->length;

        (void)self;
        column_sums(scion_cpu_data(x), (int64_t)x->length / columns, columns, scion_cpu_data(y));
        return true;
}
