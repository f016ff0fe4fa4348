/* Distances between the rows of matrices. */
#include "support/gradcheck.h"
#include "support/tensors.h"

static const struct {
        int64_t rows, columns, width;
} cases[] = { { 1, 1, 1 }, { 5, 3, 2 }, { 4, 4, 16 }, { 7, 9, 33 }, { 2, 3, 1100 } };

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static double squared(const float *a, const float *b, int64_t count)
{
        double sum = 0;

        for (int64_t i = 0; i < count; i++)
                sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        return sum;
}

static void assert_distances(struct scion_tensor *a, struct scion_tensor *b)
{
        int64_t rows = scion_dim(a, 0), columns = scion_dim(b, 0), width = scion_dim(a, 1);
        struct scion_tensor *d = scion_pairwise_distance(a, b), *dd = scion_pairwise_squared_distance(a, b);

        assert_shape(d, SCION_SHAPE(rows, columns));
        assert_shape(dd, SCION_SHAPE(rows, columns));
        for (int64_t i = 0; i < rows; i++)
                for (int64_t j = 0; j < columns; j++) {
                        double is = squared(scion_data(a) + i * width, scion_data(b) + j * width, width);

                        assert_true(fabs((double)scion_data(dd)[i * columns + j] - is) <= 1e-6 * is);
                        assert_true(fabs((double)scion_data(d)[i * columns + j] - sqrt(is)) <=
                                    1e-6 * sqrt(is));
                }
}

static void values(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                struct scion_tensor *a = numbers(SCION_SHAPE(cases[i].rows, cases[i].width), i);

                assert_distances(a, numbers(SCION_SHAPE(cases[i].columns, cases[i].width), i + 50));
                assert_distances(a, a);
        }
}

/* Far from the origin, where a difference of two squares would have no correct digit. */
static void near_rows(void **state)
{
        struct scion_tensor *a = scion_shift(numbers(SCION_SHAPE(6, 20), 1), 10000);

        (void)state;
        assert_distances(a, a);
        assert_distances(a, scion_shift(a, 0.25f));
}

static struct scion_tensor *build_squared(struct scion_tensor *const *leaf, const void *context)
{
        (void)context;
        return scion_pairwise_squared_distance(leaf[0], leaf[1]);
}

static struct scion_tensor *build_root(struct scion_tensor *const *leaf, const void *context)
{
        (void)context;
        return scion_pairwise_distance(
                leaf[0], scion_shift(leaf[1], 3)); /* no distance near 0, where the root has a kink */
}

static struct scion_tensor *build_squared_own(struct scion_tensor *const *leaf, const void *context)
{
        (void)context;
        return scion_pairwise_squared_distance(leaf[0], leaf[0]);
}

/* The rows are 3 apart, so that only the diagonal, which stays 0, is near a kink. */
static struct scion_tensor *build_root_own(struct scion_tensor *const *leaf, const void *context)
{
        float apart[64];

        (void)context;
        for (int64_t i = 0; i < scion_dim(leaf[0], 0); i++)
                apart[i] = 3 * (float)i;
        struct scion_tensor *x = scion_add(leaf[0], scion_from(SCION_SHAPE(scion_dim(leaf[0], 0), 1), apart));

        return scion_pairwise_distance(x, x);
}

static void gradients(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                if (cases[i].width > 100)
                        continue; /* sums too large for finite differences; tests/parity covers them */
                struct gradcheck check = { .name = "pairwise_squared_distance",
                                           .build = build_squared,
                                           .leaves = 2,
                                           .shape = { SCION_SHAPE(cases[i].rows, cases[i].width),
                                                      SCION_SHAPE(cases[i].columns, cases[i].width) } };

                gradcheck(&check);
                check.name = "pairwise_distance";
                check.build = build_root;
                gradcheck(&check);
                check.leaves = 1;
                check.name = "pairwise_squared_distance of one tensor";
                check.build = build_squared_own;
                gradcheck(&check);
                check.name = "pairwise_distance of one tensor";
                check.build = build_root_own;
                gradcheck(&check);
        }
}

/* Equal rows of two tensors, and of one: the gradient is 0, not NaN. */
static void no_distance(void **state)
{
        const float rows[] = { 1, 2, 1, 2, 4, 6 };
        struct scion_tensor *a = scion_require_grad(scion_from(SCION_SHAPE(3, 2), rows));
        struct scion_tensor *d = scion_pairwise_distance(a, a);

        (void)state;
        assert_values(d, (const float[]){ 0, 0, 5, 0, 0, 5, 5, 5, 0 }, 0);
        assert_true(scion_backward(scion_sum(d, SCION_ALL_AXES, false)));
        assert_values(scion_grad(a), (const float[]){ -1.2f, -1.6f, -1.2f, -1.6f, 2.4f, 3.2f }, 1e-7);

        struct scion_tensor *x = scion_require_grad(scion_zeros(SCION_SHAPE(2, 3)));

        assert_true(scion_backward(scion_sum(scion_pairwise_distance(x, scion_zeros(SCION_SHAPE(4, 3))),
                                             SCION_ALL_AXES, false)));
        assert_values(scion_grad(x), (const float[]){ 0, 0, 0, 0, 0, 0 }, 0);
}

static void errors(void **state)
{
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(2, 3));
        struct scion_tensor *labels = scion_from_i32(SCION_SHAPE(2), (const int32_t[]){ 1, 2 });

        (void)state;
        assert_null(scion_pairwise_distance(x, scion_zeros(SCION_SHAPE(2, 4))));
        assert_error_has("pairwise_distance: takes NxD and MxD, got 2x3 and 2x4", NULL);
        assert_null(scion_pairwise_squared_distance(scion_zeros(SCION_SHAPE(3)), x));
        assert_error_has("pairwise_squared_distance: takes NxD and MxD, got 3 and 2x3", NULL);
        assert_null(scion_pairwise_distance(x, labels));
        assert_error_has("pairwise_distance: takes float32, got int32", NULL);
        scion_fail("the first message");
        assert_null(scion_pairwise_distance(NULL, x));
        assert_null(scion_pairwise_squared_distance(x, NULL));
        assert_string_equal(scion_error(), "the first message");
}

/* The first rows of x share their memory with x, which does not make the two one matrix. */
static void rows_of_the_same_memory(void **state)
{
        static const float points[] = { 0, 0, /**/ 3, 4, /**/ 6, 8 };
        struct scion_tensor *x = scion_from(SCION_SHAPE(3, 2), points), *first = scion_slice(x, 0, 0, 2);

        (void)state;
        assert_values(scion_pairwise_distance(x, first), (const float[]){ 0, 5, 5, 0, 10, 5 }, 1e-6);
        assert_values(scion_pairwise_distance(first, x), (const float[]){ 0, 5, 10, 5, 0, 5 }, 1e-6);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(rows_of_the_same_memory),
                tape_test(values),
                tape_test(near_rows),
                tape_test(gradients),
                tape_test(no_distance),
                tape_test(errors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
