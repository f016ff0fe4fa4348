/* Reuse of the memory of gradients does not change the results of random graphs. */
#include "support/tensors.h"

#include "tensor/tensor.h"

enum { GRAPHS = 120, MOST = 24, STEPS = 14, MORE = 5 };

/* A graph of random operations, which the seed determines. */
struct graph {
        struct scion_random random;
        struct scion_tensor *made[MOST]; /* the results so far, beginning with the inputs */
        struct scion_tensor *leaf[2 * MOST];
        int count, leaves;
        bool keep;      /* scion_require_grad() is called for every result */
        int cut;        /* index of a result that is replaced by a leaf of the same values; -1: none */
        uint64_t seeds; /* number of seeds used for values */
        struct scion_tensor *loss;
};

static int64_t graph_draw(struct graph *graph, int64_t limit)
{
        return (int64_t)(scion_random_uniform(&graph->random) * (float)limit) % limit;
}

static struct scion_tensor *graph_leaf(struct graph *graph, struct scion_shape shape)
{
        assert_true(graph->leaves < 2 * MOST);
        return graph->leaf[graph->leaves++] = scion_require_grad(numbers(shape, ++graph->seeds));
}

static struct scion_tensor *graph_any(struct graph *graph)
{
        return graph->made[graph_draw(graph, graph->count)];
}

/* Returns a result of the shape of x, or one that may differ in the number of channels; x itself if none is found. */
static struct scion_tensor *graph_similar(struct graph *graph, struct scion_tensor *x, bool channels)
{
        for (int tries = 0; tries < 6; tries++) {
                struct scion_tensor *y = graph_any(graph);
                struct scion_shape shape = scion_shape(y), wanted = scion_shape(x);

                if (!channels)
                        wanted.dim[1] = shape.dim[1];
                if (scion_shape_equal(&shape, &wanted))
                        return y;
        }
        return x;
}

static struct scion_tensor *graph_convolve(struct graph *graph, struct scion_tensor *x)
{
        static const int64_t channels[] = { 3, 16, 32, 5 };
        const struct scion_window window = { .padding = { 1, 1 } };
        int64_t out = channels[graph_draw(graph, 4)];
        struct scion_tensor *weight = graph_leaf(graph, SCION_SHAPE(out, scion_dim(x, 1), 3, 3));

        return scion_tanh(scion_conv2d(
                x, weight, graph_draw(graph, 2) ? graph_leaf(graph, SCION_SHAPE(out)) : NULL, &window));
}

static struct scion_tensor *graph_normalise(struct graph *graph, struct scion_tensor *x)
{
        int64_t channels = scion_dim(x, 1);
        struct scion_tensor *mean = scion_zeros(SCION_SHAPE(channels)),
                            *variance = scion_full(SCION_SHAPE(channels), 1);

        return scion_batch_norm(x, graph_leaf(graph, SCION_SHAPE(channels)),
                                graph_leaf(graph, SCION_SHAPE(channels)), mean, variance,
                                graph_draw(graph, 4) > 0, 0.1F, 1e-2F);
}

static struct scion_tensor *graph_pool(struct graph *graph, struct scion_tensor *x)
{
        const struct scion_window window = { .kernel = { 2, 2 }, .stride = { 1, 1 } };

        if (scion_dim(x, 2) < 3 || scion_dim(x, 3) < 3)
                return graph_draw(graph, 2) ? scion_relu(x)
                                            : scion_add_relu(x, graph_similar(graph, x, true));
        return graph_draw(graph, 2) ? scion_max_pool2d(x, &window) : scion_avg_pool2d(x, &window);
}

static struct scion_tensor *reshape(struct scion_tensor *x)
{
        struct scion_shape shape = scion_shape(x);
        int64_t height = shape.dim[2];

        shape.dim[2] = shape.dim[3];
        shape.dim[3] = height;
        return scion_reshape(x, shape);
}

static struct scion_tensor *graph_slice(struct graph *graph, struct scion_tensor *x)
{
        int64_t start = graph_draw(graph, scion_dim(x, 1));

        return scion_slice(x, 1, start, scion_dim(x, 1) - start);
}

static struct scion_tensor *graph_step(struct graph *graph)
{
        struct scion_tensor *x = graph_any(graph);

        switch (graph_draw(graph, 16)) {
        case 0:
        case 1:
        case 2:
                return graph_convolve(graph, x);
        case 3:
        case 4:
                return graph_normalise(graph, x);
        case 5:
                return scion_relu(x);
        case 6:
                return scion_sigmoid(x);
        case 7:
                return graph_pool(graph, x);
        case 8:
        case 9:
                return scion_add(x, graph_similar(graph, x, true));
        case 10:
                return scion_mul(x, scion_tanh(graph_similar(graph, x, true)));
        case 11:
                return scion_concat((struct scion_tensor *[]){ x, graph_similar(graph, x, false) }, 2, 1);
        case 12:
                return graph_slice(graph, x);
        case 13:
                return graph_draw(graph, 2) ? scion_transpose(x, 2, 3) : reshape(x);
        case 14:
                return scion_sub(x, scion_mean(x, SCION_AXIS(2) | SCION_AXIS(3), true));
        default:
                scion_data(x); /* makes the row-major copy */
                return scion_reverse_gradient(x, 0.5F);
        }
}

static void graph_append(struct graph *graph, struct scion_tensor *x)
{
        if (!x)
                fail_msg("%s", scion_error());
        if (graph->cut == graph->count) {
                x = scion_require_grad(scion_from(scion_shape(x), scion_data(x)));
                assert_non_null(x);
        } else if (graph->keep) {
                scion_require_grad(x);
        }
        graph->made[graph->count++] = x;
}

/* Adds operations and computes the gradients for the sum of the last results. */
static void graph_extend(struct graph *graph, uint64_t seed, int steps)
{
        struct scion_tensor *loss = NULL;

        for (int i = 0; i < steps; i++)
                graph_append(graph, graph_step(graph));
        for (int i = 0; i < 3; i++) {
                struct scion_tensor *end = graph->made[graph->count - 1 - i];
                struct scion_tensor *weighed = scion_mean(
                        scion_mul(end, numbers(scion_shape(end), 1000 + (uint64_t)i)), SCION_ALL_AXES, false);

                loss = loss ? scion_add(loss, weighed) : weighed;
        }
        graph->loss = loss;
        if (!loss || !scion_backward(loss))
                fail_msg("graph %llu: %s", (unsigned long long)seed, scion_error());
}

static void build(struct graph *graph, uint64_t seed, bool keep, int cut)
{
        *graph = (struct graph){ .random = scion_random(seed, SCION_RANDOM_DATA, 1),
                                 .keep = keep,
                                 .cut = cut };
        int64_t n = graph_draw(graph, 2) ? 2 : 17;

        graph_append(graph, graph_leaf(graph, SCION_SHAPE(n, 3, 6, 5)));
        graph_append(graph, graph_leaf(graph, SCION_SHAPE(n, 16, 6, 5)));
        graph_extend(graph, seed, STEPS);
}

/* Returns a copy of the gradient's values, which the caller frees; NULL when there is none. */
static float *gradient_copy(struct scion_tensor *x)
{
        const float *values = scion_data(scion_grad(x));
        size_t bytes = (size_t)scion_size(x) * sizeof *values;
        float *copy = values ? malloc(bytes) : NULL;

        return copy ? memcpy(copy, values, bytes) : NULL;
}

static void copies_free(float **copies, int count)
{
        for (int i = 0; i < count; i++)
                free(copies[i]);
}

static void assert_same(uint64_t seed, int number, struct scion_tensor *x, const float *expected)
{
        const float *values = scion_data(scion_grad(x));

        if (!values != !expected ||
            (values && memcmp(values, expected, (size_t)scion_size(x) * sizeof *values) != 0))
                fail_msg("graph %llu: the gradient of leaf %d is another", (unsigned long long)seed, number);
}

/* Gradients are the same as with separate memory for each one, also when the backward pass is repeated and after the graph
 * has grown. */
static void reuse_keeps_gradients(void **state)
{
        (void)state;
        for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
                float *expected[2][2 * MOST];
                struct graph graph;
                int leaves[2];

                build(&graph, seed, true, -1);
                for (int more = 0; more < 2; more++) {
                        if (more)
                                graph_extend(&graph, seed, MORE);
                        leaves[more] = graph.leaves;
                        for (int i = 0; i < leaves[more]; i++)
                                expected[more][i] = gradient_copy(graph.leaf[i]);
                }
                scion_tape_reset(tape);
                build(&graph, seed, false, -1);
                for (int more = 0; more < 2; more++) {
                        if (more)
                                graph_extend(&graph, seed, MORE);
                        assert_int_equal(graph.leaves, leaves[more]);
                        for (int again = 0; again < 2; again++) {
                                for (int i = 0; i < leaves[more]; i++)
                                        assert_same(seed, i, graph.leaf[i], expected[more][i]);
                                assert_true(scion_backward(graph.loss));
                        }
                        copies_free(expected[more], leaves[more]);
                }
                scion_tape_reset(tape);
        }
}

/* The requested gradient of an intermediate result equals that of a leaf in the same position. */
static void requested_gradients_stay(void **state)
{
        (void)state;
        for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
                int middle = 2 + (int)(seed % (STEPS - 4));
                struct graph graph;

                build(&graph, seed, false, middle);
                float *expected = gradient_copy(graph.made[middle]);

                scion_tape_reset(tape);
                build(&graph, seed, true, -1);
                struct scion_tensor *x = graph.made[middle];
                const float *values = scion_data(scion_grad(x));
                double largest = 1e-6;

                assert_int_equal(!values, !expected);
                for (int64_t i = 0; values && i < scion_size(x); i++)
                        largest = fmax(largest, fabs((double)expected[i]));
                for (int64_t i = 0; values && i < scion_size(x); i++)
                        if (!(fabs((double)values[i] - (double)expected[i]) <= 1e-4 * largest))
                                fail_msg("graph %llu: element %lld is %g, not %g", (unsigned long long)seed,
                                         (long long)i, (double)values[i], (double)expected[i]);
                free(expected);
                scion_tape_reset(tape);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(reuse_keeps_gradients),
                tape_test(requested_gradients_stay),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
