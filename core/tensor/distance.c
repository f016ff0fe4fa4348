/* Distances between the rows of two matrices. */
#include <math.h>
#include <scion/simd.h>
#include <string.h>

#include "backend/cpu/lanes.h"
#include "tensor/gradient.h"

#define BLOCK 512 /* features added up in single precision before they go to the total */

/* |a - b|^2 */
static inline double squared_distance_of(const float *a, const float *b, int64_t count)
{
        double total = 0;

        for (int64_t first = 0; first < count; first += BLOCK) {
                int64_t end = count - first < BLOCK ? count : first + BLOCK, i = first;
                float lane[SCION_LANES] = { 0 }, rest = 0;

                for (; i + SCION_LANES <= end; i += SCION_LANES)
                        for (int j = 0; j < SCION_LANES; j++) {
                                float d = a[i + j] - b[i + j];

                                lane[j] += d * d;
                        }
                for (; i < end; i++)
                        rest += (a[i] - b[i]) * (a[i] - b[i]);
                for (int j = 0; j < SCION_LANES; j++)
                        total += (double)lane[j];
                total += (double)rest;
        }
        return total;
}

SCION_CLONES static void distances_of(const float *a, const float *b, int64_t rows, int64_t columns,
                                      int64_t count, bool root, float *y)
{
        for (int64_t i = 0; i < rows; i++)
                for (int64_t j = 0; j < columns; j++) {
                        double d = a == b && j < i ? 0 /* taken from its mirror below */
                                                   : squared_distance_of(a + i * count, b + j * count, count);

                        y[i * columns + j] = (float)(root ? sqrt(d) : d);
                }
        for (int64_t i = 0; a == b && i < rows; i++)
                for (int64_t j = 0; j < i; j++)
                        y[i * columns + j] = y[j * columns + i];
}

/* da_i = sum over j of c_ij (a_i - b_j), with c_ij at c[i * row + j * column] */
SCION_CLONES static void pull(const float *a, const float *b, int64_t rows, int64_t columns, int64_t count,
                              const float *c, int64_t row, int64_t column, float *da)
{
        memset(da, 0, (size_t)(rows * count) * sizeof *da);
        for (int64_t i = 0; i < rows; i++)
                for (int64_t j = 0; j < columns; j++) {
                        const float *from = a + i * count, *to = b + j * count;
                        float *restrict sum = da + i * count;
                        float factor = c[i * row + j * column];

                        if (factor == 0)
                                continue;
                        for (int64_t k = 0; k < count; k++)
                                sum[k] += factor * (from[k] - to[k]);
                }
}

static bool give(struct scion_tensor *x, const struct scion_tensor *other, const float *c, int64_t row,
                 int64_t column)
{
        struct scion_tensor *dx = x->requires_grad ? scion_grad_target(x, NULL) : NULL;

        if (!dx)
                return !x->requires_grad;
        pull(x->data, other->data, x->shape.dim[0], other->shape.dim[0], x->shape.dim[1], c, row, column,
             dx->data);
        return scion_grad_done(x, dx);
}

static bool distance_backward(struct scion_node *node);

static const struct scion_op squared_op = { "pairwise_squared_distance", distance_backward };
static const struct scion_op distance_op = { "pairwise_distance", distance_backward };

static bool distance_backward(struct scion_node *node)
{
        const bool root = node->op == &distance_op;
        struct scion_tensor *a = node->input[0], *b = node->input[1], *y = node->output;
        struct scion_tensor *g = scion_tensor_plain(y->grad);
        float *c = g ? scion_tape_buffer(y->length * sizeof *c) : NULL;
        int64_t columns = b->shape.dim[0];

        if (!c)
                return false;
        for (size_t i = 0; i < y->length; i++) {
                float up = ((const float *)g->data)[i], d = ((const float *)y->data)[i];

                c[i] = !root ? 2 * up : d == 0 ? 0 : up / d;
        }
        if (a != b)
                return give(a, b, c, columns, 1) && give(b, a, c, 1, columns);
        for (int64_t i = 0; i < columns; i++)
                for (int64_t j = 0; j <= i; j++)
                        c[i * columns + j] = c[j * columns + i] = c[i * columns + j] + c[j * columns + i];
        return give(a, b, c, columns, 1);
}

static struct scion_tensor *apply(const struct scion_op *op, struct scion_tensor *a, struct scion_tensor *b)
{
        const bool root = op == &distance_op;

        if (!scion_check_rows(op->name, a, b, 1))
                return NULL;
        a = scion_tensor_plain(a);
        b = scion_tensor_plain(b);
        if (!a || !b)
                return NULL;
        int64_t rows = a->shape.dim[0], columns = b->shape.dim[0];
        struct scion_tensor *y = scion_tensor_new(SCION_SHAPE(rows, columns), SCION_F32, NULL);

        if (!y)
                return NULL;
        distances_of(a->data, b->data, rows, columns, a->shape.dim[1], root, y->data);
        scion_record(op, y, a, b, NULL, 0);
        return y;
}

struct scion_tensor *scion_pairwise_squared_distance(struct scion_tensor *a, struct scion_tensor *b)
{
        return apply(&squared_op, a, b);
}

struct scion_tensor *scion_pairwise_distance(struct scion_tensor *a, struct scion_tensor *b)
{
        return apply(&distance_op, a, b);
}
