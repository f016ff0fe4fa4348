/*
 * Convolutions: by the direct algorithm, or, where that is faster, by Winograd's of 4x4 outputs a tile: Lavin,
 * Gray. CVPR 2016, arXiv:1509.09308. Which one depends on the shapes and on scion_backend_set_winograd() alone,
 * not on what the library would take.
 */
#include "backend/cpu/images.h"
#include "backend/cpu/kernel.h"

#include <stdatomic.h>
#include <string.h>

#define TILE 4             /* outputs a side */
#define FEWEST_CHANNELS 32 /* below, bringing images into tiles and back costs more than it saves */
#define FEWEST_PIXELS 256  /* outputs a channel, all images: below, bringing the weight into tiles does */

#define MORE_PIXELS 1024 /* the same, when the direct algorithm has factors of half the size */

static atomic_bool winograd_wanted = true;

void scion_backend_set_winograd(bool winograd)
{
        atomic_store(&winograd_wanted, winograd);
}

/* How a convolution is done. */
struct method {
        bool winograd;
        bool bf16; /* what is multiplied is rounded */
};

static int64_t padded_to_tile(int64_t length)
{
        return (length + TILE - 1) / TILE * TILE;
}

/* A tile takes 36 products where the direct algorithm takes 144; the tiles must not be padding for the most part. */
static bool suits_winograd(const struct scion_geometry *g, bool bf16)
{
        const int64_t *y = g->y.dim;

        for (int i = 0; i < 2; i++)
                if (g->weight.dim[i] < FEWEST_CHANNELS || g->weight.dim[i + 2] != 3 ||
                    g->window.stride[i] != 1 || g->window.dilation[i] != 1 || g->window.padding[i] > 1)
                        return false;
        return g->window.groups == 1 && y[0] * y[2] * y[3] >= (bf16 ? MORE_PIXELS : FEWEST_PIXELS) &&
               3 * y[2] * y[3] >= 2 * padded_to_tile(y[2]) * padded_to_tile(y[3]);
}

static struct method method_of(const struct scion_geometry *g)
{
        struct method method = { .bf16 = scion_backend_bf16() };

        method.winograd = atomic_load(&winograd_wanted) && suits_winograd(g, method.bf16);
        method.bf16 = method.bf16 && !method.winograd;
        return method;
}

struct descriptors {
        dnnl_memory_desc_t x, weight, bias, y;
        dnnl_dims_t stride, dilation, before, after;
};

/* Of the three, two are multiplied, and the third is what comes out. */
static bool describe(enum scion_pass pass, const struct scion_geometry *g, bool bf16, struct descriptors *d)
{
        const dnnl_data_type_t x = bf16 && pass != SCION_BACKWARD_X ? dnnl_bf16 : dnnl_f32;
        const dnnl_data_type_t w = bf16 && pass != SCION_BACKWARD_WEIGHT ? dnnl_bf16 : dnnl_f32;
        const dnnl_data_type_t y = bf16 && pass != SCION_FORWARD ? dnnl_bf16 : dnnl_f32;
        int groups = g->window.groups;
        const int64_t *weight = g->weight.dim;
        int64_t grouped[] = { groups, weight[0] / groups, weight[1], weight[2], weight[3] };

        for (int i = 0; i < 2; i++) {
                d->stride[i] = g->window.stride[i];
                d->dilation[i] = g->window.dilation[i] - 1; /* the library counts the elements left out */
                d->before[i] = d->after[i] = g->window.padding[i];
        }
        return scion_layout_any(4, g->x.dim, x, &d->x) && scion_layout_any(4, g->y.dim, y, &d->y) &&
               (groups == 1 ? scion_layout_any(4, weight, w, &d->weight)
                            : scion_layout_any(5, grouped, w, &d->weight)) &&
               scion_layout_row_major(1, weight, &d->bias);
}

static struct scion_kernel *make(const struct scion_key *key, enum scion_pass pass,
                                 const struct scion_geometry *g, bool bias, struct method method)
{
        const dnnl_alg_kind_t algorithm =
                method.winograd ? dnnl_convolution_winograd : dnnl_convolution_direct;
        const struct scion_kernel *forward = NULL;
        dnnl_convolution_desc_t descriptor;
        struct descriptors d;
        dnnl_status_t status = dnnl_invalid_arguments;

        if (pass != SCION_FORWARD && !(forward = scion_backend_conv2d(SCION_FORWARD, g, bias)))
                return NULL;
        if (!describe(pass, g, method.bf16, &d))
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
        struct method method = method_of(geometry);
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
        scion_key_add(&key, method.winograd | method.bf16 << 1);
        kernel = scion_kernel_find(&key);
        if (kernel)
                return kernel;
        if (scion_images_suits(geometry))
                kernel = scion_images_conv2d(&key, pass, geometry, bias);
        else
                kernel = make(&key, pass, geometry, bias, method);
        if (!kernel && method.winograd) { /* the library does not have it for every processor */
                method = (struct method){ .bf16 = scion_backend_bf16() };
                kernel = make(&key, pass, geometry, bias, method);
        }
        if (kernel)
                kernel->operations = operations_of(geometry);
        return kernel;
}
