#include "support/gradcheck.h"

#include <math.h>

#include "tensor/tape.h"

#define STEP 0.02
#define SAMPLE 400

/* The leaves' values. They are not on the tape, because the tape is reset for each evaluation. */
struct state {
        const struct gradcheck *check;
        struct scion_tape *tape;
        int64_t size[GRADCHECK_LEAVES];
        float *value[GRADCHECK_LEAVES];
        float *gradient[GRADCHECK_LEAVES]; /* from the pass in which every leaf requires one */
        int64_t outputs;                   /* elements of the output; 0 before the first evaluation */
        float *weight;                     /* for each output */
};

static void *memory_allocate(size_t count, size_t bytes)
{
        void *memory = calloc(count, bytes);

        assert_non_null(memory);
        return memory;
}

static float *floats_allocate(int64_t count)
{
        return memory_allocate((size_t)count, sizeof(float));
}

static void values_draw_distinct(struct scion_random *random, float *value, size_t count)
{
        int64_t *order = memory_allocate(count, sizeof *order);

        for (size_t i = 0; i < count; i++)
                order[i] = (int64_t)i - (int64_t)(count / 2);
        scion_random_shuffle(random, order, count);
        for (size_t i = 0; i < count; i++)
                value[i] = 0.1f * (float)order[i] + 0.05f;
        free(order);
}

static void values_draw(const struct gradcheck *check, struct scion_random *random, float *value,
                        size_t count)
{
        bool given = check->low != 0 || check->high != 0;
        float low = given ? check->low : -1, high = given ? check->high : 1;

        if (check->distinct)
                values_draw_distinct(random, value, count);
        else
                for (size_t i = 0; i < count; i++)
                        value[i] = low + (high - low) * scion_random_uniform(random);
}

/* --- The weighted sum: an operation of this test, in double precision ----------------------------------- */

static bool weigh_backward(struct scion_node *node)
{
        const float *weight = *(const float **)node->saved;
        float factor = scion_item(node->output->grad);
        struct scion_tensor *g = scion_scale(scion_from(node->input[0]->shape, weight), factor);

        return scion_grad_add(node->input[0], g);
}

static const struct scion_op weigh = { "weigh", weigh_backward };

static double outputs_weighted_sum(struct state *s, struct scion_tensor *y)
{
        const float *value = scion_data(y);
        double sum = 0;

        if (!value)
                fail_msg("%s: %s", s->check->name, scion_error());
        if (!s->weight) {
                struct scion_random random = scion_random(7, SCION_RANDOM_DATA, 1);

                s->outputs = scion_size(y);
                s->weight = floats_allocate(s->outputs);
                for (int64_t i = 0; i < s->outputs; i++)
                        s->weight[i] = 2 * scion_random_uniform(&random) - 1;
        }
        assert_int_equal(scion_size(y), s->outputs);
        for (int64_t i = 0; i < s->outputs; i++)
                sum += (double)s->weight[i] * (double)value[i];
        return sum;
}

static struct scion_tensor *outputs_loss(struct state *s, struct scion_tensor *y)
{
        struct scion_tensor *loss = scion_scalar((float)outputs_weighted_sum(s, y));
        struct scion_node *node = scion_record(&weigh, loss, y, NULL, NULL, sizeof s->weight);

        if (!node)
                fail_msg("%s: what it builds wants no gradient", s->check->name);
        memcpy(node->saved, &s->weight, sizeof s->weight);
        return loss;
}

/* --- Evaluations ---------------------------------------------------------------------------------------- */

static void state_start(struct state *s)
{
        scion_tape_reset(s->tape);
        scion_tape_set_training(s->tape, s->check->training);
        scion_tape_set_seed(s->tape, 3, 5);
}

static double state_evaluate(struct state *s)
{
        struct scion_tensor *leaf[GRADCHECK_LEAVES];

        state_start(s);
        for (int i = 0; i < s->check->leaves; i++)
                leaf[i] = scion_from(s->check->shape[i], s->value[i]);
        return outputs_weighted_sum(s, s->check->build(leaf, s->check->context));
}

/* Returns df/dx from f at x +- h and x +- 2h, with an error of order h^4. Uses the steps after rounding x
 * to float. */
static double state_difference(struct state *s, float *x)
{
        const float kept = *x;
        float steps[4] = { -2, -1, 1, 2 };
        double at[4], f[4];

        for (int i = 0; i < 4; i++) {
                *x = kept + steps[i] * (float)STEP;
                at[i] = (double)*x;
                f[i] = state_evaluate(s);
        }
        *x = kept;
        double near = (f[2] - f[1]) / (at[2] - at[1]), far = (f[3] - f[0]) / (at[3] - at[0]);
        return (4 * near - far) / 3;
}

static void state_backward(struct state *s, struct scion_tensor *loss)
{
        if (!scion_backward(loss))
                fail_msg("%s: %s", s->check->name, scion_error());
}

static void state_compare(struct state *s, int leaf, int64_t element, double gradient, double expected)
{
        double tolerance = s->check->tolerance > 0 ? s->check->tolerance : 1e-3;
        char shape[96];

        if (!(fabs(gradient - expected) <= tolerance * (1 + fabs(expected))))
                fail_msg("%s: leaf %d of shape %s, element %lld: the gradient is %g, it should be %g",
                         s->check->name, leaf, scion_shape_text(&s->check->shape[leaf], shape, sizeof shape),
                         (long long)element, gradient, expected);
}

/* Computes the gradients of the leaves. Only leaf `only` requires a gradient, or all leaves for -1. */
static void state_run_leaves(struct state *s, int only)
{
        struct scion_tensor *leaf[GRADCHECK_LEAVES];

        state_start(s);
        for (int i = 0; i < s->check->leaves; i++) {
                leaf[i] = scion_from(s->check->shape[i], s->value[i]);
                if (only < 0 || only == i)
                        scion_require_grad(leaf[i]);
        }
        state_backward(s, outputs_loss(s, s->check->build(leaf, s->check->context)));
        for (int i = 0; i < s->check->leaves; i++) {
                struct scion_tensor *g = scion_grad(leaf[i]);

                if (only >= 0 && only != i) {
                        assert_null(g);
                        continue;
                }
                if (!g)
                        fail_msg("%s: leaf %d has no gradient", s->check->name, i);
                assert_true(scion_shape_equal(&g->shape, &s->check->shape[i]));
                const float *value = scion_data(g);

                if (only < 0)
                        memcpy(s->gradient[i], value, (size_t)s->size[i] * sizeof(float));
                for (int64_t j = 0; j < s->size[i]; j++)
                        state_compare(s, i, j, (double)value[j], (double)s->gradient[i][j]);
        }
}

static void state_check_differences(struct state *s)
{
        struct scion_random random = scion_random(7, SCION_RANDOM_DATA, 2);

        for (int i = 0; i < s->check->leaves; i++) {
                bool all = s->size[i] <= SAMPLE;

                for (int64_t j = 0; j < (all ? s->size[i] : SAMPLE); j++) {
                        int64_t element =
                                all ? j : (int64_t)scion_random_below(&random, (uint64_t)s->size[i]);

                        state_compare(s, i, element, (double)s->gradient[i][element],
                                      state_difference(s, &s->value[i][element]));
                }
        }
}

/* A tensor with memory of its own, which holds these values. */
static struct scion_tensor lasting_tensor(const struct state *s, int leaf, const float *value)
{
        size_t bytes = (size_t)s->size[leaf] * sizeof *value;
        struct scion_storage *storage = scion_storage_create(bytes);

        assert_non_null(storage);
        assert_true(scion_storage_write(storage, 0, value, bytes));
        return (struct scion_tensor){ .array = scion_array_over(storage, 0, s->check->shape[leaf],
                                                                SCION_F32) };
}

/* Checks that the gradients of leaves that are parameters accumulate over two passes. */
static void state_check_parameters(struct state *s)
{
        struct scion_tensor parameter[GRADCHECK_LEAVES], slot[GRADCHECK_LEAVES],
                *leaf[GRADCHECK_LEAVES] = { NULL };
        float *gradient[GRADCHECK_LEAVES];

        for (int i = 0; i < s->check->leaves; i++) {
                gradient[i] = floats_allocate(s->size[i]);
                memset(gradient[i], 0xff, (size_t)s->size[i] * sizeof(float)); /* not a number */
                slot[i] = lasting_tensor(s, i, gradient[i]);
                parameter[i] = lasting_tensor(s, i, s->value[i]);
                parameter[i].grad = &slot[i];
                parameter[i].grad_is_slot = parameter[i].requires_grad = true;
                leaf[i] = &parameter[i];
        }
        for (int pass = 1; pass <= 2; pass++) {
                state_start(s);
                state_backward(s, outputs_loss(s, s->check->build(leaf, s->check->context)));
                for (int i = 0; i < s->check->leaves; i++) {
                        assert_ptr_equal(scion_grad(leaf[i]), &slot[i]);
                        assert_true(scion_storage_read(slot[i].storage, 0, gradient[i],
                                                       (size_t)s->size[i] * sizeof(float)));
                        for (int64_t j = 0; j < s->size[i]; j++)
                                state_compare(s, i, j, (double)gradient[i][j],
                                              pass * (double)s->gradient[i][j]);
                }
        }
        for (int i = 0; i < s->check->leaves; i++) {
                scion_storage_destroy(slot[i].storage);
                scion_storage_destroy(parameter[i].storage);
                free(gradient[i]);
        }
}

void gradcheck(const struct gradcheck *check)
{
        struct scion_random random = scion_random(7, SCION_RANDOM_DATA, 0);
        struct state s = { .check = check, .tape = scion_tape_create() };
        struct scion_tape *before = scion_tape_use(s.tape);

        assert_non_null(s.tape);
        assert_in_range(check->leaves, 1, GRADCHECK_LEAVES);
        for (int i = 0; i < check->leaves; i++) {
                s.size[i] = scion_shape_size(&check->shape[i]);
                s.value[i] = floats_allocate(s.size[i]);
                s.gradient[i] = floats_allocate(s.size[i]);
                values_draw(check, &random, s.value[i], (size_t)s.size[i]);
        }
        state_run_leaves(&s, -1);
        state_check_differences(&s);
        for (int i = 0; check->leaves > 1 && i < check->leaves; i++)
                state_run_leaves(&s, i);
        state_check_parameters(&s);

        scion_tape_use(before);
        scion_tape_destroy(s.tape);
        for (int i = 0; i < check->leaves; i++) {
                free(s.value[i]);
                free(s.gradient[i]);
        }
        free(s.weight);
}
