/* Tensors in tests: a tape for each test, values to start from, and comparing. */
#ifndef SCION_TESTS_SUPPORT_TENSORS_H
#define SCION_TESTS_SUPPORT_TENSORS_H

#include <math.h>

#include "support/test.h"

/* For cmocka_unit_test_setup_teardown: *state is the tape, and it is current. */
static inline int tape_setup(void **state)
{
        *state = scion_tape_create();
        scion_tape_use(*state);
        return *state ? 0 : -1;
}

static inline int tape_teardown(void **state)
{
        scion_tape_destroy(*state);
        return 0;
}

#define tape_test(function) cmocka_unit_test_setup_teardown(function, tape_setup, tape_teardown)

/* Uniform values in low .. high, the same for the same seed. */
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

/* Equal infinities and two NaNs are close. */
static inline bool is_close(double value, double expected, double tolerance)
{
        if (isnan(expected) || isinf(expected))
                return isnan(expected) ? isnan(value) : value == expected;
        return fabs(value - expected) <= tolerance * (1 + fabs(expected));
}

/* x has exactly these values, within `tolerance` times (1 + |expected|). */
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

#endif
