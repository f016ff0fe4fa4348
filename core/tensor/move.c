/* Operations that move elements: permutations of axes, slices, concatenation. */
#include <string.h>

#include "tensor/gradient.h"
#include "tensor/tape.h"

/* Returns the strided description of a whole row-major tensor. */
static struct scion_strided strided_whole(const struct scion_tensor *x)
{
        struct scion_strided strided = { .array = &x->array };
        int64_t step = 1;

        for (int i = x->shape.ndim - 1; i >= 0; i--) {
                strided.stride[i] = step;
                step *= x->shape.dim[i];
        }
        return strided;
}

/* Returns the strided description of the part of a row-major tensor that begins at `start` on an axis. */
static struct scion_strided strided_part(const struct scion_tensor *x, int axis, int64_t start)
{
        struct scion_strided strided = strided_whole(x);

        strided.first = start * strided.stride[axis];
        return strided;
}

/* --- Order of axes -------------------------------------------------------------------------------------- */

/* Copies x to y, whose axis i is axis order[i] of x. */
static bool elements_permute(const struct scion_tensor *x, const int *order, struct scion_tensor *y)
{
        const struct scion_strided whole = strided_whole(x), to = strided_whole(y);
        struct scion_strided from = whole;

        for (int i = 0; i < y->shape.ndim; i++)
                from.stride[i] = whole.stride[order[i]];
        return SCION_ON_DEVICE(move, &y->shape, &from, &to, false);
}

static bool permute_backward(struct scion_node *node)
{
        const int *order = node->saved;
        struct scion_tensor *x = node->input[0], *g = scion_tensor_row_major(node->output->grad);
        struct scion_tensor *dx = g ? scion_grad_target(x, NULL) : NULL;
        int back[SCION_MAX_DIMS];

        if (!dx)
                return false;
        for (int i = 0; i < x->shape.ndim; i++)
                back[order[i]] = i;
        return elements_permute(g, back, dx) && scion_grad_done(x, dx);
}

static const struct scion_op permute_op = { "permute", permute_backward };
static const struct scion_op transpose_op = { "transpose", permute_backward };

static struct scion_tensor *permute_apply(const struct scion_op *op, struct scion_tensor *x, const int *order)
{
        struct scion_shape shape = x->shape;
        bool same = true;

        for (int i = 0; i < shape.ndim; i++) {
                shape.dim[i] = x->shape.dim[order[i]];
                same = same && order[i] == i;
        }
        if (same)
                return x;
        x = scion_tensor_row_major(x);
        struct scion_tensor *y = x ? scion_tensor_new(shape, x->dtype, NULL) : NULL;

        if (!y || !elements_permute(x, order, y))
                return NULL;
        struct scion_node *node = scion_record(op, y, x, NULL, NULL, SCION_MAX_DIMS * sizeof *order);

        if (node)
                memcpy(node->saved, order, (size_t)shape.ndim * sizeof *order);
        return y;
}

struct scion_tensor *scion_permute(struct scion_tensor *x, const int *order)
{
        int counted[SCION_MAX_DIMS];
        unsigned seen = 0;

        if (!x)
                return NULL;
        for (int i = 0; i < x->shape.ndim; i++) {
                counted[i] = scion_check_axis("permute", x, order[i]);
                if (counted[i] < 0)
                        return NULL;
                if (seen >> counted[i] & 1)
                        return scion_refuse_null("permute: axis %d is given twice", order[i]);
                seen |= 1u << counted[i];
        }
        return permute_apply(&permute_op, x, counted);
}

struct scion_tensor *scion_transpose(struct scion_tensor *x, int axis_a, int axis_b)
{
        int order[SCION_MAX_DIMS] = { 0, 1, 2, 3, 4, 5 };

        if (!x || (axis_a = scion_check_axis("transpose", x, axis_a)) < 0 ||
            (axis_b = scion_check_axis("transpose", x, axis_b)) < 0)
                return NULL;
        order[axis_a] = axis_b;
        order[axis_b] = axis_a;
        return permute_apply(&transpose_op, x, order);
}

/* --- Slices --------------------------------------------------------------------------------------------- */

struct part {
        int axis;
        int64_t start;
};

static bool slice_backward(struct scion_node *node)
{
        const struct part *part = node->saved;
        struct scion_tensor *x = node->input[0], *g = scion_tensor_row_major(node->output->grad);
        struct scion_tensor *sum = scion_grad_accumulated(x);

        if (!g)
                return false;
        const struct scion_strided from = strided_whole(g);

        if (sum) { /* adds only to the slice, because a tensor may have many slices */
                const struct scion_strided to = strided_part(sum, part->axis, part->start);

                scion_tensor_changed(sum);
                return SCION_ON_DEVICE(move, &g->shape, &from, &to, true);
        }
        struct scion_tensor *dx = scion_grad_target(x, NULL);

        if (!dx || !SCION_ON_DEVICE(fill, &dx->array, 0))
                return false;
        const struct scion_strided to = strided_part(dx, part->axis, part->start);

        return SCION_ON_DEVICE(move, &g->shape, &from, &to, false) && scion_grad_done(x, dx);
}

static const struct scion_op slice_op = { "slice", slice_backward };

/* Copies the part of x that `from` describes into a new tensor. */
static struct scion_tensor *part_copy(const struct scion_tensor *x, const struct scion_strided *from,
                                      struct scion_shape shape)
{
        struct scion_tensor *y = scion_tensor_new(shape, x->dtype, NULL);

        if (!y)
                return NULL;
        const struct scion_strided to = strided_whole(y);

        return SCION_ON_DEVICE(move, &shape, from, &to, false) ? y : NULL;
}

struct scion_tensor *scion_slice(struct scion_tensor *x, int axis, int64_t start, int64_t length)
{
        char text[96];

        if (!x || (axis = scion_check_axis("slice", x, axis)) < 0)
                return NULL;
        if (start < 0 || length < 1 || start >= x->shape.dim[axis] || length > x->shape.dim[axis] - start)
                return scion_refuse_null(
                        "slice: %lld elements from %lld on are not in axis %d of a tensor of "
                        "shape %s",
                        (long long)length, (long long)start, axis,
                        scion_shape_text(&x->shape, text, sizeof text));
        if (length == x->shape.dim[axis])
                return x;
        struct scion_shape shape = x->shape;
        bool contiguous = true;

        shape.dim[axis] = length;
        for (int i = 0; i < axis; i++)
                contiguous = contiguous && shape.dim[i] == 1;
        x = scion_tensor_row_major(x);
        if (!x)
                return NULL;
        const struct scion_strided from = strided_part(x, axis, start);
        size_t offset = x->offset + (size_t)from.first * scion_dtype_bytes(x->dtype);
        struct scion_tensor *y = contiguous ? scion_tensor_over(x->storage, offset, shape, x->dtype)
                                            : part_copy(x, &from, shape);

        if (!y)
                return NULL;
        struct scion_node *node = scion_record(&slice_op, y, x, NULL, NULL, sizeof(struct part));

        if (node)
                *(struct part *)node->saved = (struct part){ axis, start };
        return y;
}

/* --- Concatenation -------------------------------------------------------------------------------------- */

struct joined {
        int axis, count;
        struct scion_tensor *x[];
};

static bool concat_backward(struct scion_node *node)
{
        const struct joined *joined = node->saved;
        struct scion_tensor *g = scion_tensor_row_major(node->output->grad);
        int64_t start = 0;

        if (!g)
                return false;
        for (int i = 0; i < joined->count; i++) {
                struct scion_tensor *x = joined->x[i];
                const struct scion_strided from = strided_part(g, joined->axis, start);

                start += x->shape.dim[joined->axis];
                if (!x->requires_grad)
                        continue;
                struct scion_tensor *dx = scion_grad_target(x, NULL);

                if (!dx)
                        return false;
                const struct scion_strided to = strided_whole(dx);

                if (!SCION_ON_DEVICE(move, &x->shape, &from, &to, false) || !scion_grad_done(x, dx))
                        return false;
        }
        return true;
}

static const struct scion_op concat_op = { "concat", concat_backward };

/* Computes the shape of the result. False, with a message, when types or shapes do not match. */
static bool joined_shape(struct scion_tensor *const *x, int count, int axis, struct scion_shape *shape)
{
        *shape = x[0]->shape;
        for (int i = 1; i < count; i++) {
                struct scion_shape other = x[i]->shape;
                char left[96], right[96];

                if (x[i]->dtype != x[0]->dtype)
                        return scion_refuse("concat: tensors of %s and %s", scion_dtype_name(x[0]->dtype),
                                            scion_dtype_name(x[i]->dtype));
                if (other.ndim == shape->ndim)
                        other.dim[axis] = x[0]->shape.dim[axis];
                if (!scion_shape_equal(&other, &x[0]->shape))
                        return scion_refuse("concat: shapes %s and %s do not fit together along axis %d",
                                            scion_shape_text(&x[0]->shape, left, sizeof left),
                                            scion_shape_text(&x[i]->shape, right, sizeof right), axis);
                shape->dim[axis] += x[i]->shape.dim[axis];
        }
        return true;
}

/* Copies the parts into y, and records the operation when gradients flow to one of them. */
static bool joined_copy(struct joined *joined, struct scion_tensor *y)
{
        struct scion_tensor *wants = NULL;
        int64_t start = 0;

        for (int i = 0; i < joined->count; i++) {
                struct scion_tensor *x = joined->x[i] = scion_tensor_row_major(joined->x[i]);

                if (!x)
                        return false;
                const struct scion_strided from = strided_whole(x), to = strided_part(y, joined->axis, start);

                if (!SCION_ON_DEVICE(move, &x->shape, &from, &to, false))
                        return false;
                start += x->shape.dim[joined->axis];
                if (!wants && scion_wants_grad(x))
                        wants = x;
        }
        struct scion_node *node = scion_record(&concat_op, y, wants, NULL, NULL, 0);

        if (node)
                node->saved = joined;
        return true;
}

struct scion_tensor *scion_concat(struct scion_tensor *const *x, int count, int axis)
{
        struct scion_shape shape;

        if (!x)
                return NULL;
        if (count < 1)
                return scion_refuse_null("concat: takes one tensor or more, got %d", count);
        for (int i = 0; i < count; i++)
                if (!x[i])
                        return NULL;
        if ((axis = scion_check_axis("concat", x[0], axis)) < 0 || !joined_shape(x, count, axis, &shape))
                return NULL;
        if (count == 1)
                return x[0];
        struct scion_tensor *y = scion_tensor_new(shape, x[0]->dtype, NULL);
        struct joined *joined =
                y ? scion_tape_alloc(sizeof *joined + (size_t)count * sizeof joined->x[0]) : NULL;

        if (!joined)
                return NULL;
        joined->axis = axis;
        joined->count = count;
        memcpy(joined->x, x, (size_t)count * sizeof joined->x[0]);
        return joined_copy(joined, y) ? y : NULL;
}
