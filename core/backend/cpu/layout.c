/* Layouts, which are oneDNN's memory descriptors, and copies between layouts and types. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "backend/cpu/kernel.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* The list of all layouts. It has a few for each shape in a model and is searched only when a kernel is created. */
static const struct scion_layout *layouts;

bool scion_layout_row_major(int ndim, const int64_t *dim, dnnl_data_type_t type, dnnl_memory_desc_t *md)
{
        dnnl_dims_t dims, strides;
        int64_t stride = 1;

        for (int i = ndim - 1; i >= 0; i--) {
                dims[i] = dim[i];
                strides[i] = stride;
                stride *= dim[i];
        }
        return scion_dnnl_check("layout", dnnl_memory_desc_init_by_strides(md, ndim, dims, type, strides));
}

bool scion_layout_any(int ndim, const int64_t *dim, dnnl_data_type_t type, dnnl_memory_desc_t *md)
{
        dnnl_dims_t dims;

        memcpy(dims, dim, (size_t)ndim * sizeof dims[0]);
        return scion_dnnl_check("layout",
                                dnnl_memory_desc_init_by_tag(md, ndim, dims, type, dnnl_format_tag_any));
}

/* The stride of an axis of length 1 does not matter. */
static bool md_is_row_major(const dnnl_memory_desc_t *md)
{
        int64_t stride = 1;

        if (md->format_kind != dnnl_blocked || md->format_desc.blocking.inner_nblks != 0 ||
            md->offset0 != 0 || md->extra.flags != 0)
                return false;
        for (int i = md->ndims - 1; i >= 0; i--) {
                if (md->padded_dims[i] != md->dims[i] ||
                    (md->dims[i] != 1 && md->format_desc.blocking.strides[i] != stride))
                        return false;
                stride *= md->dims[i];
        }
        return true;
}

dnnl_data_type_t scion_layout_type(enum scion_dtype dtype)
{
        return dtype == SCION_BF16 ? dnnl_bf16 : dnnl_f32;
}

/* Returns the length in elements, rounded up, because some layouts also contain other data. */
static size_t md_length(const dnnl_memory_desc_t *md, enum scion_dtype dtype)
{
        size_t bytes = scion_dtype_bytes(dtype);

        return (dnnl_memory_desc_get_size(md) + bytes - 1) / bytes;
}

bool scion_layout_intern(const dnnl_memory_desc_t *md, enum scion_dtype *dtype,
                         const struct scion_layout **layout)
{
        const struct scion_layout *found;

        *dtype = md->data_type == dnnl_bf16 ? SCION_BF16 : SCION_F32;
        *layout = NULL;
        if (md_is_row_major(md))
                return true;
        pthread_mutex_lock(&lock);
        for (found = layouts; found; found = found->next)
                if (dnnl_memory_desc_equal(&found->md, md))
                        break;
        if (!found) {
                struct scion_layout *made = malloc(sizeof *made);

                if (made) {
                        *made = (struct scion_layout){ .next = layouts,
                                                       .md = *md,
                                                       .length = md_length(md, *dtype) };
                        layouts = found = made;
                }
        }
        pthread_mutex_unlock(&lock);
        *layout = found;
        return found || scion_fail("out of memory");
}

size_t scion_cpu_layout_length(const struct scion_layout *layout, const struct scion_shape *shape)
{
        (void)shape;
        return layout->length;
}

/* Sorts the axes by stride, the longest first. Axes of equal strides, one of which has length 1, keep their order. */
static void axes_sort(const dnnl_memory_desc_t *md, int *order)
{
        const int64_t *stride = md->format_desc.blocking.strides;

        for (int i = 0; i < md->ndims; i++) {
                int at = i;

                for (; at > 0 && stride[order[at - 1]] < stride[i]; at--)
                        order[at] = order[at - 1];
                order[at] = i;
        }
}

const char *scion_cpu_layout_text(const struct scion_layout *layout, char *text, size_t bytes)
{
        const dnnl_memory_desc_t *md = &layout->md;
        const dnnl_blocking_desc_t *blocking = &md->format_desc.blocking;
        bool blocked[DNNL_MAX_NDIMS] = { false };
        int order[DNNL_MAX_NDIMS];
        size_t used = 0;

        if (md->format_kind != dnnl_blocked) {
                snprintf(text, bytes, "oneDNN's own");
                return text;
        }
        for (int i = 0; i < blocking->inner_nblks; i++)
                blocked[blocking->inner_idxs[i]] = true;
        axes_sort(md, order);
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

/*
 * Computes the descriptor of x. If x is row-major, its axes are those of `other`, the layout of the other array: the layout
 * of a grouped convolution's weight has one axis more than its tensor, which changes nothing in row-major memory. If both
 * arrays are row-major, the elements are one axis.
 */
static bool reorder_md(const struct scion_array *x, const struct scion_layout *other, dnnl_memory_desc_t *md)
{
        int64_t length = (int64_t)x->length;

        if (x->layout) {
                *md = x->layout->md;
                return true;
        }
        return scion_layout_row_major(other ? other->md.ndims : 1, other ? other->md.dims : &length,
                                      scion_layout_type(x->dtype), md);
}

static struct scion_kernel *reorder_kernel(const struct scion_array *x, const struct scion_array *y)
{
        dnnl_memory_desc_t from, to;
        dnnl_primitive_desc_t pd;
        struct scion_key key;
        struct scion_kernel *kernel;

        scion_key_begin(&key, SCION_KERNEL_REORDER);
        scion_key_add(&key, (int64_t)(intptr_t)x->layout);
        scion_key_add(&key, (int64_t)(intptr_t)y->layout);
        scion_key_add(&key, x->dtype);
        scion_key_add(&key, y->dtype);
        if (!x->layout && !y->layout)
                scion_key_add(&key, (int64_t)x->length);
        kernel = scion_kernel_find(&key);
        if (kernel)
                return kernel;
        if (!scion_kernels_ready(&key) || !reorder_md(x, y->layout, &from) || !reorder_md(y, x->layout, &to))
                return NULL;
        if (!scion_dnnl_check("reorder", dnnl_reorder_primitive_desc_create(&pd, &from, scion_dnnl_engine(),
                                                                            &to, scion_dnnl_engine(),
                                                                            scion_dnnl_attributes())))
                return NULL;
        return scion_kernel_make(&key, "reorder", pd);
}

static bool dtype_is_float(enum scion_dtype dtype)
{
        return dtype == SCION_F32 || dtype == SCION_BF16;
}

bool scion_cpu_reorder(void *self, const struct scion_array *x, struct scion_array *y)
{
        if (x->layout == y->layout && x->dtype == y->dtype) {
                memcpy(scion_cpu_data(y), scion_cpu_data(x), y->length * scion_dtype_bytes(y->dtype));
                return true;
        }
        if (!dtype_is_float(x->dtype) || !dtype_is_float(y->dtype))
                return scion_fail("reorder: only float32 and bfloat16 change layout or type, got %s and %s",
                                  scion_dtype_name(x->dtype), scion_dtype_name(y->dtype));
        struct scion_kernel *kernel = reorder_kernel(x, y);

        return kernel && scion_cpu_kernel_run(self, kernel,
                                              (const struct scion_array *[SCION_OPERANDS]){
                                                      [SCION_X] = x, [SCION_Y] = y });
}
