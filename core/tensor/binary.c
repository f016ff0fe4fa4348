/* Operations on the elements of two tensors, which broadcast. */
#include <scion/simd.h>

#include "backend/cpu/parallel.h"
#include "backend/cpu/walk.h"
#include "tensor/gradient.h"
#include "tensor/reduce.h"
#include "tensor/tape.h"

/* Operand 0 is the result, 1 and 2 are a and b. Along the columns one of them may stand still. */
struct binary {
        struct scion_op op; /* first: a node's op is the table's entry */
        void (*inner)(const struct scion_walk *walk, float *y, const float *a, const float *b);
        bool keeps_zero; /* two zeros make a zero: may run over padding */
};

#define BINARY(NAME, KEEPS_ZERO, EXPRESSION)                                                             \
        static bool NAME##_backward(struct scion_node *node);                                            \
                                                                                                         \
        SCION_CLONES static void NAME##_inner(const struct scion_walk *walk, float *ys, const float *as, \
                                              const float *bs)                                           \
        {                                                                                                \
                const int64_t columns = walk->columns;                                                   \
                                                                                                         \
                for (int64_t i = 0; i < walk->rows; i++) {                                               \
                        float *restrict to = ys + i * walk->row[0];                                      \
                        const float *left = as + i * walk->row[1], *right = bs + i * walk->row[2];       \
                                                                                                         \
                        if (walk->column[1] && walk->column[2]) {                                        \
                                for (int64_t j = 0; j < columns; j++) {                                  \
                                        float a = left[j], b = right[j];                                 \
                                                                                                         \
                                        to[j] = EXPRESSION;                                              \
                                }                                                                        \
                        } else if (walk->column[1]) {                                                    \
                                const float b = *right;                                                  \
                                                                                                         \
                                for (int64_t j = 0; j < columns; j++) {                                  \
                                        float a = left[j];                                               \
                                                                                                         \
                                        to[j] = EXPRESSION;                                              \
                                }                                                                        \
                        } else {                                                                         \
                                const float a = *left;                                                   \
                                                                                                         \
                                for (int64_t j = 0; j < columns; j++) {                                  \
                                        float b = right[j];                                              \
                                                                                                         \
                                        to[j] = EXPRESSION;                                              \
                                }                                                                        \
                        }                                                                                \
                }                                                                                        \
        }                                                                                                \
                                                                                                         \
        static const struct binary NAME##_op = { { #NAME, NAME##_backward }, NAME##_inner, KEEPS_ZERO };

BINARY(add, true, a + b)
BINARY(sub, true, a - b)
BINARY(mul, true, a *b)
BINARY(div, false, a / b)
BINARY(add_relu, true, 0 > a + b ? 0 : a + b)

/*
 * Makes a and b lie alike, or row-major when they broadcast or the operation would spoil the padding. A
 * tensor in a layout of its own pulls a row-major one of the same shape along: what comes from a convolution
 * usually goes to one.
 */
static bool agree(const struct binary *binary, struct scion_tensor **a, struct scion_tensor **b)
{
        struct scion_tensor *left = *a, *right = *b;
        bool same = scion_shape_equal(&left->shape, &right->shape);
        const struct scion_layout *layout = left->layout ? left->layout : right->layout;

        if (!same || (!binary->keeps_zero && (scion_tensor_padded(left) || scion_tensor_padded(right))))
                layout = NULL;
        *a = layout ? scion_tensor_in_layout(left, layout) : scion_tensor_plain(left);
        *b = layout ? scion_tensor_in_layout(right, layout) : scion_tensor_plain(right);
        return *a && *b;
}

/* Operands that lie alike. */
struct loop {
        const struct binary *binary;
        float *y;
        const float *a, *b;
};

static void run_part(void *context, int part, int64_t from, int64_t to)
{
        const struct loop *loop = context;
        const struct scion_walk walk = { .rows = 1, .columns = to - from, .column = { 1, 1, 1 } };

        (void)part;
        loop->binary->inner(&walk, loop->y + from, loop->a + from, loop->b + from);
}

/* Into y, for a and b that lie as agree() left them; y's shape is what they broadcast to. */
static void run(const struct binary *binary, struct scion_tensor *y, const struct scion_tensor *a,
                const struct scion_tensor *b)
{
        struct scion_walk walk;

        if (scion_shape_equal(&a->shape, &b->shape)) {
                scion_parallel_elements(y->length, run_part,
                                        &(struct loop){ binary, y->data, a->data, b->data });
                return;
        }
        int64_t stride[3][SCION_MAX_DIMS];

        scion_strides(&y->shape, stride[0]);
        scion_broadcast_strides(&a->shape, &y->shape, stride[1]);
        scion_broadcast_strides(&b->shape, &y->shape, stride[2]);
        scion_walk_start(&walk, &y->shape, 3, stride);
        do
                binary->inner(&walk, (float *)y->data + walk.offset[0],
                              (const float *)a->data + walk.offset[1],
                              (const float *)b->data + walk.offset[2]);
        while (scion_walk_next(&walk));
}

static struct scion_tensor *apply(const struct binary *binary, struct scion_tensor *a, struct scion_tensor *b)
{
        struct scion_shape shape;

        if (!scion_check_float(binary->op.name, a) || !scion_check_float(binary->op.name, b) ||
            !scion_check_broadcast(binary->op.name, a, b, &shape) || !agree(binary, &a, &b))
                return NULL;
        struct scion_tensor *y = scion_tensor_new(shape, SCION_F32, a->layout);

        if (!y)
                return NULL;
        run(binary, y, a, b);
        scion_record(&binary->op, y, a, b, NULL, 0);
        return y;
}

struct scion_tensor *scion_add(struct scion_tensor *a, struct scion_tensor *b)
{
        return apply(&add_op, a, b);
}

struct scion_tensor *scion_add_relu(struct scion_tensor *a, struct scion_tensor *b)
{
        return apply(&add_relu_op, a, b);
}

struct scion_tensor *scion_sub(struct scion_tensor *a, struct scion_tensor *b)
{
        return apply(&sub_op, a, b);
}

struct scion_tensor *scion_mul(struct scion_tensor *a, struct scion_tensor *b)
{
        return apply(&mul_op, a, b);
}

struct scion_tensor *scion_div(struct scion_tensor *a, struct scion_tensor *b)
{
        return apply(&div_op, a, b);
}

/* --- Gradients ------------------------------------------------------------------------------------------ */

/* Adds binary(a, b), summed over the axes that x stretched over, to the gradient of x. */
static bool give(struct scion_tensor *x, const struct binary *binary, struct scion_tensor *a,
                 struct scion_tensor *b)
{
        if (!a || !b || !agree(binary, &a, &b))
                return false;
        struct scion_shape shape;

        if (!scion_check_broadcast(binary->op.name, a, b, &shape))
                return false;
        bool whole = scion_shape_equal(&shape, &x->shape);
        struct scion_tensor *g =
                whole ? scion_grad_target(x, a->layout) : scion_tensor_new(shape, SCION_F32, a->layout);

        if (!g)
                return false;
        run(binary, g, a, b);
        return scion_grad_done(x, whole ? g : scion_sum_to(g, &x->shape));
}

/* Adds g, summed likewise, to the gradient of x. */
static bool pass(struct scion_tensor *x, struct scion_tensor *g)
{
        if (!x->requires_grad)
                return true;
        struct scion_tensor *sum = scion_sum_to(g, &x->shape);

        return sum == g ? scion_grad_add(x, g) : scion_grad_done(x, sum);
}

static bool add_backward(struct scion_node *node)
{
        struct scion_tensor *g = node->output->grad;

        return pass(node->input[0], g) && pass(node->input[1], g);
}

/* What lets a gradient through: y, which lies as the others do. */
struct gate {
        float *dx;
        const float *g, *y;
};

SCION_CLONES static void let_through(const float *g, const float *y, float *restrict dx, int64_t count)
{
        for (int64_t i = 0; i < count; i++)
                dx[i] = y[i] > 0 ? g[i] : 0;
}

static void gate_part(void *context, int part, int64_t from, int64_t to)
{
        const struct gate *gate = context;

        (void)part;
        let_through(gate->g + from, gate->y + from, gate->dx + from, to - from);
}

/* Both inputs share the gradient of their sum. */
static bool add_relu_backward(struct scion_node *node)
{
        const struct scion_tensor *y = node->output;
        struct scion_tensor *g = scion_tensor_in_layout(y->grad, y->layout);
        struct scion_tensor *sum = g ? scion_tensor_new(y->shape, SCION_F32, y->layout) : NULL;

        if (!sum)
                return false;
        scion_parallel_elements(sum->length, gate_part, &(struct gate){ sum->data, g->data, y->data });
        scion_gradient_used_up();
        return pass(node->input[0], sum) && pass(node->input[1], sum);
}

static bool sub_backward(struct scion_node *node)
{
        struct scion_tensor *b = node->input[1], *g = node->output->grad;

        return pass(node->input[0], g) &&
               (!b->requires_grad || give(b, &mul_op, scion_sum_to(g, &b->shape), scion_scalar(-1)));
}

static bool mul_backward(struct scion_node *node)
{
        struct scion_tensor *a = node->input[0], *b = node->input[1], *g = node->output->grad;

        return (!a->requires_grad || give(a, &mul_op, g, b)) && (!b->requires_grad || give(b, &mul_op, g, a));
}

/* With y = a / b: da = g / b, db = -(g y) / b; b is the same along the axes that are summed over. */
static bool div_backward(struct scion_node *node)
{
        struct scion_tensor *a = node->input[0], *b = node->input[1], *y = node->output, *g = y->grad;

        if (a->requires_grad && !give(a, &div_op, g, b))
                return false;
        return !b->requires_grad || give(b, &div_op, scion_neg(scion_sum_to(scion_mul(g, y), &b->shape)), b);
}
