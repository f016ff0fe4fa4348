/* Adaptive average pooling: averages over bins of images. */
#include <string.h>

#include "backend/cpu/cpu.h"

struct geometry {
        int64_t images; /* number of images of one channel */
        int64_t side[2], bins[2];
};

static struct geometry geometry_init(const struct scion_array *image, const struct scion_array *average)
{
        const int64_t *dim = image->shape.dim;

        return (struct geometry){ .images = dim[0] * dim[1],
                                  .side = { dim[2], dim[3] },
                                  .bins = { average->shape.dim[2], average->shape.dim[3] } };
}

/* A bin of an image. */
struct bin {
        int64_t top, bottom, left, right; /* rows top .. bottom-1, columns left .. right-1 */
        float share;                      /* the weight of each pixel in the average */
};

/* Returns bin number `at`, in row-major order. Bins overlap where their number does not divide the length of a side. */
static struct bin bin_at(const struct geometry *s, int64_t at)
{
        int64_t row = at / s->bins[1], column = at % s->bins[1];
        struct bin bin = { .top = row * s->side[0] / s->bins[0],
                           .bottom = ((row + 1) * s->side[0] + s->bins[0] - 1) / s->bins[0],
                           .left = column * s->side[1] / s->bins[1],
                           .right = ((column + 1) * s->side[1] + s->bins[1] - 1) / s->bins[1] };

        bin.share = 1 / (float)((bin.bottom - bin.top) * (bin.right - bin.left));
        return bin;
}

static void images_average(const struct geometry *s, const float *x, float *y)
{
        const int64_t pixels = s->side[0] * s->side[1], bins = s->bins[0] * s->bins[1];

        for (int64_t at = 0; at < bins; at++) {
                const struct bin bin = bin_at(s, at);

                for (int64_t n = 0; n < s->images; n++) {
                        float sum = 0;

                        for (int64_t i = bin.top; i < bin.bottom; i++)
                                for (int64_t j = bin.left; j < bin.right; j++)
                                        sum += x[n * pixels + i * s->side[1] + j];
                        y[n * bins + at] = sum * bin.share;
                }
        }
}

bool scion_cpu_adaptive_average(void *self, const struct scion_array *x, struct scion_array *y)
{
        const struct geometry geometry = geometry_init(x, y);

        (void)self;
        images_average(&geometry, scion_cpu_data(x), scion_cpu_data(y));
        return true;
}

/* Distributes the gradient of each bin equally over the pixels of the bin and adds it to their gradients. */
static void images_add_shares(const struct geometry *s, const float *dy, float *dx)
{
        const int64_t pixels = s->side[0] * s->side[1], bins = s->bins[0] * s->bins[1];

        for (int64_t at = 0; at < bins; at++) {
                const struct bin bin = bin_at(s, at);

                for (int64_t n = 0; n < s->images; n++) {
                        const float g = dy[n * bins + at] * bin.share;

                        for (int64_t i = bin.top; i < bin.bottom; i++)
                                for (int64_t j = bin.left; j < bin.right; j++)
                                        dx[n * pixels + i * s->side[1] + j] += g;
                }
        }
}

bool scion_cpu_adaptive_average_gradient(void *self, const struct scion_array *g, struct scion_array *dx)
{
        const struct geometry geometry = geometry_init(dx, g);
        float *to = scion_cpu_data(dx);

        (void)self;
        memset(to, 0, dx->length * sizeof *to);
        images_add_shares(&geometry, scion_cpu_data(g), to);
        return true;
}
