/*
 * Products of row-major matrices, by oneDNN's matmul primitive. It is as fast as the inner-product primitive with a
 * blocked weight, once the reorders of a row-major weight are counted, and faster than dnnl_sgemm() on small matrices;
 * unlike dnnl_sgemm() it uses the working memory that it is given.
 */
#include <assert.h>

#include "backend/cpu/kernel.h"

/* Fills in the descriptor of [batch, rows, columns]; with `transpose`, columns are contiguous in memory. */
static bool matrices_md(const char *operation, int64_t batch, int64_t rows, int64_t columns, bool transpose,
                        dnnl_data_type_t type, dnnl_memory_desc_t *md)
{
        dnnl_dims_t dims = { batch, rows, columns };
        dnnl_dims_t strides = { rows * columns, transpose ? 1 : columns, transpose ? rows : 1 };

        /* The kernels for two axes are faster than those for a batch of one. */
        return scion_dnnl_check(operation, dnnl_memory_desc_init_by_strides(
                                                   md, batch > 1 ? 3 : 2, batch > 1 ? dims : dims + 1, type,
                                                   batch > 1 ? strides : strides + 1));
}

/* Creates attributes for C += A B instead of C = A B. False, with a message, on failure. */
static bool attributes_accumulate(const char *operation, dnnl_primitive_attr_t *attributes)
{
        dnnl_post_ops_t after = NULL;
        bool complete =
                scion_dnnl_check(operation, dnnl_primitive_attr_clone(attributes, scion_dnnl_attributes()));

        if (!complete)
                return false;
        complete = scion_dnnl_check(operation, dnnl_post_ops_create(&after)) &&
                   scion_dnnl_check(operation, dnnl_post_ops_append_sum(after, 1)) &&
                   scion_dnnl_check(operation, dnnl_primitive_attr_set_post_ops(*attributes, after));
        dnnl_post_ops_destroy(after);
        if (!complete)
                dnnl_primitive_attr_destroy(*attributes);
        return complete;
}

static struct scion_kernel *matmul_make(const struct scion_key *key, const char *operation,
                                        const struct scion_product *p, dnnl_data_type_t type, bool with_bias)
{
        dnnl_memory_desc_t a, b, bias, c;
        dnnl_matmul_desc_t descriptor;
        dnnl_primitive_attr_t attributes = NULL;
        struct scion_kernel *kernel;

        if (!scion_kernels_ready(key) ||
            !matrices_md(operation, p->batch, p->m, p->k, p->transpose_a, type, &a) ||
            !matrices_md(operation, p->batch, p->k, p->n, p->transpose_b, type, &b) ||
            !matrices_md(operation, p->batch, p->m, p->n, false, dnnl_f32, &c) ||
            !scion_layout_row_major(p->batch > 1 ? 3 : 2, (int64_t[]){ 1, 1, p->n } + (p->batch > 1 ? 0 : 1),
                                    dnnl_f32, &bias) ||
            !scion_dnnl_check(operation,
                              dnnl_matmul_desc_init(&descriptor, &a, &b, with_bias ? &bias : NULL, &c)))
                return NULL;
        if (p->accumulate && !attributes_accumulate(operation, &attributes))
                return NULL;
        kernel = scion_kernel_describe(key, operation, &descriptor, attributes, NULL);
        dnnl_primitive_attr_destroy(attributes);
        return kernel;
}

bool scion_cpu_factor_layout(void *self, const struct scion_shape *shape, enum scion_dtype *dtype,
                             const struct scion_layout **layout)
{
        (void)self, (void)shape;
        *dtype = scion_kernels_bf16() ? SCION_BF16 : SCION_F32;
        *layout = NULL;
        return true;
}

bool scion_cpu_multiply(void *self, const char *operation, const struct scion_product *product,
                        const struct scion_array *a, const struct scion_array *b,
                        const struct scion_array *bias, struct scion_array *c)
{
        struct scion_kernel *kernel;
        struct scion_key key;
        bool bf16 = a->dtype == SCION_BF16;

        assert(a->dtype == b->dtype);
        scion_key_begin(&key, SCION_KERNEL_MATMUL);
        scion_key_add(&key, product->batch);
        scion_key_add(&key, product->m);
        scion_key_add(&key, product->n);
        scion_key_add(&key, product->k);
        scion_key_add(&key, product->transpose_a | product->transpose_b << 1 | product->accumulate << 2 |
                                    (bias != NULL) << 3 | bf16 << 4);
        kernel = scion_kernel_find(&key);
        if (!kernel &&
            (kernel = matmul_make(&key, operation, product, scion_layout_type(a->dtype), bias != NULL)))
                kernel->operations = 2.0 * (double)product->batch * (double)product->m * (double)product->n *
                                     (double)product->k;
        return kernel && scion_cpu_kernel_run(self, kernel,
                                              (const struct scion_array *[SCION_OPERANDS]){
                                                      [SCION_X] = a,
                                                      [SCION_WEIGHT] = b,
                                                      [SCION_BIAS] = bias,
                                                      [SCION_Y] = c,
                                              });
}
