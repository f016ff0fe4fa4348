/* What the machine can do at most: a product of matrices that is large enough, and fits into the caches. */
#include <scion/error.h>
#include <stdlib.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "bench/bench.h"

#define SIDE 1024
#define LEAST 5      /* products, */
#define SECONDS 0.15 /* or as many as this time has; the best counts, as others may use the machine too */

static bool best(float *a, float *b, float *c, double *flops)
{
        const struct scion_product product = { .batch = 1, .m = SIDE, .n = SIDE, .k = SIDE };
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
        float *a = aligned_alloc(64, bytes), *b = aligned_alloc(64, bytes), *c = aligned_alloc(64, bytes);
        double flops = 0;
        bool good = a && b && c;

        if (good) {
                for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) {
                        a[i] = (float)(i % 7) - 3;
                        b[i] = (float)(i % 5) - 2;
                }
                good = best(a, b, c, &flops);
        } else {
                scion_fail("out of memory");
        }
        free(a);
        free(b);
        free(c);
        return good ? flops : 0;
}
