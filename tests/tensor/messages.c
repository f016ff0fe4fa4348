/* The message of an operation that cannot combine its arguments has the operation's name and the shapes. */
#include "support/tape.h"

static struct scion_tensor *of(struct scion_shape shape)
{
        return scion_zeros(shape);
}

static struct scion_tensor *labels(int64_t count)
{
        static const int32_t zeros[16];

        return scion_from_i32(SCION_SHAPE(count), zeros);
}

/* The operation was given all but what does not fit. */
#define assert_says(result, ...)                     \
        do {                                         \
                scion_error_clear();                 \
                assert_null(result);                 \
                assert_error_has(__VA_ARGS__, NULL); \
        } while (0)

static void element_by_element(void **state)
{
        static const struct {
                const char *name;
                struct scion_tensor *(*apply)(struct scion_tensor *a, struct scion_tensor *b);
        } operations[] = {
                { "add: ", scion_add },
                { "sub: ", scion_sub },
                { "mul: ", scion_mul },
                { "div: ", scion_div },
        };

        (void)state;
        for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
                assert_says(operations[i].apply(of(SCION_SHAPE(64, 10)), of(SCION_SHAPE(64, 5))),
                            operations[i].name, "64x10", "64x5");
                assert_says(operations[i].apply(of(SCION_SHAPE(3)), labels(3)), operations[i].name, "int32");
        }
}

static void products(void **state)
{
        const struct scion_window window = { .stride = { 1, 1 } };
        struct scion_tensor *x = of(SCION_SHAPE(2, 3, 8, 8));

        (void)state;
        assert_says(scion_matmul(of(SCION_SHAPE(2, 3)), of(SCION_SHAPE(4, 5)), false, false),
                    "matmul: ", "2x3", "4x5");
        assert_says(scion_matmul(of(SCION_SHAPE(2, 4, 3)), of(SCION_SHAPE(5, 3, 6)), false, false),
                    "matmul: ", "2x4x3", "5x3x6");
        assert_says(scion_matmul(of(SCION_SHAPE(3)), of(SCION_SHAPE(3, 5)), false, false), "matmul: ", "3",
                    "3x5");
        assert_says(scion_linear(of(SCION_SHAPE(2, 3)), of(SCION_SHAPE(5, 4)), NULL), "linear: ", "2x3",
                    "5x4");
        assert_says(scion_linear(of(SCION_SHAPE(2, 4)), of(SCION_SHAPE(5, 4)), of(SCION_SHAPE(6))),
                    "linear: ", "5x4", "6");
        assert_says(scion_conv2d(x, of(SCION_SHAPE(4, 5, 3, 3)), NULL, &window), "conv2d: ", "2x3x8x8",
                    "4x5x3x3");
        assert_says(scion_conv2d(x, of(SCION_SHAPE(4, 3, 3, 3)), of(SCION_SHAPE(7)), &window),
                    "conv2d: ", "4x3x3x3", "7");
        assert_says(scion_conv2d(x, of(SCION_SHAPE(4, 3, 9, 9)), NULL, &window), "conv2d: ", "2x3x8x8", "9");
        assert_says(
                scion_batch_norm(x, of(SCION_SHAPE(4)), of(SCION_SHAPE(3)), NULL, NULL, true, 0.1f, 1e-5f),
                "batch_norm: ", "2x3x8x8", "shape 4");
}

static void rows_and_labels(void **state)
{
        (void)state;
        assert_says(scion_pick(of(SCION_SHAPE(4, 10)), labels(5)), "pick: ", "4x10", "5");
        assert_says(scion_cross_entropy(of(SCION_SHAPE(4, 10)), labels(5)), "cross_entropy: ", "4x10", "5");
        assert_says(scion_pairwise_distance(of(SCION_SHAPE(4, 3)), of(SCION_SHAPE(5, 2))),
                    "pairwise_distance: ", "4x3", "5x2");
        assert_says(scion_pairwise_squared_distance(of(SCION_SHAPE(4, 3)), of(SCION_SHAPE(5, 2))),
                    "pairwise_squared_distance: ", "4x3", "5x2");
        assert_says(scion_coral(of(SCION_SHAPE(4, 3)), of(SCION_SHAPE(5, 2))), "coral: ", "4x3", "5x2");
        assert_says(scion_mmd(of(SCION_SHAPE(4, 3)), of(SCION_SHAPE(5, 2)), NULL), "mmd: ", "4x3", "5x2");
}

static void equal_shapes(void **state)
{
        struct scion_batch batch = { .size = 4, .classes = 3, .labels = labels(4) };

        (void)state;
        assert_says(scion_mse(of(SCION_SHAPE(4, 3)), of(SCION_SHAPE(4, 1))), "mse: ", "4x3", "4x1");
        assert_says(scion_smooth_l1(of(SCION_SHAPE(4, 3)), of(SCION_SHAPE(4))), "smooth_l1: ", "4x3", "4");
        assert_says(scion_cosine_distance(of(SCION_SHAPE(4, 3)), of(SCION_SHAPE(2, 3))),
                    "cosine_distance: ", "4x3", "2x3");
        assert_says(scion_kl_divergence(of(SCION_SHAPE(4, 3)), of(SCION_SHAPE(4, 5)), 1),
                    "kl_divergence: ", "4x3", "4x5");
        assert_says(scion_batch_values(&batch, of(SCION_SHAPE(4, 3, 1))), "batch_values: ", "4x3x1",
                    "shape 4 ");
}

static void joined(void **state)
{
        struct scion_tensor *both[] = { of(SCION_SHAPE(2, 3)), of(SCION_SHAPE(2, 4)) };

        (void)state;
        assert_says(scion_concat(both, 2, 0), "concat: ", "2x3", "2x4", "axis 0");
        assert_says(scion_reshape(both[0], SCION_SHAPE(4, 2)), "reshape: ", "2x3", "4x2");
}

/* The message of the first operation that fails is kept for the whole formula. */
static void a_long_formula(void **state)
{
        struct scion_tensor *x = of(SCION_SHAPE(2, 3)), *y = of(SCION_SHAPE(5));

        (void)state;
        assert_says(scion_add(scion_mul(x, scion_exp(scion_sub(y, x))), scion_matmul(y, x, false, false)),
                    "sub: ", "5", "2x3");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(element_by_element), tape_test(products), tape_test(rows_and_labels),
                tape_test(equal_shapes),       tape_test(joined),   tape_test(a_long_formula),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
