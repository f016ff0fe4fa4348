/*
 * Softmax and its logarithm over one axis. The maximum is taken off first, so that no exponential overflows.
 *
 * A tensor is seen as [outer, length, inner] around the axis. The last axis (inner = 1) is the usual one:
 * there the exponentials of a block of rows are taken in one go, which pays when rows are short. Any other
 * axis is done for a block of columns at once.
 */
#include <math.h>
#include <scion/simd.h>

#include "backend/cpu/lanes.h"
#include "backend/cpu/math.h"
#include "tensor/gradient.h"
#include "tensor/tape.h"

#define BLOCK 1024
#define COLUMNS 64

/* Operations and what they do with rows, and with `count` columns that are `inner` apart. */
struct softmax {
        struct scion_op op; /* first: a node's op is the table's entry */
        void (*rows)(const float *x, float *y, int64_t rows, int64_t length);
        void (*columns)(const float *x, float *y, int64_t length, int64_t inner, int64_t count);
        void (*rows_backward)(const float *g, const float *y, float *dx, int64_t rows, int64_t length);
        void (*columns_backward)(const float *g, const float *y, float *dx, int64_t length, int64_t inner,
                                 int64_t count);
};

static inline void exp_each(const float *x, float *restrict y, int64_t count)
{
        for (int64_t i = 0; i < count; i++)
                y[i] = scion_exp_of(x[i]);
}

/* Rows that are handled at a time: a block's worth, at least one. */
static inline int64_t rows_in_block(int64_t rows, int64_t length)
{
        int64_t most = length < BLOCK ? BLOCK / length : 1;

        return rows < most ? rows : most;
}

/* y = x - max x, row by row */
static inline void shift_rows(const float *x, float *restrict y, int64_t rows, int64_t length)
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
                some = rows_in_block(rows - i, length);
                shift_rows(x, y, some, length);
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
                some = rows_in_block(rows - i, length);
                shift_rows(x, y, some, length);
                if (length <= BLOCK)
                        exp_each(y, power, some * length);
                for (int64_t j = 0; j < some; j++) {
                        float *row = y + j * length;
                        double sum = 0;

                        if (length <= BLOCK)
                                sum = scion_sum_of(power + j * length, length);
                        for (int64_t k = 0, count; length > BLOCK && k < length; k += count) {
                                count = length - k < BLOCK ? length - k : BLOCK;
                                exp_each(row + k, power, count);
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
        exp_each(y, dx, rows * length);
        for (int64_t i = 0; i < rows; i++, g += length, dx += length) {
                float sum = (float)scion_sum_of(g, length);
                float *restrict to = dx;

                for (int64_t j = 0; j < length; j++)
                        to[j] = g[j] - to[j] * sum;
        }
}

/* The same for columns. What a column has one of is an array over the columns. */

static inline void max_columns(const float *x, int64_t length, int64_t inner, int64_t count,
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

        max_columns(x, length, inner, count, max);
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

        max_columns(x, length, inner, count, max);
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

/* --- The operations ------------------------------------------------------------------------------------- */

struct extent {
        int64_t outer, length, inner;
};

static struct extent extent_of(const struct scion_shape *shape, int axis)
{
        struct extent extent = { 1, shape->dim[axis], 1 };

        for (int i = 0; i < axis; i++)
                extent.outer *= shape->dim[i];
        for (int i = axis + 1; i < shape->ndim; i++)
                extent.inner *= shape->dim[i];
        return extent;
}

static int64_t columns_from(const struct extent *extent, int64_t first)
{
        return extent->inner - first < COLUMNS ? extent->inner - first : COLUMNS;
}

static bool softmax_backward(struct scion_node *node)
{
        const struct softmax *softmax = (const struct softmax *)node->op;
        const struct extent *extent = node->saved;
        struct scion_tensor *x = node->input[0], *g = scion_tensor_plain(node->output->grad);
        struct scion_tensor *dx = g ? scion_grad_target(x, NULL) : NULL;

        if (!dx)
                return false;
        const float *gs = g->data, *ys = node->output->data;
        float *dxs = dx->data;

        if (extent->inner == 1)
                softmax->rows_backward(gs, ys, dxs, extent->outer, extent->length);
        else
                for (int64_t i = 0; i < extent->outer; i++)
                        for (int64_t j = 0; j < extent->inner; j += COLUMNS) {
                                int64_t at = i * extent->length * extent->inner + j;

                                softmax->columns_backward(gs + at, ys + at, dxs + at, extent->length,
                                                          extent->inner, columns_from(extent, j));
                        }
        return scion_grad_done(x, dx);
}

static struct scion_tensor *apply(const struct softmax *softmax, struct scion_tensor *x, int axis)
{
        if (!scion_check_float(softmax->op.name, x) ||
            (axis = scion_check_axis(softmax->op.name, x, axis)) < 0 || !(x = scion_tensor_plain(x)))
                return NULL;
        struct extent extent = extent_of(&x->shape, axis);
        struct scion_tensor *y = scion_tensor_new(x->shape, SCION_F32, NULL);

        if (!y)
                return NULL;
        if (extent.inner == 1)
                softmax->rows(x->data, y->data, extent.outer, extent.length);
        else
                for (int64_t i = 0; i < extent.outer; i++)
                        for (int64_t j = 0; j < extent.inner; j += COLUMNS) {
                                int64_t at = i * extent.length * extent.inner + j;

                                softmax->columns((const float *)x->data + at, (float *)y->data + at,
                                                 extent.length, extent.inner, columns_from(&extent, j));
                        }
        struct scion_node *node = scion_record(&softmax->op, y, x, NULL, NULL, sizeof extent);

        if (node)
                *(struct extent *)node->saved = extent;
        return y;
}

static const struct softmax softmax_op = { { "softmax", softmax_backward },
                                           softmax_rows,
                                           softmax_columns,
                                           softmax_rows_backward,
                                           softmax_columns_backward };
static const struct softmax log_softmax_op = { { "log_softmax", softmax_backward },
                                               log_softmax_rows,
                                               log_softmax_columns,
                                               log_softmax_rows_backward,
                                               log_softmax_columns_backward };

struct scion_tensor *scion_softmax(struct scion_tensor *x, int axis)
{
        return apply(&softmax_op, x, axis);
}

struct scion_tensor *scion_log_softmax(struct scion_tensor *x, int axis)
{
        return apply(&log_softmax_op, x, axis);
}

struct scion_tensor *scion_logsumexp(struct scion_tensor *x, int axis)
{
        if (!scion_check_float("logsumexp", x) || (axis = scion_check_axis("logsumexp", x, axis)) < 0)
                return NULL;
        struct scion_tensor *max = scion_max(scion_detach(x), SCION_AXIS(axis), true);
        struct scion_tensor *sum = scion_sum(scion_exp(scion_sub(x, max)), SCION_AXIS(axis), true);
        struct scion_tensor *y = scion_add(scion_log(sum), max);

        return scion_mean(y, SCION_AXIS(axis), false); /* of one element: drops the axis */
}
