/* Operations on the elements of two arrays, which broadcast. */
#include <scion/simd.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/walk.h"

/* Operand 0 of the walk is the result, operands 1 and 2 are a and b. Along the columns either a or b, but not both, may
 * have the stride 0. */
typedef void inner_loop(const struct scion_walk *walk, float *y, const float *a, const float *b);

#define BINARY(NAME, EXPRESSION)                                                                         \
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
        }

BINARY(add, a + b)
BINARY(sub, a - b)
BINARY(mul, a *b)
BINARY(div, a / b)
BINARY(add_relu, 0 > a + b ? 0 : a + b)

/* y += x, for the accumulation of gradients. */
SCION_CLONES static void elements_add(float *restrict y, const float *restrict x, size_t count)
{
        for (size_t i = 0; i < count; i++)
                y[i] += x[i];
}

static inner_loop *const inner_of[SCION_BINARIES] = {
        [SCION_BINARY_ADD] = add_inner,           [SCION_BINARY_SUB] = sub_inner,
        [SCION_BINARY_MUL] = mul_inner,           [SCION_BINARY_DIV] = div_inner,
        [SCION_BINARY_ADD_RELU] = add_relu_inner,
};

/* The arguments of a loop over operands of the same shape and layout. */
struct loop {
        inner_loop *inner; /* NULL: y += b */
        float *y;
        const float *a, *b;
};

static void loop_part(void *context, int part, int64_t from, int64_t to)
{
        const struct loop *loop = context;
        const struct scion_walk walk = { .rows = 1, .columns = to - from, .column = { 1, 1, 1 } };

        (void)part;
        if (loop->inner)
                loop->inner(&walk, loop->y + from, loop->a + from, loop->b + from);
        else
                elements_add(loop->y + from, loop->b + from, (size_t)(to - from));
}

static void operands_broadcast(inner_loop *inner, const struct scion_array *a, const struct scion_array *b,
                               struct scion_array *y)
{
        const float *as = scion_cpu_data(a), *bs = scion_cpu_data(b);
        float *ys = scion_cpu_data(y);
        int64_t stride[3][SCION_MAX_DIMS];
        struct scion_walk walk;

        scion_strides(&y->shape, stride[0]);
        scion_broadcast_strides(&a->shape, &y->shape, stride[1]);
        scion_broadcast_strides(&b->shape, &y->shape, stride[2]);
        scion_walk_start(&walk, &y->shape, 3, stride);
        do
                inner(&walk, ys + walk.offset[0], as + walk.offset[1], bs + walk.offset[2]);
        while (scion_walk_next(&walk));
}

bool scion_cpu_binary(void *self, enum scion_binary op, const struct scion_array *a,
                      const struct scion_array *b, struct scion_array *y)
{
        struct loop loop = {
                .inner = inner_of[op], .y = scion_cpu_data(y), .a = scion_cpu_data(a), .b = scion_cpu_data(b)
        };

        (void)self;
        if (!scion_shape_equal(&a->shape, &b->shape)) {
                operands_broadcast(inner_of[op], a, b, y);
                return true;
        }
        if (op == SCION_BINARY_ADD && loop.a == loop.y)
                loop.inner = NULL;
        scion_parallel_elements(y->length, loop_part, &loop);
        return true;
}
