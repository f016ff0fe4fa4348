/* Maximum mean discrepancy: Gretton et al. JMLR 2012; with several kernels, Long et al. ICML 2015. */
#include <math.h>
#include <scion/losses.h>
#include <scion/simd.h>
#include <string.h>

#include "backend/cpu/lanes.h"
#include "backend/cpu/math.h"
#include "tensor/gradient.h"

#define MOST_KERNELS 256
#define BLOCK 256 /* distances at a time: what is made of them stays in the nearest cache */

struct kernels {
        int count;
        float inverse[MOST_KERNELS]; /* 1 / gamma_u */
};

/* The estimate is the sum over its three sets of pairs (of x, of y, across) of weight (sum k - left_out). */
struct pairs {
        struct scion_tensor *distance; /* squared */
        double weight;
        double left_out; /* pairs of an example with itself, whose k is 1, that are not to count */
        bool itself;     /* it has pairs of an example with itself: the diagonal; the rest is there twice */
};

struct estimate {
        struct pairs within_x, within_y, across;
};

/* --- The bandwidth ------------------------------------------------------------------------------------------ */

/* Copies the distances that the heuristic goes by to `into`; returns how many. */
static size_t gather(const struct pairs *pairs, float *into)
{
        const float *d = pairs->distance->data;
        size_t count = 0;

        if (!pairs->itself) {
                memcpy(into, d, pairs->distance->length * sizeof *d);
                return pairs->distance->length;
        }
        for (int64_t n = pairs->distance->shape.dim[0], i = 0; i < n; i++)
                for (int64_t j = i + 1; j < n; j++)
                        into[count++] = d[i * n + j];
        return count;
}

/* The entry that would be at `place` if the numbers, none of them NaN, were sorted; before it come none larger. */
static float select_place(float *x, size_t count, size_t place)
{
        size_t low = 0, high = count - 1;

        while (low < high) {
                float pivot = x[low + (high - low) / 2];
                size_t i = low, j = high;

                for (;;) { /* Hoare's partition */
                        while (x[i] < pivot)
                                i++;
                        while (x[j] > pivot)
                                j--;
                        if (i >= j)
                                break;
                        float swap = x[i];

                        x[i++] = x[j];
                        x[j--] = swap;
                }
                if (place <= j)
                        high = j;
                else
                        low = j + 1;
        }
        return x[place];
}

static double median_of(float *x, size_t count)
{
        float upper = select_place(x, count, count / 2), lower = upper;

        if (count % 2 == 0)
                lower = scion_max_of(x, (int64_t)(count / 2), 0);
        return ((double)lower + (double)upper) / 2;
}

/* gamma by the heuristic. 1 when all examples are one: any does then. 0 with a message. */
static double bandwidth_of(const struct estimate *e, enum scion_mmd_bandwidth heuristic)
{
        size_t most =
                e->within_x.distance->length + e->within_y.distance->length + e->across.distance->length;
        float *d = scion_tape_buffer(most * sizeof *d);

        if (!d)
                return 0;
        size_t count = gather(&e->within_x, d);

        count += gather(&e->within_y, d + count);
        count += gather(&e->across, d + count);
        double mean = scion_sum_of(d, (int64_t)count) / (double)count;

        if (!isfinite(mean)) {
                scion_refuse("mmd: the features, or their distances, are not finite");
                return 0;
        }
        double gamma = heuristic == SCION_MMD_MEDIAN ? median_of(d, count) : mean;

        return gamma > 0 ? gamma : mean > 0 ? mean : 1;
}

static bool set_up(struct kernels *kernels, const struct scion_mmd *asked, double gamma)
{
        int count = asked->kernels ? asked->kernels : 33;
        double step = asked->step != 0 ? (double)asked->step : sqrt(2);

        kernels->count = count;
        for (int u = 0; u < count; u++) {
                double inverse = pow(step, count / 2 - u) / gamma;

                if (!(inverse > 1e-37 && inverse < 1e37))
                        return scion_refuse("mmd: a kernel of bandwidth %g is out of range", 1 / inverse);
                kernels->inverse[u] = (float)inverse;
        }
        return true;
}

/* --- The kernel --------------------------------------------------------------------------------------------- */

/* The sum of k(d); slope = factor dk/dd, where it is wanted. */
SCION_CLONES static double kernel_sum(const struct kernels *kernels, const float *d, int64_t count,
                                      float factor, float *slope)
{
        const float share = 1 / (float)kernels->count;
        double total = 0;

        for (int64_t first = 0; first < count; first += BLOCK) {
                int64_t some = count - first < BLOCK ? count - first : BLOCK;
                float k[BLOCK] = { 0 }, s[BLOCK] = { 0 };

                for (int u = 0; u < kernels->count; u++) {
                        const float inverse = kernels->inverse[u];

                        for (int64_t i = 0; i < some; i++) {
                                float power = scion_exp_of(-d[first + i] * inverse);

                                k[i] += power;
                                s[i] -= power * inverse;
                        }
                }
                total += scion_sum_of(k, some);
                for (int64_t i = 0; slope && i < some; i++)
                        slope[first + i] = factor * share * s[i];
        }
        return total / kernels->count;
}

struct slopes {
        struct scion_tensor *of[3]; /* of the inputs, in their order; NULL for one that is not wanted */
};

static bool mmd_backward(struct scion_node *node)
{
        const struct slopes *slopes = node->saved;
        float g = scion_item(node->output->grad);

        for (int i = 0; i < 3; i++)
                if (slopes->of[i] && !scion_grad_done(node->input[i], scion_scale(slopes->of[i], g)))
                        return false;
        return true;
}

static const struct scion_op mmd_op = { "mmd", mmd_backward };

static struct scion_tensor *finish(const struct estimate *e, const struct kernels *kernels)
{
        const struct pairs *const sets[3] = { &e->within_x, &e->within_y, &e->across };
        struct slopes slopes = { { NULL } };
        double value = 0;

        for (int i = 0; i < 3; i++) {
                struct scion_tensor *d = sets[i]->distance;

                if (scion_wants_grad(d) && !(slopes.of[i] = scion_tensor_new(d->shape, SCION_F32, NULL)))
                        return NULL;
                double sum = kernel_sum(kernels, d->data, (int64_t)d->length, (float)sets[i]->weight,
                                        slopes.of[i] ? slopes.of[i]->data : NULL);

                value += sets[i]->weight * (sum - sets[i]->left_out);
        }
        struct scion_tensor *y = scion_scalar((float)value);
        struct scion_node *node = y ? scion_record(&mmd_op, y, e->within_x.distance, e->within_y.distance,
                                                   e->across.distance, sizeof slopes)
                                    : NULL;

        if (node)
                *(struct slopes *)node->saved = slopes;
        return y;
}

/* --- Estimators --------------------------------------------------------------------------------------------- */

/* |a - b|^2 row by row */
static struct scion_tensor *row_distance(struct scion_tensor *a, struct scion_tensor *b)
{
        return scion_sum(scion_pow(scion_sub(a, b), 2), SCION_AXIS(1), false);
}

/* x_0, x_2, ... and x_1, x_3, ..., `count` each. */
static void split(struct scion_tensor *x, int64_t count, struct scion_tensor *part[2])
{
        int64_t width = scion_dim(x, 1);
        struct scion_tensor *both =
                scion_reshape(scion_slice(x, 0, 0, 2 * count), SCION_SHAPE(count, 2 * width));

        part[0] = scion_slice(both, 1, 0, width);
        part[1] = scion_slice(both, 1, width, width);
}

static bool pair_linear(struct scion_tensor *x, struct scion_tensor *y, struct estimate *e)
{
        int64_t n = scion_dim(x, 0), m = scion_dim(y, 0), count = (n < m ? n : m) / 2;
        struct scion_tensor *xs[2], *ys[2];

        split(x, count, xs);
        split(y, count, ys);
        struct scion_tensor *across[] = { row_distance(xs[0], ys[1]), row_distance(xs[1], ys[0]) };

        e->within_x = (struct pairs){ row_distance(xs[0], xs[1]), 1 / (double)count, 0, false };
        e->within_y = (struct pairs){ row_distance(ys[0], ys[1]), 1 / (double)count, 0, false };
        e->across = (struct pairs){ scion_concat(across, 2, 0), -1 / (double)count, 0, false };
        return e->within_x.distance && e->within_y.distance && e->across.distance;
}

static struct pairs pair_all(struct scion_tensor *x, bool itself)
{
        double n = (double)scion_dim(x, 0);

        return (struct pairs){ .distance = scion_pairwise_squared_distance(x, x),
                               .weight = itself ? 1 / (n * n) : 1 / (n * (n - 1)),
                               .left_out = itself ? 0 : n,
                               .itself = true };
}

static bool pair_up(struct scion_tensor *x, struct scion_tensor *y, enum scion_mmd_estimator estimator,
                    struct estimate *e)
{
        if (estimator == SCION_MMD_LINEAR)
                return pair_linear(x, y, e);
        e->within_x = pair_all(x, estimator == SCION_MMD_BIASED);
        e->within_y = pair_all(y, estimator == SCION_MMD_BIASED);
        e->across = (struct pairs){ .distance = scion_pairwise_squared_distance(x, y),
                                    .weight = -2 / ((double)scion_dim(x, 0) * (double)scion_dim(y, 0)) };
        return e->within_x.distance && e->within_y.distance && e->across.distance;
}

static bool check(const struct scion_tensor *x, const struct scion_tensor *y, const struct scion_mmd *kernel)
{
        if (!scion_check_rows("mmd", x, y, kernel->estimator == SCION_MMD_BIASED ? 1 : 2))
                return false;
        if (kernel->kernels < 0 || kernel->kernels > MOST_KERNELS)
                return scion_refuse("mmd: takes 1 to %d kernels, got %d", MOST_KERNELS, kernel->kernels);
        if (!(kernel->step >= 0) || !(kernel->bandwidth >= 0))
                return scion_refuse("mmd: step and bandwidth must be above 0, got %g and %g",
                                    (double)kernel->step, (double)kernel->bandwidth);
        return true;
}

struct scion_tensor *scion_mmd(struct scion_tensor *x, struct scion_tensor *y, const struct scion_mmd *kernel)
{
        static const struct scion_mmd paper = { 0 };
        struct kernels kernels;
        struct estimate e = { 0 };

        if (!kernel)
                kernel = &paper;
        if (!check(x, y, kernel) || !pair_up(x, y, kernel->estimator, &e))
                return NULL;
        double gamma =
                kernel->bandwidth > 0 ? (double)kernel->bandwidth : bandwidth_of(&e, kernel->heuristic);

        return gamma > 0 && set_up(&kernels, kernel, gamma) ? finish(&e, &kernels) : NULL;
}
