/* Matrix products over batches, whose leading axes broadcast. */
#include "backend/backend.h"
#include "tensor/gradient.h"

#define LEADING (SCION_MAX_DIMS - 2)

/* One operand of a batched product: a matrix for each entry of the batch. */
struct matrices {
        const struct scion_tensor *x;
        int64_t size;   /* elements of one matrix */
        bool transpose; /* the transposed matrix is multiplied */
        int64_t step
                [LEADING]; /* elements to the next matrix along each leading axis; 0 where it is broadcast */
};

/* The sizes of a product, which both passes use. */
struct batch {
        int ndim; /* leading axes, after broadcasting */
        int64_t dim[LEADING];
        int64_t m, n, k;
        bool transpose_a, transpose_b;
};

static int64_t batch_entries(const struct batch *batch)
{
        int64_t count = 1;

        for (int i = 0; i < batch->ndim; i++)
                count *= batch->dim[i];
        return count;
}

/* Returns the matrices of x along the leading axes of the batch. x may have fewer leading axes. */
static struct matrices matrices_of(const struct scion_tensor *x, const struct batch *batch, bool transpose)
{
        const struct scion_shape *shape = &x->shape;
        struct matrices of = { .x = x,
                               .size = shape->dim[shape->ndim - 1] * shape->dim[shape->ndim - 2],
                               .transpose = transpose };
        int64_t step = of.size;

        for (int i = batch->ndim - 1, axis = shape->ndim - 3; i >= 0 && axis >= 0; i--, axis--) {
                of.step[i] = shape->dim[axis] == 1 ? 0 : step;
                step *= shape->dim[axis];
        }
        return of;
}

/* Returns whether the matrices of all entries are consecutive in memory. */
static bool matrices_are_dense(const struct matrices *of, const struct batch *batch)
{
        int64_t step = of->size;

        for (int i = batch->ndim - 1; i >= 0; i--) {
                if (batch->dim[i] != 1 && of->step[i] != step)
                        return false;
                step *= batch->dim[i];
        }
        return true;
}

/* Returns whether all entries share one matrix. */
static bool matrices_are_one(const struct matrices *of, const struct batch *batch)
{
        for (int i = 0; i < batch->ndim; i++)
                if (of->step[i] != 0)
                        return false;
        return true;
}

/* Returns the matrix that begins at an element of x. */
static struct scion_array matrix_at(const struct matrices *of, int64_t element)
{
        const struct scion_array *all = &of->x->array;
        size_t offset = all->offset + (size_t)element * scion_dtype_bytes(all->dtype);

        return scion_array_over(all->storage, offset, SCION_SHAPE(of->size), all->dtype);
}

/* Multiplies entry by entry, in order. Where entries share a matrix of c, their products are summed. */
static bool matrices_multiply_each(const struct batch *batch, struct scion_product product,
                                   const struct matrices *a, const struct matrices *b,
                                   const struct matrices *c)
{
        int64_t index[LEADING] = { 0 }, count = batch_entries(batch);

        for (int64_t i = 0; i < count; i++) {
                int64_t at_a = 0, at_b = 0, at_c = 0;

                product.accumulate = false;
                for (int axis = 0; axis < batch->ndim; axis++) {
                        at_a += index[axis] * a->step[axis];
                        at_b += index[axis] * b->step[axis];
                        at_c += index[axis] * c->step[axis];
                        if (c->step[axis] == 0 && index[axis] > 0)
                                product.accumulate = true;
                }
                const struct scion_array of_a = matrix_at(a, at_a), of_b = matrix_at(b, at_b);
                struct scion_array of_c = matrix_at(c, at_c);

                if (!SCION_ON_DEVICE(multiply, "matmul", &product, &of_a, &of_b, NULL, &of_c))
                        return false;
                for (int axis = batch->ndim - 1; axis >= 0 && ++index[axis] == batch->dim[axis]; axis--)
                        index[axis] = 0;
        }
        return true;
}

/* c [m, n] = op(a) [m, k] op(b) [k, n], summed over the axes along which c is broadcast. */
static bool matrices_multiply(const struct batch *batch, int64_t m, int64_t n, int64_t k,
                              const struct matrices *a, const struct matrices *b, const struct matrices *c)
{
        int64_t count = batch_entries(batch);
        struct scion_product product = {
                .batch = 1, .m = m, .n = n, .k = k, .transpose_a = a->transpose, .transpose_b = b->transpose
        };

        if (matrices_are_dense(a, batch) && matrices_are_dense(b, batch) && matrices_are_dense(c, batch))
                product.batch = count;
        else if (matrices_are_one(b, batch) && matrices_are_dense(a, batch) && matrices_are_dense(c, batch) &&
                 !a->transpose)
                product.m = m * count; /* the rows of all entries are the rows of one matrix */
        else if (matrices_are_one(c, batch) && matrices_are_dense(a, batch) && matrices_are_dense(b, batch) &&
                 a->transpose && !b->transpose)
                product.k = k * count; /* the sum over entries is part of the sum over rows */
        else
                return matrices_multiply_each(batch, product, a, b, c);
        struct scion_array of_c = c->x->array;

        return SCION_ON_DEVICE(multiply, "matmul", &product, &a->x->array, &b->x->array, NULL, &of_c);
}

static bool matmul_backward(struct scion_node *node)
{
        const struct batch *batch = node->saved;
        struct scion_tensor *a = node->input[0], *b = node->input[1], *to;
        struct scion_tensor *grad = scion_tensor_row_major(node->output->grad);
        int64_t m = batch->m, n = batch->n, k = batch->k;

        if (!grad)
                return false;
        if (a->requires_grad) {
                to = scion_grad_target(a, NULL);
                if (!to)
                        return false;
                struct matrices of_b = matrices_of(b, batch, batch->transpose_a == batch->transpose_b);
                struct matrices of_c = matrices_of(grad, batch, batch->transpose_a);
                struct matrices of_to = matrices_of(to, batch, false);

                /* The gradient of op(a) is dC op(b)^T; that of its transpose is op(b) dC^T. */
                if (!(batch->transpose_a ? matrices_multiply(batch, k, m, n, &of_b, &of_c, &of_to)
                                         : matrices_multiply(batch, m, k, n, &of_c, &of_b, &of_to)) ||
                    !scion_grad_done(a, to))
                        return false;
        }
        if (b->requires_grad) {
                to = scion_grad_target(b, NULL);
                if (!to)
                        return false;
                struct matrices of_a = matrices_of(a, batch, batch->transpose_a == batch->transpose_b);
                struct matrices of_c = matrices_of(grad, batch, batch->transpose_b);
                struct matrices of_to = matrices_of(to, batch, false);

                /* The gradient of op(b) is op(a)^T dC; that of its transpose is dC^T op(a). */
                return (batch->transpose_b ? matrices_multiply(batch, n, k, m, &of_c, &of_a, &of_to)
                                           : matrices_multiply(batch, k, n, m, &of_a, &of_c, &of_to)) &&
                       scion_grad_done(b, to);
        }
        return true;
}

static const struct scion_op matmul = { "matmul", matmul_backward };

/* Checks the shapes and fills in the batch and the shape of the result. */
static bool arguments_check(const struct scion_tensor *a, const struct scion_tensor *b, bool transpose_a,
                            bool transpose_b, struct batch *batch, struct scion_shape *result)
{
        struct scion_tensor left = { .shape = a->shape }, right = { .shape = b->shape };
        char of_a[96], of_b[96];

        scion_shape_text(&a->shape, of_a, sizeof of_a);
        scion_shape_text(&b->shape, of_b, sizeof of_b);
        if (a->shape.ndim < 2 || b->shape.ndim < 2)
                return scion_refuse("matmul: takes tensors of two axes or more, got %s and %s", of_a, of_b);
        *batch = (struct batch){ .m = scion_dim(a, transpose_a ? -1 : -2),
                                 .k = scion_dim(a, transpose_a ? -2 : -1),
                                 .n = scion_dim(b, transpose_b ? -2 : -1),
                                 .transpose_a = transpose_a,
                                 .transpose_b = transpose_b };
        if (scion_dim(b, transpose_b ? -1 : -2) != batch->k)
                return scion_refuse("matmul: %s%s times %s%s: the inner lengths are %lld and %lld", of_a,
                                    transpose_a ? " transposed" : "", of_b, transpose_b ? " transposed" : "",
                                    (long long)batch->k, (long long)scion_dim(b, transpose_b ? -1 : -2));
        left.shape.ndim -= 2;
        right.shape.ndim -= 2;
        if (!scion_check_broadcast("matmul", &left, &right, result))
                return scion_refuse("matmul: the leading axes of %s and %s do not fit together", of_a, of_b);
        batch->ndim = result->ndim;
        for (int i = 0; i < result->ndim; i++)
                batch->dim[i] = result->dim[i];
        result->dim[result->ndim++] = batch->m;
        result->dim[result->ndim++] = batch->n;
        return true;
}

struct scion_tensor *scion_matmul(struct scion_tensor *a, struct scion_tensor *b, bool transpose_a,
                                  bool transpose_b)
{
        struct scion_shape shape;
        struct batch batch;

        if (!scion_check_float("matmul", a) || !scion_check_float("matmul", b) ||
            !arguments_check(a, b, transpose_a, transpose_b, &batch, &shape))
                return NULL;
        a = scion_tensor_row_major(a);
        b = scion_tensor_row_major(b);
        struct scion_tensor *c = a && b ? scion_tensor_float(shape, NULL) : NULL;

        if (!c)
                return NULL;
        struct matrices of_a = matrices_of(a, &batch, transpose_a);
        struct matrices of_b = matrices_of(b, &batch, transpose_b);
        struct matrices of_c = matrices_of(c, &batch, false);

        if (!matrices_multiply(&batch, batch.m, batch.n, batch.k, &of_a, &of_b, &of_c))
                return NULL;
        struct scion_node *node = scion_record(&matmul, c, a, b, NULL, sizeof batch);

        if (node)
                *(struct batch *)node->saved = batch;
        return c;
}
