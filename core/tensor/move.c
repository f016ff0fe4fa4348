/* Operations that move elements: the order of axes, parts of a tensor, joins. */
#include <string.h>

#include "backend/cpu/walk.h"
#include "tensor/gradient.h"
#include "tensor/tape.h"

#define ELEMENT 4 /* bytes, of either type */
#define TILE 16

/* Where elements are, or go: the first one, and the strides. */
struct place {
        char *data;
        int64_t stride[SCION_MAX_DIMS];
};

/* The whole of a row-major tensor. */
static struct place place_of(const struct scion_tensor *x)
{
        struct place place = { .data = x->data };

        scion_strides(&x->shape, place.stride);
        return place;
}

/* The part of it that starts at `start` on an axis. */
static struct place place_from(const struct scion_tensor *x, int axis, int64_t start)
{
        struct place place = place_of(x);

        place.data += start * place.stride[axis] * ELEMENT;
        return place;
}

/* Columns that are not next to each other are copied tile by tile, so that lines of the cache are used up. */
static void copy_tiles(const struct scion_walk *walk, char *to, const char *from)
{
        for (int64_t i = 0; i < walk->rows; i += TILE)
                for (int64_t j = 0; j < walk->columns; j += TILE)
                        for (int64_t k = i; k < walk->rows && k < i + TILE; k++)
                                for (int64_t l = j; l < walk->columns && l < j + TILE; l++)
                                        memcpy(to + (k * walk->row[0] + l * walk->column[0]) * ELEMENT,
                                               from + (k * walk->row[1] + l * walk->column[1]) * ELEMENT,
                                               ELEMENT);
}

static void copy_rows(const struct scion_walk *walk, char *to, const char *from)
{
        for (int64_t i = 0; i < walk->rows; i++)
                memcpy(to + i * walk->row[0] * ELEMENT, from + i * walk->row[1] * ELEMENT,
                       (size_t)walk->columns * ELEMENT);
}

static void add_floats(const struct scion_walk *walk, char *to, const char *from)
{
        for (int64_t i = 0; i < walk->rows; i++) {
                float *restrict sum = (float *)(void *)to + i * walk->row[0];
                const float *restrict x = (const float *)(const void *)from + i * walk->row[1];

                for (int64_t j = 0; j < walk->columns; j++)
                        sum[j * walk->column[0]] += x[j * walk->column[1]];
        }
}

/* Copies `shape` elements, or adds them, which are floats then. */
static void move(const struct scion_shape *shape, const struct place *to, const struct place *from, bool add)
{
        int64_t stride[2][SCION_MAX_DIMS];
        struct scion_walk walk;

        memcpy(stride[0], to->stride, sizeof stride[0]);
        memcpy(stride[1], from->stride, sizeof stride[1]);
        scion_walk_start(&walk, shape, 2, stride);
        bool rows = walk.columns == 1 || (walk.column[0] == 1 && walk.column[1] == 1);

        do
                (add    ? add_floats
                 : rows ? copy_rows
                        : copy_tiles)(&walk, to->data + walk.offset[0] * ELEMENT,
                                      from->data + walk.offset[1] * ELEMENT);
        while (scion_walk_next(&walk));
}

/* --- Order of axes -------------------------------------------------------------------------------------- */

static void move_permuted(const struct scion_tensor *x, const int *order, struct scion_tensor *y)
{
        struct place from = place_of(x), to = place_of(y), jumping = from;

        for (int i = 0; i < y->shape.ndim; i++)
                jumping.stride[i] = from.stride[order[i]];
        move(&y->shape, &to, &jumping, false);
}

static bool permute_backward(struct scion_node *node)
{
        const int *order = node->saved;
        struct scion_tensor *x = node->input[0], *g = scion_tensor_plain(node->output->grad);
        struct scion_tensor *dx = g ? scion_grad_target(x, NULL) : NULL;
        int back[SCION_MAX_DIMS];

        if (!dx)
                return false;
        for (int i = 0; i < x->shape.ndim; i++)
                back[order[i]] = i;
        move_permuted(g, back, dx);
        return scion_grad_done(x, dx);
}

static const struct scion_op permute_op = { "permute", permute_backward };
static const struct scion_op transpose_op = { "transpose", permute_backward };

static struct scion_tensor *permute(const struct scion_op *op, struct scion_tensor *x, const int *order)
{
        struct scion_shape shape = x->shape;
        bool same = true;

        for (int i = 0; i < shape.ndim; i++) {
                shape.dim[i] = x->shape.dim[order[i]];
                same = same && order[i] == i;
        }
        if (same)
                return x;
        x = scion_tensor_plain(x);
        struct scion_tensor *y = x ? scion_tensor_new(shape, x->dtype, NULL) : NULL;

        if (!y)
                return NULL;
        move_permuted(x, order, y);
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
                        return scion_refuse_null("permute: axis %d comes twice", order[i]);
                seen |= 1u << counted[i];
        }
        return permute(&permute_op, x, counted);
}

struct scion_tensor *scion_transpose(struct scion_tensor *x, int axis_a, int axis_b)
{
        int order[SCION_MAX_DIMS] = { 0, 1, 2, 3, 4, 5 };

        if (!x || (axis_a = scion_check_axis("transpose", x, axis_a)) < 0 ||
            (axis_b = scion_check_axis("transpose", x, axis_b)) < 0)
                return NULL;
        order[axis_a] = axis_b;
        order[axis_b] = axis_a;
        return permute(&transpose_op, x, order);
}

/* --- Parts ---------------------------------------------------------------------------------------------- */

struct part {
        int axis;
        int64_t start;
};

static bool slice_backward(struct scion_node *node)
{
        const struct part *part = node->saved;
        struct scion_tensor *x = node->input[0], *g = scion_tensor_plain(node->output->grad);
        struct scion_tensor *sum = scion_grad_so_far(x);

        if (!g)
                return false;
        struct place from = place_of(g);

        if (sum) { /* many slices of one tensor: the others need not be gone through for each */
                struct place to = place_from(sum, part->axis, part->start);

                move(&g->shape, &to, &from, true);
                return true;
        }
        struct scion_tensor *dx = scion_grad_target(x, NULL);

        if (!dx)
                return false;
        memset(dx->data, 0, dx->length * ELEMENT);
        struct place to = place_from(dx, part->axis, part->start);

        move(&g->shape, &to, &from, false);
        return scion_grad_done(x, dx);
}

static const struct scion_op slice_op = { "slice", slice_backward };

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
        bool apart = false; /* do the elements lie in more than one piece? */

        shape.dim[axis] = length;
        for (int i = 0; i < axis; i++)
                apart = apart || shape.dim[i] > 1;
        x = scion_tensor_plain(x);
        if (!x)
                return NULL;
        struct place from = place_from(x, axis, start);
        struct scion_tensor *y = apart ? scion_tensor_new(shape, x->dtype, NULL)
                                       : scion_tensor_wrap(shape, x->dtype, from.data);

        if (!y)
                return NULL;
        if (apart) {
                struct place to = place_of(y);

                move(&shape, &to, &from, false);
        }
        struct scion_node *node = scion_record(&slice_op, y, x, NULL, NULL, sizeof(struct part));

        if (node)
                *(struct part *)node->saved = (struct part){ axis, start };
        return y;
}

/* --- Joins ---------------------------------------------------------------------------------------------- */

struct joined {
        int axis, count;
        struct scion_tensor *x[];
};

static bool concat_backward(struct scion_node *node)
{
        const struct joined *joined = node->saved;
        struct scion_tensor *g = scion_tensor_plain(node->output->grad);
        int64_t start = 0;

        if (!g)
                return false;
        for (int i = 0; i < joined->count; i++) {
                struct scion_tensor *x = joined->x[i];
                struct place from = place_from(g, joined->axis, start);

                start += x->shape.dim[joined->axis];
                if (!x->requires_grad)
                        continue;
                struct scion_tensor *dx = scion_grad_target(x, NULL);

                if (!dx)
                        return false;
                struct place to = place_of(dx);

                move(&x->shape, &to, &from, false);
                if (!scion_grad_done(x, dx))
                        return false;
        }
        return true;
}

static const struct scion_op concat_op = { "concat", concat_backward };

/* The shape of the whole; false, with a message, when the parts do not fit. */
static bool joined_shape(struct scion_tensor *const *x, int count, int axis, struct scion_shape *shape)
{
        *shape = x[0]->shape;
        for (int i = 1; i < count; i++) {
                struct scion_shape other = x[i]->shape;
                char left[96], right[96];

                if (x[i]->dtype != x[0]->dtype)
                        return scion_refuse("concat: floats and integers");
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

/* Copies the parts into y; keeps what the gradient needs. */
static bool join(struct joined *joined, struct scion_tensor *y)
{
        struct scion_tensor *wants = NULL;
        int64_t start = 0;

        for (int i = 0; i < joined->count; i++) {
                struct scion_tensor *x = joined->x[i] = scion_tensor_plain(joined->x[i]);

                if (!x)
                        return false;
                struct place from = place_of(x), to = place_from(y, joined->axis, start);

                move(&x->shape, &to, &from, false);
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
                return scion_refuse_null("concat: %d tensors", count);
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
        return join(joined, y) ? y : NULL;
}
