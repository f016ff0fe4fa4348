#include "support/test.h"

#include <math.h>

#include "nn/module.h"

#define COUNT 60000

static const struct scion_shape weight = { .ndim = 2, .dim = { 200, 300 } };
static float values[COUNT], others[COUNT];

struct moments {
        double mean, variance, lowest, highest;
};

static struct moments moments_of(const float *x, int count)
{
        struct moments m = { .lowest = (double)x[0], .highest = (double)x[0] };

        for (int i = 0; i < count; i++) {
                m.mean += (double)x[i] / count;
                m.lowest = fmin(m.lowest, (double)x[i]);
                m.highest = fmax(m.highest, (double)x[i]);
        }
        for (int i = 0; i < count; i++)
                m.variance += ((double)x[i] - m.mean) * ((double)x[i] - m.mean) / count;
        return m;
}

static bool check(struct scion_init init)
{
        return scion_init_check(&init, &SCION_SHAPE(3, 2));
}

static struct moments draw(struct scion_init init, struct scion_shape shape)
{
        assert_true(scion_shape_size(&shape) <= COUNT);
        assert_true(scion_init_check(&init, &shape));
        scion_init_draw(&init, &shape, 7, "fc1.weight", values);
        return moments_of(values, (int)scion_shape_size(&shape));
}

/* All values are within the bound, the extremes are near it, and the variance is that of a uniform distribution. */
static void assert_uniform(struct moments m, double bound)
{
        assert_true(m.lowest >= -bound * (1 + 1e-6) && m.lowest < -0.99 * bound);
        assert_true(m.highest <= bound * (1 + 1e-6) && m.highest > 0.99 * bound);
        assert_true(fabs(m.mean) < 0.02 * bound);
        assert_true(fabs(m.variance / (bound * bound / 3) - 1) < 0.02);
}

static void assert_normal(struct moments m, double deviation)
{
        assert_true(m.lowest < -3 * deviation && m.highest > 3 * deviation);
        assert_true(m.lowest > -6 * deviation && m.highest < 6 * deviation);
        assert_true(fabs(m.mean) < 0.02 * deviation);
        assert_true(fabs(m.variance / (deviation * deviation) - 1) < 0.03);
}

static void fan_in_uniform(void **state)
{
        (void)state;
        assert_uniform(draw((struct scion_init){ SCION_INIT_FAN_IN_UNIFORM, 0, 0 }, weight), 1 / sqrt(300));
        /* A convolution's fan-in counts the kernel's elements. */
        assert_uniform(
                draw((struct scion_init){ SCION_INIT_FAN_IN_UNIFORM, 0, 0 }, SCION_SHAPE(64, 16, 5, 5)),
                1 / sqrt(16 * 25));
        assert_uniform(draw((struct scion_init){ SCION_INIT_FAN_IN_UNIFORM, 2, 0 }, weight),
                       2 * sqrt(3.0 / 300));
        /* A bias has the fan-in of its layer. */
        assert_uniform(draw((struct scion_init){ SCION_INIT_FAN_IN_UNIFORM, 0, 25 }, SCION_SHAPE(COUNT)),
                       0.2);
        assert_uniform(draw((struct scion_init){ SCION_INIT_FAN_IN_UNIFORM, 0, 0 }, SCION_SHAPE(40000)),
                       1 / sqrt(40000));
}

static void other_kinds(void **state)
{
        (void)state;
        assert_uniform(draw((struct scion_init){ SCION_INIT_XAVIER_UNIFORM, 0, 0 }, weight), sqrt(6.0 / 500));
        assert_uniform(
                draw((struct scion_init){ SCION_INIT_XAVIER_UNIFORM, 3, 0 }, SCION_SHAPE(64, 16, 5, 5)),
                3 * sqrt(6.0 / (16 * 25 + 64 * 25)));
        assert_normal(draw((struct scion_init){ SCION_INIT_KAIMING_NORMAL, 0, 0 }, weight), sqrt(2.0 / 300));
        assert_normal(draw((struct scion_init){ SCION_INIT_KAIMING_NORMAL, 1, 0 }, weight), sqrt(1.0 / 300));
        assert_normal(draw((struct scion_init){ SCION_INIT_NORMAL, 0, 0 }, weight), 0.01);
        assert_normal(draw((struct scion_init){ SCION_INIT_NORMAL, 0.5f, 0 }, weight), 0.5);

        struct moments zeros = draw((struct scion_init){ SCION_INIT_ZEROS, 0, 0 }, weight);
        struct moments ones = draw((struct scion_init){ SCION_INIT_ONES, 0, 0 }, weight);

        assert_true(zeros.lowest == 0 && zeros.highest == 0);
        assert_true(ones.lowest == 1 && ones.highest == 1);
}

static void streams_are_separate(void **state)
{
        struct scion_init init = { SCION_INIT_FAN_IN_UNIFORM, 0, 0 };
        int equal = 0;

        (void)state;
        scion_init_draw(&init, &weight, 7, "fc1.weight", values);
        scion_init_draw(&init, &weight, 7, "fc1.weight", others);
        assert_memory_equal(values, others, sizeof values);
        scion_init_draw(&init, &weight, 7, "fc2.weight", others);
        for (int i = 0; i < COUNT; i++)
                equal += values[i] == others[i];
        assert_true(equal < 10);
        scion_init_draw(&init, &weight, 8, "fc1.weight", others);
        for (int i = equal = 0; i < COUNT; i++)
                equal += values[i] == others[i];
        assert_true(equal < 10);
}

static void identities(void **state)
{
        const struct scion_init one = { .kind = SCION_INIT_IDENTITY },
                                half = { SCION_INIT_IDENTITY, 0.5f, 0 };
        const float tall[] = { 1, 0, 0, 1, 0, 0 }, wide[] = { 0.5f, 0, 0, 0, 0.5f, 0 };

        (void)state;
        draw(one, SCION_SHAPE(3, 2));
        assert_memory_equal(values, tall, sizeof tall);
        draw(half, SCION_SHAPE(2, 3));
        assert_memory_equal(values, wide, sizeof wide);
        draw(one, SCION_SHAPE(3, 2, 5, 3));
        for (int i = 0; i < 90; i++)
                assert_true(values[i] == (i == 7 || i == 3 * 15 + 7 ? 1 : 0));

        assert_false(scion_init_check(&one, &SCION_SHAPE(3)));
        assert_error_has("[out, in]", "not 3", NULL);
        assert_false(scion_init_check(&one, &SCION_SHAPE(3, 3, 3, 2)));
        assert_error_has("odd sides", "3x3x3x2", NULL);
        struct scion_module *layer = scion_nn_init(scion_nn_linear(3, 3, true), "bias", one);

        assert_false(scion_module_check(layer));
        assert_error_has("linear: parameter 'bias': the identity takes", NULL);
        scion_module_destroy(layer);
}

static void refused(void **state)
{
        (void)state;
        assert_false(check((struct scion_init){ (enum scion_init_kind)17, 0, 0 }));
        assert_error_has("17", NULL);
        assert_false(check((struct scion_init){ SCION_INIT_NORMAL, -1, 0 }));
        assert_error_has("gain", "-1", NULL);
        assert_false(check((struct scion_init){ SCION_INIT_NORMAL, NAN, 0 }));
        assert_false(check((struct scion_init){ SCION_INIT_NORMAL, INFINITY, 0 }));
        assert_false(check((struct scion_init){ SCION_INIT_NORMAL, 0, -3 }));
        assert_error_has("fan-in", "-3", NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(fan_in_uniform),
                cmocka_unit_test(other_kinds),
                cmocka_unit_test(streams_are_separate),
                cmocka_unit_test(identities),
                cmocka_unit_test(refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
