/*
 * Direct convolutions of images in groups. The innermost loops keep a block of sums in registers, up to 6 channels by up
 * to 4 pixels or positions in the window. The order of every sum depends only on the shapes.
 */
#include <scion/simd.h>
#include <string.h>

#include "backend/cpu/images.h"

#define CHANNELS 6
#define PIXELS 4

#define INLINE static inline __attribute__((always_inline))

/* The sums stay in registers only when the loops over them are unrolled. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/* The sizes of the convolution that all three passes use. */
struct conv {
        int64_t in, out;          /* channels */
        int64_t kh, kw;           /* the window */
        int64_t ph, pw;           /* padding */
        int64_t h, w, oh, ow;     /* of x and of y */
        int64_t fh, fw;           /* of the padded x */
        int64_t filter;           /* weights of an output channel */
        int64_t x_group, y_group; /* vectors */
};

static struct conv conv_init(const struct scion_geometry *g)
{
        struct conv c = { .in = g->x.dim[1],
                          .out = g->y.dim[1],
                          .kh = g->weight.dim[2],
                          .kw = g->weight.dim[3],
                          .ph = g->window.padding[0],
                          .pw = g->window.padding[1],
                          .h = g->x.dim[2],
                          .w = g->x.dim[3],
                          .oh = g->y.dim[2],
                          .ow = g->y.dim[3] };

        c.fh = c.h + 2 * c.ph;
        c.fw = c.w + 2 * c.pw;
        c.filter = c.in * c.kh * c.kw;
        c.x_group = c.in * c.h * c.w;
        c.y_group = c.out * c.oh * c.ow;
        return c;
}

/* Calls BLOCK with constants for the numbers of channels (6, 4, 2, 1) and pixels (4, 2, 1). */
#define BLOCK_OF(channels, pixels, BLOCK, ...) \
        switch ((channels)*8 + (pixels)) {     \
        case 6 * 8 + 4:                        \
                BLOCK(6, 4, __VA_ARGS__);      \
                break;                         \
        case 6 * 8 + 2:                        \
                BLOCK(6, 2, __VA_ARGS__);      \
                break;                         \
        case 6 * 8 + 1:                        \
                BLOCK(6, 1, __VA_ARGS__);      \
                break;                         \
        case 4 * 8 + 4:                        \
                BLOCK(4, 4, __VA_ARGS__);      \
                break;                         \
        case 4 * 8 + 2:                        \
                BLOCK(4, 2, __VA_ARGS__);      \
                break;                         \
        case 4 * 8 + 1:                        \
                BLOCK(4, 1, __VA_ARGS__);      \
                break;                         \
        case 2 * 8 + 4:                        \
                BLOCK(2, 4, __VA_ARGS__);      \
                break;                         \
        case 2 * 8 + 2:                        \
                BLOCK(2, 2, __VA_ARGS__);      \
                break;                         \
        case 2 * 8 + 1:                        \
                BLOCK(2, 1, __VA_ARGS__);      \
                break;                         \
        case 1 * 8 + 4:                        \
                BLOCK(1, 4, __VA_ARGS__);      \
                break;                         \
        case 1 * 8 + 2:                        \
                BLOCK(1, 2, __VA_ARGS__);      \
                break;                         \
        default:                               \
                BLOCK(1, 1, __VA_ARGS__);      \
        }

static inline int64_t block_channels(int64_t left)
{
        return left >= 6 ? 6 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

static inline int64_t block_pixels(int64_t left)
{
        return left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

/* Copies one group of x to `to` with padding around it, and returns `to`. Returns x itself when there is no padding. */
static const scion_images *group_pad(const struct conv *c, const scion_images *x, scion_images *to)
{
        if (c->ph == 0 && c->pw == 0)
                return x;
        memset(to, 0, (size_t)(c->in * c->fh * c->fw) * sizeof *to);
        for (int64_t i = 0; i < c->in; i++)
                for (int64_t row = 0; row < c->h; row++)
                        memcpy(to + (i * c->fh + row + c->ph) * c->fw + c->pw, x + (i * c->h + row) * c->w,
                               (size_t)c->w * sizeof *to);
        return to;
}

/* --- Forward -------------------------------------------------------------------------------------------- */

/* Computes a block of y: pixels of one row, of some channels. x, weight and y point at the first of each. */
INLINE void forward_block(const int channels, const int pixels, const struct conv *c, const scion_images *x,
                          const float *weight, const float *bias, scion_images *y)
{
        scion_images sum[CHANNELS][PIXELS];

        UNROLL
        for (int o = 0; o < channels; o++) {
                UNROLL
                for (int p = 0; p < pixels; p++)
                        sum[o][p] = (scion_images){ 0 } + (bias ? bias[o] : 0);
        }
        for (int64_t i = 0; i < c->in * c->kh; i++) {
                const scion_images *row = x + (i / c->kh * c->fh + i % c->kh) * c->fw;

                for (int64_t j = 0; j < c->kw; j++, weight++) {
                        UNROLL
                        for (int o = 0; o < channels; o++) {
                                float factor = weight[o * c->filter];

                                UNROLL
                                for (int p = 0; p < pixels; p++)
                                        sum[o][p] += row[j + p] * factor;
                        }
                }
        }
        UNROLL
        for (int o = 0; o < channels; o++) {
                UNROLL
                for (int p = 0; p < pixels; p++)
                        y[o * c->oh * c->ow + p] = sum[o][p];
        }
}

SCION_CLONES static void conv_forward_group(const struct conv *c, const scion_images *x, const float *weight,
                                            const float *bias, scion_images *y)
{
        for (int64_t o = 0, channels; o < c->out; o += channels) {
                channels = block_channels(c->out - o);
                for (int64_t row = 0; row < c->oh; row++)
                        for (int64_t column = 0, pixels; column < c->ow; column += pixels) {
                                pixels = block_pixels(c->ow - column);
                                BLOCK_OF(channels, pixels, forward_block, c, x + row * c->fw + column,
                                         weight + o * c->filter, bias ? bias + o : NULL,
                                         y + (o * c->oh + row) * c->ow + column)
                        }
        }
}

/* A unit is a group of images. */
static void conv_forward(const struct scion_loop *loop, void *const data[SCION_OPERANDS], void *scratch,
                         int64_t from, int64_t to)
{
        struct conv c = conv_init(&loop->geometry);
        const scion_images *x = data[SCION_X];
        scion_images *y = data[SCION_Y];

        for (int64_t i = from; i < to; i++)
                conv_forward_group(&c, group_pad(&c, x + i * c.x_group, scratch), data[SCION_WEIGHT],
                                   loop->bias ? data[SCION_BIAS] : NULL, y + i * c.y_group);
        if (to == loop->units)
                scion_images_clear(&loop->geometry.y, y);
}

/* --- The gradient of x ---------------------------------------------------------------------------------- */

/*
 * Computes a block of dx: pixels of one row, from (row, column) on, of some channels. weight and dx point at the first of
 * each. A position in the window that covers all the pixels is added to all of them at once.
 */
INLINE void x_block(const int channels, const int pixels, const struct conv *c, const scion_images *dy,
                    const float *weight, int64_t row, int64_t column, scion_images *dx)
{
        const int64_t plane = c->oh * c->ow, window = c->kh * c->kw;
        int64_t above = row + c->ph - c->oh + 1, below = row + c->ph + 1;
        scion_images sum[CHANNELS][PIXELS];

        UNROLL
        for (int i = 0; i < channels; i++) {
                UNROLL
                for (int p = 0; p < pixels; p++)
                        sum[i][p] = (scion_images){ 0 };
        }
        for (int64_t u = above > 0 ? above : 0; u < (below < c->kh ? below : c->kh); u++)
                for (int64_t v = 0; v < c->kw; v++) {
                        int64_t at = column + c->pw - v; /* in a row of dy, for the first pixel */
                        const scion_images *from = dy + (row + c->ph - u) * c->ow + at;
                        const float *w = weight + u * c->kw + v;

                        if (at >= 0 && at + pixels <= c->ow) {
                                for (int64_t o = 0; o < c->out; o++) {
                                        UNROLL
                                        for (int i = 0; i < channels; i++) {
                                                float factor = w[o * c->filter + i * window];

                                                UNROLL
                                                for (int p = 0; p < pixels; p++)
                                                        sum[i][p] += from[o * plane + p] * factor;
                                        }
                                }
                                continue;
                        }
                        UNROLL
                        for (int p = 0; p < pixels; p++) {
                                if (at + p < 0 || at + p >= c->ow)
                                        continue;
                                for (int64_t o = 0; o < c->out; o++) {
                                        UNROLL
                                        for (int i = 0; i < channels; i++)
                                                sum[i][p] +=
                                                        from[o * plane + p] * w[o * c->filter + i * window];
                                }
                        }
                }
        UNROLL
        for (int i = 0; i < channels; i++) {
                UNROLL
                for (int p = 0; p < pixels; p++)
                        dx[i * c->h * c->w + p] = sum[i][p];
        }
}

SCION_CLONES static void conv_x_gradient_group(const struct conv *c, const scion_images *dy,
                                               const float *weight, scion_images *dx)
{
        for (int64_t i = 0, channels; i < c->in; i += channels) {
                channels = block_channels(c->in - i);
                for (int64_t row = 0; row < c->h; row++)
                        for (int64_t column = 0, pixels; column < c->w; column += pixels) {
                                pixels = block_pixels(c->w - column);
                                BLOCK_OF(channels, pixels, x_block, c, dy, weight + i * c->kh * c->kw, row,
                                         column, dx + (i * c->h + row) * c->w + column)
                        }
        }
}

/* A unit is a group of images. */
static void conv_x_gradient(const struct scion_loop *loop, void *const data[SCION_OPERANDS], void *scratch,
                            int64_t from, int64_t to)
{
        struct conv c = conv_init(&loop->geometry);
        const scion_images *dy = data[SCION_Y_GRAD];
        scion_images *dx = data[SCION_X_GRAD];

        (void)scratch;
        for (int64_t i = from; i < to; i++)
                conv_x_gradient_group(&c, dy + i * c.y_group, data[SCION_WEIGHT], dx + i * c.x_group);
        if (to == loop->units)
                scion_images_clear(&loop->geometry.x, dx);
}

/* --- The gradient of the weight, and of the bias -------------------------------------------------------- */

/* Adds to `total` the gradient, one sum for each image of a group, of some weights of one row of the window, of some
 * output channels. */
INLINE void weight_block(const int channels, const int places, const struct conv *c, const scion_images *x,
                         const scion_images *dy, scion_images *total)
{
        scion_images sum[CHANNELS][PIXELS];

        UNROLL
        for (int o = 0; o < channels; o++) {
                UNROLL
                for (int p = 0; p < places; p++)
                        sum[o][p] = total[o * c->filter + p];
        }
        for (int64_t row = 0; row < c->oh; row++)
                for (int64_t column = 0; column < c->ow; column++) {
                        const scion_images *from = x + row * c->fw + column;
                        const scion_images *to = dy + row * c->ow + column;

                        UNROLL
                        for (int o = 0; o < channels; o++) {
                                UNROLL
                                for (int p = 0; p < places; p++)
                                        sum[o][p] += from[p] * to[o * c->oh * c->ow];
                        }
                }
        UNROLL
        for (int o = 0; o < channels; o++) {
                UNROLL
                for (int p = 0; p < places; p++)
                        total[o * c->filter + p] = sum[o][p];
        }
}

/* Adds the gradient of the weights in the rows first .. end - 1 of the window, counted over [in, kh]. */
SCION_CLONES static void conv_weight_gradient_group(const struct conv *c, const scion_images *x,
                                                    const scion_images *dy, scion_images *total,
                                                    int64_t first, int64_t end)
{
        for (int64_t o = 0, channels; o < c->out; o += channels) {
                channels = block_channels(c->out - o);
                for (int64_t i = first; i < end; i++)
                        for (int64_t j = 0, places; j < c->kw; j += places) {
                                places = block_pixels(c->kw - j);
                                BLOCK_OF(channels, places, weight_block, c,
                                         x + (i / c->kh * c->fh + i % c->kh) * c->fw + j,
                                         dy + o * c->oh * c->ow, total + o * c->filter + i * c->kw + j)
                        }
        }
}

SCION_CLONES static void conv_bias_gradient_group(const struct conv *c, const scion_images *dy,
                                                  scion_images *total)
{
        for (int64_t o = 0; o < c->out; o++) {
                scion_images sum[PIXELS] = { { 0 } };
                int64_t i = 0, plane = c->oh * c->ow;

                for (; i + PIXELS <= plane; i += PIXELS) {
                        UNROLL
                        for (int p = 0; p < PIXELS; p++)
                                sum[p] += dy[o * plane + i + p];
                }
                for (; i < plane; i++)
                        sum[0] += dy[o * plane + i];
                total[o] += (sum[0] + sum[1]) + (sum[2] + sum[3]);
        }
}

/* result[i] = the sum of the vector total[i]. */
SCION_CLONES static void lanes_sum(const scion_images *total, float *restrict result, int64_t count)
{
        for (int64_t i = 0; i < count; i++) {
                const float *lane = (const float *)(total + i);
                float sum[SCION_IMAGES / 2];

                for (int j = 0; j < SCION_IMAGES / 2; j++)
                        sum[j] = lane[j] + lane[j + SCION_IMAGES / 2];
                for (int width = SCION_IMAGES / 4; width > 0; width /= 2)
                        for (int j = 0; j < width; j++)
                                sum[j] += sum[j + width];
                result[i] = sum[0];
        }
}

/* A unit is a row of the window for all output channels. Each unit is summed over all images by one thread, so the sums
 * do not depend on the number of threads. */
static void conv_weight_gradient(const struct scion_loop *loop, void *const data[SCION_OPERANDS],
                                 void *scratch, int64_t from, int64_t to)
{
        struct conv c = conv_init(&loop->geometry);
        const scion_images *x = data[SCION_X], *dy = data[SCION_Y_GRAD];
        int64_t weights = c.out * c.filter;
        scion_images *total = scratch, *total_bias = total + weights, *frame = total_bias + c.out;
        bool bias = loop->bias && from == 0;

        memset(total, 0, (size_t)(weights + c.out) * sizeof *total);
        for (int64_t i = 0; i < scion_images_groups(&loop->geometry.x); i++) {
                conv_weight_gradient_group(&c, group_pad(&c, x + i * c.x_group, frame), dy + i * c.y_group,
                                           total, from, to);
                if (bias)
                        conv_bias_gradient_group(&c, dy + i * c.y_group, total_bias);
        }
        for (int64_t o = 0; o < c.out; o++) {
                int64_t at = o * c.filter + from * c.kw;

                lanes_sum(total + at, (float *)data[SCION_WEIGHT_GRAD] + at, (to - from) * c.kw);
        }
        if (bias)
                lanes_sum(total_bias, data[SCION_BIAS_GRAD], c.out);
}

/* --- Making kernels ------------------------------------------------------------------------------------- */

struct scion_kernel *scion_images_conv2d(const struct scion_key *key, enum scion_pass pass,
                                         const struct scion_geometry *geometry, bool bias)
{
        struct conv c = conv_init(geometry);
        struct scion_loop loop = { .geometry = *geometry,
                                   .bias = bias,
                                   .units = scion_images_groups(&geometry->x) };
        const struct scion_layout *x, *y;
        bool framing = c.ph != 0 || c.pw != 0;

        if (!scion_images_layout(&geometry->x, &x) || !scion_images_layout(&geometry->y, &y))
                return NULL;
        loop.layout[SCION_X] = loop.layout[SCION_X_GRAD] = x;
        loop.layout[SCION_Y] = loop.layout[SCION_Y_GRAD] = y;
        switch (pass) {
        case SCION_FORWARD:
                loop.run = conv_forward;
                break;
        case SCION_BACKWARD_X:
                loop.run = conv_x_gradient;
                framing = false;
                break;
        case SCION_BACKWARD_WEIGHT:
                loop.run = conv_weight_gradient;
                loop.units = c.in * c.kh;
                loop.scratch = (size_t)(c.out * c.filter + c.out) * sizeof(scion_images);
                break;
        }
        if (framing)
                loop.scratch += (size_t)(c.in * c.fh * c.fw) * sizeof(scion_images);
        return scion_kernel_make_loop(key, "conv2d", &loop);
}
