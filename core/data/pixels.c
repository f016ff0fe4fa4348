/* The kinds of transforms: how each prepares and computes the pixels of an input. */
#include <math.h>
#include <scion/simd.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/math.h"
#include "base/random.h"
#include "data/transform.h"

#define PI 3.14159265358979323846
#define WIDTH 16 /* pixels that are summed together, in one vector */

/* --- Images --------------------------------------------------------------------------------------------- */

/* An input as planes of pixels: [C, H, W], or [H, W] for one plane. */
struct image {
        int64_t channels, height, width;
};

static struct image image_from_shape(const struct scion_shape *shape)
{
        const int64_t *plane = &shape->dim[shape->ndim - 2];

        return (struct image){ shape->ndim == 3 ? shape->dim[0] : 1, plane[0], plane[1] };
}

static bool transform_check_image(const struct scion_transform *transform)
{
        const struct scion_shape *shape = &transform->in.shape;
        char text[160];

        scion_shape_text(shape, text, sizeof text);
        if (shape->ndim != 2 && shape->ndim != 3)
                return scion_fail(
                        "it takes images, [channels, height, width] or [height, width]; these inputs "
                        "are %s",
                        text);

        struct image image = image_from_shape(shape);

        /* Indices of pixels, including those beyond the edges, must fit into 32 bits. */
        return image.height <= INT32_MAX / 4 / image.width ||
               scion_fail("images of shape %s are too large", text);
}

/* Requests inputs as floats. Transforms that compute new values of pixels need them. Returns true. */
static bool transform_use_floats(struct scion_transform *transform, struct scion_form *out)
{
        transform->in.element = out->element = SCION_F32;
        return true;
}

/* --- Weighted sums of four pixels --------------------------------------------------------------------------------- */

/*
 * Allocates tables by which each of `count` output pixels is a weighted sum of four input pixels plus a constant. `index`
 * holds the first input pixel of every output pixel, then all second ones, and so on. `weight` holds the weights in the
 * same order, followed by the constants.
 */
static bool taps_create(struct scion_transform *transform, int64_t count)
{
        transform->index = calloc((size_t)count, 4 * sizeof *transform->index);
        transform->weight = calloc((size_t)count, 5 * sizeof *transform->weight);
        transform->taps = count;
        return (transform->index && transform->weight) ||
               scion_fail("out of memory for images of %lld pixels", (long long)count);
}

/* Makes output pixel `to` the bilinear interpolation of the plane at row y and column x, measured between the centres of
 * pixels. Outside of the image the plane has the value `fill`. */
static void taps_set(struct scion_transform *transform, struct image image, int64_t to, double y, double x,
                     double fill)
{
        double top = floor(y), left = floor(x);
        double add = 0;

        for (int k = 0; k < 4; k++) {
                double row = top + k / 2, column = left + k % 2;
                double weight = (k / 2 ? y - top : 1 - (y - top)) * (k % 2 ? x - left : 1 - (x - left));

                if (row >= 0 && row < (double)image.height && column >= 0 && column < (double)image.width) {
                        transform->index[k * transform->taps + to] =
                                (int32_t)((int64_t)row * image.width + (int64_t)column);
                        transform->weight[k * transform->taps + to] = (float)weight;
                } else {
                        add += fill * weight;
                }
        }
        transform->weight[4 * transform->taps + to] = (float)add;
}

SCION_CLONES static void plane_gather(const float *restrict in, const int32_t *restrict index,
                                      const float *restrict weight, float *restrict out, int64_t count)
{
        const int32_t *i0 = index, *i1 = i0 + count, *i2 = i1 + count, *i3 = i2 + count;
        const float *w0 = weight, *w1 = w0 + count, *w2 = w1 + count, *w3 = w2 + count, *add = w3 + count;

        for (int64_t p = 0; p < count; p++)
                out[p] = (w0[p] * in[i0[p]] + w1[p] * in[i1[p]]) + (w2[p] * in[i2[p]] + w3[p] * in[i3[p]]) +
                         add[p];
}

static void taps_apply(const struct scion_transform *transform, struct scion_example example, const void *in,
                       void *out)
{
        struct image image = image_from_shape(&transform->in.shape);

        (void)example;
        for (int64_t c = 0; c < image.channels; c++)
                plane_gather((const float *)in + c * image.height * image.width, transform->index,
                             transform->weight, (float *)out + c * transform->taps, transform->taps);
}

/* --- Rotate --------------------------------------------------------------------------------------------- */

static const struct scion_param rotate_params[] = {
        SCION_FLOAT(struct scion_transform, degrees, 0, "angle, counter-clockwise, about the centre",
                    .min = -360, .max = 360, .required = true),
        SCION_FLOAT(struct scion_transform, fill, 0, "what comes in from outside; 0 is black, 1 white"),
        SCION_PARAMS_END,
};

/* Computes cosine and sine. Multiples of 90 degrees are exact, so that they only move pixels. */
static void degrees_direction(double degrees, double *cosine, double *sine)
{
        static const double right[4][2] = { { 1, 0 }, { 0, 1 }, { -1, 0 }, { 0, -1 } };
        double turned = fmod(degrees, 360);

        if (turned < 0)
                turned += 360;
        if (fmod(turned, 90) == 0) {
                *cosine = right[(int)(turned / 90) % 4][0];
                *sine = right[(int)(turned / 90) % 4][1];
        } else {
                *cosine = cos(turned * PI / 180);
                *sine = sin(turned * PI / 180);
        }
}

/* Bilinear, as in torchvision's rotate(): outside of the image there is the fill value, with which the pixels at the edges
 * are interpolated. */
static bool rotate_plan(struct scion_transform *transform, struct scion_form *out)
{
        struct image image;
        double cosine, sine;

        if (!transform_check_image(transform))
                return false;
        degrees_direction((double)transform->degrees, &cosine, &sine);
        transform->no_op = cosine == 1;
        image = image_from_shape(&transform->in.shape);
        if (transform->no_op)
                return true;
        if (!taps_create(transform, image.height * image.width))
                return false;
        for (int64_t p = 0; p < transform->taps; p++) {
                double y = (double)(p / image.width) - (double)(image.height - 1) / 2;
                double x = (double)(p % image.width) - (double)(image.width - 1) / 2;

                taps_set(transform, image, p, sine * x + cosine * y + (double)(image.height - 1) / 2,
                         cosine * x - sine * y + (double)(image.width - 1) / 2, (double)transform->fill);
        }
        return transform_use_floats(transform, out);
}

/* --- Resize --------------------------------------------------------------------------------------------- */

static const struct scion_param resize_params[] = {
        SCION_INTS(struct scion_transform, size, NULL, "height and width; one number is both", .min = 1,
                   .max = 4096, .required = true),
        SCION_PARAMS_END,
};

/* Returns the position of pixel i of `to` on a line of `from` pixels with the same ends, limited to the first and the last
 * centre. */
static double pixel_source(int64_t i, int64_t from, int64_t to)
{
        double at = ((double)i + 0.5) * (double)from / (double)to - 0.5;

        return fmin(fmax(at, 0), (double)(from - 1));
}

/* Bilinear between the pixels' centres: PyTorch's interpolate() with align_corners=False, antialias=False. */
static bool resize_plan(struct scion_transform *transform, struct scion_form *out)
{
        const struct scion_ints *size = &transform->size;
        struct image image;

        if (size->count != 1 && size->count != 2)
                return scion_fail("size is [height, width], or one number for both; got %zu numbers",
                                  size->count);
        if (!transform_check_image(transform))
                return false;

        int64_t *plane = &out->shape.dim[out->shape.ndim - 2];

        image = image_from_shape(&transform->in.shape);
        plane[0] = size->value[0];
        plane[1] = size->value[size->count - 1];
        transform->no_op = plane[0] == image.height && plane[1] == image.width;
        if (transform->no_op)
                return true;
        if (!taps_create(transform, plane[0] * plane[1]))
                return false;
        for (int64_t p = 0; p < transform->taps; p++)
                taps_set(transform, image, p, pixel_source(p / plane[1], image.height, plane[0]),
                         pixel_source(p % plane[1], image.width, plane[1]), 0);
        return transform_use_floats(transform, out);
}

/* --- Blur ----------------------------------------------------------------------------------------------- */

static const struct scion_param blur_params[] = {
        SCION_FLOAT(struct scion_transform, sigma, 0, "deviation of the Gaussian in pixels", .min = 0,
                    .max = 100, .required = true),
        SCION_PARAMS_END,
};

/* Returns the index of pixel i of a line of n pixels that is mirrored at its ends: d c b a | a b c d | d c b a. */
static int64_t index_mirror(int64_t i, int64_t n)
{
        int64_t at = i % (2 * n);

        if (at < 0)
                at += 2 * n;
        return at < n ? at : 2 * n - 1 - at;
}

static int64_t pixels_round_up(int64_t pixels)
{
        return (pixels + WIDTH - 1) / WIDTH * WIDTH;
}

/*
 * Blurs rows, then columns, with the Gaussian cut off at four deviations and edges mirrored, which are the defaults of
 * SciPy's gaussian_filter(). `index` holds the source of each pixel of a row that is extended at both ends by the reach of
 * the Gaussian, then the same for a column. The scratch memory holds one extended row, and a plane whose rows are padded
 * to a multiple of WIDTH.
 */
static bool blur_plan(struct scion_transform *transform, struct scion_form *out)
{
        int64_t reach = (int64_t)(4 * (double)transform->sigma + 0.5);
        double sum = 0;

        if (!transform_check_image(transform))
                return false;
        transform->no_op = reach == 0;
        if (transform->no_op)
                return true;

        struct image image = image_from_shape(&transform->in.shape);
        int64_t row = image.width + 2 * reach, column = image.height + 2 * reach;

        transform->taps = 2 * reach + 1;
        transform->index = calloc((size_t)(row + column), sizeof *transform->index);
        transform->weight = calloc((size_t)transform->taps, sizeof *transform->weight);
        transform->scratch = calloc((size_t)(row + WIDTH + image.height * pixels_round_up(image.width)),
                                    sizeof *transform->scratch);
        if (!transform->index || !transform->weight || !transform->scratch)
                return scion_fail("out of memory for a blur of %lld pixels", (long long)transform->taps);
        for (int64_t i = 0; i < row; i++)
                transform->index[i] = (int32_t)index_mirror(i - reach, image.width);
        for (int64_t i = 0; i < column; i++)
                transform->index[row + i] = (int32_t)index_mirror(i - reach, image.height);
        for (int64_t i = -reach; i <= reach; i++)
                sum += exp(-0.5 * (double)(i * i) / ((double)transform->sigma * (double)transform->sigma));
        for (int64_t i = -reach; i <= reach; i++)
                transform->weight[i + reach] =
                        (float)(exp(-0.5 * (double)(i * i) /
                                    ((double)transform->sigma * (double)transform->sigma)) /
                                sum);
        return transform_use_floats(transform, out);
}

/* Blurs every row of a plane into a row of `pitch` values, of which those beyond the width are meaningless. */
SCION_CLONES static void blur_rows(const float *restrict in, struct image image,
                                   const int32_t *restrict index, const float *restrict weight, int64_t taps,
                                   float *restrict row, float *restrict out, int64_t pitch)
{
        for (int64_t y = 0; y < image.height; y++) {
                for (int64_t i = 0; i < image.width + taps - 1; i++)
                        row[i] = in[y * image.width + index[i]];
                for (int64_t x = 0; x < pitch; x += WIDTH) {
                        float sum[WIDTH] = { 0 };

                        for (int64_t t = 0; t < taps; t++)
                                for (int l = 0; l < WIDTH; l++)
                                        sum[l] += weight[t] * row[x + t + l];
                        memcpy(out + y * pitch + x, sum, sizeof sum);
                }
        }
}

SCION_CLONES static void blur_columns(const float *restrict in, int64_t pitch, struct image image,
                                      const int32_t *restrict index, const float *restrict weight,
                                      int64_t taps, float *restrict out)
{
        for (int64_t y = 0; y < image.height; y++)
                for (int64_t x = 0; x < image.width; x += WIDTH) {
                        int64_t left = image.width - x;
                        float sum[WIDTH] = { 0 };

                        for (int64_t t = 0; t < taps; t++)
                                for (int l = 0; l < WIDTH; l++)
                                        sum[l] += weight[t] * in[index[y + t] * pitch + x + l];
                        memcpy(out + y * image.width + x, sum,
                               (size_t)(left < WIDTH ? left : WIDTH) * sizeof sum[0]);
                }
}

static void blur_apply(const struct scion_transform *transform, struct scion_example example, const void *in,
                       void *out)
{
        struct image image = image_from_shape(&transform->in.shape);
        int64_t area = image.height * image.width, pitch = pixels_round_up(image.width);
        int64_t longer = image.width + transform->taps - 1;
        float *rows = transform->scratch + longer + WIDTH;

        (void)example;
        for (int64_t c = 0; c < image.channels; c++) {
                blur_rows((const float *)in + c * area, image, transform->index, transform->weight,
                          transform->taps, transform->scratch, rows, pitch);
                blur_columns(rows, pitch, image, transform->index + longer, transform->weight,
                             transform->taps, (float *)out + c * area);
        }
}

/* --- Invert --------------------------------------------------------------------------------------------- */

static bool invert_plan(struct scion_transform *transform, struct scion_form *out)
{
        (void)out;
        return transform->in.unit ||
               scion_fail("these inputs are floats of any range, in which no value is white");
}

static void invert_apply(const struct scion_transform *transform, struct scion_example example,
                         const void *in, void *out)
{
        (void)example;
        if (transform->in.element == SCION_U8)
                for (int64_t i = 0; i < transform->values; i++)
                        ((uint8_t *)out)[i] = (uint8_t)(255 - ((const uint8_t *)in)[i]);
        else
                for (int64_t i = 0; i < transform->values; i++)
                        ((float *)out)[i] = 1 - ((const float *)in)[i];
}

/* --- Noise ---------------------------------------------------------------------------------------------- */

static const struct scion_param noise_params[] = {
        SCION_FLOAT(struct scion_transform, deviation, 0, "of the Gaussian, where white is 1", .min = 0,
                    .max = 1000, .required = true),
        SCION_PARAMS_END,
};

static bool noise_plan(struct scion_transform *transform, struct scion_form *out)
{
        transform->no_op = transform->deviation == 0;
        return transform->no_op || transform_use_floats(transform, out);
}

#define PAIRS 128 /* pairs of numbers that are drawn at a time */

/* Computes cos and sin of 2 pi v for v in [0, 1), by the polynomials of Cephes, which are for angles of up to an eighth of
 * a turn from an axis. */
static inline void turn_direction(float v, float *cosine, float *sine)
{
        int32_t quarter = (int32_t)(4.0f * v + 0.5f);
        float x = (v - 0.25f * (float)quarter) * 6.28318531f, square = x * x;
        float c = 2.443315711809948e-5f, s = -1.9515295891e-4f;

        c = c * square - 1.388731625493765e-3f;
        c = c * square + 4.166664568298827e-2f;
        c = c * square * square - 0.5f * square + 1.0f;
        s = s * square + 8.3321608736e-3f;
        s = s * square - 1.6666654611e-1f;
        s = s * square * x + x;
        float along = quarter & 1 ? -s : c, across = quarter & 1 ? c : s;

        *cosine = quarter & 2 ? -along : along;
        *sine = quarter & 2 ? -across : across;
}

/* Box-Muller: computes 2 PAIRS standard normal values from as many uniform random numbers. */
SCION_CLONES static void normals_draw(const uint32_t *restrict numbers, float *restrict values)
{
        for (int i = 0; i < PAIRS; i++) {
                float u = (float)(int32_t)(numbers[i] >> 8) * 0x1p-24f + 0x1p-25f;
                float v = (float)(int32_t)(numbers[PAIRS + i] >> 8) * 0x1p-24f;
                float radius = sqrtf(-2.0f * scion_log_of(u)), cosine, sine;

                turn_direction(v, &cosine, &sine);
                values[i] = radius * cosine;
                values[PAIRS + i] = radius * sine;
        }
}

/* The noise of an example depends on its index in the dataset, not on the subset that is used. Results are not clipped at
 * black and white. */
static void noise_apply(const struct scion_transform *transform, struct scion_example example, const void *in,
                        void *out)
{
        struct scion_random random =
                scion_random(transform->seed[example.split], SCION_RANDOM_AUGMENT, (uint64_t)example.index);
        const float *from = in;
        float *to = out;

        for (int64_t start = 0; start < transform->values; start += 2 * PAIRS) {
                int64_t left = transform->values - start;
                uint32_t numbers[2 * PAIRS];
                float normal[2 * PAIRS];

                scion_random_fill(&random, numbers, 2 * PAIRS);
                normals_draw(numbers, normal);
                for (int64_t i = 0; i < left && i < 2 * PAIRS; i++)
                        to[start + i] = from[start + i] + transform->deviation * normal[i];
        }
}

/* --- Channels ------------------------------------------------------------------------------------------- */

static const struct scion_param channels_params[] = {
        SCION_INT(struct scion_transform, count, 0,
                  "from one channel, all are copies of it; from three to one, ITU-R BT.601's luma", .min = 1,
                  .max = 65536, .required = true),
        SCION_PARAMS_END,
};

static bool channels_plan(struct scion_transform *transform, struct scion_form *out)
{
        struct image image;

        if (!transform_check_image(transform))
                return false;
        image = image_from_shape(&transform->in.shape);
        out->shape = SCION_SHAPE(transform->count, image.height, image.width);
        transform->no_op = transform->in.shape.ndim == 3 && transform->count == image.channels;
        if (transform->no_op || image.channels == 1)
                return true;
        if (image.channels == 3 && transform->count == 1)
                return transform_use_floats(transform, out);
        return scion_fail("%lld channels do not become %lld; one becomes any number, and three become one",
                          (long long)image.channels, (long long)transform->count);
}

SCION_CLONES static void pixels_luma(const float *restrict in, float *restrict out, int64_t area)
{
        for (int64_t i = 0; i < area; i++)
                out[i] = 0.299f * in[i] + 0.587f * in[area + i] + 0.114f * in[2 * area + i];
}

static void channels_apply(const struct scion_transform *transform, struct scion_example example,
                           const void *in, void *out)
{
        struct image image = image_from_shape(&transform->in.shape);
        int64_t area = image.height * image.width;
        size_t bytes = (size_t)area * (transform->in.element == SCION_U8 ? 1 : sizeof(float));

        (void)example;
        if (image.channels == 3) {
                pixels_luma(in, out, area);
                return;
        }
        for (int64_t c = 0; c < transform->count; c++)
                memcpy((char *)out + (size_t)c * bytes, in, bytes);
}

/* --- The table ------------------------------------------------------------------------------------------------ */

const struct scion_transform_kind scion_transform_kinds[] = {
        { "rotate", "turns images about their centre, bilinear", rotate_params, rotate_plan, taps_apply },
        { "resize", "stretches images to a size, bilinear, without antialiasing", resize_params, resize_plan,
          taps_apply },
        { "blur", "Gaussian blur of images, edges mirrored", blur_params, blur_plan, blur_apply },
        { "invert", "black becomes white and white black", NULL, invert_plan, invert_apply },
        { "noise", "adds Gaussian noise, the same each time the dataset is loaded", noise_params, noise_plan,
          noise_apply },
        { "channels", "gives images another number of channels", channels_params, channels_plan,
          channels_apply },
        { NULL, NULL, NULL, NULL, NULL },
};
