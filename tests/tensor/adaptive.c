/* Adaptive average pooling, with PyTorch's bins, and its gradients, in every layout. */
#include "support/gradcheck.h"
#include "support/tensors.h"

static void bins(void **state)
{
        /* Two bins over three columns overlap in the middle one; three bins over two rows repeat rows. */
        const float values[6] = { 1, 2, 3, 40, 50, 60 };
        const float wanted[6] = { 1.5f, 2.5f, 23.25f, 28.75f, 45, 55 };
        struct scion_tensor *x = scion_from(SCION_SHAPE(1, 1, 2, 3), values);
        struct scion_tensor *y = scion_adaptive_avg_pool2d(x, 3, 2);
        const float mean = 26;

        (void)state;
        assert_shape(y, SCION_SHAPE(1, 1, 3, 2));
        assert_values(y, wanted, 1e-6);
        assert_values(scion_adaptive_avg_pool2d(x, 2, 3), values, 0);
        y = scion_adaptive_avg_pool2d(x, 1, 1);
        assert_shape(y, SCION_SHAPE(1, 1, 1, 1));
        assert_values(y, &mean, 1e-6);
}

struct form {
        int64_t height, width;
        bool blocked;
};

static struct scion_tensor *build(struct scion_tensor *const *leaf, const void *context)
{
        const struct form *form = context;
        struct scion_tensor *x = form->blocked ? scion_conv2d(leaf[0], leaf[1], NULL, NULL) : leaf[0];

        return scion_adaptive_avg_pool2d(x, form->height, form->width);
}

static void gradients(void **state)
{
        static const struct form forms[] = { { 1, 1, false }, { 3, 2, false }, { 4, 7, false },
                                             { 7, 5, false }, { 2, 2, true },  { 1, 1, true },
                                             { 3, 3, true } };

        (void)state;
        for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
                gradcheck(&(struct gradcheck){
                        .name = "adaptive_avg_pool2d",
                        .build = build,
                        .context = &forms[i],
                        .leaves = forms[i].blocked ? 2 : 1,
                        .shape = { forms[i].blocked ? SCION_SHAPE(2, 1, 4, 4) : SCION_SHAPE(2, 3, 4, 5),
                                   SCION_SHAPE(16, 1, 1, 1) } });
}

static void refused(void **state)
{
        struct scion_tensor *x = numbers(SCION_SHAPE(2, 3, 2, 2), 1);

        (void)state;
        assert_null(scion_adaptive_avg_pool2d(x, 0, 1));
        assert_error_has("adaptive_avg_pool2d: cannot make images of 0x1", NULL);
        assert_null(scion_adaptive_avg_pool2d(x, 1, -1));
        assert_error_has("images of 1x-1", NULL);
        assert_null(scion_adaptive_avg_pool2d(numbers(SCION_SHAPE(2, 3), 1), 1, 1));
        assert_error_has("N x C x H x W, got 2x3", NULL);
        assert_null(scion_adaptive_avg_pool2d(x, (int64_t)1 << 40, 1));
        assert_null(scion_adaptive_avg_pool2d(NULL, 1, 1));
}

int main(void)
{
        const struct CMUnitTest tests[] = { tape_test(bins), cmocka_unit_test(gradients),
                                            tape_test(refused) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
