/* Compares every operation and shared loss, and their gradients with respect to each input, with PyTorch. */
#include "parity/vectors.h"

#define UPSTREAM 100 /* the stream of the output's gradient */
#define MOST_INPUTS 8

/* --- Arguments
 * -------------------------------------------------------------------------------------------------------- */

static int integer(const json_t *args, const char *key)
{
        return (int)vectors_integer(args, key);
}

static float real(const json_t *args, const char *key)
{
        return (float)vectors_number(args, key);
}

static unsigned axes_of(const json_t *args)
{
        const json_t *list = vectors_member(args, "axes");
        unsigned axes = 0;

        if (json_is_string(list))
                return SCION_ALL_AXES;
        for (size_t i = 0; i < json_array_size(list); i++)
                axes |= SCION_AXIS((int)json_integer_value(json_array_get(list, i)));
        return axes;
}

static void pair(const json_t *args, const char *key, int into[2])
{
        const json_t *list = json_object_get(args, key);

        for (size_t i = 0; list && i < 2; i++)
                into[i] = (int)json_integer_value(json_array_get(list, i));
}

static struct scion_window window_of(const json_t *args)
{
        struct scion_window window = { .groups = (int)json_integer_value(json_object_get(args, "groups")),
                                       .exclude_padding = vectors_flag(args, "exclude_padding") };

        pair(args, "kernel", window.kernel);
        pair(args, "stride", window.stride);
        pair(args, "padding", window.padding);
        pair(args, "dilation", window.dilation);
        return window;
}

/* --- Operations: what a case calls its "op"
 * ------------------------------------------------------------------------- */

/* `x` has `count` inputs, and NULL after them. */
#define OP(name) static struct scion_tensor *op_##name(const json_t *args, struct scion_tensor **x, int count)
#define UNUSED ((void)args, (void)count)

#define UNARY(name)                        \
        OP(name)                           \
        {                                  \
                UNUSED;                    \
                return scion_##name(x[0]); \
        }
#define BINARY(name)                             \
        OP(name)                                 \
        {                                        \
                UNUSED;                          \
                return scion_##name(x[0], x[1]); \
        }
#define WITH(name, ...)                                 \
        OP(name)                                        \
        {                                               \
                UNUSED;                                 \
                return scion_##name(x[0], __VA_ARGS__); \
        }
#define POOL(name)                                            \
        OP(name)                                              \
        {                                                     \
                struct scion_window window = window_of(args); \
                                                              \
                UNUSED;                                       \
                return scion_##name(x[0], &window);           \
        }

BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
UNARY(neg)
WITH(scale, real(args, "factor"))
WITH(shift, real(args, "offset"))
UNARY(exp)
UNARY(log)
UNARY(sqrt)
WITH(pow, real(args, "exponent"))
UNARY(abs)
UNARY(relu)
UNARY(sigmoid)
UNARY(tanh)
WITH(dropout, real(args, "p"))
WITH(sum, axes_of(args), vectors_flag(args, "keep"))
WITH(mean, axes_of(args), vectors_flag(args, "keep"))
WITH(max, axes_of(args), vectors_flag(args, "keep"))
WITH(softmax, integer(args, "axis"))
WITH(log_softmax, integer(args, "axis"))
BINARY(pick)
WITH(one_hot, vectors_integer(args, "classes"))
WITH(reshape, vectors_shape(args, "shape"))
WITH(flatten, integer(args, "first"))
WITH(slice, integer(args, "axis"), vectors_integer(args, "start"), vectors_integer(args, "length"))
WITH(matmul, x[1], vectors_flag(args, "transpose_a"), vectors_flag(args, "transpose_b"))
WITH(linear, x[1], x[2])
POOL(max_pool2d)
POOL(avg_pool2d)

OP(detach)
{
        UNUSED;
        return scion_mul(x[0], scion_detach(x[0]));
}

/* Uses one tensor as both inputs, whose two gradients are added. */
OP(square)
{
        UNUSED;
        return scion_mul(x[0], x[0]);
}

OP(permute)
{
        struct scion_shape list = vectors_shape(args, "order");
        int order[SCION_MAX_DIMS] = { 0 };

        UNUSED;
        for (int i = 0; i < list.ndim; i++)
                order[i] = (int)list.dim[i];
        return scion_permute(x[0], order);
}

OP(transpose)
{
        int axes[2] = { 0 };

        UNUSED;
        pair(args, "axes", axes);
        return scion_transpose(x[0], axes[0], axes[1]);
}

OP(concat)
{
        return scion_concat(x, count, integer(args, "axis"));
}

OP(conv2d)
{
        struct scion_window window = window_of(args);

        UNUSED;
        return scion_conv2d(x[0], x[1], x[2], &window);
}

WITH(adaptive_avg_pool2d, vectors_integer(args, "height"), vectors_integer(args, "width"))
WITH(batch_norm, x[1], x[2], x[3], x[4], vectors_flag(args, "training"), 0.1f, real(args, "eps"))

/* The running statistics after three steps, on a third of x each. */
OP(batch_norm_running)
{
        int64_t third = scion_dim(x[0], 0) / 3;

        UNUSED;
        for (int i = 0; i < 3; i++)
                if (!scion_batch_norm(scion_slice(x[0], 0, i * third, third), NULL, NULL, x[1], x[2], true,
                                      real(args, "momentum"), 1e-5f))
                        return NULL;
        return scion_concat(x + 1, 2, 0);
}

WITH(huber, real(args, "delta"))
WITH(reverse_gradient, real(args, "factor"))
WITH(logsumexp, integer(args, "axis"))
WITH(norm, axes_of(args), vectors_flag(args, "keep"))
WITH(normalize, axes_of(args), real(args, "eps"))
BINARY(pairwise_distance)
BINARY(pairwise_squared_distance)

OP(pairwise_distance_own)
{
        UNUSED;
        return scion_pairwise_distance(x[0], x[0]);
}

OP(pairwise_squared_distance_own)
{
        UNUSED;
        return scion_pairwise_squared_distance(x[0], x[0]);
}

BINARY(cross_entropy)
WITH(kl_divergence, x[1], real(args, "temperature"))
BINARY(mse)
BINARY(smooth_l1)
BINARY(cosine_distance)
BINARY(coral)

/* Elements that the case does not give stay 0. */
OP(mmd)
{
        const char *estimator = vectors_text(args, "estimator");
        struct scion_mmd kernel = { .estimator = strcmp(estimator, "linear") == 0   ? SCION_MMD_LINEAR
                                                 : strcmp(estimator, "biased") == 0 ? SCION_MMD_BIASED
                                                                                    : SCION_MMD_UNBIASED,
                                    .heuristic = json_object_get(args, "heuristic") ? SCION_MMD_MEAN
                                                                                    : SCION_MMD_MEDIAN,
                                    .bandwidth = (float)json_number_value(json_object_get(args, "bandwidth")),
                                    .kernels = (int)json_integer_value(json_object_get(args, "kernels")),
                                    .step = (float)json_number_value(json_object_get(args, "step")) };

        UNUSED;
        return scion_mmd(x[0], x[1], &kernel);
}

#define ENTRY(name)              \
        {                        \
#name, op_##name \
        }

static const struct op {
        const char *name;
        struct scion_tensor *(*run)(const json_t *args, struct scion_tensor **x, int count);
} ops[] = {
        ENTRY(add),
        ENTRY(sub),
        ENTRY(mul),
        ENTRY(div),
        ENTRY(neg),
        ENTRY(scale),
        ENTRY(shift),
        ENTRY(exp),
        ENTRY(log),
        ENTRY(sqrt),
        ENTRY(pow),
        ENTRY(abs),
        ENTRY(relu),
        ENTRY(sigmoid),
        ENTRY(tanh),
        ENTRY(dropout),
        ENTRY(detach),
        ENTRY(square),
        ENTRY(sum),
        ENTRY(mean),
        ENTRY(max),
        ENTRY(softmax),
        ENTRY(log_softmax),
        ENTRY(pick),
        ENTRY(one_hot),
        ENTRY(reshape),
        ENTRY(flatten),
        ENTRY(permute),
        ENTRY(transpose),
        ENTRY(slice),
        ENTRY(concat),
        ENTRY(matmul),
        ENTRY(linear),
        ENTRY(conv2d),
        ENTRY(max_pool2d),
        ENTRY(avg_pool2d),
        ENTRY(adaptive_avg_pool2d),
        ENTRY(batch_norm),
        ENTRY(batch_norm_running),
        ENTRY(huber),
        ENTRY(reverse_gradient),
        ENTRY(logsumexp),
        ENTRY(norm),
        ENTRY(normalize),
        ENTRY(pairwise_distance),
        ENTRY(pairwise_squared_distance),
        ENTRY(pairwise_distance_own),
        ENTRY(pairwise_squared_distance_own),
        ENTRY(cross_entropy),
        ENTRY(kl_divergence),
        ENTRY(mse),
        ENTRY(smooth_l1),
        ENTRY(cosine_distance),
        ENTRY(coral),
        ENTRY(mmd),
};

static const struct op *op_find(const char *name)
{
        for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
                if (strcmp(ops[i].name, name) == 0)
                        return &ops[i];
        fail_msg("no operation is called %s", name);
        return NULL;
}

/* --- Cases ---------------------------------------------------------------------------------------------- */

static bool input_wants_gradient(const json_t *input)
{
        return !json_object_get(input, "labels") && !json_is_false(json_object_get(input, "grad"));
}

static struct scion_tensor *case_input(const json_t *input, uint64_t seed, uint64_t index)
{
        struct scion_shape shape = vectors_shape(input, "shape");
        const json_t *values = json_object_get(input, "values");
        bool bounded = json_object_get(input, "low");

        if (json_object_get(input, "labels"))
                return vectors_labels(seed, index, shape.dim[0], vectors_integer(input, "labels"));
        struct scion_tensor *x =
                values ? vectors_tensor(values, shape)
                       : vectors_uniform(seed, index, shape, bounded ? vectors_number(input, "low") : -1,
                                         bounded ? vectors_number(input, "high") : 1);

        return input_wants_gradient(input) ? scion_require_grad(x) : x;
}

static struct scion_tensor *case_run(const json_t *test_case, struct scion_tensor *const *input, int count)
{
        const struct op *op = op_find(vectors_text(test_case, "op"));
        struct scion_tensor *x[MOST_INPUTS + 1] = { NULL };

        for (int i = 0; i < count; i++)
                x[i] = input[i];
        if (vectors_flag(test_case, "blocked")) {
                /* The first input is the result of a convolution, in that kernel's layout. */
                x[0] = scion_conv2d(input[0], input[count - 1], NULL,
                                    &(struct scion_window){ .padding = { 1, 1 } });
                x[--count] = NULL;
        }
        return op->run(vectors_member(test_case, "args"), x, count);
}

static void gradients_check(const json_t *test_case, struct scion_tensor *const *input)
{
        const json_t *wanted = vectors_member(test_case, "gradients"),
                     *inputs = vectors_member(test_case, "inputs");

        for (size_t i = 0; i < json_array_size(inputs); i++) {
                char key[24], what[48];

                snprintf(key, sizeof key, "%zu", i);
                snprintf(what, sizeof what, "gradient of input %zu", i);
                if (input_wants_gradient(json_array_get(inputs, i)))
                        vectors_compare_tensor(what, scion_grad(input[i]), vectors_member(wanted, key),
                                               vectors_tolerance(test_case));
                else if (scion_grad(input[i]))
                        fail_msg("input %zu has a gradient, and asked for none", i);
        }
}

static void op_agrees(void **state)
{
        const json_t *test_case = *state, *inputs = vectors_member(test_case, "inputs");
        struct scion_shape shape = vectors_shape(test_case, "shape");
        uint64_t seed = (uint64_t)vectors_integer(test_case, "seed");
        struct scion_tensor *input[MOST_INPUTS];
        int count = (int)json_array_size(inputs);

        assert_in_range(count, 1, MOST_INPUTS);
        for (int i = 0; i < count; i++)
                input[i] = case_input(json_array_get(inputs, (size_t)i), seed, (uint64_t)i);
        struct scion_tensor *y = case_run(test_case, input, count);

        vectors_compare_tensor("output", y, vectors_member(test_case, "output"),
                               vectors_tolerance(test_case));
        struct scion_shape made = scion_shape(y);

        assert_true(scion_shape_equal(&made, &shape));
        if (json_object_size(vectors_member(test_case, "gradients")) == 0)
                return;
        struct scion_tensor *upstream = vectors_uniform(seed, UPSTREAM, shape, -1, 1);

        if (!scion_backward(scion_sum(scion_mul(y, upstream), SCION_ALL_AXES, false)))
                fail_msg("%s", scion_error());
        gradients_check(test_case, input);
}

int main(void)
{
        return vectors_run("ops", op_agrees);
}
