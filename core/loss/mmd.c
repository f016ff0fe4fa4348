/* Maximum mean discrepancy: Gretton et al. JMLR 2012; with several kernels, Long et al. ICML 2015. */
#include <scion/losses.h>

#include "tensor/gradient.h"

#define MOST_KERNELS 256

/* The three sets of pairs of an estimate: within x, within y, across. */
enum { WITHIN_X, WITHIN_Y, ACROSS, SETS };

struct estimate {
        struct scion_tensor *distance[SETS];
        struct scion_mmd_pairs pairs[SETS]; /* their arrays are set by estimate_compute() */
};

struct slopes {
        struct scion_tensor *of[SETS]; /* of each input; NULL if not required */
};

static bool mmd_backward(struct scion_node *node)
{
        const struct slopes *slopes = node->saved;
        struct scion_tensor *g = node->output->grad;

        for (int i = 0; i < SETS; i++)
                if (slopes->of[i] && !scion_grad_done(node->input[i], scion_mul(slopes->of[i], g)))
                        return false;
        return true;
}

static const struct scion_op mmd_op = { "mmd", mmd_backward };

static struct scion_tensor *estimate_compute(struct estimate *e, const struct scion_mmd *kernel)
{
        struct scion_tensor *y = scion_tensor_float(SCION_SCALAR, NULL);
        struct slopes slopes = { { NULL } };

        for (int i = 0; i < SETS; i++) {
                struct scion_tensor *d = e->distance[i];

                if (scion_wants_grad(d) && !(slopes.of[i] = scion_tensor_float(d->shape, NULL)))
                        return NULL;
                e->pairs[i].distance = &d->array;
                e->pairs[i].slope = scion_array_of(slopes.of[i]);
        }
        if (!y || !SCION_ON_DEVICE(mmd, e->pairs, kernel, &y->array))
                return NULL;
        struct scion_node *node = scion_record(&mmd_op, y, e->distance[WITHIN_X], e->distance[WITHIN_Y],
                                               e->distance[ACROSS], sizeof slopes);

        if (node)
                *(struct slopes *)node->saved = slopes;
        return y;
}

/* --- Estimators --------------------------------------------------------------------------------------------- */

/* Returns |a - b|^2 of each row. */
static struct scion_tensor *rows_distance(struct scion_tensor *a, struct scion_tensor *b)
{
        return scion_sum(scion_pow(scion_sub(a, b), 2), SCION_AXIS(1), false);
}

/* Splits rows into part[0] = x_0, x_2, ... and part[1] = x_1, x_3, ..., with `count` rows each. */
static void rows_split(struct scion_tensor *x, int64_t count, struct scion_tensor *part[2])
{
        int64_t width = scion_dim(x, 1);
        struct scion_tensor *both =
                scion_reshape(scion_slice(x, 0, 0, 2 * count), SCION_SHAPE(count, 2 * width));

        part[0] = scion_slice(both, 1, 0, width);
        part[1] = scion_slice(both, 1, width, width);
}

static bool estimate_pair_linear(struct estimate *e, struct scion_tensor *x, struct scion_tensor *y)
{
        int64_t n = scion_dim(x, 0), m = scion_dim(y, 0), count = (n < m ? n : m) / 2;
        struct scion_tensor *xs[2], *ys[2];

        rows_split(x, count, xs);
        rows_split(y, count, ys);
        struct scion_tensor *across[] = { rows_distance(xs[0], ys[1]), rows_distance(xs[1], ys[0]) };

        e->distance[WITHIN_X] = rows_distance(xs[0], xs[1]);
        e->distance[WITHIN_Y] = rows_distance(ys[0], ys[1]);
        e->distance[ACROSS] = scion_concat(across, 2, 0);
        e->pairs[WITHIN_X].weight = e->pairs[WITHIN_Y].weight = 1 / (double)count;
        e->pairs[ACROSS].weight = -1 / (double)count;
        return e->distance[WITHIN_X] && e->distance[WITHIN_Y] && e->distance[ACROSS];
}

/* Sets the pairs within x. `itself` tells whether pairs of an example with itself are included. */
static void estimate_pair_within(struct estimate *e, int set, struct scion_tensor *x, bool itself)
{
        double n = (double)scion_dim(x, 0);

        e->distance[set] = scion_pairwise_squared_distance(x, x);
        e->pairs[set] = (struct scion_mmd_pairs){ .weight = itself ? 1 / (n * n) : 1 / (n * (n - 1)),
                                                  .left_out = itself ? 0 : n,
                                                  .itself = true };
}

static bool estimate_pair(struct estimate *e, struct scion_tensor *x, struct scion_tensor *y,
                          enum scion_mmd_estimator estimator)
{
        if (estimator == SCION_MMD_LINEAR)
                return estimate_pair_linear(e, x, y);
        estimate_pair_within(e, WITHIN_X, x, estimator == SCION_MMD_BIASED);
        estimate_pair_within(e, WITHIN_Y, y, estimator == SCION_MMD_BIASED);
        e->distance[ACROSS] = scion_pairwise_squared_distance(x, y);
        e->pairs[ACROSS].weight = -2 / ((double)scion_dim(x, 0) * (double)scion_dim(y, 0));
        return e->distance[WITHIN_X] && e->distance[WITHIN_Y] && e->distance[ACROSS];
}

static bool arguments_check(const struct scion_tensor *x, const struct scion_tensor *y,
                            const struct scion_mmd *kernel)
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
        struct estimate e = { 0 };

        if (!kernel)
                kernel = &paper;
        return arguments_check(x, y, kernel) && estimate_pair(&e, x, y, kernel->estimator)
                       ? estimate_compute(&e, kernel)
                       : NULL;
}
