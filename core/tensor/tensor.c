/* Creates tensors, reads their elements, and checks arguments of operations. */
#include "tensor/tensor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backend/backend.h"
#include "tensor/trace.h"

int64_t scion_shape_size(const struct scion_shape *shape)
{
        int64_t size = 1;

        for (int i = 0; i < shape->ndim; i++)
                size *= shape->dim[i];
        return size;
}

bool scion_shape_equal(const struct scion_shape *a, const struct scion_shape *b)
{
        return a->ndim == b->ndim && memcmp(a->dim, b->dim, (size_t)a->ndim * sizeof a->dim[0]) == 0;
}

const char *scion_shape_text(const struct scion_shape *shape, char *text, size_t bytes)
{
        size_t used = 0;

        if (shape->ndim == 0)
                snprintf(text, bytes, "scalar");
        for (int i = 0; i < shape->ndim && used < bytes; i++)
                used += (size_t)snprintf(text + used, bytes - used, "%s%lld", i ? "x" : "",
                                         (long long)shape->dim[i]);
        return text;
}

struct scion_shape scion_shape(const struct scion_tensor *x)
{
        return x ? x->shape : SCION_SCALAR;
}

enum scion_dtype scion_dtype(const struct scion_tensor *x)
{
        return x ? x->dtype : SCION_F32;
}

int64_t scion_dim(const struct scion_tensor *x, int axis)
{
        if (!x)
                return 0;
        if (axis < 0)
                axis += x->shape.ndim;
        return axis >= 0 && axis < x->shape.ndim ? x->shape.dim[axis] : 0;
}

int64_t scion_size(const struct scion_tensor *x)
{
        return x ? scion_shape_size(&x->shape) : 0;
}

bool scion_check_shape(const struct scion_shape *shape)
{
        int64_t size = 1;

        if (shape->ndim < 0 || shape->ndim > SCION_MAX_DIMS)
                return scion_refuse("a tensor has 0 to %d axes, not %d", SCION_MAX_DIMS, shape->ndim);
        for (int i = 0; i < shape->ndim; i++) {
                if (shape->dim[i] < 1)
                        return scion_refuse("axis %d of a tensor has length %lld", i,
                                            (long long)shape->dim[i]);
                if (shape->dim[i] > ((int64_t)1 << 42) / size)
                        return scion_refuse("a tensor of more than 2^42 elements is too large");
                size *= shape->dim[i];
        }
        return true;
}

static struct scion_tensor *tensor_create(const struct scion_array *array)
{
        struct scion_tensor *x = scion_tape_tensor();

        if (x)
                x->array = *array;
        return x;
}

struct scion_tensor *scion_tensor_new(struct scion_shape shape, enum scion_dtype dtype,
                                      const struct scion_layout *layout)
{
        struct scion_array array = { .shape = shape, .dtype = dtype, .layout = layout };

        if (!scion_check_shape(&shape))
                return NULL;
        array.length = scion_layout_length(layout, &shape);
        array.storage = scion_tape_buffer(array.length * scion_dtype_bytes(dtype));
        struct scion_tensor *x = array.storage ? tensor_create(&array) : NULL;

        if (x)
                x->own_memory = true;
        return x;
}

struct scion_tensor *scion_tensor_float(struct scion_shape shape, const struct scion_layout *layout)
{
        return scion_tensor_new(shape, SCION_F32, layout);
}

bool scion_tensor_padded(const struct scion_tensor *x)
{
        return x->layout && x->length != (size_t)scion_shape_size(&x->shape);
}

struct scion_tensor *scion_tensor_view(struct scion_tensor *x, struct scion_shape shape)
{
        return scion_tensor_over(x->storage, x->offset, shape, x->dtype);
}

struct scion_tensor *scion_tensor_over(struct scion_storage *storage, size_t offset, struct scion_shape shape,
                                       enum scion_dtype dtype)
{
        if (!scion_check_shape(&shape))
                return NULL;
        const struct scion_array array = scion_array_over(storage, offset, shape, dtype);

        return tensor_create(&array);
}

bool scion_tensor_copy(const struct scion_tensor *x, struct scion_tensor *y)
{
        return SCION_ON_DEVICE(reorder, &x->array, &y->array);
}

static bool relayout_backward(struct scion_node *node)
{
        return scion_grad_add(node->input[0], node->output->grad); /* scion_grad_add() takes any layout */
}

static const struct scion_op relayout = { "reorder", relayout_backward };

struct scion_tensor *scion_tensor_in_form(struct scion_tensor *x, enum scion_dtype dtype,
                                          const struct scion_layout *layout)
{
        if (!x || (x->layout == layout && x->dtype == dtype))
                return x;
        struct scion_tensor *y = scion_tensor_new(x->shape, dtype, layout);

        if (!y || !scion_tensor_copy(x, y))
                return NULL;
        scion_record(&relayout, y, x, NULL, NULL, 0);
        return y;
}

struct scion_tensor *scion_tensor_in_layout(struct scion_tensor *x, const struct scion_layout *layout)
{
        return x ? scion_tensor_in_form(x, x->dtype, layout) : NULL;
}

static bool dtype_is_float(enum scion_dtype dtype)
{
        return dtype == SCION_F32 || dtype == SCION_BF16;
}

struct scion_tensor *scion_cast(struct scion_tensor *x, enum scion_dtype dtype)
{
        if (!x || x->dtype == dtype)
                return x;
        if (!dtype_is_float(x->dtype) || !dtype_is_float(dtype))
                return scion_refuse_null("cast: converts between float32 and bfloat16, not %s to %s",
                                         scion_dtype_name(x->dtype),
                                         (unsigned)dtype < SCION_DTYPES ? scion_dtype_name(dtype)
                                                                        : "an unknown type");
        return scion_tensor_in_form(scion_tensor_row_major(x), dtype, NULL);
}

struct scion_tensor *scion_tensor_row_major(struct scion_tensor *x)
{
        if (!x || !x->layout)
                return x;
        /* A copy that was made while recording was off cannot be used when recording is on. */
        if (x->row_major && (x->row_major->node || !scion_wants_grad(x)))
                return x->row_major;
        struct scion_tensor *row_major = scion_tensor_in_layout(x, NULL);

        /* The copy is cached only if it lives as long as x. A parameter changes between steps, and another tape is
         * reset at another time. */
        if (row_major && row_major->tape == x->tape)
                x->row_major = row_major;
        return row_major;
}

/* Returns the elements of x, which is row-major, in memory that the host can read. NULL, with a message, on failure. */
static const void *tensor_host_elements(struct scion_tensor *x)
{
        char *mapped = scion_storage_map(x->storage);

        if (mapped)
                return mapped + x->offset;
        if (x->host)
                return x->host;
        size_t bytes = x->length * scion_dtype_bytes(x->dtype);
        void *copy = scion_tape_alloc(bytes);

        if (!copy || !scion_storage_read(x->storage, x->offset, copy, bytes))
                return NULL;
        if (x->tape ==
            scion_tape_current()) /* a tensor that outlives the step may change before the next call */
                x->host = copy;
        return copy;
}

static const void *tensor_host_row_major(struct scion_tensor *x, enum scion_dtype dtype)
{
        if (!x)
                return NULL;
        if (x->dtype != dtype)
                return scion_refuse_null("the tensor holds %s", scion_dtype_name(x->dtype));
        scion_no_grad_begin();
        struct scion_tensor *row_major = scion_tensor_row_major(x);
        scion_no_grad_end();
        return row_major ? tensor_host_elements(row_major) : NULL;
}

const float *scion_data(struct scion_tensor *x)
{
        return tensor_host_row_major(x, SCION_F32);
}

const int32_t *scion_data_i32(struct scion_tensor *x)
{
        return tensor_host_row_major(x, SCION_I32);
}

float scion_item(struct scion_tensor *x)
{
        const float *data = scion_size(x) == 1 ? scion_data(x) : NULL;

        return data ? *data : NAN;
}

bool scion_tensor_read_scalars(struct scion_tensor *const *x, int count, float *values)
{
        struct scion_tensor *all = NULL;

        if (count == 0)
                return true;
        if (scion_storage_map(x[0]->storage)) {
                for (int i = 0; i < count; i++)
                        values[i] = scion_item(x[i]);
                return true;
        }
        all = scion_tensor_float(SCION_SHAPE(count), NULL);
        for (int i = 0; i < count; i++)
                if (!all || !scion_storage_copy(x[i]->storage, x[i]->offset, all->storage,
                                                all->offset + (size_t)i * sizeof *values, sizeof *values))
                        return false;
        return scion_storage_read(all->storage, all->offset, values, (size_t)count * sizeof *values);
}

struct scion_tensor *scion_full(struct scion_shape shape, float value)
{
        struct scion_tensor *x = scion_tensor_float(shape, NULL);

        return x && SCION_ON_DEVICE(fill, &x->array, (double)value) ? x : NULL;
}

struct scion_tensor *scion_zeros(struct scion_shape shape)
{
        return scion_full(shape, 0);
}

struct scion_tensor *scion_scalar(float value)
{
        return scion_full(SCION_SCALAR, value);
}

static struct scion_tensor *tensor_from(struct scion_shape shape, enum scion_dtype dtype, const void *values)
{
        if (!values)
                return scion_refuse_null("a tensor cannot be created from values that are NULL");
        struct scion_tensor *x = scion_tensor_new(shape, dtype, NULL);

        return x && scion_storage_write(x->storage, x->offset, values, x->length * scion_dtype_bytes(dtype))
                       ? x
                       : NULL;
}

struct scion_tensor *scion_from(struct scion_shape shape, const float *values)
{
        return tensor_from(shape, SCION_F32, values);
}

struct scion_tensor *scion_from_i32(struct scion_shape shape, const int32_t *values)
{
        return tensor_from(shape, SCION_I32, values);
}

struct scion_tensor *scion_grad(struct scion_tensor *x)
{
        return x && x->has_grad ? x->grad : NULL;
}

bool scion_check_float(const char *operation, const struct scion_tensor *x)
{
        if (scion_tracing())
                scion_trace_begin();
        if (!x)
                return false;
        return x->dtype == SCION_F32 ||
               scion_refuse("%s: takes float32, got %s", operation, scion_dtype_name(x->dtype));
}

int scion_check_axis(const char *operation, const struct scion_tensor *x, int axis)
{
        int counted = axis < 0 ? axis + x->shape.ndim : axis;
        char text[96];

        if (scion_tracing())
                scion_trace_begin();
        if (counted >= 0 && counted < x->shape.ndim)
                return counted;
        scion_refuse("%s: no axis %d in a tensor of shape %s", operation, axis,
                     scion_shape_text(&x->shape, text, sizeof text));
        return -1;
}

bool scion_check_broadcast(const char *operation, const struct scion_tensor *a, const struct scion_tensor *b,
                           struct scion_shape *result)
{
        int ndim = a->shape.ndim > b->shape.ndim ? a->shape.ndim : b->shape.ndim;

        *result = (struct scion_shape){ .ndim = ndim };
        for (int i = 1; i <= ndim; i++) {
                int64_t m = i <= a->shape.ndim ? a->shape.dim[a->shape.ndim - i] : 1;
                int64_t n = i <= b->shape.ndim ? b->shape.dim[b->shape.ndim - i] : 1;
                char left[96], right[96];

                if (m != n && m != 1 && n != 1)
                        return scion_refuse("%s: shapes %s and %s do not fit together", operation,
                                            scion_shape_text(&a->shape, left, sizeof left),
                                            scion_shape_text(&b->shape, right, sizeof right));
                result->dim[ndim - i] = m == 1 ? n : m;
        }
        return true;
}

bool scion_check_rows(const char *operation, const struct scion_tensor *a, const struct scion_tensor *b,
                      int64_t least)
{
        char of_a[96], of_b[96];

        if (!scion_check_float(operation, a) || !scion_check_float(operation, b))
                return false;
        scion_shape_text(&a->shape, of_a, sizeof of_a);
        scion_shape_text(&b->shape, of_b, sizeof of_b);
        if (a->shape.ndim != 2 || b->shape.ndim != 2 || a->shape.dim[1] != b->shape.dim[1])
                return scion_refuse("%s: takes NxD and MxD, got %s and %s", operation, of_a, of_b);
        return (a->shape.dim[0] >= least && b->shape.dim[0] >= least) ||
               scion_refuse("%s: takes %lld examples or more of each, got %s and %s", operation,
                            (long long)least, of_a, of_b);
}

bool scion_check_axes(const char *operation, const struct scion_tensor *x, unsigned axes, unsigned *result)
{
        unsigned all = (1u << x->shape.ndim) - 1;

        *result = all;
        if (axes == SCION_ALL_AXES)
                return true;
        *result = 0;
        for (int bit = 0; bit < 32; bit++) {
                if (!(axes >> bit & 1))
                        continue;
                int axis = scion_check_axis(operation, x, bit < 16 ? bit : bit - 32);

                if (axis < 0)
                        return false;
                *result |= 1u << axis;
        }
        return true;
}
