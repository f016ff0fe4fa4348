/*
 * Convolutions, by the direct algorithm or, where it is faster, by Winograd's with tiles of 4x4 outputs: Lavin, Gray.
 * CVPR 2016, arXiv:1509.09308. The choice depends only on the shapes and the settings, not on what oneDNN would choose.
 */
#include "backend/cpu/images.h"
#include "backend/cpu/kernel.h"

#define TILE 4             /* outputs along each side of a tile */
#define FEWEST_CHANNELS 32 /* with fewer, transforming the images costs more than it saves */
#define FEWEST_PIXELS 256  /* outputs of a channel in the batch; with fewer, transforming the weight does */
#define FEWEST_PIXELS_BF16 1024 /* the same when the direct algorithm has bfloat16 factors */

/* How a convolution is computed. */
struct method {
        bool winograd;
        bool bf16; /* factors are bfloat16 */
};

static int64_t length_round_to_tile(int64_t length)
{
        return (length + TILE - 1) / TILE * TILE;
}

/* Returns whether Winograd's algorithm is faster. A tile takes 36 products instead of 144, so tiles pay when less than a
 * third of them is padding. */
static bool geometry_suits_winograd(const struct scion_geometry *g, bool bf16)
{
        const int64_t *y = g->y.dim;

        for (int i = 0; i < 2; i++)
                if (g->weight.dim[i] < FEWEST_CHANNELS || g->weight.dim[i + 2] != 3 ||
                    g->window.stride[i] != 1 || g->window.dilation[i] != 1 || g->window.padding[i] > 1)
                        return false;
        return g->window.groups == 1 && y[0] * y[2] * y[3] >= (bf16 ? FEWEST_PIXELS_BF16 : FEWEST_PIXELS) &&
               3 * y[2] * y[3] >= 2 * length_round_to_tile(y[2]) * length_round_to_tile(y[3]);
}

static struct method geometry_method(const struct scion_geometry *g)
{
        struct method method = { .bf16 = scion_kernels_bf16() };

        method.winograd = scion_kernels_winograd() && geometry_suits_winograd(g, method.bf16);
        method.bf16 = method.bf16 && !method.winograd;
        return method;
}

struct descriptors {
        dnnl_memory_desc_t x, weight, bias, y;
        dnnl_dims_t stride, dilation, before, after;
};

/* Fills in descriptors. Two of x, weight and y are the factors of the pass; the third, its result, is float32. */
static bool descriptors_init(enum scion_pass pass, const struct scion_geometry *g, bool bf16,
                             struct descriptors *d)
{
        const dnnl_data_type_t x = bf16 && pass != SCION_BACKWARD_X ? dnnl_bf16 : dnnl_f32;
        const dnnl_data_type_t w = bf16 && pass != SCION_BACKWARD_WEIGHT ? dnnl_bf16 : dnnl_f32;
        const dnnl_data_type_t y = bf16 && pass != SCION_FORWARD ? dnnl_bf16 : dnnl_f32;
        int groups = g->window.groups;
        const int64_t *weight = g->weight.dim;
        int64_t grouped[] = { groups, weight[0] / groups, weight[1], weight[2], weight[3] };

        for (int i = 0; i < 2; i++) {
                d->stride[i] = g->window.stride[i];
                d->dilation[i] = g->window.dilation[i] - 1; /* oneDNN counts the elements between */
                d->before[i] = d->after[i] = g->window.padding[i];
        }
        return scion_layout_any(4, g->x.dim, x, &d->x) && scion_layout_any(4, g->y.dim, y, &d->y) &&
               (groups == 1 ? scion_layout_any(4, weight, w, &d->weight)
                            : scion_layout_any(5, grouped, w, &d->weight)) &&
               scion_layout_row_major(1, weight, dnnl_f32, &d->bias);
}

static struct scion_kernel *conv2d_make(const struct scion_key *key, enum scion_pass pass,
                                        const struct scion_geometry *g, bool bias, struct method method)
{
        const dnnl_alg_kind_t algorithm =
                method.winograd ? dnnl_convolution_winograd : dnnl_convolution_direct;
        const struct scion_kernel *forward = NULL;
        dnnl_convolution_desc_t descriptor;
        struct descriptors d;
        dnnl_status_t status = dnnl_invalid_arguments;

        if (pass != SCION_FORWARD && !(forward = scion_cpu_conv2d(NULL, SCION_FORWARD, g, bias)))
                return NULL;
        if (!descriptors_init(pass, g, method.bf16, &d))
                return NULL;
        switch (pass) {
        case SCION_FORWARD:
                status = dnnl_dilated_convolution_forward_desc_init(
                        &descriptor, dnnl_forward_training, algorithm, &d.x, &d.weight, bias ? &d.bias : NULL,
                        &d.y, d.stride, d.dilation, d.before, d.after);
                break;
        case SCION_BACKWARD_X:
                status = dnnl_dilated_convolution_backward_data_desc_init(&descriptor, algorithm, &d.x,
                                                                          &d.weight, &d.y, d.stride,
                                                                          d.dilation, d.before, d.after);
                break;
        case SCION_BACKWARD_WEIGHT:
                status = dnnl_dilated_convolution_backward_weights_desc_init(
                        &descriptor, algorithm, &d.x, &d.weight, bias ? &d.bias : NULL, &d.y, d.stride,
                        d.dilation, d.before, d.after);
                break;
        }
        return scion_dnnl_check("conv2d", status)
                       ? scion_kernel_describe(key, "conv2d", &descriptor, NULL, forward)
                       : NULL;
}

/* Returns the number of floating-point operations of a pass, which is the same for every pass. Each output is a sum over
 * the window and the channels of its group. Products with padding are counted. */
static double geometry_operations(const struct scion_geometry *g)
{
        const int64_t *window = g->weight.dim;

        return 2.0 * (double)scion_shape_size(&g->y) * (double)(window[1] * window[2] * window[3]);
}

struct scion_kernel *scion_cpu_conv2d(void *self, enum scion_pass pass, const struct scion_geometry *geometry,
                                      bool bias)
{
        const struct scion_window *window = &geometry->window;
        struct method method = geometry_method(geometry);
        struct scion_kernel *kernel;
        struct scion_key key;

        (void)self;
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
        scion_key_add(&key, method.winograd | method.bf16 << 1);
        kernel = scion_kernel_find(&key);
        if (kernel)
                return kernel;
        if (scion_images_suits(geometry))
                kernel = scion_images_conv2d(&key, pass, geometry, bias);
        else
                kernel = conv2d_make(&key, pass, geometry, bias, method);
        if (!kernel &&
            method.winograd) { /* oneDNN does not support Winograd's algorithm on every processor */
                method = (struct method){ .bf16 = scion_kernels_bf16() };
                kernel = conv2d_make(&key, pass, geometry, bias, method);
        }
        if (kernel)
                kernel->operations = geometry_operations(geometry);
        return kernel;
}
