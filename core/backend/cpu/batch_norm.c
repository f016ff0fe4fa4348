/* Batch normalisation: the result has the layout of the input. */
#include <string.h>

#include "backend/cpu/images.h"
#include "backend/cpu/kernel.h"

static const char operation[] = "batch_norm";

static struct scion_kernel *batch_norm_make(const struct scion_key *key, enum scion_pass pass,
                                            const struct scion_shape *shape,
                                            const struct scion_layout *layout, bool own, float eps)
{
        const unsigned flags = dnnl_use_scale | dnnl_use_shift | (own ? 0u : dnnl_use_global_stats);
        const struct scion_kernel *forward = NULL;
        dnnl_batch_normalization_desc_t descriptor;
        dnnl_memory_desc_t x;
        dnnl_status_t status;

        if (pass != SCION_FORWARD &&
            !(forward = scion_cpu_batch_norm(NULL, SCION_FORWARD, shape, layout, own, eps)))
                return NULL;
        if (layout)
                x = layout->md;
        else if (!scion_layout_row_major(4, shape->dim, dnnl_f32, &x))
                return NULL;
        if (forward)
                status = dnnl_batch_normalization_backward_desc_init(&descriptor, dnnl_backward, &x, &x, eps,
                                                                     flags);
        else
                status = dnnl_batch_normalization_forward_desc_init(&descriptor, dnnl_forward_training, &x,
                                                                    eps, flags);
        return scion_dnnl_check(operation, status)
                       ? scion_kernel_describe(key, operation, &descriptor, NULL, forward)
                       : NULL;
}

/* Keeps layouts with blocks of channels. oneDNN is slow in the layout of images in groups, for which row-major is used. */
const struct scion_layout *scion_cpu_batch_norm_layout(void *self, const struct scion_layout *layout)
{
        (void)self;
        return layout && layout->md.ndims == 4 && !scion_images_is(layout) ? layout : NULL;
}

struct scion_kernel *scion_cpu_batch_norm(void *self, enum scion_pass pass, const struct scion_shape *x,
                                          const struct scion_layout *layout, bool own, float eps)
{
        struct scion_kernel *kernel;
        struct scion_key key;
        uint32_t bits;

        (void)self;
        memcpy(&bits, &eps, sizeof bits);
        scion_key_begin(&key, SCION_KERNEL_BATCH_NORM);
        scion_key_add(&key, (int64_t)pass << 1 | own);
        scion_key_add(&key, (int64_t)bits);
        scion_key_add(&key, (int64_t)(intptr_t)layout);
        scion_key_add_shape(&key, x);
        kernel = scion_kernel_find(&key);
        return kernel ? kernel : batch_norm_make(&key, pass, x, layout, own, eps);
}

bool scion_cpu_average(void *self, const struct scion_array *batch, double factor, double momentum,
                       struct scion_array *running)
{
        const float *from = scion_cpu_data(batch);
        float *to = scion_cpu_data(running);

        (void)self;
        for (size_t i = 0; i < running->length; i++) {
                double scaled = (double)from[i] * factor;

                to[i] = (float)((1 - momentum) * (double)to[i] + momentum * scaled);
        }
        return true;
}
