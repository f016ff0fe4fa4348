/* Selection by labels: pick and one_hot. */
#include "support/gradcheck.h"
#include "support/tensors.h"

static void picks(void **state)
{
        struct scion_tensor *x = scion_from(SCION_SHAPE(3, 2), (const float[]){ 1, 2, 3, 4, 5, 6 });
        struct scion_tensor *labels = scion_from_i32(SCION_SHAPE(3), (const int32_t[]){ 1, 0, 1 });

        (void)state;
        assert_shape(scion_pick(x, labels), SCION_SHAPE(3));
        assert_values(scion_pick(x, labels), (const float[]){ 2, 3, 6 }, 0);
}

static void one_hots(void **state)
{
        struct scion_tensor *labels = scion_from_i32(SCION_SHAPE(3), (const int32_t[]){ 2, 0, 1 });
        struct scion_tensor *y = scion_one_hot(labels, 4);

        (void)state;
        assert_shape(y, SCION_SHAPE(3, 4));
        assert_values(y, (const float[]){ 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0 }, 0);
}

static struct scion_tensor *build_pick(struct scion_tensor *const *leaf, const void *context)
{
        int64_t count = scion_dim(leaf[0], 0);
        int32_t label[64];

        (void)context;
        for (int64_t i = 0; i < count; i++)
                label[i] = (int32_t)(i * 7 % scion_dim(leaf[0], 1));
        return scion_pick(leaf[0], scion_from_i32(SCION_SHAPE(count), label));
}

static void gradients(void **state)
{
        const struct scion_shape shapes[] = { SCION_SHAPE(1, 1), SCION_SHAPE(5, 3), SCION_SHAPE(19, 10) };

        (void)state;
        for (int i = 0; i < 3; i++)
                gradcheck(&(struct gradcheck){
                        .name = "pick", .build = build_pick, .leaves = 1, .shape = { shapes[i] } });
}

static void errors(void **state)
{
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(3, 2));
        struct scion_tensor *high = scion_from_i32(SCION_SHAPE(3), (const int32_t[]){ 1, 0, 2 });
        struct scion_tensor *low = scion_from_i32(SCION_SHAPE(3), (const int32_t[]){ 1, -1, 0 });
        struct scion_tensor *few = scion_from_i32(SCION_SHAPE(2), (const int32_t[]){ 1, 0 });
        struct scion_tensor *square = scion_from_i32(SCION_SHAPE(1, 2), (const int32_t[]){ 1, 0 });

        (void)state;
        assert_null(scion_pick(x, high));
        assert_error_has("pick: label 2 of example 2 is not in 0 .. 1", NULL);
        assert_null(scion_pick(x, low));
        assert_error_has("pick: label -1 of example 1 is not in 0 .. 1", NULL);
        assert_null(scion_pick(x, few));
        assert_error_has("pick: takes NxC and labels N, got 3x2 and 2", NULL);
        assert_null(scion_pick(x, scion_zeros(SCION_SHAPE(3))));
        assert_error_has("pick: labels are integers, got floats", NULL);
        assert_null(scion_pick(few, few));
        assert_error_has("pick: takes float32, got int32", NULL);
        assert_null(scion_pick(scion_zeros(SCION_SHAPE(3)), high));
        assert_error_has("pick: takes NxC and labels N, got 3 and 3", NULL);
        assert_null(scion_one_hot(high, 2));
        assert_error_has("one_hot: label 2 of example 2 is not in 0 .. 1", NULL);
        assert_null(scion_one_hot(square, 2));
        assert_error_has("one_hot: takes labels of one axis, got 1x2", NULL);
        assert_null(scion_one_hot(x, 2));
        assert_error_has("one_hot: ", NULL);
        assert_null(scion_one_hot(scion_zeros(SCION_SHAPE(3)), 2));
        assert_error_has("one_hot: labels are integers, got floats", NULL);
        assert_null(scion_one_hot(high, 0));
        assert_error_has("one_hot: the number of classes must be positive, got 0", NULL);
        scion_fail("the first message");
        assert_null(scion_pick(NULL, high));
        assert_null(scion_pick(x, NULL));
        assert_null(scion_one_hot(NULL, 2));
        assert_string_equal(scion_error(), "the first message");
}

int main(void)
{
        const struct CMUnitTest tests[] = { tape_test(picks), tape_test(one_hots), tape_test(gradients),
                                            tape_test(errors) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
