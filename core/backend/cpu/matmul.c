/*
 * Products of plain matrices. The matmul primitive is as fast as the inner product with its weight in a
 * blocked layout less the reorders that a plain weight would need for that, and faster than sgemm on small
 * matrices; it works in our memory, which sgemm does not.
 */
#include "backend/cpu/kernel.h"

/* [batch, rows, columns], which lies transposed in memory when `transpose` says so. */
static bool matrices_md(const char *operation, int64_t batch, int64_t rows, int64_t columns, bool transpose,
                        dnnl_data_type_t type, dnnl_memory_desc_t *md)
{
        dnnl_dims_t dims = { batch, rows, columns };
        dnnl_dims_t strides = { rows * columns, transpose ? 1 : columns, transpose ? rows : 1 };

        /* One matrix is better known as such: the kernels for it are the faster ones. */
        return scion_dnnl_check(operation, dnnl_memory_desc_init_by_strides(
                                                   md, batch > 1 ? 3 : 2, batch > 1 ? dims : dims + 1, type,
                                                   batch > 1 ? strides : strides + 1));
}

/* Attributes under which the product is added to what its place holds. */
static bool accumulating(const char *operation, dnnl_primitive_attr_t *attributes)
{
        dnnl_post_ops_t after = NULL;
        bool good =
                scion_dnnl_check(operation, dnnl_primitive_attr_clone(attributes, scion_dnnl_attributes()));

        if (!good)
                return false;
        good = scion_dnnl_check(operation, dnnl_post_ops_create(&after)) &&
               scion_dnnl_check(operation, dnnl_post_ops_append_sum(after, 1)) &&
               scion_dnnl_check(operation, dnnl_primitive_attr_set_post_ops(*attributes, after));
        dnnl_post_ops_destroy(after);
        if (!good)
                dnnl_primitive_attr_destroy(*attributes);
        return good;
}

static struct scion_kernel *make(const struct scion_key *key, const char *operation,
                                 const struct scion_product *p, bool with_bias)
{
        const dnnl_data_type_t type = p->bf16 ? dnnl_bf16 : dnnl_f32;
        dnnl_memory_desc_t a, b, bias, c;
        dnnl_matmul_desc_t descriptor;
        dnnl_primitive_attr_t attributes = NULL;
        struct scion_kernel *kernel;

        if (!scion_kernels_ready(key) ||
            !matrices_md(operation, p->batch, p->m, p->k, p->transpose_a, type, &a) ||
            !matrices_md(operation, p->batch, p->k, p->n, p->transpose_b, type, &b) ||
            !matrices_md(operation, p->batch, p->m, p->n, false, dnnl_f32, &c) ||
            !scion_layout_row_major(p->batch > 1 ? 3 : 2, (int64_t[]){ 1, 1, p->n } + (p->batch > 1 ? 0 : 1),
                                    &bias) ||
            !scion_dnnl_check(operation,
                              dnnl_matmul_desc_init(&descriptor, &a, &b, with_bias ? &bias : NULL, &c)))
                return NULL;
        if (p->accumulate && !accumulating(operation, &attributes))
                return NULL;
        kernel = scion_kernel_describe(key, operation, &descriptor, attributes, NULL);
        dnnl_primitive_attr_destroy(attributes);
        return kernel;
}

bool scion_backend_factor_layout(const struct scion_shape *shape, const struct scion_layout **layout)
{
        dnnl_memory_desc_t md;

        *layout = NULL;
        if (!scion_backend_bf16())
                return true;
        if (!scion_layout_row_major(shape->ndim, shape->dim, &md))
                return false;
        md.data_type = dnnl_bf16;
        return scion_layout_intern(&md, layout);
}

bool scion_backend_multiply(const char *operation, const struct scion_product *product, const void *a,
                            const void *b, const float *bias, float *c)
{
        struct scion_kernel *kernel;
        struct scion_key key;

        scion_key_begin(&key, SCION_KERNEL_MATMUL);
        scion_key_add(&key, product->batch);
        scion_key_add(&key, product->m);
        scion_key_add(&key, product->n);
        scion_key_add(&key, product->k);
        scion_key_add(&key, product->transpose_a | product->transpose_b << 1 | product->accumulate << 2 |
                                    (bias != NULL) << 3 | product->bf16 << 4);
        kernel = scion_kernel_find(&key);
        if (!kernel && (kernel = make(&key, operation, product, bias != NULL)))
                kernel->operations = 2.0 * (double)product->batch * (double)product->m * (double)product->n *
                                     (double)product->k;
        return kernel && scion_kernel_run(kernel, (void *[SCION_OPERANDS]){ [SCION_X] = (void *)a,
                                                                            [SCION_WEIGHT] = (void *)b,
                                                                            [SCION_BIAS] = (void *)bias,
                                                                            [SCION_Y] = c });
}
