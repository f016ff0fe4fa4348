/* What the tests of the kernels share: a tape, made-up numbers, comparison with loops in double precision. */
#ifndef SCION_TESTS_TENSOR_NUMBERS_H
#define SCION_TESTS_TENSOR_NUMBERS_H

#include <math.h>

#include "support/test.h"
#include "tensor/tape.h"

static _Thread_local struct scion_tape *tape;

static inline int tape_begin(void **state)
{
        (void)state;
        tape = scion_tape_create();
        scion_tape_use(tape);
        return tape ? 0 : -1;
}

static inline int tape_end(void **state)
{
        (void)state;
        scion_tape_destroy(tape);
        tape = NULL;
        return 0;
}

/* -1 .. 1, the same for the same shape and seed. */
static inline struct scion_tensor *numbers(struct scion_shape shape, uint64_t seed)
{
        struct scion_tensor *x = scion_tensor_new(shape, SCION_F32, NULL);
        struct scion_random random = scion_random(seed, SCION_RANDOM_INIT, 0);

        assert_non_null(x);
        for (size_t i = 0; i < x->length; i++)
                ((float *)x->data)[i] = 2 * scion_random_uniform(&random) - 1;
        return x;
}

/* Every element of x, in row-major order, is what the reference says to `tolerance` of the largest. */
static inline void assert_close(const char *what, struct scion_tensor *x, const double *reference,
                                double tolerance)
{
        double largest = 1;
        const float *data;

        if (!x)
                fail_msg("%s: %s", what, scion_error());
        data = scion_data(x);
        for (int64_t i = 0; i < scion_size(x); i++)
                largest = fmax(largest, fabs(reference[i]));
        for (int64_t i = 0; i < scion_size(x); i++)
                if (!(fabs(data[i] - reference[i]) <= tolerance * largest))
                        fail_msg("%s: element %lld is %.9g, not %.9g", what, (long long)i, (double)data[i],
                                 reference[i]);
}

static inline double *doubles(int64_t count)
{
        double *memory = calloc((size_t)count, sizeof *memory);

        assert_non_null(memory);
        return memory;
}

/* --- A loss whose gradient with respect to y is g: sum(y * g) ----------------------------------------------
 */

static inline bool weigh_backward(struct scion_node *node)
{
        return scion_grad_add(node->input[0], node->saved ? *(struct scion_tensor **)node->saved : NULL);
}

static inline void backward_from(struct scion_tensor *y, struct scion_tensor *g)
{
        static const struct scion_op weigh = { "weigh", weigh_backward };
        struct scion_tensor *loss = scion_scalar(0);
        struct scion_node *node = scion_record(&weigh, loss, y, NULL, NULL, sizeof g);

        assert_non_null(node);
        memcpy(node->saved, &g, sizeof g);
        if (!scion_backward(loss))
                fail_msg("%s", scion_error());
}

#endif
