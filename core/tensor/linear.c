/* Fully connected layers: x weight^T + bias along the last axis. */
#include "backend/backend.h"
#include "tensor/gradient.h"

/* Returns the number of rows of x as a matrix, which is the product of all axes but the last. */
static int64_t tensor_rows(const struct scion_tensor *x)
{
        return scion_size(x) / scion_dim(x, -1);
}

/* Returns x in the type and layout that a factor of a product has on the device. */
static struct scion_tensor *tensor_as_factor(struct scion_tensor *x)
{
        const struct scion_layout *layout;
        enum scion_dtype dtype;

        x = scion_tensor_row_major(x);
        return x && SCION_ON_DEVICE(factor_layout, &x->shape, &dtype, &layout)
                       ? scion_tensor_in_form(x, dtype, layout)
                       : NULL;
}

static bool linear_multiply(const struct scion_product *product, const struct scion_tensor *a,
                            const struct scion_tensor *b, struct scion_tensor *bias, struct scion_tensor *c)
{
        return SCION_ON_DEVICE(multiply, "linear", product, &a->array, &b->array, scion_array_of(bias),
                               &c->array);
}

struct saved {
        struct scion_tensor *x, *weight; /* as factors */
};

static bool linear_backward(struct scion_node *node)
{
        const struct saved *saved = node->saved;
        struct scion_tensor *x = node->input[0], *weight = node->input[1], *bias = node->input[2];
        struct scion_tensor *grad = scion_tensor_row_major(node->output->grad), *to;
        struct scion_tensor *grad_factor = tensor_as_factor(grad);
        int64_t rows = tensor_rows(x), inputs = weight->shape.dim[1], outputs = weight->shape.dim[0];

        if (!grad || !grad_factor)
                return false;
        if (x->requires_grad) {
                struct scion_product product = { .batch = 1, .m = rows, .n = inputs, .k = outputs };

                to = scion_grad_target(x, NULL);
                if (!to || !linear_multiply(&product, grad_factor, saved->weight, NULL, to) ||
                    !scion_grad_done(x, to))
                        return false;
        }
        if (weight->requires_grad) {
                struct scion_product product = {
                        .batch = 1, .m = outputs, .n = inputs, .k = rows, .transpose_a = true
                };

                to = scion_grad_target(weight, NULL);
                if (!to || !linear_multiply(&product, grad_factor, saved->x, NULL, to) ||
                    !scion_grad_done(weight, to))
                        return false;
        }
        if (bias && bias->requires_grad) {
                to = scion_grad_target(bias, NULL);
                return to && SCION_ON_DEVICE(column_sums, &grad->array, &to->array) &&
                       scion_grad_done(bias, to);
        }
        return true;
}

static const struct scion_op linear = { "linear", linear_backward };

static bool arguments_check(const struct scion_tensor *x, const struct scion_tensor *weight,
                            const struct scion_tensor *bias)
{
        char of_x[96], of_weight[96], of_bias[96];

        scion_shape_text(&x->shape, of_x, sizeof of_x);
        scion_shape_text(&weight->shape, of_weight, sizeof of_weight);
        if (weight->shape.ndim != 2)
                return scion_refuse("linear: takes a weight of shape outputs x inputs, got %s", of_weight);
        if (x->shape.ndim < 1 || scion_dim(x, -1) != weight->shape.dim[1])
                return scion_refuse("linear: the weight %s takes %lld inputs, the input %s has %lld",
                                    of_weight, (long long)weight->shape.dim[1], of_x,
                                    (long long)scion_dim(x, -1));
        if (bias && (bias->shape.ndim != 1 || bias->shape.dim[0] != weight->shape.dim[0]))
                return scion_refuse("linear: the weight %s makes %lld outputs, the bias has shape %s",
                                    of_weight, (long long)weight->shape.dim[0],
                                    scion_shape_text(&bias->shape, of_bias, sizeof of_bias));
        return true;
}

struct scion_tensor *scion_linear(struct scion_tensor *x, struct scion_tensor *weight,
                                  struct scion_tensor *bias)
{
        if (!scion_check_float("linear", x) || !scion_check_float("linear", weight) ||
            (bias && !scion_check_float("linear", bias)) || !arguments_check(x, weight, bias))
                return NULL;
        x = scion_tensor_row_major(x);
        weight = scion_tensor_row_major(weight);
        if (!x || !weight || (bias && !(bias = scion_tensor_row_major(bias))))
                return NULL;

        scion_no_grad_begin();
        struct saved saved = { tensor_as_factor(x), tensor_as_factor(weight) };
        scion_no_grad_end();
        if (!saved.x || !saved.weight)
                return NULL;
        struct scion_product product = { .batch = 1,
                                         .m = tensor_rows(x),
                                         .n = weight->shape.dim[0],
                                         .k = weight->shape.dim[1],
                                         .transpose_b = true };
        struct scion_shape shape = x->shape;

        shape.dim[shape.ndim - 1] = product.n;
        struct scion_tensor *y = scion_tensor_float(shape, NULL);

        if (!y || !linear_multiply(&product, saved.x, saved.weight, bias, y))
                return NULL;
        struct scion_node *node = scion_record(&linear, y, x, weight, bias, sizeof saved);

        if (node)
                *(struct saved *)node->saved = saved;
        return y;
}
