/* The losses of scion/losses.h; their values are compared with PyTorch's in tests/parity. */
#include <float.h>
#include <scion/losses.h>

#include "support/gradcheck.h"
#include "support/tensors.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* --- Gradients ---------------------------------------------------------------------------------------------- */

struct loss {
        const char *name;
        struct scion_tensor *(*of)(struct scion_tensor *a, struct scion_tensor *b);
        bool two_sizes; /* accepts different numbers of examples */
};

static struct scion_tensor *cold(struct scion_tensor *a, struct scion_tensor *b)
{
        return scion_kl_divergence(a, b, 0.5f);
}

static struct scion_tensor *warm(struct scion_tensor *a, struct scion_tensor *b)
{
        return scion_kl_divergence(a, b, 4);
}

/* The loss has a kink at a distance of 1, so all distances are smaller. */
static struct scion_tensor *near_l1(struct scion_tensor *a, struct scion_tensor *b)
{
        return scion_smooth_l1(scion_scale(a, 0.4f), scion_scale(b, 0.4f));
}

static struct scion_tensor *far_l1(struct scion_tensor *a, struct scion_tensor *b)
{
        return scion_smooth_l1(scion_shift(a, 4), b);
}

/* The bandwidth is fixed, because the heuristics' bandwidth depends on the values but is a constant in gradients. */
#define MMD(name, ...)                                                                   \
        static struct scion_tensor *name(struct scion_tensor *a, struct scion_tensor *b) \
        {                                                                                \
                return scion_mmd(a, b, &(struct scion_mmd){ __VA_ARGS__ });              \
        }

MMD(linear, .bandwidth = 2)
MMD(biased, .estimator = SCION_MMD_BIASED, .bandwidth = 2, .kernels = 5, .step = 2)
MMD(unbiased, .estimator = SCION_MMD_UNBIASED, .bandwidth = 3, .kernels = 1)

static const struct loss losses[] = {
        { "mse", scion_mse, false },
        { "smooth_l1, near", near_l1, false },
        { "smooth_l1, far", far_l1, false },
        { "cosine_distance", scion_cosine_distance, false },
        { "kl_divergence, cold", cold, false },
        { "kl_divergence, warm", warm, false },
        { "coral", scion_coral, true },
        { "mmd, linear", linear, true },
        { "mmd, biased", biased, true },
        { "mmd, unbiased", unbiased, true },
};

static struct scion_tensor *build(struct scion_tensor *const *leaf, const void *context)
{
        return ((const struct loss *)context)->of(leaf[0], leaf[1]);
}

static void gradients(void **state)
{
        static const int64_t sizes[][3] = { { 2, 2, 1 }, { 2, 3, 5 }, { 9, 4, 3 }, { 6, 6, 20 } };

        (void)state;
        for (size_t i = 0; i < COUNT(losses); i++)
                for (size_t j = 0; j < COUNT(sizes); j++) {
                        const int64_t *size = sizes[j];

                        if (losses[i].of == scion_cosine_distance && size[2] == 1)
                                continue; /* with one feature the cosine is a sign, which has no gradient */
                        gradcheck(&(struct gradcheck){
                                .name = losses[i].name,
                                .build = build,
                                .context = &losses[i],
                                .leaves = 2,
                                .shape = { SCION_SHAPE(size[0], size[2]),
                                           SCION_SHAPE(losses[i].two_sizes ? size[1] : size[0], size[2]) } });
                }
}

static struct scion_tensor *build_cross_entropy(struct scion_tensor *const *leaf, const void *context)
{
        const int32_t labels[] = { 2, 0, 1, 2 };

        (void)context;
        return scion_cross_entropy(leaf[0], scion_from_i32(SCION_SHAPE(4), labels));
}

static struct scion_tensor *build_own(struct scion_tensor *const *leaf, const void *context)
{
        return ((const struct loss *)context)->of(scion_slice(leaf[0], 0, 0, 4), leaf[0]);
}

static void gradients_of_one_tensor(void **state)
{
        (void)state;
        gradcheck(&(struct gradcheck){ .name = "cross_entropy",
                                       .build = build_cross_entropy,
                                       .leaves = 1,
                                       .shape = { SCION_SHAPE(4, 3) } });
        for (size_t i = 0; i < COUNT(losses); i++)
                if (losses[i].two_sizes)
                        gradcheck(&(struct gradcheck){ .name = losses[i].name,
                                                       .build = build_own,
                                                       .context = &losses[i],
                                                       .leaves = 1,
                                                       .shape = { SCION_SHAPE(7, 3) } });
}

/* --- Values ------------------------------------------------------------------------------------------------- */

static struct scion_tensor *backward(struct scion_tensor *loss, struct scion_tensor *x)
{
        if (!loss || !scion_backward(loss))
                fail_msg("%s", scion_error());
        return scion_grad(x);
}

/* Between equal tensors every loss is 0, and so is its gradient. */
static void equal_tensors_have_no_loss(void **state)
{
        const float zeros[28] = { 0 };

        (void)state;
        for (size_t i = 0; i < COUNT(losses); i++) {
                if (losses[i].of == far_l1 || losses[i].of == linear || losses[i].of == unbiased)
                        continue; /* an unbiased estimate, which is 0 only in the mean over samples */
                struct scion_tensor *x = numbers(SCION_SHAPE(7, 4), 3), *y = scion_scale(x, 1);
                struct scion_tensor *loss = losses[i].of(scion_require_grad(x), y);

                assert_true(fabsf(scion_item(loss)) < 2e-7f);
                assert_values(backward(loss, x), zeros, 1e-7);
        }
}

/* A confident teacher, one that excludes a class, and logits that are far apart give neither NaN nor infinity. */
static void kl_of_extremes(void **state)
{
        const float teacher[] = { 1e4f, -1e4f, 0, -INFINITY, 0, 0 }, student[] = { 0, 0, 0, 1, 2, 2 };
        struct scion_tensor *s = scion_require_grad(scion_from(SCION_SHAPE(2, 3), student));
        struct scion_tensor *t = scion_require_grad(scion_from(SCION_SHAPE(2, 3), teacher));
        struct scion_tensor *loss = scion_kl_divergence(s, t, 1);
        double q = exp(2) / (exp(1) + 2 * exp(2)); /* of each of two */

        (void)state;
        assert_true(fabs((double)scion_item(loss) - (log(3) - log(2 * q)) / 2) < 1e-6);
        const float third = 1.f / 6, rest = (float)((q - 0.5) / 2);

        assert_values(backward(loss, s),
                      (const float[]){ third - 0.5f, third, third, (float)((1 - 2 * q) / 2), rest, rest },
                      1e-7);
        assert_values(scion_grad(t), (const float[]){ 0, 0, 0, 0, 0, 0 }, 1e-7);
}

/* When only the student requires a gradient, the teacher's is not computed. */
static void kl_of_a_fixed_teacher(void **state)
{
        struct scion_tensor *s = scion_require_grad(numbers(SCION_SHAPE(3, 4), 1));
        struct scion_tensor *t = scion_require_grad(numbers(SCION_SHAPE(3, 4), 2));

        (void)state;
        assert_non_null(backward(scion_kl_divergence(s, scion_detach(t), 2), s));
        assert_null(scion_grad(t));
}

static void cosine_of_zeros(void **state)
{
        struct scion_tensor *x = scion_require_grad(scion_zeros(SCION_SHAPE(2, 3)));
        struct scion_tensor *loss = scion_cosine_distance(x, scion_full(SCION_SHAPE(2, 3), 1));
        const float zeros[6] = { 0 };

        (void)state;
        assert_true(scion_item(loss) == 1);
        assert_values(backward(loss, x), zeros, 0);
}

/* The heuristics, computed by hand as the mean over K kernels; and equal examples, for which the bandwidth does not
 * matter. */
static void mmd_bandwidths(void **state)
{
        /* Squared distances within x 4, within y 16, across 1, 25, 1, 9: the median is (4 + 9) / 2. */
        struct scion_tensor *x = scion_from(SCION_SHAPE(2, 1), (const float[]){ 0, 2 });
        struct scion_tensor *y = scion_from(SCION_SHAPE(2, 1), (const float[]){ 1, 5 });
        struct scion_mmd median = { .estimator = SCION_MMD_UNBIASED, .kernels = 1 };
        struct scion_mmd mean = { .estimator = SCION_MMD_UNBIASED,
                                  .heuristic = SCION_MMD_MEAN,
                                  .kernels = 1 };
        struct scion_mmd given = { .estimator = SCION_MMD_UNBIASED, .bandwidth = 6.5f, .kernels = 1 };
        struct scion_tensor *same = scion_require_grad(scion_full(SCION_SHAPE(4, 3), 2));
        const float zeros[12] = { 0 };

        (void)state;
        assert_true(scion_item(scion_mmd(x, y, &median)) == scion_item(scion_mmd(x, y, &given)));
        given.bandwidth = 56.f / 6;
        assert_true(fabsf(scion_item(scion_mmd(x, y, &mean)) - scion_item(scion_mmd(x, y, &given))) < 1e-7f);
        for (int i = 0; i < 3; i++) {
                struct scion_mmd plain = { .estimator = (enum scion_mmd_estimator)i };
                struct scion_tensor *loss = scion_mmd(same, scion_full(SCION_SHAPE(5, 3), 2), &plain);

                assert_true(fabsf(scion_item(loss)) < 1e-7f);
                assert_values(backward(loss, same), zeros, 0);
        }
        /* Three of four examples are equal, so the median is 0 and the mean is used instead. */
        struct scion_tensor *few = scion_from(SCION_SHAPE(2, 1), (const float[]){ 1, 1 });
        struct scion_tensor *one = scion_from(SCION_SHAPE(2, 1), (const float[]){ 1, 1.5f });

        given.bandwidth = 3 * 0.25f / 6;
        median.bandwidth = 0;
        few = scion_concat((struct scion_tensor *[]){ few, few, few }, 3, 0);
        one = scion_concat((struct scion_tensor *[]){ few, one }, 2, 0); /* 13 pairs of 91 are 0.5 apart */
        given.bandwidth = 13 * 0.25f / 91;
        assert_true(fabsf(scion_item(scion_mmd(few, one, &median)) -
                          scion_item(scion_mmd(few, one, &given))) < 1e-7f);
}

/* The median of many distances, of which many are equal, is the one that sorting gives. */
static void mmd_of_many(void **state)
{
        const int64_t n = 40;
        struct scion_tensor *x = numbers(SCION_SHAPE(n, 2), 5), *y = numbers(SCION_SHAPE(n, 2), 6);
        const struct scion_mmd by_median = { .estimator = SCION_MMD_BIASED };
        struct scion_tensor *all = scion_concat((struct scion_tensor *[]){ x, y }, 2, 0);
        const float *d = scion_data(scion_pairwise_squared_distance(all, all));
        double low = 0, high = 100; /* bisection: as many distances below as above */

        (void)state;
        for (int step = 0; step < 200; step++) {
                double middle = (low + high) / 2;
                int below = 0;

                for (int64_t i = 0; i < 2 * n; i++)
                        for (int64_t j = i + 1; j < 2 * n; j++)
                                below += (double)d[i * 2 * n + j] < middle;
                *(below <= n * (2 * n - 1) / 2 - 1 ? &low : &high) = middle;
        }
        struct scion_mmd given = { .estimator = SCION_MMD_BIASED, .bandwidth = (float)low };

        assert_true(fabsf(scion_item(scion_mmd(x, y, &by_median)) / scion_item(scion_mmd(x, y, &given)) - 1) <
                    1e-3f);
}

static void batch_values(void **state)
{
        struct scion_batch labelled = { .labels = scion_from_i32(SCION_SHAPE(2), (const int32_t[]){ 2, 0 }) };
        struct scion_batch valued = { .targets = scion_zeros(SCION_SHAPE(2, 1)) };

        struct scion_tensor *outputs = scion_zeros(SCION_SHAPE(2, 3));

        (void)state;
        assert_values(scion_batch_values(&labelled, outputs), (const float[]){ 0, 0, 1, 1, 0, 0 }, 0);
        assert_ptr_equal(scion_batch_values(&valued, outputs), valued.targets);
        assert_null(scion_batch_values(&labelled, scion_zeros(SCION_SHAPE(2))));
        assert_error_has("batch_values: labels of shape 2 take outputs NxK, got 2", NULL);
        scion_fail("the first message");
        assert_null(scion_batch_values(&labelled, NULL));
        assert_null(scion_batch_values(&valued, NULL));
        assert_string_equal(scion_error(), "the first message");
}

/* --- Errors ------------------------------------------------------------------------------------------------- */

static void shapes_that_do_not_fit(void **state)
{
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(4, 3)), *one = scion_zeros(SCION_SHAPE(1, 3));
        struct scion_tensor *wide = scion_zeros(SCION_SHAPE(4, 5)), *row = scion_zeros(SCION_SHAPE(3));
        struct scion_tensor *labels = scion_from_i32(SCION_SHAPE(3), (const int32_t[]){ 1, 2, 0 });
        struct scion_tensor *batch = scion_zeros(SCION_SHAPE(2, 3, 4));

        (void)state;
        for (size_t i = 0; i < COUNT(losses); i++) {
                assert_null(losses[i].of(x, wide));
                assert_error_has("4x3", "4x5", NULL);
                assert_null(losses[i].of(labels, x));
                assert_error_has("takes float32, got int32", NULL);
                scion_fail("the first message");
                assert_null(losses[i].of(NULL, x));
                assert_null(losses[i].of(x, NULL));
                assert_string_equal(scion_error(), "the first message");
        }
        assert_null(scion_mse(x, one));
        assert_error_has("mse: takes two tensors of one shape, got 4x3 and 1x3", NULL);
        assert_null(scion_kl_divergence(batch, batch, 1));
        assert_error_has("kl_divergence: takes logits NxC, got 2x3x4", NULL);
        assert_null(scion_cosine_distance(scion_scalar(1), scion_scalar(1)));
        assert_error_has("cosine_distance: takes vectors", NULL);
        assert_null(scion_coral(x, one));
        assert_error_has("coral: takes 2 examples or more of each, got 4x3 and 1x3", NULL);
        assert_null(scion_coral(row, x));
        assert_error_has("coral: takes NxD and MxD, got 3 and 4x3", NULL);
        assert_null(scion_mmd(one, x, NULL));
        assert_error_has("mmd: takes 2 examples or more of each, got 1x3 and 4x3", NULL);
        assert_non_null(scion_mmd(one, x, &(struct scion_mmd){ .estimator = SCION_MMD_BIASED }));
        assert_null(scion_mmd(batch, batch, NULL));
        assert_error_has("mmd: takes NxD and MxD, got 2x3x4 and 2x3x4", NULL);
        assert_null(scion_cross_entropy(x, labels));
        assert_error_has("cross_entropy: takes logits NxC and labels N, got 4x3 and 3", NULL);
        assert_null(scion_cross_entropy(x, row));
        assert_error_has("cross_entropy: labels are integers", NULL);
}

static void invalid_parameters(void **state)
{
        const float temperatures[] = { 0, -1, INFINITY, NAN };
        const struct scion_mmd bad[] = { { .kernels = -1 },    { .kernels = 1000 }, { .bandwidth = -1 },
                                         { .bandwidth = NAN }, { .step = -2 },      { .step = 1e9f } };
        struct scion_tensor *x = numbers(SCION_SHAPE(4, 3), 1);
        const float nans[] = { NAN, 1, 2, 3 };

        (void)state;
        for (size_t i = 0; i < COUNT(temperatures); i++) {
                assert_null(scion_kl_divergence(x, x, temperatures[i]));
                assert_error_has("kl_divergence: the temperature must be above 0", NULL);
        }
        for (size_t i = 0; i < COUNT(bad); i++) {
                scion_error_clear();
                assert_null(scion_mmd(x, x, &bad[i]));
                assert_error_has("mmd: ", NULL);
        }
        x = scion_from(SCION_SHAPE(4, 1), nans);
        for (int i = 0; i < 3; i++) {
                assert_null(scion_mmd(x, x, &(struct scion_mmd){ .estimator = (enum scion_mmd_estimator)i }));
                assert_error_has("mmd: the features, or their distances, are not finite", NULL);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(gradients),
                tape_test(gradients_of_one_tensor),
                tape_test(equal_tensors_have_no_loss),
                tape_test(kl_of_extremes),
                tape_test(kl_of_a_fixed_teacher),
                tape_test(cosine_of_zeros),
                tape_test(mmd_bandwidths),
                tape_test(mmd_of_many),
                tape_test(batch_values),
                tape_test(shapes_that_do_not_fit),
                tape_test(invalid_parameters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
