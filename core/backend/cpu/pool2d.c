/* Pooling. The result has the layout of the input. */
#include "backend/cpu/images.h"
#include "backend/cpu/kernel.h"

static dnnl_alg_kind_t pooling_algorithm(enum scion_pooling pooling)
{
        switch (pooling) {
        case SCION_AVERAGE:
                return dnnl_pooling_avg_include_padding;
        case SCION_AVERAGE_EXCLUDED:
                return dnnl_pooling_avg_exclude_padding;
        default:
                return dnnl_pooling_max;
        }
}

static struct scion_kernel *pool2d_make(const struct scion_key *key, enum scion_pass pass,
                                        enum scion_pooling pooling, const struct scion_geometry *g,
                                        const struct scion_layout *layout)
{
        const char *operation = pooling <= SCION_MAXIMUM_NO_GRAD ? "max_pool2d" : "avg_pool2d";
        const struct scion_kernel *forward = NULL;
        dnnl_pooling_desc_t descriptor;
        dnnl_memory_desc_t x, y;
        dnnl_dims_t kernel, stride, padding;
        dnnl_status_t status;

        if (scion_images_is(layout))
                return scion_images_pool2d(key, operation, pass, pooling, g);
        if (pass != SCION_FORWARD && !(forward = scion_cpu_pool2d(NULL, SCION_FORWARD, pooling, g, layout)))
                return NULL;
        for (int i = 0; i < 2; i++) {
                kernel[i] = g->window.kernel[i];
                stride[i] = g->window.stride[i];
                padding[i] = g->window.padding[i];
        }
        if (layout)
                x = layout->md;
        else if (!scion_layout_row_major(4, g->x.dim, dnnl_f32, &x))
                return NULL;
        if (forward && forward->layout[SCION_Y])
                y = forward->layout[SCION_Y]->md;
        else if (forward ? !scion_layout_row_major(4, g->y.dim, dnnl_f32, &y)
                         : !scion_layout_any(4, g->y.dim, dnnl_f32, &y))
                return NULL;
        if (forward)
                status = dnnl_pooling_backward_desc_init(&descriptor, pooling_algorithm(pooling), &x, &y,
                                                         stride, kernel, padding, padding);
        else
                status = dnnl_pooling_forward_desc_init(
                        &descriptor,
                        pooling == SCION_MAXIMUM_NO_GRAD ? dnnl_forward_inference : dnnl_forward_training,
                        pooling_algorithm(pooling), &x, &y, stride, kernel, padding, padding);
        return scion_dnnl_check(operation, status)
                       ? scion_kernel_describe(key, operation, &descriptor, NULL, forward)
                       : NULL;
}

struct scion_kernel *scion_cpu_pool2d(void *self, enum scion_pass pass, enum scion_pooling pooling,
                                      const struct scion_geometry *geometry,
                                      const struct scion_layout *layout)
{
        const struct scion_window *window = &geometry->window;
        struct scion_kernel *kernel;
        struct scion_key key;

        (void)self;
        scion_key_begin(&key, SCION_KERNEL_POOL);
        scion_key_add(&key, (int64_t)pass << 2 | (int64_t)pooling);
        scion_key_add(&key, (int64_t)(intptr_t)layout);
        scion_key_add_shape(&key, &geometry->x);
        for (int i = 0; i < 2; i++) {
                scion_key_add(&key, window->kernel[i]);
                scion_key_add(&key, window->stride[i]);
                scion_key_add(&key, window->padding[i]);
        }
        kernel = scion_kernel_find(&key);
        return kernel ? kernel : pool2d_make(&key, pass, pooling, geometry, layout);
}
