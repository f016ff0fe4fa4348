/* The peak speed of the machine, measured by a product of matrices that fit into a processor's caches. On a device that
 * queues work, the time includes a launch and the wait for the result. */
#include <scion/error.h>
#include <stdlib.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "bench/bench.h"

#define SIDE 1024
/* The fastest of at least this many products, over at least this time, counts: other processes may use the machine. */
#define LEAST 5
#define SECONDS 0.15

/* Sets a matrix to `distinct` small integers in turn, which rounding to bfloat16 does not change. */
static bool matrix_write(struct scion_array *matrix, int64_t distinct)
{
        float *values = malloc(matrix->length * sizeof *values);

        if (!values)
                return scion_fail("out of memory");
        for (int64_t i = 0; i < (int64_t)SIDE * SIDE; i++)
                values[i] = (float)(i % distinct - distinct / 2);
        bool good =
                scion_storage_write(matrix->storage, matrix->offset, values, matrix->length * sizeof *values);

        free(values);
        return good;
}

/* An array of SIDE x SIDE over a new storage, which scion_storage_destroy() frees. The storage is NULL, with a message,
 * when memory is out. */
static struct scion_array matrix_create(enum scion_dtype dtype, const struct scion_layout *layout)
{
        struct scion_array matrix = scion_array_over(NULL, 0, SCION_SHAPE(SIDE, SIDE), dtype);

        matrix.layout = layout;
        matrix.length = scion_layout_length(layout, &matrix.shape);
        matrix.storage = scion_storage_create(matrix.length * scion_dtype_bytes(dtype));
        return matrix;
}

/* A matrix of small integers in the type and layout that factors of products have. */
static struct scion_array factor_create(int64_t distinct)
{
        struct scion_array plain = matrix_create(SCION_F32, NULL), factor = { .storage = NULL };
        enum scion_dtype dtype;
        const struct scion_layout *layout;
        bool good = plain.storage && matrix_write(&plain, distinct) &&
                    SCION_ON_DEVICE(factor_layout, &plain.shape, &dtype, &layout);

        if (good)
                factor = matrix_create(dtype, layout);
        if (factor.storage && !SCION_ON_DEVICE(reorder, &plain, &factor)) {
                scion_storage_destroy(factor.storage);
                factor.storage = NULL;
        }
        scion_storage_destroy(plain.storage);
        return factor;
}

/* Measures the floating-point operations per second of the fastest product. The device may queue work, so each time ends with
 * the copy of an element to the host. */
static bool product_measure(const struct scion_array *a, const struct scion_array *b, struct scion_array *c,
                            double *flops)
{
        const struct scion_product product = { .batch = 1, .m = SIDE, .n = SIDE, .k = SIDE };
        double start = scion_clock();
        float element;

        *flops = 0;
        for (int i = 0; i < LEAST || scion_clock() - start < SECONDS; i++) {
                double before = scion_clock();

                if (!SCION_ON_DEVICE(multiply, "matmul", &product, a, b, NULL, c) ||
                    !scion_storage_read(c->storage, c->offset, &element, sizeof element))
                        return false;
                double rate = 2.0 * SIDE * SIDE * SIDE / (scion_clock() - before);

                *flops = rate > *flops ? rate : *flops;
        }
        return true;
}

double scion_bench_peak(void)
{
        struct scion_array a = factor_create(7), b = factor_create(5), c = matrix_create(SCION_F32, NULL);
        double flops = 0;
        bool good = a.storage && b.storage && c.storage && product_measure(&a, &b, &c, &flops);

        scion_storage_destroy(a.storage);
        scion_storage_destroy(b.storage);
        scion_storage_destroy(c.storage);
        return good ? flops : 0;
}
