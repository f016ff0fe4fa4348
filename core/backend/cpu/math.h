/*
 * exp, log and tanh as branch-free arithmetic, so that the compiler vectorises loops over them. Results are within 2 ulp
 * of the true value. Infinities, zeros and NaN are treated as in <math.h>, except for the sign of a zero. The
 * approximations are those of Moshier's Cephes library.
 */
#ifndef SCION_BACKEND_CPU_MATH_H
#define SCION_BACKEND_CPU_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t scion_bits_of(float x)
{
        uint32_t bits;

        memcpy(&bits, &x, sizeof bits);
        return bits;
}

static inline float scion_float_of(uint32_t bits)
{
        float x;

        memcpy(&x, &bits, sizeof x);
        return x;
}

static inline uint64_t scion_wide_bits_of(double x)
{
        uint64_t bits;

        memcpy(&bits, &x, sizeof bits);
        return bits;
}

static inline double scion_wide_of(uint64_t bits)
{
        double x;

        memcpy(&x, &bits, sizeof x);
        return x;
}

/* e^x = 2^n e^r with an integer n and |r| <= ln(2)/2. 2^n is computed as a product of two factors, because it may itself
 * be out of range where e^x is not. */
static inline float scion_exp_of(float x)
{
        const float magic = 0x1.8p23f; /* adding it leaves the nearest integer in the low bits */

        x = x > 89.0f ? 89.0f : x;
        x = x < -104.0f ? -104.0f : x;
        float shifted = x * 1.44269504f + magic;
        int32_t n = (int32_t)(scion_bits_of(shifted) - scion_bits_of(magic));
        float whole = shifted - magic;
        float r = x - whole * 0.693359375f + whole * 2.12194440e-4f;
        float p = 1.9875691500e-4f;

        p = p * r + 1.3981999507e-3f;
        p = p * r + 8.3334519073e-3f;
        p = p * r + 4.1665795894e-2f;
        p = p * r + 1.6666665459e-1f;
        p = p * r + 5.0000001201e-1f;
        p = p * (r * r) + r + 1.0f;
        int32_t half = n >> 1;

        return p * scion_float_of((uint32_t)(half + 127) << 23) *
               scion_float_of((uint32_t)(n - half + 127) << 23);
}

/* exp in double precision, for results of which a logarithm or a difference is taken. For |r| <= ln(2)/2 the Taylor
 * series up to the 13th power is exact to double precision. */
static inline double scion_exp_wide_of(double x)
{
        static const double term[] = { 1.0 / 6227020800,
                                       1.0 / 479001600,
                                       1.0 / 39916800,
                                       1.0 / 3628800,
                                       1.0 / 362880,
                                       1.0 / 40320,
                                       1.0 / 5040,
                                       1.0 / 720,
                                       1.0 / 120,
                                       1.0 / 24,
                                       1.0 / 6,
                                       0.5,
                                       1,
                                       1 };
        const double magic = 0x1.8p52;

        x = x > 710 ? 710 : x;
        x = x < -746 ? -746 : x;
        double shifted = x * 0x1.71547652b82fep+0 + magic, whole = shifted - magic;
        double r = x - whole * 0x1.62e42feep-1 - whole * 0x1.a39ef35793c76p-33, p = term[0];
        uint64_t n = scion_wide_bits_of(shifted) - scion_wide_bits_of(magic) + 2048, half = n >> 1;

        for (size_t i = 1; i < sizeof term / sizeof term[0]; i++)
                p = p * r + term[i];
        return p * scion_wide_of((half - 1) << 52) * scion_wide_of((n - half - 1) << 52);
}

/* ln x = e ln 2 + ln(1 + m) with 1 + m between sqrt(1/2) and sqrt(2). */
static inline float scion_log_of(float x)
{
        const uint32_t root_half = 0x3f3504f3u, one = 0x3f800000u;
        float lifted = x < 0x1p-126f ? x * 0x1p23f : x; /* no denormal numbers */
        uint32_t bits = scion_bits_of(lifted) + (one - root_half);
        float e = (float)((int32_t)(bits >> 23) - 127) - (x < 0x1p-126f ? 23.0f : 0.0f);
        float m = scion_float_of((bits & 0x007fffffu) + root_half) - 1.0f;
        float square = m * m, p = 7.0376836292e-2f;

        p = p * m - 1.1514610310e-1f;
        p = p * m + 1.1676998740e-1f;
        p = p * m - 1.2420140846e-1f;
        p = p * m + 1.4249322787e-1f;
        p = p * m - 1.6668057665e-1f;
        p = p * m + 2.0000714765e-1f;
        p = p * m - 2.4999993993e-1f;
        p = p * m + 3.3333331174e-1f;
        float y = p * m * square - e * 2.12194440e-4f - 0.5f * square;
        float result = m + y + e * 0.693359375f;

        result = x == INFINITY ? x : result;
        return x > 0 ? result : x == 0 ? -INFINITY : NAN;
}

static inline float scion_tanh_of(float x)
{
        float size = fabsf(x), square = x * x;
        float p = -5.70498872745e-3f;

        p = p * square + 2.06390887954e-2f;
        p = p * square - 5.37397155531e-2f;
        p = p * square + 1.33314422036e-1f;
        p = p * square - 3.33332819422e-1f;
        float near = p * square * x + x;
        float far = copysignf(1.0f - 2.0f / (scion_exp_of(2.0f * size) + 1.0f), x);

        return size < 0.625f ? near : far;
}

#endif
