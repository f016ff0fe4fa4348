/*
 * Convolutions. The direct algorithm: Winograd's, which the library would take for some 3x3 kernels, loses
 * digits, and what it takes would depend on the shape.
 */
#include "backend/images.h"
#include "backend/kernel.h"

#include <string.h>

struct descriptors {
        dnnl_memory_desc_t x, weight, bias, y;
        dnnl_dims_t stride, dilation, before, after;
};

static bool describe(const struct scion_geometry *g, struct descriptors *d)
{
        int groups = g->window.groups;
        const int64_t *weight = g->weight.dim;
        int64_t grouped[] = { groups, weight[0] / groups, weight[1], weight[2], weight[3] };

        for (int i = 0; i < 2; i++) {
                d->stride[i] = g->window.stride[i];
                d->dilation[i] = g->window.dilation[i] - 1; /* the library counts the elements left out */
                d->before[i] = d->after[i] = g->window.padding[i];
        }
        return scion_layout_any(4, g->x.dim, &d->x) && scion_layout_any(4, g->y.dim, &d->y) &&
               (groups == 1 ? scion_layout_any(4, weight, &d->weight)
                            : scion_layout_any(5, grouped, &d->weight)) &&
               scion_layout_row_major(1, weight, &d->bias);
}

static struct scion_kernel *make(const struct scion_key *key, enum scion_pass pass,
                                 const struct scion_geometry *g, bool bias)
{
        const struct scion_kernel *forward = NULL;
        dnnl_convolution_desc_t descriptor;
        struct descriptors d;
        dnnl_status_t status = dnnl_invalid_arguments;

        if (pass != SCION_FORWARD && !(forward = scion_backend_conv2d(SCION_FORWARD, g, bias)))
                return NULL;
        if (!describe(g, &d))
                return NULL;
        switch (pass) {
        case SCION_FORWARD:
                status = dnnl_dilated_convolution_forward_desc_init(
                        &descriptor, dnnl_forward_training, dnnl_convolution_direct, &d.x, &d.weight,
                        bias ? &d.bias : NULL, &d.y, d.stride, d.dilation, d.before, d.after);
                break;
        case SCION_BACKWARD_X:
                status = dnnl_dilated_convolution_backward_data_desc_init(
                        &descriptor, dnnl_convolution_direct, &d.x, &d.weight, &d.y, d.stride, d.dilation,
                        d.before, d.after);
                break;
        case SCION_BACKWARD_WEIGHT:
                status = dnnl_dilated_convolution_backward_weights_desc_init(
                        &descriptor, dnnl_convolution_direct, &d.x, &d.weight, bias ? &d.bias : NULL, &d.y,
                        d.stride, d.dilation, d.before, d.after);
                break;
        }
        return scion_dnnl_check("conv2d", status)
                       ? scion_kernel_describe(key, "conv2d", &descriptor, NULL, forward)
                       : NULL;
}

/* Each output is a sum over the window and the channels of its group; what lies in the padding counts. All passes
 * have as many. */
static double operations_of(const struct scion_geometry *g)
{
        const int64_t *window = g->weight.dim;

        return 2.0 * (double)scion_shape_size(&g->y) * (double)(window[1] * window[2] * window[3]);
}

struct scion_kernel *scion_backend_conv2d(enum scion_pass pass, const struct scion_geometry *geometry,
                                          bool bias)
{
        const struct scion_window *window = &geometry->window;
        struct scion_kernel *kernel;
        struct scion_key key;

        scion_key_begin(&key, SCION_KERNEL_CONV);
        scion_key_add(&key, (int64_t)pass << 1 | bias);
        scion_key_add_shape(&key, &geometry->x);
        scion_key_add_shape(&key, &geometry->weight);
        for (int i = 0; i < 2; i++) {
                scion_key_add(&key, window->stride[i]);
                scion_key_add(&key, window->padding[i]);
                scion_key_add(&key, window->dilation[i]);
        }
        scion_key_add(&key, window->groups);
        kernel = scion_kernel_find(&key);
        if (kernel)
                return kernel;
        kernel = scion_images_suits(geometry) ? scion_images_conv2d(&key, pass, geometry, bias)
                                              : make(&key, pass, geometry, bias);
        if (kernel)
                kernel->operations = operations_of(geometry);
        return kernel;
}
