/* What the machine can do at most: a product of matrices that is large enough, and fits into the caches. */
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "bench/bench.h"

#define SIDE 1024
#define LEAST 5      /* products, */
#define SECONDS 0.15 /* or as many as this time has; the best counts, as others may use the machine too */

/* Small integers, which are themselves when rounded. */
static void fill(void *factor, int64_t numbers, bool bf16)
{
        float *values = factor;
        uint16_t *halves = factor;

        for (int64_t i = 0; i < (int64_t)SIDE * SIDE; i++) {
                float value = (float)(i % numbers - numbers / 2);
                uint32_t bits;

                memcpy(&bits, &value, sizeof bits);
                if (bf16)
                        halves[i] = (uint16_t)(bits >> 16);
                else
                        values[i] = value;
        }
}

static bool best(const void *a, const void *b, float *c, double *flops)
{
        const struct scion_product product = {
                .batch = 1, .m = SIDE, .n = SIDE, .k = SIDE, .bf16 = scion_backend_bf16()
        };
        double start = scion_clock();

        *flops = 0;
        for (int i = 0; i < LEAST || scion_clock() - start < SECONDS; i++) {
                double before = scion_clock();

                if (!scion_backend_multiply("matmul", &product, a, b, NULL, c))
                        return false;
                double rate = 2.0 * SIDE * SIDE * SIDE / (scion_clock() - before);

                *flops = rate > *flops ? rate : *flops;
        }
        return true;
}

double scion_bench_peak(void)
{
        size_t bytes = (size_t)SIDE * SIDE * sizeof(float);
        void *a = aligned_alloc(64, bytes), *b = aligned_alloc(64, bytes), *c = aligned_alloc(64, bytes);
        double flops = 0;
        bool good = a && b && c;

        if (good) {
                fill(a, 7, scion_backend_bf16());
                fill(b, 5, scion_backend_bf16());
                good = best(a, b, c, &flops);
        } else {
                scion_fail("out of memory");
        }
        free(a);
        free(b);
        free(c);
        return good ? flops : 0;
}
