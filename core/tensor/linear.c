/* Fully connected layers: x weight^T + bias over the last axis. */
#include <scion/simd.h>
#include <string.h>

#include "backend/backend.h"
#include "tensor/gradient.h"

#define TILE 256  /* columns added up at a time: their sums stay in the nearest cache */
#define BLOCK 128 /* rows added up before they go to the total, so that long columns lose no digits */

SCION_CLONES static void column_sums(const float *restrict x, int64_t rows, int64_t columns,
                                     float *restrict sum)
{
        float part[TILE];

        memset(sum, 0, (size_t)columns * sizeof *sum);
        for (int64_t first = 0; first < columns; first += TILE) {
                int64_t width = columns - first < TILE ? columns - first : TILE;

                for (int64_t row = 0; row < rows; row += BLOCK) {
                        int64_t end = rows - row < BLOCK ? rows : row + BLOCK;

                        memset(part, 0, sizeof part);
                        for (int64_t r = row; r < end; r++)
                                for (int64_t c = 0; c < width; c++)
                                        part[c] += x[r * columns + first + c];
                        for (int64_t c = 0; c < width; c++)
                                sum[first + c] += part[c];
                }
        }
}

/* The axes before the last are one. */
static int64_t rows_of(const struct scion_tensor *x)
{
        return scion_size(x) / scion_dim(x, -1);
}

/* As products take it. */
static struct scion_tensor *factor(struct scion_tensor *x)
{
        const struct scion_layout *layout;

        x = scion_tensor_plain(x);
        return x && scion_backend_factor_layout(&x->shape, &layout) ? scion_tensor_in_layout(x, layout)
                                                                    : NULL;
}

struct saved {
        struct scion_tensor *x, *weight; /* as factors */
};

static bool linear_backward(struct scion_node *node)
{
        const struct saved *saved = node->saved;
        struct scion_tensor *x = node->input[0], *weight = node->input[1], *bias = node->input[2];
        struct scion_tensor *grad = scion_tensor_plain(node->output->grad), *to;
        struct scion_tensor *given = factor(grad);
        int64_t rows = rows_of(x), inputs = weight->shape.dim[1], outputs = weight->shape.dim[0];

        if (!grad || !given)
                return false;
        if (x->requires_grad) {
                struct scion_product product = {
                        .batch = 1, .m = rows, .n = inputs, .k = outputs, .bf16 = given->layout != NULL
                };

                to = scion_grad_target(x, NULL);
                if (!to ||
                    !scion_backend_multiply("linear", &product, given->data, saved->weight->data, NULL,
                                            to->data) ||
                    !scion_grad_done(x, to))
                        return false;
        }
        if (weight->requires_grad) {
                struct scion_product product = { .batch = 1,
                                                 .m = outputs,
                                                 .n = inputs,
                                                 .k = rows,
                                                 .transpose_a = true,
                                                 .bf16 = given->layout != NULL };

                to = scion_grad_target(weight, NULL);
                if (!to ||
                    !scion_backend_multiply("linear", &product, given->data, saved->x->data, NULL,
                                            to->data) ||
                    !scion_grad_done(weight, to))
                        return false;
        }
        if (bias && bias->requires_grad) {
                to = scion_grad_target(bias, NULL);
                if (!to)
                        return false;
                column_sums(grad->data, rows, outputs, to->data);
                return scion_grad_done(bias, to);
        }
        return true;
}

static const struct scion_op linear = { "linear", linear_backward };

static bool check(const struct scion_tensor *x, const struct scion_tensor *weight,
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
            (bias && !scion_check_float("linear", bias)) || !check(x, weight, bias))
                return NULL;
        x = scion_tensor_plain(x);
        weight = scion_tensor_plain(weight);
        if (!x || !weight || (bias && !(bias = scion_tensor_plain(bias))))
                return NULL;

        scion_no_grad_begin();
        struct saved saved = { factor(x), factor(weight) };
        scion_no_grad_end();
        if (!saved.x || !saved.weight)
                return NULL;
        struct scion_product product = { .batch = 1,
                                         .m = rows_of(x),
                                         .n = weight->shape.dim[0],
                                         .k = weight->shape.dim[1],
                                         .transpose_b = true,
                                         .bf16 = saved.x->layout != NULL };
        struct scion_shape shape = x->shape;

        shape.dim[shape.ndim - 1] = product.n;
        struct scion_tensor *y = scion_tensor_new(shape, SCION_F32, NULL);

        if (!y || !scion_backend_multiply("linear", &product, saved.x->data, saved.weight->data,
                                          bias ? bias->data : NULL, y->data))
                return NULL;
        struct scion_node *node = scion_record(&linear, y, x, weight, bias, sizeof saved);

        if (node)
                *(struct saved *)node->saved = saved;
        return y;
}
