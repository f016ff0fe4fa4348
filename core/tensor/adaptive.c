/* Averages over bins: an image to any size. */
#include "tensor/gradient.h"

static const char name[] = "adaptive_avg_pool2d";

struct saved {
        int64_t images; /* of one channel each */
        int64_t side[2], bins[2];
};

/* A bin of an image. */
struct bin {
        int64_t top, bottom, left, right; /* rows top .. bottom-1, columns left .. right-1 */
        float share;                      /* of each pixel in the average */
};

/* Bin `at`, row-major. Where the bins do not divide a side, they overlap. */
static struct bin bin_of(const struct saved *s, int64_t at)
{
        int64_t row = at / s->bins[1], column = at % s->bins[1];
        struct bin bin = { .top = row * s->side[0] / s->bins[0],
                           .bottom = ((row + 1) * s->side[0] + s->bins[0] - 1) / s->bins[0],
                           .left = column * s->side[1] / s->bins[1],
                           .right = ((column + 1) * s->side[1] + s->bins[1] - 1) / s->bins[1] };

        bin.share = 1 / (float)((bin.bottom - bin.top) * (bin.right - bin.left));
        return bin;
}

static void average(const struct saved *s, const float *x, float *y)
{
        const int64_t pixels = s->side[0] * s->side[1], bins = s->bins[0] * s->bins[1];

        for (int64_t at = 0; at < bins; at++) {
                const struct bin bin = bin_of(s, at);

                for (int64_t n = 0; n < s->images; n++) {
                        float sum = 0;

                        for (int64_t i = bin.top; i < bin.bottom; i++)
                                for (int64_t j = bin.left; j < bin.right; j++)
                                        sum += x[n * pixels + i * s->side[1] + j];
                        y[n * bins + at] = sum * bin.share;
                }
        }
}

/* Adds each bin's gradient, in shares, to its pixels'. */
static void spread(const struct saved *s, const float *dy, float *dx)
{
        const int64_t pixels = s->side[0] * s->side[1], bins = s->bins[0] * s->bins[1];

        for (int64_t at = 0; at < bins; at++) {
                const struct bin bin = bin_of(s, at);

                for (int64_t n = 0; n < s->images; n++) {
                        const float g = dy[n * bins + at] * bin.share;

                        for (int64_t i = bin.top; i < bin.bottom; i++)
                                for (int64_t j = bin.left; j < bin.right; j++)
                                        dx[n * pixels + i * s->side[1] + j] += g;
                }
        }
}

static bool adaptive_backward(struct scion_node *node)
{
        struct scion_tensor *g = scion_tensor_plain(node->output->grad);
        struct scion_tensor *dx = g ? scion_zeros(node->input[0]->shape) : NULL;

        if (!dx)
                return false;
        spread(node->saved, g->data, dx->data);
        return scion_grad_done(node->input[0], dx);
}

static const struct scion_op adaptive = { name, adaptive_backward };

struct scion_tensor *scion_adaptive_avg_pool2d(struct scion_tensor *x, int64_t height, int64_t width)
{
        char text[96];

        if (!scion_check_float(name, x))
                return NULL;
        if (x->shape.ndim != 4)
                return scion_refuse_null("%s: takes images of shape N x C x H x W, got %s", name,
                                         scion_shape_text(&x->shape, text, sizeof text));
        if (height < 1 || width < 1)
                return scion_refuse_null("%s: cannot make images of %lldx%lld", name, (long long)height,
                                         (long long)width);
        const int64_t *dim = x->shape.dim;

        if (dim[2] % height == 0 && dim[3] % width == 0 && dim[2] <= INT32_MAX && dim[3] <= INT32_MAX) {
                const struct scion_window window = { .kernel = { (int)(dim[2] / height),
                                                                 (int)(dim[3] / width) } };

                return scion_avg_pool2d(x, &window); /* bins side by side, in any layout */
        }
        const struct saved saved = { .images = dim[0] * dim[1],
                                     .side = { dim[2], dim[3] },
                                     .bins = { height, width } };
        struct scion_tensor *y =
                scion_tensor_new(SCION_SHAPE(dim[0], dim[1], height, width), SCION_F32, NULL);

        if (!y || !(x = scion_tensor_plain(x)))
                return NULL;
        average(&saved, x->data, y->data);
        struct scion_node *node = scion_record(&adaptive, y, x, NULL, NULL, sizeof saved);

        if (node)
                *(struct saved *)node->saved = saved;
        return y;
}
