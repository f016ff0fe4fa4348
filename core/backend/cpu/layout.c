/* Layouts: oneDNN's memory descriptors, each kept once, and copies from one to another. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/kernel.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct scion_layout *layouts; /* a few for each shape of a model; looked through only when a
                                              kernel is made */

bool scion_layout_row_major(int ndim, const int64_t *dim, dnnl_memory_desc_t *md)
{
        dnnl_dims_t dims, strides;
        int64_t stride = 1;

        for (int i = ndim - 1; i >= 0; i--) {
                dims[i] = dim[i];
                strides[i] = stride;
                stride *= dim[i];
        }
        return scion_dnnl_check("layout",
                                dnnl_memory_desc_init_by_strides(md, ndim, dims, dnnl_f32, strides));
}

bool scion_layout_any(int ndim, const int64_t *dim, dnnl_data_type_t type, dnnl_memory_desc_t *md)
{
        dnnl_dims_t dims;

        memcpy(dims, dim, (size_t)ndim * sizeof dims[0]);
        return scion_dnnl_check("layout",
                                dnnl_memory_desc_init_by_tag(md, ndim, dims, type, dnnl_format_tag_any));
}

/* Strides of axes of length 1 mean nothing. */
static bool is_row_major(const dnnl_memory_desc_t *md)
{
        int64_t stride = 1;

        if (md->data_type != dnnl_f32 || md->format_kind != dnnl_blocked ||
            md->format_desc.blocking.inner_nblks != 0 || md->offset0 != 0 || md->extra.flags != 0)
                return false;
        for (int i = md->ndims - 1; i >= 0; i--) {
                if (md->padded_dims[i] != md->dims[i] ||
                    (md->dims[i] != 1 && md->format_desc.blocking.strides[i] != stride))
                        return false;
                stride *= md->dims[i];
        }
        return true;
}

bool scion_layout_intern(const dnnl_memory_desc_t *md, const struct scion_layout **layout)
{
        const struct scion_layout *found;

        *layout = NULL;
        if (is_row_major(md))
                return true;
        pthread_mutex_lock(&lock);
        for (found = layouts; found; found = found->next)
                if (dnnl_memory_desc_equal(&found->md, md))
                        break;
        if (!found) {
                struct scion_layout *made = malloc(sizeof *made);

                if (made) {
                        *made = (struct scion_layout){
                                .next = layouts,
                                .md = *md,
                                .length = (dnnl_memory_desc_get_size(md) + sizeof(float) - 1) / sizeof(float)
                        };
                        layouts = found = made;
                }
        }
        pthread_mutex_unlock(&lock);
        *layout = found;
        return found || scion_fail("out of memory");
}

size_t scion_layout_length(const struct scion_layout *layout, const struct scion_shape *shape)
{
        return layout ? layout->length : (size_t)scion_shape_size(shape);
}

/* The axes, the one with the longest strides first; of equal strides, of which one has length 1, as they come. */
static void sort_axes(const dnnl_memory_desc_t *md, int *order)
{
        const int64_t *stride = md->format_desc.blocking.strides;

        for (int i = 0; i < md->ndims; i++) {
                int at = i;

                for (; at > 0 && stride[order[at - 1]] < stride[i]; at--)
                        order[at] = order[at - 1];
                order[at] = i;
        }
}

const char *scion_layout_text(const struct scion_layout *layout, char *text, size_t bytes)
{
        const dnnl_memory_desc_t *md = layout ? &layout->md : NULL;
        const dnnl_blocking_desc_t *blocking = md ? &md->format_desc.blocking : NULL;
        bool blocked[DNNL_MAX_NDIMS] = { false };
        int order[DNNL_MAX_NDIMS];
        size_t used = 0;

        if (!layout || md->format_kind != dnnl_blocked) {
                snprintf(text, bytes, "%s", layout ? "oneDNN's own" : "row-major");
                return text;
        }
        for (int i = 0; i < blocking->inner_nblks; i++)
                blocked[blocking->inner_idxs[i]] = true;
        sort_axes(md, order);
        text[0] = '\0';
        for (int i = 0; i < md->ndims && used < bytes; i++)
                used += (size_t)snprintf(text + used, bytes - used, "%c",
                                         (blocked[order[i]] ? 'A' : 'a') + order[i]);
        for (int i = 0; i < blocking->inner_nblks && used < bytes; i++)
                used += (size_t)snprintf(text + used, bytes - used, "%lld%c",
                                         (long long)blocking->inner_blks[i],
                                         'a' + (int)blocking->inner_idxs[i]);
        if (md->data_type == dnnl_bf16 && used < bytes)
                snprintf(text + used, bytes - used, " bf16");
        return text;
}

/* Between a layout and row-major, or two layouts, of the axes that the layouts have: a grouped convolution's
 * weight has one more than its tensor, which changes nothing in row-major memory. */
static struct scion_kernel *reorder_kernel(const struct scion_layout *from, const struct scion_layout *to)
{
        const dnnl_memory_desc_t *known = from ? &from->md : &to->md;
        dnnl_memory_desc_t plain;
        dnnl_primitive_desc_t pd;
        struct scion_key key;
        struct scion_kernel *kernel;

        scion_key_begin(&key, SCION_KERNEL_REORDER);
        scion_key_add(&key, (int64_t)(intptr_t)from);
        scion_key_add(&key, (int64_t)(intptr_t)to);
        kernel = scion_kernel_find(&key);
        if (kernel)
                return kernel;
        if (!scion_kernels_ready(&key) || !scion_layout_row_major(known->ndims, known->dims, &plain))
                return NULL;
        if (!scion_dnnl_check("reorder",
                              dnnl_reorder_primitive_desc_create(
                                      &pd, from ? &from->md : &plain, scion_dnnl_engine(),
                                      to ? &to->md : &plain, scion_dnnl_engine(), scion_dnnl_attributes())))
                return NULL;
        return scion_kernel_make(&key, "reorder", pd);
}

bool scion_backend_reorder(const struct scion_elements *from, const struct scion_elements *to)
{
        if (from->layout == to->layout) {
                memcpy(to->data, from->data, to->length * 4); /* both types have four bytes */
                return true;
        }
        struct scion_kernel *kernel = reorder_kernel(from->layout, to->layout);

        return kernel && scion_kernel_run(kernel, (void *[SCION_OPERANDS]){
                                                          [SCION_X] = from->data, [SCION_Y] = to->data });
}
