/*
 * Sums and maxima of consecutive elements, accumulated in SCION_LANES interleaved lanes. The order of the operations is
 * the same on every machine, and the compiler can vectorise it. For use inside functions marked SCION_CLONES.
 */
#ifndef SCION_BACKEND_CPU_LANES_H
#define SCION_BACKEND_CPU_LANES_H

#include <stdint.h>

#define SCION_LANES 16

static inline double scion_lanes_total(double *lane)
{
        for (int width = SCION_LANES / 2; width > 0; width /= 2)
                for (int j = 0; j < width; j++)
                        lane[j] += lane[j + width];
        return lane[0];
}

static inline double scion_sum_of(const float *x, int64_t count)
{
        double lane[SCION_LANES] = { 0 }, rest = 0;
        int64_t i = 0;

        for (; i + SCION_LANES <= count; i += SCION_LANES)
                for (int j = 0; j < SCION_LANES; j++)
                        lane[j] += (double)x[i + j];
        for (; i < count; i++)
                rest += (double)x[i];
        return scion_lanes_total(lane) + rest;
}

static inline double scion_dot_of(const float *x, const float *y, int64_t count)
{
        double lane[SCION_LANES] = { 0 }, rest = 0;
        int64_t i = 0;

        for (; i + SCION_LANES <= count; i += SCION_LANES)
                for (int j = 0; j < SCION_LANES; j++)
                        lane[j] += (double)x[i + j] * (double)y[i + j];
        for (; i < count; i++)
                rest += (double)x[i] * (double)y[i];
        return scion_lanes_total(lane) + rest;
}

/* Returns the larger of a and b; NaN if either is NaN. */
static inline float scion_larger(float a, float b)
{
        float max = b > a ? b : a;

        return b != b ? b : max;
}

/* Returns the largest of `max` and the elements; NaN if one of them is NaN. */
static inline float scion_max_of(const float *x, int64_t count, float max)
{
        float lane[SCION_LANES];
        int64_t i = 0;

        if (count >= SCION_LANES) {
                for (int j = 0; j < SCION_LANES; j++)
                        lane[j] = x[j];
                for (i = SCION_LANES; i + SCION_LANES <= count; i += SCION_LANES) {
#pragma omp simd
                        for (int j = 0; j < SCION_LANES; j++)
                                lane[j] = scion_larger(lane[j], x[i + j]);
                }
                for (int j = 0; j < SCION_LANES; j++)
                        max = scion_larger(max, lane[j]);
        }
        for (; i < count; i++)
                max = scion_larger(max, x[i]);
        return max;
}

#endif
