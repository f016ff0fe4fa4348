/* The layout of images in groups (images.h). */
#include "backend/cpu/images.h"

#include <string.h>

#define MOST_WEIGHTS 8192 /* with at most so many, their gradients, 16 sums each, fit a second-level cache */

bool scion_images_layout(const struct scion_shape *shape, const struct scion_layout **layout)
{
        dnnl_memory_desc_t md;
        enum scion_dtype dtype;
        dnnl_dims_t dims;

        memcpy(dims, shape->dim, 4 * sizeof dims[0]);
        return scion_dnnl_check("layout",
                                dnnl_memory_desc_init_by_tag(&md, 4, dims, dnnl_f32, dnnl_Abcd16a)) &&
               scion_layout_intern(&md, &dtype, layout);
}

bool scion_images_is(const struct scion_layout *layout)
{
        const dnnl_blocking_desc_t *blocking;

        if (!layout || layout->md.ndims != 4 || layout->md.format_kind != dnnl_blocked)
                return false;
        blocking = &layout->md.format_desc.blocking;
        return blocking->inner_nblks == 1 && blocking->inner_idxs[0] == 0 &&
               blocking->inner_blks[0] == SCION_IMAGES;
}

static int64_t channels_round_to_block(int64_t channels)
{
        return (channels + 15) / 16 * 16;
}

/* The loops are chosen when oneDNN's padding would increase the work by half or more, when strides and dilations are 1,
 * and when there are enough images to fill a vector. oneDNN does not pad inputs of up to three channels. */
bool scion_images_suits(const struct scion_geometry *g)
{
        int64_t in = g->x.dim[1], out = g->y.dim[1];
        int64_t work = (in > 3 ? channels_round_to_block(in) : in) * channels_round_to_block(out);

        for (int i = 0; i < 2; i++)
                if (g->window.stride[i] != 1 || g->window.dilation[i] != 1)
                        return false;
        return g->window.groups == 1 && g->x.dim[0] >= SCION_IMAGES && 2 * work >= 3 * in * out &&
               scion_shape_size(&g->weight) <= MOST_WEIGHTS;
}

int64_t scion_images_groups(const struct scion_shape *shape)
{
        return (shape->dim[0] + SCION_IMAGES - 1) / SCION_IMAGES;
}

void scion_images_clear(const struct scion_shape *shape, scion_images *data)
{
        int64_t count = shape->dim[1] * shape->dim[2] * shape->dim[3], used = shape->dim[0] % SCION_IMAGES;

        data += (scion_images_groups(shape) - 1) * count;
        for (int64_t i = 0; used && i < count; i++)
                memset((float *)(data + i) + used, 0, (size_t)(SCION_IMAGES - used) * sizeof(float));
}
