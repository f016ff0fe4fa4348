/* Maxima over axes, and their gradient. NaN counts as the largest value. */
#include <math.h>
#include <scion/simd.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/lanes.h"
#include "backend/cpu/walk.h"

/* Operand 0 of the walk is x, operand 1 the maxima so far. */
SCION_CLONES static void maxima_update(const struct scion_walk *walk, const float *x, float *max)
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
        unsigned char *done; /* one flag for each maximum: its first position was found */
};

static void gradient_scatter(const struct scion_walk *walk, const struct gradient *all)
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

static void maxima_walk_start(struct scion_walk *walk, const struct scion_shape *x,
                              const struct scion_shape *max)
{
        int64_t stride[2][SCION_MAX_DIMS];

        scion_strides(x, stride[0]);
        scion_broadcast_strides(max, x, stride[1]);
        scion_walk_start(walk, x, 2, stride);
}

bool scion_cpu_max(void *self, const struct scion_array *x, struct scion_array *y)
{
        const float *from = scion_cpu_data(x);
        float *to = scion_cpu_data(y);
        struct scion_walk walk;

        if (!scion_cpu_fill(self, y, (double)-INFINITY))
                return false;
        maxima_walk_start(&walk, &x->shape, &y->shape);
        do
                maxima_update(&walk, from + walk.offset[0], to + walk.offset[1]);
        while (scion_walk_next(&walk));
        return true;
}

bool scion_cpu_max_gradient(void *self, const struct scion_array *x, const struct scion_array *y,
                            const struct scion_array *g, struct scion_array *dx)
{
        struct gradient all = { scion_cpu_data(x), scion_cpu_data(y), scion_cpu_data(g), scion_cpu_data(dx),
                                scion_cpu_scratch(y->length) };
        struct scion_walk walk;

        (void)self;
        if (!all.done)
                return false;
        memset(all.done, 0, y->length);
        memset(all.dx, 0, dx->length * sizeof *all.dx);
        maxima_walk_start(&walk, &x->shape, &y->shape);
        do
                gradient_scatter(&walk, &all);
        while (scion_walk_next(&walk));
        return true;
}
