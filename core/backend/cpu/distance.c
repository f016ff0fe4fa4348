/* Distances between the rows of two matrices. */
#include <math.h>
#include <scion/simd.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/lanes.h"

#define BLOCK 512 /* features summed in single precision before they are added to the total */

/* |a - b|^2 for two rows. */
static inline double rows_squared_distance(const float *a, const float *b, int64_t count)
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

/* `same` means that b is a; then the matrix of distances is symmetric, and only one half of it is computed. */
SCION_CLONES static void matrices_distances(const float *a, const float *b, bool same, int64_t rows,
                                            int64_t columns, int64_t count, bool root, float *y)
{
        for (int64_t i = 0; i < rows; i++)
                for (int64_t j = 0; j < columns; j++) {
                        double d = same && j < i ? 0 /* copied from the other half below */
                                                 : rows_squared_distance(a + i * count, b + j * count, count);

                        y[i * columns + j] = (float)(root ? sqrt(d) : d);
                }
        for (int64_t i = 0; same && i < rows; i++)
                for (int64_t j = 0; j < i; j++)
                        y[i * columns + j] = y[j * columns + i];
}

bool scion_cpu_distance(void *self, bool root, const struct scion_array *a, const struct scion_array *b,
                        struct scion_array *y)
{
        const float *as = scion_cpu_data(a), *bs = scion_cpu_data(b);
        const int64_t rows = a->shape.dim[0], columns = b->shape.dim[0];

        (void)self;
        matrices_distances(as, bs, as == bs && rows == columns, rows, columns, a->shape.dim[1], root,
                           scion_cpu_data(y));
        return true;
}

/* da_i = sum over j of c_ij (a_i - b_j), with c_ij at c[i * row + j * column] */
SCION_CLONES static void matrix_gradient(const float *a, const float *b, int64_t rows, int64_t columns,
                                         int64_t count, const float *c, int64_t row, int64_t column,
                                         float *da)
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

bool scion_cpu_distance_gradient(void *self, bool root, const struct scion_array *a,
                                 const struct scion_array *b, const struct scion_array *y,
                                 const struct scion_array *g, struct scion_array *da, struct scion_array *db)
{
        const float *as = scion_cpu_data(a), *bs = scion_cpu_data(b);
        const float *ys = scion_cpu_data(y), *gs = scion_cpu_data(g);
        const int64_t rows = a->shape.dim[0], columns = b->shape.dim[0], count = a->shape.dim[1];
        float *c = scion_cpu_scratch(y->length * sizeof *c);

        (void)self;
        if (!c)
                return false;
        for (size_t i = 0; i < y->length; i++) {
                float up = gs[i], d = ys[i];

                c[i] = !root ? 2 * up : d == 0 ? 0 : up / d;
        }
        /* Row i of a is also row i of b, so it receives the gradients of both y_ij and y_ji. */
        for (int64_t i = 0; a == b && i < columns; i++)
                for (int64_t j = 0; j <= i; j++)
                        c[i * columns + j] = c[j * columns + i] = c[i * columns + j] + c[j * columns + i];
        if (da)
                matrix_gradient(as, bs, rows, columns, count, c, columns, 1, scion_cpu_data(da));
        if (db)
                matrix_gradient(bs, as, columns, rows, count, c, 1, columns, scion_cpu_data(db));
        return true;
}
