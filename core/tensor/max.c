/* Maxima over axes. What is not a number counts as the largest. */
#include <math.h>
#include <scion/simd.h>
#include <string.h>

#include "backend/cpu/lanes.h"
#include "backend/cpu/walk.h"
#include "tensor/gradient.h"
#include "tensor/reduce.h"
#include "tensor/tape.h"

/* Operand 0 is x, operand 1 the maxima so far. */
SCION_CLONES static void max_inner(const struct scion_walk *walk, const float *x, float *max)
{
        for (int64_t i = 0; i < walk->rows; i++) {
                const float *restrict from = x + i * walk->row[0];
                float *restrict to = max + i * walk->row[1];

                if (walk->column[1]) {
                        for (int64_t j = 0; j < walk->columns; j++)
                                to[j] = scion_larger(to[j], from[j]);
                } else {
                        *to = scion_max_of(from, walk->columns, *to);
                }
        }
}

struct gradient {
        const float *x, *max, *g;
        float *dx;
        unsigned char *done; /* for each maximum: its place was found */
};

static void find_inner(const struct scion_walk *walk, const struct gradient *all)
{
        for (int64_t i = 0; i < walk->rows; i++) {
                for (int64_t j = 0; j < walk->columns; j++) {
                        int64_t to = walk->offset[1] + i * walk->row[1] + j * walk->column[1];
                        int64_t from = walk->offset[0] + i * walk->row[0] + j;
                        float x = all->x[from];

                        if (all->done[to] || !(x == all->max[to] || x != x))
                                continue;
                        all->done[to] = 1;
                        all->dx[from] = all->g[to];
                        if (!walk->column[1])
                                break;
                }
        }
}

static void start(struct scion_walk *walk, const struct scion_shape *shape, const struct scion_shape *keep)
{
        int64_t stride[2][SCION_MAX_DIMS];

        scion_strides(shape, stride[0]);
        scion_broadcast_strides(keep, shape, stride[1]);
        scion_walk_start(walk, shape, 2, stride);
}

static bool max_backward(struct scion_node *node)
{
        struct scion_tensor *x = node->input[0], *y = node->output, *g = scion_tensor_plain(y->grad);
        struct scion_tensor *dx = g ? scion_grad_target(x, NULL) : NULL;
        unsigned char *done = dx ? scion_tape_buffer(y->length) : NULL;
        struct scion_walk walk;

        if (!done)
                return false;
        struct gradient all = { x->data, y->data, g->data, dx->data, done };

        memset(done, 0, y->length);
        memset(dx->data, 0, dx->length * sizeof(float));
        start(&walk, &x->shape, node->saved);
        do
                find_inner(&walk, &all);
        while (scion_walk_next(&walk));
        return scion_grad_done(x, dx);
}

static const struct scion_op max_op = { "max", max_backward };

struct scion_tensor *scion_max(struct scion_tensor *x, unsigned axes, bool keep)
{
        struct scion_shape kept, shape;
        struct scion_walk walk;

        if (!scion_check_float("max", x) || !scion_check_axes("max", x, axes, &axes))
                return NULL;
        if (!axes)
                return x;
        scion_reduced_shapes(&x->shape, axes, keep, &kept, &shape);
        x = scion_tensor_plain(x);
        struct scion_tensor *y = x ? scion_full(shape, -INFINITY) : NULL;

        if (!y)
                return NULL;
        start(&walk, &x->shape, &kept);
        do
                max_inner(&walk, (const float *)x->data + walk.offset[0], (float *)y->data + walk.offset[1]);
        while (scion_walk_next(&walk));
        struct scion_node *node = scion_record(&max_op, y, x, NULL, NULL, sizeof kept);

        if (node)
                *(struct scion_shape *)node->saved = kept;
        return y;
}
