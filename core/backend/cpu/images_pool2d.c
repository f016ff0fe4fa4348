/* Pooling of images in groups. */
#include <scion/simd.h>
#include <string.h>

#include "backend/cpu/images.h"

/* Stands before a loop over the images of a group, so that it is compiled to operations on one vector. clang would
 * otherwise unroll it. */
#ifdef __clang__
#define EACH_IMAGE _Pragma("clang loop unroll(disable) vectorize(enable) vectorize_width(16)")
#else
#define EACH_IMAGE _Pragma("omp simd")
#endif

#define INLINE static inline __attribute__((always_inline))

typedef int32_t positions __attribute__((vector_size(SCION_IMAGES * sizeof(int32_t)), may_alias));

/* The rows and columns of a window within the image, and its first position, which may lie outside. */
struct window {
        int64_t top, left, row, row_end, column, column_end;
};

static inline struct window window_at(const struct scion_geometry *g, int64_t i, int64_t j)
{
        const struct scion_window *w = &g->window;
        struct window at = { .top = i * w->stride[0] - w->padding[0],
                             .left = j * w->stride[1] - w->padding[1] };

        at.row = at.top < 0 ? 0 : at.top;
        at.column = at.left < 0 ? 0 : at.left;
        at.row_end = at.top + w->kernel[0] < g->x.dim[2] ? at.top + w->kernel[0] : g->x.dim[2];
        at.column_end = at.left + w->kernel[1] < g->x.dim[3] ? at.left + w->kernel[1] : g->x.dim[3];
        return at;
}

/*
 * Computes a row of y. NaN counts as the largest value. If `finding`, stores in `found` the row-major position of each
 * maximum in its window, the first one among equals. The outer loop is over positions in the window, so that consecutive
 * comparisons are independent of each other.
 */
INLINE void maximum_row(const struct scion_geometry *g, const scion_images *x, int64_t i, scion_images *y,
                        positions *found, bool finding)
{
        const struct scion_window *w = &g->window;
        int64_t columns = g->y.dim[3];

        for (int64_t j = 0; j < columns; j++) {
                struct window at = window_at(g, i, j);

                y[j] = x[at.row * g->x.dim[3] + at.column];
                if (finding)
                        found[j] = (positions){ 0 } +
                                   (int32_t)((at.row - at.top) * w->kernel[1] + at.column - at.left);
        }
        for (int32_t position = 0; position < w->kernel[0] * w->kernel[1]; position++) {
                int64_t row = i * w->stride[0] - w->padding[0] + position / w->kernel[1];

                if (row < 0 || row >= g->x.dim[2])
                        continue;
                for (int64_t j = 0; j < columns; j++) {
                        int64_t column = j * w->stride[1] - w->padding[1] + position % w->kernel[1];

                        if (column < 0 || column >= g->x.dim[3])
                                continue;
                        const float *restrict from = (const float *)(x + row * g->x.dim[3] + column);
                        float *restrict max = (float *)(y + j);
                        int32_t *restrict at = finding ? (int32_t *)(found + j) : NULL;

                        EACH_IMAGE
                        for (int k = 0; k < SCION_IMAGES; k++) {
                                bool wins = from[k] > max[k] || from[k] != from[k];

                                max[k] = wins ? from[k] : max[k];
                                if (finding)
                                        at[k] = wins ? position : at[k];
                        }
                }
        }
}

SCION_CLONES static void maximum(const struct scion_geometry *g, const scion_images *x, scion_images *y)
{
        for (int64_t i = 0; i < g->y.dim[2]; i++)
                maximum_row(g, x, i, y + i * g->y.dim[3], NULL, false);
}

SCION_CLONES static void maximum_with_positions(const struct scion_geometry *g, const scion_images *x,
                                                scion_images *y, positions *found)
{
        for (int64_t i = 0; i < g->y.dim[2]; i++)
                maximum_row(g, x, i, y + i * g->y.dim[3], found + i * g->y.dim[3], true);
}

/* Returns whether every pixel is in exactly one window. Then its gradient is not a sum. */
static bool windows_tile(const struct scion_geometry *g)
{
        for (int i = 0; i < 2; i++)
                if (g->window.padding[i] != 0 || g->window.stride[i] != g->window.kernel[i] ||
                    g->y.dim[2 + i] * g->window.stride[i] != g->x.dim[2 + i])
                        return false;
        return true;
}

/* Writes dx if the windows tile it. Otherwise adds to dx, which the caller has set to 0. */
INLINE void maximum_scatter(const struct scion_geometry *g, const scion_images *dy, const positions *found,
                            scion_images *dx, const bool tiled)
{
        int64_t width = g->x.dim[3], kernel = g->window.kernel[1];

        for (int64_t i = 0; i < g->y.dim[2]; i++)
                for (int64_t j = 0; j < g->y.dim[3]; j++) {
                        struct window at = window_at(g, i, j);
                        positions value = (positions)*dy++, position = *found++;

                        for (int64_t row = at.row; row < at.row_end; row++)
                                for (int64_t column = at.column; column < at.column_end; column++) {
                                        int32_t here = (int32_t)((row - at.top) * kernel + column - at.left);
                                        scion_images part = (scion_images)(value & (position == here));
                                        scion_images *to = dx + row * width + column;

                                        if (tiled)
                                                *to = part;
                                        else
                                                *to += part;
                                }
                }
}

SCION_CLONES static void maximum_gradient(const struct scion_geometry *g, const scion_images *dy,
                                          const positions *found, scion_images *dx)
{
        maximum_scatter(g, dy, found, dx, false);
}

SCION_CLONES static void maximum_gradient_tiled(const struct scion_geometry *g, const scion_images *dy,
                                                const positions *found, scion_images *dx)
{
        maximum_scatter(g, dy, found, dx, true);
}

/* The weight of an element in the average. */
static inline float window_weight(const struct scion_loop *loop, const struct window *at)
{
        int64_t count = loop->pooling == SCION_AVERAGE
                                ? (int64_t)loop->geometry.window.kernel[0] * loop->geometry.window.kernel[1]
                                : (at->row_end - at->row) * (at->column_end - at->column);

        return 1 / (float)count;
}

SCION_CLONES static void average(const struct scion_loop *loop, const scion_images *x, scion_images *y)
{
        const struct scion_geometry *g = &loop->geometry;

        for (int64_t i = 0; i < g->y.dim[2]; i++)
                for (int64_t j = 0; j < g->y.dim[3]; j++) {
                        struct window at = window_at(g, i, j);
                        scion_images sum = { 0 };

                        for (int64_t row = at.row; row < at.row_end; row++)
                                for (int64_t column = at.column; column < at.column_end; column++)
                                        sum += x[row * g->x.dim[3] + column];
                        *y++ = sum * window_weight(loop, &at);
                }
}

SCION_CLONES static void average_gradient(const struct scion_loop *loop, const scion_images *dy,
                                          scion_images *dx)
{
        const struct scion_geometry *g = &loop->geometry;

        for (int64_t i = 0; i < g->y.dim[2]; i++)
                for (int64_t j = 0; j < g->y.dim[3]; j++) {
                        struct window at = window_at(g, i, j);
                        scion_images value = *dy++ * window_weight(loop, &at);

                        for (int64_t row = at.row; row < at.row_end; row++)
                                for (int64_t column = at.column; column < at.column_end; column++)
                                        dx[row * g->x.dim[3] + column] += value;
                }
}

/* A unit is one channel of a group of images. */
static void pool_forward(const struct scion_loop *loop, void *const data[SCION_OPERANDS], void *scratch,
                         int64_t from, int64_t to)
{
        const struct scion_geometry *g = &loop->geometry;
        int64_t in = g->x.dim[2] * g->x.dim[3], out = g->y.dim[2] * g->y.dim[3];
        const scion_images *x = data[SCION_X];
        scion_images *y = data[SCION_Y];
        positions *found = loop->workspace ? data[SCION_WORKSPACE] : NULL;

        (void)scratch;
        for (int64_t i = from; i < to; i++)
                if (found)
                        maximum_with_positions(g, x + i * in, y + i * out, found + i * out);
                else if (loop->pooling == SCION_MAXIMUM_NO_GRAD)
                        maximum(g, x + i * in, y + i * out);
                else
                        average(loop, x + i * in, y + i * out);
}

static void pool_backward(const struct scion_loop *loop, void *const data[SCION_OPERANDS], void *scratch,
                          int64_t from, int64_t to)
{
        const struct scion_geometry *g = &loop->geometry;
        int64_t in = g->x.dim[2] * g->x.dim[3], out = g->y.dim[2] * g->y.dim[3];
        const scion_images *dy = data[SCION_Y_GRAD];
        scion_images *dx = data[SCION_X_GRAD];
        const positions *found = data[SCION_WORKSPACE];
        bool largest = loop->pooling <= SCION_MAXIMUM_NO_GRAD, tiled = largest && windows_tile(g);

        (void)scratch;
        for (int64_t i = from; i < to; i++) {
                if (!tiled)
                        memset(dx + i * in, 0, (size_t)in * sizeof *dx);
                if (tiled)
                        maximum_gradient_tiled(g, dy + i * out, found + i * out, dx + i * in);
                else if (largest)
                        maximum_gradient(g, dy + i * out, found + i * out, dx + i * in);
                else
                        average_gradient(loop, dy + i * out, dx + i * in);
        }
}

struct scion_kernel *scion_images_pool2d(const struct scion_key *key, const char *operation,
                                         enum scion_pass pass, enum scion_pooling pooling,
                                         const struct scion_geometry *geometry)
{
        struct scion_loop loop = { .run = pass == SCION_FORWARD ? pool_forward : pool_backward,
                                   .geometry = *geometry,
                                   .pooling = pooling,
                                   .units = scion_images_groups(&geometry->x) * geometry->x.dim[1] };
        const struct scion_layout *x, *y;

        if (!scion_images_layout(&geometry->x, &x) || !scion_images_layout(&geometry->y, &y))
                return NULL;
        loop.layout[SCION_X] = loop.layout[SCION_X_GRAD] = x;
        loop.layout[SCION_Y] = loop.layout[SCION_Y_GRAD] = y;
        if (pooling == SCION_MAXIMUM)
                loop.workspace = scion_cpu_layout_length(y, &geometry->y) * sizeof(int32_t);
        return scion_kernel_make_loop(key, operation, &loop);
}
