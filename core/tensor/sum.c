/* Sums and means over axes. They are taken in double precision, in an order that only the shape decides. */
#include <scion/simd.h>
#include <string.h>

#include "backend/cpu/lanes.h"
#include "backend/cpu/walk.h"
#include "tensor/gradient.h"
#include "tensor/reduce.h"
#include "tensor/tape.h"

/* Operand 0 is x, operand 1 the sums: those that stand still along the columns, then those that go along. */
SCION_CLONES static void sum_rows(const struct scion_walk *walk, const float *x, double *sum)
{
        for (int64_t i = 0; i < walk->rows; i++)
                sum[i * walk->row[1]] += scion_sum_of(x + i * walk->row[0], walk->columns);
}

SCION_CLONES static void sum_columns(const struct scion_walk *walk, const float *x, double *sum)
{
        const int64_t columns = walk->columns;

        for (int64_t i = 0; i < walk->rows; i++) {
                const float *restrict from = x + i * walk->row[0];
                double *restrict to = sum + i * walk->row[1];

                for (int64_t j = 0; j < columns; j++)
                        to[j] += (double)from[j];
        }
}

/* The sums of row-major elements over the axes that have length 1 in `keep`, times a factor. */
static bool sum_over(const float *x, const struct scion_shape *shape, const struct scion_shape *keep,
                     double factor, float *result)
{
        int64_t stride[2][SCION_MAX_DIMS], count = scion_shape_size(keep);
        struct scion_walk walk;
        double one = 0, *sum = count == 1 ? &one : scion_tape_buffer((size_t)count * sizeof *sum);

        if (!sum)
                return false;
        memset(sum, 0, (size_t)count * sizeof *sum);
        scion_strides(shape, stride[0]);
        scion_broadcast_strides(keep, shape, stride[1]);
        scion_walk_start(&walk, shape, 2, stride);
        do
                (walk.column[1] ? sum_columns : sum_rows)(&walk, x + walk.offset[0], sum + walk.offset[1]);
        while (scion_walk_next(&walk));
        for (int64_t i = 0; i < count; i++)
                result[i] = (float)(sum[i] * factor);
        return true;
}

struct scion_tensor *scion_sum_to(struct scion_tensor *x, const struct scion_shape *shape)
{
        if (!x || scion_shape_equal(&x->shape, shape))
                return x;
        x = scion_tensor_plain(x);
        struct scion_tensor *y = x ? scion_tensor_new(*shape, SCION_F32, NULL) : NULL;

        return y && sum_over(x->data, &x->shape, shape, 1, y->data) ? y : NULL;
}

void scion_reduced_shapes(const struct scion_shape *shape, unsigned axes, bool keep, struct scion_shape *kept,
                          struct scion_shape *result)
{
        *kept = *shape;
        *result = SCION_SCALAR;
        for (int i = 0; i < shape->ndim; i++) {
                bool reduced = axes >> i & 1;

                if (reduced)
                        kept->dim[i] = 1;
                if (keep || !reduced)
                        result->dim[result->ndim++] = kept->dim[i];
        }
}

/* --- The operations ------------------------------------------------------------------------------------- */

struct saved {
        struct scion_shape keep; /* the result's shape, with the axes summed over as length 1 */
        float factor;
};

SCION_CLONES static void spread(const struct scion_walk *walk, float *y, const float *x, float factor)
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

static bool sum_backward(struct scion_node *node)
{
        const struct saved *saved = node->saved;
        struct scion_tensor *x = node->input[0], *g = scion_tensor_plain(node->output->grad);
        struct scion_tensor *dx = g ? scion_grad_target(x, NULL) : NULL;
        int64_t stride[2][SCION_MAX_DIMS];
        struct scion_walk walk;

        if (!dx)
                return false;
        scion_strides(&x->shape, stride[0]);
        scion_broadcast_strides(&saved->keep, &x->shape, stride[1]);
        scion_walk_start(&walk, &x->shape, 2, stride);
        do
                spread(&walk, (float *)dx->data + walk.offset[0], (const float *)g->data + walk.offset[1],
                       saved->factor);
        while (scion_walk_next(&walk));
        return scion_grad_done(x, dx);
}

static const struct scion_op sum_op = { "sum", sum_backward };
static const struct scion_op mean_op = { "mean", sum_backward };

static struct scion_tensor *reduce(const struct scion_op *op, struct scion_tensor *x, unsigned axes,
                                   bool keep)
{
        struct scion_shape kept, shape;

        if (!scion_check_float(op->name, x) || !scion_check_axes(op->name, x, axes, &axes))
                return NULL;
        if (!axes)
                return x;
        scion_reduced_shapes(&x->shape, axes, keep, &kept, &shape);
        int64_t results = scion_shape_size(&kept);
        double factor = op == &mean_op ? (double)results / (double)scion_size(x) : 1;
        struct scion_shape full = x->shape, sums = kept;

        if (x->layout && results == 1) { /* all of it, whatever its order; padding is 0 and adds nothing */
                full = SCION_SHAPE((int64_t)x->length);
                sums = SCION_SHAPE(1);
        } else {
                x = scion_tensor_plain(x);
        }
        struct scion_tensor *y = x ? scion_tensor_new(shape, SCION_F32, NULL) : NULL;

        if (!y || !sum_over(x->data, &full, &sums, factor, y->data))
                return NULL;
        struct scion_node *node = scion_record(op, y, x, NULL, NULL, sizeof(struct saved));

        if (node)
                *(struct saved *)node->saved = (struct saved){ kept, (float)factor };
        return y;
}

struct scion_tensor *scion_sum(struct scion_tensor *x, unsigned axes, bool keep)
{
        return reduce(&sum_op, x, axes, keep);
}

struct scion_tensor *scion_mean(struct scion_tensor *x, unsigned axes, bool keep)
{
        return reduce(&mean_op, x, axes, keep);
}
