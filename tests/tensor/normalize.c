/* Normalisation of vectors to length 1. */
#include "support/gradcheck.h"
#include "support/tensors.h"

static const struct {
        struct scion_shape shape;
        unsigned axes;
} cases[] = {
        { { 1, { 5 } }, SCION_AXIS(0) },
        { { 2, { 3, 7 } }, SCION_AXIS(-1) },
        { { 2, { 4, 33 } }, SCION_AXIS(0) },
        { { 4, { 2, 3, 4, 5 } }, SCION_AXIS(1) },
        { { 4, { 2, 3, 2, 3 } }, SCION_AXIS(1) | SCION_AXIS(2) | SCION_AXIS(3) },
        { { 3, { 2, 3, 4 } }, SCION_ALL_AXES },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The result has length 1, and times |x| it is x. */
static void values(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                struct scion_tensor *x = numbers(cases[i].shape, i);
                struct scion_tensor *y = scion_normalize(x, cases[i].axes, 1e-12f);
                struct scion_tensor *length = scion_sqrt(scion_sum(scion_mul(x, x), cases[i].axes, true));
                struct scion_tensor *one = scion_sum(scion_mul(y, y), cases[i].axes, true);

                assert_shape(y, cases[i].shape);
                assert_values(scion_mul(y, length), scion_data(x), 3e-7);
                for (int64_t j = 0; j < scion_size(one); j++)
                        assert_true(fabsf(scion_data(one)[j] - 1) < 3e-7f);
        }
}

struct context {
        unsigned axes;
        float eps;
};

static struct scion_tensor *build(struct scion_tensor *const *leaf, const void *context)
{
        const struct context *c = context;

        return scion_normalize(leaf[0], c->axes, c->eps);
}

/* With an eps below all lengths, and with one above all. */
static void gradients(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++)
                for (int large = 0; large < 2; large++) {
                        struct context context = { cases[i].axes, large ? 50 : 1e-6f };

                        gradcheck(&(struct gradcheck){ .name = "normalize",
                                                       .build = build,
                                                       .context = &context,
                                                       .leaves = 1,
                                                       .shape = { cases[i].shape },
                                                       .low = 0.4f,
                                                       .high = 1.5f });
                }
}

static void short_vectors(void **state)
{
        const float rows[] = { 0, 0, 3, 4, 3e-6f, 4e-6f };
        struct scion_tensor *x = scion_require_grad(scion_from(SCION_SHAPE(3, 2), rows));
        struct scion_tensor *y = scion_normalize(x, SCION_AXIS(1), 1e-5f);
        const float g[] = { 1, 2, 1, 2, 1, 2 };

        (void)state;
        assert_values(y, (const float[]){ 0, 0, 0.6f, 0.8f, 0.3f, 0.4f }, 1e-6);
        assert_true(scion_backward(
                scion_sum(scion_mul(y, scion_from(SCION_SHAPE(3, 2), g)), SCION_ALL_AXES, false)));
        /* (g - y <g, y>) / |x| = (1 - 0.6 2.2, 2 - 0.8 2.2) / 5; below eps g / eps */
        assert_values(scion_grad(x), (const float[]){ 0, 0, -0.064f, 0.048f, 1e5f, 2e5f }, 1e-6);
}

static struct scion_tensor *build_norm(struct scion_tensor *const *leaf, const void *context)
{
        const struct context *c = context;

        return scion_norm(leaf[0], c->axes, c->eps > 1);
}

static void norms(void **state)
{
        const float rows[] = { 0, 0, 3, 4, -5e-13f, 12e-13f };
        struct scion_tensor *x = scion_require_grad(scion_from(SCION_SHAPE(3, 2), rows));
        struct scion_tensor *y = scion_norm(x, SCION_AXIS(1), false);

        (void)state;
        assert_shape(y, SCION_SHAPE(3));
        assert_values(y, (const float[]){ 0, 5, 13e-13f }, 1e-6);
        assert_true(scion_backward(scion_sum(y, SCION_ALL_AXES, false)));
        assert_values(scion_grad(x), (const float[]){ 0, 0, 0.6f, 0.8f, -5 / 13.0f, 12 / 13.0f }, 1e-6);
        for (size_t i = 0; i < COUNT(cases); i++) {
                struct context context = { cases[i].axes, (float)i };

                gradcheck(&(struct gradcheck){ .name = "norm",
                                               .build = build_norm,
                                               .context = &context,
                                               .leaves = 1,
                                               .shape = { cases[i].shape },
                                               .low = 0.4f,
                                               .high = 1.5f });
        }
}

static void errors(void **state)
{
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(2, 3));

        (void)state;
        assert_null(scion_normalize(x, SCION_AXIS(1), 0));
        assert_error_has("normalize: eps must be above 0, got 0", NULL);
        assert_null(scion_normalize(x, SCION_AXIS(2), 1e-6f));
        assert_error_has("normalize: no axis 2 in a tensor of shape 2x3", NULL);
        assert_null(
                scion_normalize(scion_from_i32(SCION_SHAPE(1), (const int32_t[]){ 1 }), SCION_AXIS(0), 1));
        assert_error_has("normalize: takes float32, got int32", NULL);
        assert_null(scion_norm(x, SCION_AXIS(2), false));
        assert_error_has("no axis 2 in a tensor of shape 2x3", NULL);
        scion_fail("the first message");
        assert_null(scion_normalize(NULL, SCION_AXIS(0), 1));
        assert_null(scion_norm(NULL, SCION_AXIS(0), true));
        assert_string_equal(scion_error(), "the first message");
}

int main(void)
{
        const struct CMUnitTest tests[] = { tape_test(values), tape_test(gradients), tape_test(short_vectors),
                                            tape_test(norms), tape_test(errors) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
