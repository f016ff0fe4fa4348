/* The sums of kernels in an estimate of the maximum mean discrepancy, and their slopes. */
#include <math.h>
#include <scion/simd.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/lanes.h"
#include "backend/cpu/math.h"
#include "base/refuse.h"

#define SETS 3 /* sets of pairs: within x, within y, across */
#define DEFAULT_KERNELS 33
#define BLOCK 256 /* distances per block, so that intermediate results stay in the first-level cache */

/* --- The bandwidth ------------------------------------------------------------------------------------------ */

/* Copies to `into` the distances that the bandwidth heuristic uses, and returns their number. */
static size_t pairs_collect(const struct scion_mmd_pairs *pairs, float *into)
{
        const float *d = scion_cpu_data(pairs->distance);
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

/* Quickselect: reorders x, which has no NaN, so that the element at `position` is the one that sorting would put there and
 * no element before it is larger. Returns that element. */
static float numbers_select(float *x, size_t count, size_t position)
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
                if (position <= j)
                        high = j;
                else
                        low = j + 1;
        }
        return x[position];
}

static double numbers_median(float *x, size_t count)
{
        float upper = numbers_select(x, count, count / 2), lower = upper;

        if (count % 2 == 0)
                lower = scion_max_of(x, (int64_t)(count / 2), 0);
        return ((double)lower + (double)upper) / 2;
}

/* Returns the bandwidth gamma by the heuristic. d is working memory for all distances. Returns 1 when all examples are
 * equal, because the estimate is then the same for any gamma; 0, with a message, when distances are not finite. */
static double pairs_bandwidth(const struct scion_mmd_pairs pairs[SETS], enum scion_mmd_bandwidth heuristic,
                              float *d)
{
        size_t count = 0;

        for (int i = 0; i < SETS; i++)
                count += pairs_collect(&pairs[i], d + count);
        double mean = scion_sum_of(d, (int64_t)count) / (double)count;

        if (!isfinite(mean)) {
                scion_refuse("mmd: the features, or their distances, are not finite");
                return 0;
        }
        double gamma = heuristic == SCION_MMD_MEDIAN ? numbers_median(d, count) : mean;

        return gamma > 0 ? gamma : mean > 0 ? mean : 1;
}

/* --- The kernel --------------------------------------------------------------------------------------------- */

struct kernels {
        int count;
        float *inverse; /* 1 / gamma_u */
};

static bool kernels_set(struct kernels *kernels, double step, double gamma)
{
        int count = kernels->count;

        for (int u = 0; u < count; u++) {
                double inverse = pow(step, count / 2 - u) / gamma;

                if (!(inverse > 1e-37 && inverse < 1e37))
                        return scion_refuse("mmd: a kernel of bandwidth %g is out of range", 1 / inverse);
                kernels->inverse[u] = (float)inverse;
        }
        return true;
}

/* Returns the sum of k(d). Computes slope = factor dk/dd unless slope is NULL. */
SCION_CLONES static double kernels_sum(const struct kernels *kernels, const float *d, int64_t count,
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

bool scion_cpu_mmd(void *self, const struct scion_mmd_pairs pairs[SETS], const struct scion_mmd *kernel,
                   struct scion_array *value)
{
        struct kernels kernels = { .count = kernel->kernels ? kernel->kernels : DEFAULT_KERNELS };
        const double step = kernel->step != 0 ? (double)kernel->step : sqrt(2);
        double gamma = (double)kernel->bandwidth, sum = 0;
        size_t distances = 0;

        (void)self;
        for (int i = 0; i < SETS; i++)
                distances += pairs[i].distance->length;
        float *d = scion_cpu_scratch((distances + (size_t)kernels.count) * sizeof *d);

        if (!d)
                return false;
        kernels.inverse = d + distances;
        if (!(gamma > 0))
                gamma = pairs_bandwidth(pairs, kernel->heuristic, d);
        if (!(gamma > 0 && kernels_set(&kernels, step, gamma)))
                return false;
        for (int i = 0; i < SETS; i++) {
                double of_set = kernels_sum(&kernels, scion_cpu_data(pairs[i].distance),
                                            (int64_t)pairs[i].distance->length, (float)pairs[i].weight,
                                            scion_cpu_data_or_null(pairs[i].slope));

                sum += pairs[i].weight * (of_set - pairs[i].left_out);
        }
        *(float *)scion_cpu_data(value) = (float)sum;
        return true;
}
