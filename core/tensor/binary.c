/* Operations on the elements of two tensors, which broadcast. */
#include "tensor/gradient.h"
#include "tensor/reduce.h"
#include "tensor/tape.h"

struct binary {
        struct scion_op op; /* first, so that a node's op is also a pointer to the entry */
        bool keeps_zero;    /* f(0, 0) = 0, so that padding stays 0 */
};

static bool add_backward(struct scion_node *node);
static bool sub_backward(struct scion_node *node);
static bool mul_backward(struct scion_node *node);
static bool div_backward(struct scion_node *node);
static bool add_relu_backward(struct scion_node *node);

static const struct binary operations[SCION_BINARIES] = {
        [SCION_BINARY_ADD] = { { "add", add_backward }, true },
        [SCION_BINARY_SUB] = { { "sub", sub_backward }, true },
        [SCION_BINARY_MUL] = { { "mul", mul_backward }, true },
        [SCION_BINARY_DIV] = { { "div", div_backward }, false },
        [SCION_BINARY_ADD_RELU] = { { "add_relu", add_relu_backward }, true },
};

/*
 * Brings a and b into one layout: row-major when they broadcast, or when the operation would not keep padding 0. If only
 * one of them is row-major, it is reordered to the layout of the other, because the result of a convolution usually is
 * the input of another one.
 */
static bool operands_align(enum scion_binary op, struct scion_tensor **a, struct scion_tensor **b)
{
        struct scion_tensor *left = *a, *right = *b;
        bool same = scion_shape_equal(&left->shape, &right->shape);
        const struct scion_layout *layout = left->layout ? left->layout : right->layout;

        if (!same ||
            (!operations[op].keeps_zero && (scion_tensor_padded(left) || scion_tensor_padded(right))))
                layout = NULL;
        *a = layout ? scion_tensor_in_layout(left, layout) : scion_tensor_row_major(left);
        *b = layout ? scion_tensor_in_layout(right, layout) : scion_tensor_row_major(right);
        return *a && *b;
}

static struct scion_tensor *binary_apply(enum scion_binary op, struct scion_tensor *a, struct scion_tensor *b)
{
        const struct scion_op *entry = &operations[op].op;
        struct scion_shape shape;

        if (!scion_check_float(entry->name, a) || !scion_check_float(entry->name, b) ||
            !scion_check_broadcast(entry->name, a, b, &shape) || !operands_align(op, &a, &b))
                return NULL;
        struct scion_tensor *y = scion_tensor_float(shape, a->layout);

        if (!y || !SCION_ON_DEVICE(binary, op, &a->array, &b->array, &y->array))
                return NULL;
        scion_record(entry, y, a, b, NULL, 0);
        return y;
}

struct scion_tensor *scion_add(struct scion_tensor *a, struct scion_tensor *b)
{
        return binary_apply(SCION_BINARY_ADD, a, b);
}

struct scion_tensor *scion_add_relu(struct scion_tensor *a, struct scion_tensor *b)
{
        return binary_apply(SCION_BINARY_ADD_RELU, a, b);
}

struct scion_tensor *scion_sub(struct scion_tensor *a, struct scion_tensor *b)
{
        return binary_apply(SCION_BINARY_SUB, a, b);
}

struct scion_tensor *scion_mul(struct scion_tensor *a, struct scion_tensor *b)
{
        return binary_apply(SCION_BINARY_MUL, a, b);
}

struct scion_tensor *scion_div(struct scion_tensor *a, struct scion_tensor *b)
{
        return binary_apply(SCION_BINARY_DIV, a, b);
}

/* --- Gradients ------------------------------------------------------------------------------------------ */

/* Adds op(a, b), summed over the axes along which x was stretched, to the gradient of x. */
static bool gradient_add_binary(struct scion_tensor *x, enum scion_binary op, struct scion_tensor *a,
                                struct scion_tensor *b)
{
        struct scion_shape shape;

        if (!a || !b || !operands_align(op, &a, &b) ||
            !scion_check_broadcast(operations[op].op.name, a, b, &shape))
                return false;
        bool whole = scion_shape_equal(&shape, &x->shape);
        struct scion_tensor *g =
                whole ? scion_grad_target(x, a->layout) : scion_tensor_float(shape, a->layout);

        return g && SCION_ON_DEVICE(binary, op, &a->array, &b->array, &g->array) &&
               scion_grad_done(x, whole ? g : scion_sum_to(g, &x->shape));
}

/* Adds g, summed over the axes along which x was stretched, to the gradient of x. */
static bool gradient_add(struct scion_tensor *x, struct scion_tensor *g)
{
        if (!x->requires_grad)
                return true;
        struct scion_tensor *sum = scion_sum_to(g, &x->shape);

        return sum == g ? scion_grad_add(x, g) : scion_grad_done(x, sum);
}

static bool add_backward(struct scion_node *node)
{
        struct scion_tensor *g = node->output->grad;

        return gradient_add(node->input[0], g) && gradient_add(node->input[1], g);
}

/* The gradient of a sum is the gradient of both inputs, which share its tensor. */
static bool add_relu_backward(struct scion_node *node)
{
        const struct scion_tensor *y = node->output;
        struct scion_tensor *g = scion_tensor_in_layout(y->grad, y->layout);
        struct scion_tensor *sum = g ? scion_tensor_float(y->shape, y->layout) : NULL;

        if (!sum || !SCION_ON_DEVICE(unary_gradient, SCION_UNARY_RELU, 0, &g->array, &y->array, &sum->array))
                return false;
        scion_grad_allow_reuse();
        return gradient_add(node->input[0], sum) && gradient_add(node->input[1], sum);
}

static bool sub_backward(struct scion_node *node)
{
        struct scion_tensor *b = node->input[1], *g = node->output->grad;

        return gradient_add(node->input[0], g) &&
               (!b->requires_grad ||
                gradient_add_binary(b, SCION_BINARY_MUL, scion_sum_to(g, &b->shape), scion_scalar(-1)));
}

static bool mul_backward(struct scion_node *node)
{
        struct scion_tensor *a = node->input[0], *b = node->input[1], *g = node->output->grad;

        return (!a->requires_grad || gradient_add_binary(a, SCION_BINARY_MUL, g, b)) &&
               (!b->requires_grad || gradient_add_binary(b, SCION_BINARY_MUL, g, a));
}

/* With y = a / b: da = g / b, db = -(g y) / b. The division by b comes after the sum over the axes that b is stretched
 * over, because b is constant along them. */
static bool div_backward(struct scion_node *node)
{
        struct scion_tensor *a = node->input[0], *b = node->input[1], *y = node->output, *g = y->grad;

        if (a->requires_grad && !gradient_add_binary(a, SCION_BINARY_DIV, g, b))
                return false;
        return !b->requires_grad ||
               gradient_add_binary(b, SCION_BINARY_DIV, scion_neg(scion_sum_to(scion_mul(g, y), &b->shape)),
                                   b);
}
