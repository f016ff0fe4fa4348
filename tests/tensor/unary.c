/* Operations on each element of one tensor. */
#include "backend/cpu/math.h"
#include "support/gradcheck.h"
#include "support/tensors.h"

static double sigmoid(double x)
{
        return 1 / (1 + exp(-x));
}

static double relu(double x)
{
        return x > 0 ? x : 0;
}

static double negative(double x)
{
        return -x;
}

struct unary {
        const char *name;
        struct scion_tensor *(*operation)(struct scion_tensor *);
        double (*value)(double);
        float low, high; /* of the gradient check; 0, 0 for values around a kink at 0 */
        float least;     /* of the tested values */
};

static const struct unary unaries[] = {
        { "neg", scion_neg, negative, -1, 1, -50 },
        { "exp", scion_exp, exp, -2, 2, -110 },
        { "log", scion_log, log, 0.3f, 3, 0 },
        { "sqrt", scion_sqrt, sqrt, 0.3f, 3, 0 },
        { "abs", scion_abs, fabs, 0, 0, -50 },
        { "relu", scion_relu, relu, 0, 0, -50 },
        { "sigmoid", scion_sigmoid, sigmoid, -3, 3, -80 },
        { "tanh", scion_tanh, tanh, -2, 2, -50 },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void values(void **state)
{
        static const int64_t lengths[] = { 1, 3, 15, 16, 17, 100, 1001 };

        (void)state;
        for (size_t i = 0; i < COUNT(unaries); i++)
                for (size_t j = 0; j < COUNT(lengths); j++) {
                        struct scion_tensor *x =
                                random_tensor(SCION_SHAPE(lengths[j]), i * 100 + j, unaries[i].least, 60);
                        float expected[1001];

                        for (int64_t k = 0; k < lengths[j]; k++)
                                expected[k] = (float)unaries[i].value((double)scion_data(x)[k]);
                        assert_values(unaries[i].operation(x), expected, 3e-7);
                        scion_tape_reset(tape);
                }
}

static void special_values(void **state)
{
        const float x[] = { 0, INFINITY, -INFINITY, NAN, 1e-42f, -1 };
        const float exps[] = { 1, INFINITY, 0, NAN, 1, 0.36787944f };
        const float logs[] = { -INFINITY, INFINITY, NAN, NAN, -96.708046f, NAN };
        const float relus[] = { 0, INFINITY, 0, NAN, 1e-42f, 0 };
        const float sigmoids[] = { 0.5f, 1, 0, NAN, 0.5f, 0.26894143f };
        const float tanhs[] = { 0, 1, -1, NAN, 1e-42f, -0.76159418f };
        struct scion_tensor *a = scion_from(SCION_SHAPE(6), x);

        (void)state;
        assert_values(scion_exp(a), exps, 3e-7);
        assert_values(scion_log(a), logs, 3e-6);
        assert_values(scion_relu(a), relus, 0);
        assert_values(scion_sigmoid(a), sigmoids, 3e-7);
        assert_values(scion_tanh(a), tanhs, 3e-7);
}

/* Inputs around the ends of the range of exp, and denormal results. */
/* Compares with the library's result for every representable nonzero result, and beyond both ends of the range. */
static void wide_exp(void **state)
{
        double worst = 0;

        (void)state;
        for (double x = -708; x < 709; x += 0.00731) {
                double error = fabs(scion_exp_wide_of(x) / exp(x) - 1);

                worst = error > worst ? error : worst;
        }
        assert_true(worst < 5e-16);
        for (double x = -750; x < -708; x += 0.01) /* denormal results have fewer digits */
                assert_true(fabs(scion_exp_wide_of(x) - exp(x)) <= 0x1p-1074 + 5e-16 * exp(x));
        assert_true(scion_exp_wide_of(0) == 1);
        assert_true(scion_exp_wide_of(-INFINITY) == 0 && scion_exp_wide_of(-1e300) == 0);
        assert_true(isinf(scion_exp_wide_of(INFINITY)) && isinf(scion_exp_wide_of(709.8)));
        assert_true(isnan(scion_exp_wide_of(NAN)));
}

static void ends_of_exp(void **state)
{
        const float x[] = { 88.7228f, 88.73f, 89.5f, 1e30f, -87.3f, -90, -103, -104.5f, -1e30f };
        float expected[9];

        (void)state;
        for (int i = 0; i < 9; i++)
                expected[i] = (float)exp((double)x[i]);
        const float *y = scion_data(scion_exp(scion_from(SCION_SHAPE(9), x)));

        for (int i = 0; i < 9; i++)
                assert_true(isinf(expected[i]) ? isinf(y[i])
                                               : fabsf(y[i] - expected[i]) <= 3e-7f * expected[i] + 2e-45f);
}

static void powers(void **state)
{
        const float x[] = { 0.5f, 2, 3 }, squares[] = { 0.25f, 4, 9 }, cubes[] = { 0.125f, 8, 27 };
        const float inverse[] = { 2, 0.5f, 1.f / 3 }, ones[] = { 1, 1, 1 },
                    roots[] = { 0.70710678f, 1.41421356f, 1.73205081f };
        struct scion_tensor *a = scion_from(SCION_SHAPE(3), x);

        (void)state;
        assert_values(scion_pow(a, 2), squares, 0);
        assert_values(scion_pow(a, 3), cubes, 3e-7);
        assert_values(scion_pow(a, -1), inverse, 3e-7);
        assert_values(scion_pow(a, 0), ones, 0);
        assert_values(scion_pow(a, 1), x, 0);
        assert_values(scion_pow(a, 0.5f), roots, 3e-7);
        assert_values(scion_scale(a, 2), (const float[]){ 1, 4, 6 }, 0);
        assert_values(scion_shift(a, -2), (const float[]){ -1.5f, 0, 1 }, 0);
}

/* 0^0 is constant, so its gradient is 0, not NaN. */
static void power_of_zero(void **state)
{
        struct scion_tensor *x = scion_require_grad(scion_zeros(SCION_SHAPE(2)));

        (void)state;
        assert_true(scion_backward(scion_sum(scion_pow(x, 0), SCION_ALL_AXES, false)));
        assert_values(scion_grad(x), (const float[]){ 0, 0 }, 0);
        x = scion_require_grad(scion_zeros(SCION_SHAPE(2)));
        assert_true(scion_backward(scion_sum(scion_pow(x, 2), SCION_ALL_AXES, false)));
        assert_values(scion_grad(x), (const float[]){ 0, 0 }, 0);
}

static void kinks(void **state)
{
        struct scion_tensor *x = scion_require_grad(scion_from(SCION_SHAPE(3), (const float[]){ -1, 0, 2 }));

        (void)state;
        assert_true(scion_backward(scion_sum(scion_relu(x), SCION_ALL_AXES, false)));
        assert_values(scion_grad(x), (const float[]){ 0, 0, 1 }, 0);
        assert_true(scion_backward(scion_sum(scion_abs(x), SCION_ALL_AXES, false)));
        assert_values(scion_grad(x), (const float[]){ -1, 0, 1 }, 0);
}

static struct scion_tensor *build(struct scion_tensor *const *leaf, const void *context)
{
        return ((const struct unary *)context)->operation(leaf[0]);
}

static void gradients(void **state)
{
        const struct scion_shape shapes[] = { SCION_SHAPE(3, 7), SCION_SHAPE(64), SCION_SHAPE(2, 3, 1, 5),
                                              SCION_SCALAR };

        (void)state;
        for (size_t i = 0; i < COUNT(unaries); i++)
                for (size_t j = 0; j < COUNT(shapes); j++)
                        gradcheck(&(struct gradcheck){ .name = unaries[i].name,
                                                       .build = build,
                                                       .context = &unaries[i],
                                                       .leaves = 1,
                                                       .shape = { shapes[j] },
                                                       .low = unaries[i].low,
                                                       .high = unaries[i].high,
                                                       .distinct = unaries[i].high == 0 });
}

static struct scion_tensor *build_power(struct scion_tensor *const *leaf, const void *context)
{
        return scion_pow(leaf[0], *(const float *)context);
}

static struct scion_tensor *build_scale(struct scion_tensor *const *leaf, const void *context)
{
        return scion_scale(leaf[0], *(const float *)context);
}

static struct scion_tensor *build_huber(struct scion_tensor *const *leaf, const void *context)
{
        return scion_huber(leaf[0], *(const float *)context);
}

static struct scion_tensor *build_shift(struct scion_tensor *const *leaf, const void *context)
{
        return scion_shift(leaf[0], *(const float *)context);
}

static void gradients_with_a_number(void **state)
{
        static const float number[] = { 2, 3, -1, 0.5f, -2.5f, 1 };

        (void)state;
        for (size_t i = 0; i < COUNT(number); i++) {
                struct gradcheck check = { .name = "pow",
                                           .build = build_power,
                                           .context = &number[i],
                                           .leaves = 1,
                                           .shape = { SCION_SHAPE(5, 3) },
                                           .low = 0.5f,
                                           .high = 2 };

                gradcheck(&check);
                check.name = "scale";
                check.build = build_scale;
                gradcheck(&check);
                check.name = "shift";
                check.build = build_shift;
                gradcheck(&check);
        }
}

/* Finite differences of fourth order reach 0.04 to both sides, so all values are at least that far from the kinks. */
static void hubers(void **state)
{
        static const float delta[] = { 0.1f, 1, 2.5f };
        const float x[] = { -3, -1, -0.5f, 0, 0.25f, 1, 4, INFINITY, NAN };
        const float ones[] = { 2.5f, 0.5f, 0.125f, 0, 0.03125f, 0.5f, 3.5f, INFINITY, NAN };

        (void)state;
        assert_values(scion_huber(scion_from(SCION_SHAPE(9), x), 1), ones, 1e-7);
        for (int i = 0; i < 3; i++)
                gradcheck(&(struct gradcheck){ .name = "huber",
                                               .build = build_huber,
                                               .context = &delta[i],
                                               .leaves = 1,
                                               .shape = { SCION_SHAPE(9, 8) },
                                               .distinct = true });
        assert_null(scion_huber(scion_zeros(SCION_SHAPE(2)), 0));
        assert_error_has("huber: delta must be above 0, got 0", NULL);
        scion_fail("the first message");
        assert_null(scion_huber(NULL, 1));
        assert_string_equal(scion_error(), "the first message");
}

/* The values are unchanged; the gradient of sum(w x) is -factor w. */
static void reversed_gradients(void **state)
{
        static const float factor[] = { 1, 0.25f, 0, -2 };
        const struct scion_shape shapes[] = { SCION_SCALAR, SCION_SHAPE(7), SCION_SHAPE(2, 3, 4, 5) };

        (void)state;
        for (int i = 0; i < 4; i++)
                for (int j = 0; j < 3; j++) {
                        struct scion_tensor *x = scion_require_grad(random_tensor(shapes[j], 1, -1, 1));
                        struct scion_tensor *w = random_tensor(shapes[j], 2, -1, 1);
                        struct scion_tensor *y = scion_reverse_gradient(x, factor[i]);

                        assert_shape(y, shapes[j]);
                        assert_values(y, scion_data(x), 0);
                        assert_true(scion_backward(scion_sum(scion_mul(y, w), SCION_ALL_AXES, false)));
                        assert_values(scion_grad(x), scion_data(scion_scale(w, -factor[i])), 0);
                }
        assert_null(scion_reverse_gradient(scion_from_i32(SCION_SHAPE(1), (const int32_t[]){ 1 }), 1));
        assert_error_has("reverse_gradient: takes float32, got int32", NULL);
}

static void errors(void **state)
{
        struct scion_tensor *labels = scion_from_i32(SCION_SHAPE(2), (const int32_t[]){ 1, 2 });

        (void)state;
        for (size_t i = 0; i < COUNT(unaries); i++) {
                assert_null(unaries[i].operation(labels));
                assert_error_has(unaries[i].name, "takes float32, got int32", NULL);
                scion_fail("the first message");
                assert_null(unaries[i].operation(NULL));
                assert_string_equal(scion_error(), "the first message");
        }
        assert_null(scion_pow(NULL, 2));
        assert_null(scion_scale(NULL, 2));
        assert_null(scion_shift(NULL, 2));
        assert_string_equal(scion_error(), "the first message");
        assert_null(scion_pow(labels, 2));
        assert_error_has("pow", "int32", NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(values),   tape_test(special_values), tape_test(ends_of_exp),
                tape_test(wide_exp), tape_test(powers),         tape_test(power_of_zero),
                tape_test(kinks),    tape_test(gradients),      tape_test(gradients_with_a_number),
                tape_test(errors),   tape_test(hubers),         tape_test(reversed_gradients),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
