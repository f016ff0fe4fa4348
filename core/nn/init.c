/* Draws the initial values of parameters. */
#include "nn/module.h"

#include <math.h>
#include <scion/error.h>
#include <scion/random.h>
#include <string.h>
#include <xxhash.h>

/* sqrt(1/3) makes the fan-in bound 1 / sqrt(fan_in): PyTorch's kaiming_uniform_(a = sqrt(5)). */
static double init_gain(const struct scion_init *init)
{
        if (init->gain > 0)
                return init->gain;
        switch (init->kind) {
        case SCION_INIT_FAN_IN_UNIFORM:
                return sqrt(1.0 / 3);
        case SCION_INIT_KAIMING_NORMAL:
                return sqrt(2);
        case SCION_INIT_NORMAL:
                return 0.01;
        case SCION_INIT_ZEROS:
        case SCION_INIT_ONES:
        case SCION_INIT_XAVIER_UNIFORM:
        case SCION_INIT_IDENTITY:
                break;
        }
        return 1;
}

/* The sides of a kernel must be odd, so that it has a centre. */
static bool shape_check_identity(const struct scion_shape *shape)
{
        char text[96];

        if (shape->ndim < 2)
                return scion_fail("the identity takes weights [out, in] or [out, in, kh, kw], not %s",
                                  scion_shape_text(shape, text, sizeof text));
        for (int i = 2; i < shape->ndim; i++)
                if (shape->dim[i] % 2 == 0)
                        return scion_fail(
                                "the identity takes a kernel of odd sides, not a weight of shape %s",
                                scion_shape_text(shape, text, sizeof text));
        return true;
}

bool scion_init_check(const struct scion_init *init, const struct scion_shape *shape)
{
        if ((int)init->kind < SCION_INIT_ZEROS || init->kind > SCION_INIT_IDENTITY)
                return scion_fail("unknown kind of initialisation: %d", (int)init->kind);
        if (!isfinite(init->gain) || init->gain < 0)
                return scion_fail("a gain must be positive, got %g", (double)init->gain);
        if (init->fan_in < 0)
                return scion_fail("a fan-in must be positive, got %lld", (long long)init->fan_in);
        return init->kind != SCION_INIT_IDENTITY || shape_check_identity(shape);
}

/* Returns the product of the lengths of the axes from `first` on. */
static double shape_extent(const struct scion_shape *shape, int first)
{
        double product = 1;

        for (int i = first; i < shape->ndim; i++)
                product *= (double)shape->dim[i];
        return product;
}

static double init_fan_in(const struct scion_init *init, const struct scion_shape *shape)
{
        return init->fan_in > 0 ? (double)init->fan_in : shape_extent(shape, shape->ndim < 2 ? 0 : 1);
}

/* Returns the number of outputs that depend on one input: O kh kw for a weight [O, I, kh, kw]; the length for a vector. */
static double shape_fan_out(const struct scion_shape *shape)
{
        return shape->ndim < 2 ? shape_extent(shape, 0) : (double)shape->dim[0] * shape_extent(shape, 2);
}

static void values_fill(float *values, int64_t count, float value)
{
        for (int64_t i = 0; i < count; i++)
                values[i] = value;
}

/* U(-bound, bound) */
static void values_fill_uniform(float *values, int64_t count, double bound, struct scion_random *random)
{
        for (int64_t i = 0; i < count; i++)
                values[i] = (float)bound * (2 * scion_random_uniform(random) - 1);
}

/* N(0, deviation^2) */
static void values_fill_normal(float *values, int64_t count, double deviation, struct scion_random *random)
{
        for (int64_t i = 0; i < count; i++)
                values[i] = (float)deviation * scion_random_normal(random);
}

/* Sets the elements at [i, i] of the first two axes and in the centre of the others to `value`, all others to 0. */
static void values_fill_identity(float *values, const struct scion_shape *shape, float value)
{
        int64_t side = shape->dim[0] < shape->dim[1] ? shape->dim[0] : shape->dim[1];
        int64_t taps = (int64_t)shape_extent(shape, 2);

        values_fill(values, scion_shape_size(shape), 0);
        for (int64_t i = 0; i < side; i++)
                values[(i * shape->dim[1] + i) * taps + taps / 2] = value;
}

void scion_init_draw(const struct scion_init *init, const struct scion_shape *shape, uint64_t seed,
                     const char *name, float *values)
{
        struct scion_random random = scion_random(seed, SCION_RANDOM_INIT, XXH64(name, strlen(name), 0));
        int64_t count = scion_shape_size(shape);
        double gain = init_gain(init);

        switch (init->kind) {
        case SCION_INIT_ZEROS:
                values_fill(values, count, 0);
                break;
        case SCION_INIT_ONES:
                values_fill(values, count, 1);
                break;
        case SCION_INIT_FAN_IN_UNIFORM:
                values_fill_uniform(values, count, gain * sqrt(3 / init_fan_in(init, shape)), &random);
                break;
        case SCION_INIT_KAIMING_NORMAL:
                values_fill_normal(values, count, gain / sqrt(init_fan_in(init, shape)), &random);
                break;
        case SCION_INIT_XAVIER_UNIFORM:
                values_fill_uniform(values, count,
                                    gain * sqrt(6 / (init_fan_in(init, shape) + shape_fan_out(shape))),
                                    &random);
                break;
        case SCION_INIT_NORMAL:
                values_fill_normal(values, count, gain, &random);
                break;
        case SCION_INIT_IDENTITY:
                values_fill_identity(values, shape, (float)gain);
                break;
        }
}
