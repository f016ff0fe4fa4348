/*
 * Softmax and its logarithm over one axis. The maximum is subtracted first, so that no exponential overflows.
 *
 * An array is treated as [outer, length, inner] around the axis. For the last axis (inner = 1), which is the usual case,
 * the exponentials of a block of rows are computed in one loop, which pays off when rows are short. Other axes are
 * computed for a block of columns at a time.
 */
#include <math.h>
#include <scion/simd.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/lanes.h"
#include "backend/cpu/math.h"

#define BLOCK 1024
#define COLUMNS 64

static inline void elements_exp(const float *x, float *restrict y, int64_t count)
{
        for (int64_t i = 0; i < count; i++)
                y[i] = scion_exp_of(x[i]);
}

/* Returns how many rows are computed at a time: as many as fit into a block, but at least one. */
static inline int64_t block_rows(int64_t rows, int64_t length)
{
        int64_t most = length < BLOCK ? BLOCK / length : 1;

        return rows < most ? rows : most;
}

/* y = x - max x, row by row */
static inline void rows_shift(const float *x, float *restrict y, int64_t rows, int64_t length)
{
        for (int64_t i = 0; i < rows; i++, x += length, y += length) {
                float max = scion_max_of(x, length, -INFINITY);

                for (int64_t j = 0; j < length; j++)
                        y[j] = x[j] - max;
        }
}

SCION_CLONES static void softmax_rows(const float *x, float *y, int64_t rows, int64_t length)
{
        for (int64_t i = 0, some; i < rows; i += some, x += some * length, y += some * length) {
                some = block_rows(rows - i, length);
                rows_shift(x, y, some, length);
                for (int64_t j = 0; j < some * length; j++)
                        y[j] = scion_exp_of(y[j]);
                for (int64_t j = 0; j < some; j++) {
                        float *row = y + j * length;
                        float factor = (float)(1 / scion_sum_of(row, length));

                        for (int64_t k = 0; k < length; k++)
                                row[k] *= factor;
                }
        }
}

SCION_CLONES static void log_softmax_rows(const float *x, float *y, int64_t rows, int64_t length)
{
        float power[BLOCK];

        for (int64_t i = 0, some; i < rows; i += some, x += some * length, y += some * length) {
                some = block_rows(rows - i, length);
                rows_shift(x, y, some, length);
                if (length <= BLOCK)
                        elements_exp(y, power, some * length);
                for (int64_t j = 0; j < some; j++) {
                        float *row = y + j * length;
                        double sum = 0;

                        if (length <= BLOCK)
                                sum = scion_sum_of(power + j * length, length);
                        for (int64_t k = 0, count; length > BLOCK && k < length; k += count) {
                                count = length - k < BLOCK ? length - k : BLOCK;
                                elements_exp(row + k, power, count);
                                sum += scion_sum_of(power, count);
                        }
                        float offset = (float)log(sum);

                        for (int64_t k = 0; k < length; k++)
                                row[k] -= offset;
                }
        }
}

/* dx = y (g - sum g y) */
SCION_CLONES static void softmax_rows_backward(const float *g, const float *y, float *dx, int64_t rows,
                                               int64_t length)
{
        for (int64_t i = 0; i < rows; i++, g += length, y += length, dx += length) {
                float dot = (float)scion_dot_of(g, y, length);
                float *restrict to = dx;

                for (int64_t j = 0; j < length; j++)
                        to[j] = y[j] * (g[j] - dot);
        }
}

/* dx = g - e^y sum g */
SCION_CLONES static void log_softmax_rows_backward(const float *g, const float *y, float *dx, int64_t rows,
                                                   int64_t length)
{
        elements_exp(y, dx, rows * length);
        for (int64_t i = 0; i < rows; i++, g += length, dx += length) {
                float sum = (float)scion_sum_of(g, length);
                float *restrict to = dx;

                for (int64_t j = 0; j < length; j++)
                        to[j] = g[j] - to[j] * sum;
        }
}

/* The same functions for columns. Sums and maxima are arrays with one element for each column. */

static inline void columns_max(const float *x, int64_t length, int64_t inner, int64_t count,
                               float *restrict max)
{
        for (int64_t j = 0; j < count; j++)
                max[j] = x[j];
        for (int64_t i = 1; i < length; i++)
                for (int64_t j = 0; j < count; j++)
                        max[j] = scion_larger(max[j], x[i * inner + j]);
}

SCION_CLONES static void softmax_columns(const float *x, float *y, int64_t length, int64_t inner,
                                         int64_t count)
{
        float max[COLUMNS], factor[COLUMNS];
        double sum[COLUMNS] = { 0 };

        columns_max(x, length, inner, count, max);
        for (int64_t i = 0; i < length; i++) {
                const float *from = x + i * inner;
                float *restrict to = y + i * inner;

                for (int64_t j = 0; j < count; j++) {
                        to[j] = scion_exp_of(from[j] - max[j]);
                        sum[j] += (double)to[j];
                }
        }
        for (int64_t j = 0; j < count; j++)
                factor[j] = (float)(1 / sum[j]);
        for (int64_t i = 0; i < length; i++)
                for (int64_t j = 0; j < count; j++)
                        y[i * inner + j] *= factor[j];
}

SCION_CLONES static void log_softmax_columns(const float *x, float *y, int64_t length, int64_t inner,
                                             int64_t count)
{
        float max[COLUMNS], offset[COLUMNS];
        double sum[COLUMNS] = { 0 };

        columns_max(x, length, inner, count, max);
        for (int64_t i = 0; i < length; i++) {
                const float *from = x + i * inner;
                float *restrict to = y + i * inner;

                for (int64_t j = 0; j < count; j++) {
                        to[j] = from[j] - max[j];
                        sum[j] += (double)scion_exp_of(to[j]);
                }
        }
        for (int64_t j = 0; j < count; j++)
                offset[j] = (float)log(sum[j]);
        for (int64_t i = 0; i < length; i++)
                for (int64_t j = 0; j < count; j++)
                        y[i * inner + j] -= offset[j];
}

SCION_CLONES static void softmax_columns_backward(const float *g, const float *y, float *dx, int64_t length,
                                                  int64_t inner, int64_t count)
{
        double dot[COLUMNS] = { 0 };

        for (int64_t i = 0; i < length; i++)
                for (int64_t j = 0; j < count; j++)
                        dot[j] += (double)g[i * inner + j] * (double)y[i * inner + j];
        for (int64_t i = 0; i < length; i++) {
                float *restrict to = dx + i * inner;

                for (int64_t j = 0; j < count; j++)
                        to[j] = y[i * inner + j] * (g[i * inner + j] - (float)dot[j]);
        }
}

SCION_CLONES static void log_softmax_columns_backward(const float *g, const float *y, float *dx,
                                                      int64_t length, int64_t inner, int64_t count)
{
        double sum[COLUMNS] = { 0 };

        for (int64_t i = 0; i < length; i++)
                for (int64_t j = 0; j < count; j++)
                        sum[j] += (double)g[i * inner + j];
        for (int64_t i = 0; i < length; i++) {
                float *restrict to = dx + i * inner;

                for (int64_t j = 0; j < count; j++)
                        to[j] = g[i * inner + j] - scion_exp_of(y[i * inner + j]) * (float)sum[j];
        }
}

/* --- The functions of the table ------------------------------------------------------------------------- */

/* The loops over `rows` rows, and over `count` columns whose elements are `inner` apart. */
struct loops {
        void (*rows)(const float *x, float *y, int64_t rows, int64_t length);
        void (*columns)(const float *x, float *y, int64_t length, int64_t inner, int64_t count);
        void (*rows_backward)(const float *g, const float *y, float *dx, int64_t rows, int64_t length);
        void (*columns_backward)(const float *g, const float *y, float *dx, int64_t length, int64_t inner,
                                 int64_t count);
};

static const struct loops softmax_loops = { softmax_rows, softmax_columns, softmax_rows_backward,
                                            softmax_columns_backward };
static const struct loops log_softmax_loops = { log_softmax_rows, log_softmax_columns,
                                                log_softmax_rows_backward, log_softmax_columns_backward };

struct extent {
        int64_t outer, length, inner;
};

static struct extent extent_init(const struct scion_shape *shape, int axis)
{
        struct extent extent = { 1, shape->dim[axis], 1 };

        for (int i = 0; i < axis; i++)
                extent.outer *= shape->dim[i];
        for (int i = axis + 1; i < shape->ndim; i++)
                extent.inner *= shape->dim[i];
        return extent;
}

static int64_t extent_columns(const struct extent *extent, int64_t first)
{
        return extent->inner - first < COLUMNS ? extent->inner - first : COLUMNS;
}

bool scion_cpu_softmax(void *self, bool logarithm, int axis, const struct scion_array *x,
                       struct scion_array *y)
{
        const struct loops *loops = logarithm ? &log_softmax_loops : &softmax_loops;
        const struct extent extent = extent_init(&x->shape, axis);
        const float *xs = scion_cpu_data(x);
        float *ys = scion_cpu_data(y);

        (void)self;
        if (extent.inner == 1) {
                loops->rows(xs, ys, extent.outer, extent.length);
                return true;
        }
        for (int64_t i = 0; i < extent.outer; i++)
                for (int64_t j = 0; j < extent.inner; j += COLUMNS) {
                        int64_t at = i * extent.length * extent.inner + j;

                        loops->columns(xs + at, ys + at, extent.length, extent.inner,
                                       extent_columns(&extent, j));
                }
        return true;
}

bool scion_cpu_softmax_gradient(void *self, bool logarithm, int axis, const struct scion_array *g,
                                const struct scion_array *y, struct scion_array *dx)
{
        const struct loops *loops = logarithm ? &log_softmax_loops : &softmax_loops;
        const struct extent extent = extent_init(&y->shape, axis);
        const float *gs = scion_cpu_data(g), *ys = scion_cpu_data(y);
        float *dxs = scion_cpu_data(dx);

        (void)self;
        if (extent.inner == 1) {
                loops->rows_backward(gs, ys, dxs, extent.outer, extent.length);
                return true;
        }
        for (int64_t i = 0; i < extent.outer; i++)
                for (int64_t j = 0; j < extent.inner; j += COLUMNS) {
                        int64_t at = i * extent.length * extent.inner + j;

                        loops->columns_backward(gs + at, ys + at, dxs + at, extent.length, extent.inner,
                                                extent_columns(&extent, j));
                }
        return true;
}
