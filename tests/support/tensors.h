/* Tensors for tests: random values, comparisons, and gradients. */
#ifndef SCION_TESTS_SUPPORT_TENSORS_H
#define SCION_TESTS_SUPPORT_TENSORS_H

#include <math.h>

#include "support/tape.h"
#include "tensor/tape.h"

/* Returns a tensor of uniform values in low .. high, which depend only on the seed. */
static inline struct scion_tensor *random_tensor(struct scion_shape shape, uint64_t seed, float low,
                                                 float high)
{
        struct scion_random random = scion_random(seed, SCION_RANDOM_DATA, 9);
        size_t count = (size_t)scion_shape_size(&shape);
        float *value = malloc(count * sizeof *value + 1);

        assert_non_null(value);
        for (size_t i = 0; i < count; i++)
                value[i] = low + (high - low) * scion_random_uniform(&random);
        struct scion_tensor *x = scion_from(shape, value);

        free(value);
        assert_non_null(x);
        return x;
}

/* Returns a tensor of uniform values in -1 .. 1. */
static inline struct scion_tensor *numbers(struct scion_shape shape, uint64_t seed)
{
        return random_tensor(shape, seed, -1, 1);
}

static inline void assert_shape(struct scion_tensor *x, struct scion_shape shape)
{
        struct scion_shape is = scion_shape(x);
        char left[96], right[96];

        if (!x)
                fail_msg("no tensor: %s", scion_error());
        if (!scion_shape_equal(&is, &shape))
                fail_msg("the shape is %s, it should be %s", scion_shape_text(&is, left, sizeof left),
                         scion_shape_text(&shape, right, sizeof right));
}

/* Returns whether the values are close. Equal infinities are, and so are two NaNs. */
static inline bool is_close(double value, double expected, double tolerance)
{
        if (isnan(expected) || isinf(expected))
                return isnan(expected) ? isnan(value) : value == expected;
        return fabs(value - expected) <= tolerance * (1 + fabs(expected));
}

/* Fails the test unless x has these values, within tolerance * (1 + |expected|). */
static inline void assert_values(struct scion_tensor *x, const float *expected, double tolerance)
{
        const float *value = scion_data(x);

        if (!value)
                fail_msg("no values: %s", scion_error());
        for (int64_t i = 0; i < scion_size(x); i++)
                if (!is_close((double)value[i], (double)expected[i], tolerance))
                        fail_msg("element %lld is %.9g, it should be %.9g", (long long)i, (double)value[i],
                                 (double)expected[i]);
}

/* Fails the test unless every element of x, in row-major order, equals the reference within `tolerance`
 * times its largest absolute value. */
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

/* Returns zeros, which the caller frees. */
static inline double *doubles(int64_t count)
{
        double *memory = calloc((size_t)count, sizeof *memory);

        assert_non_null(memory);
        return memory;
}

/* --- The loss sum(y * g), whose gradient with respect to y is g ----------------------------------------- */

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
