/* The gradient check itself: it accepts a correct gradient and detects each kind of wrong one. */
#include "support/gradcheck.h"

#include <sys/wait.h>
#include <unistd.h>

#include "tensor/tape.h"

/* The error in the gradient of x^3. */
static enum { NOTHING, ONE_ELEMENT, THE_THIRD_TIME, ALONE } wrong;
static int times; /* that the gradient was computed */

static bool cube_backward(struct scion_node *node)
{
        struct scion_tensor *x = node->input[0], *other = node->input[1];
        const float *from = scion_data(node->output->grad), *value = scion_data(x);
        size_t count = (size_t)scion_size(x);
        float *gradient = malloc(count * sizeof *gradient);

        assert_non_null(gradient);
        for (size_t i = 0; i < count; i++)
                gradient[i] = 3 * value[i] * value[i] * from[i];
        times++;
        if (wrong == ONE_ELEMENT)
                gradient[count / 2] *= 1.01f;
        if (wrong == THE_THIRD_TIME && times == 3)
                gradient[0] = 0;
        if (wrong == ALONE && other && !other->requires_grad)
                gradient[0] = 0;
        struct scion_tensor *g = scion_from(x->shape, gradient);

        free(gradient);
        return scion_grad_add(x, g) && (!other || scion_grad_add(other, node->output->grad));
}

static const struct scion_op cube = { "cube", cube_backward };

/* x^3, or x^3 + y when there is a second leaf */
static struct scion_tensor *build_cube(struct scion_tensor *const *leaf, const void *more)
{
        struct scion_tensor *other = more ? leaf[1] : NULL;
        const float *x = scion_data(leaf[0]), *added = other ? scion_data(other) : NULL;
        size_t count = (size_t)scion_size(leaf[0]);
        float *value = malloc(count * sizeof *value);

        assert_non_null(value);
        for (size_t i = 0; i < count; i++)
                value[i] = x[i] * x[i] * x[i] + (added ? added[i] : 0);
        struct scion_tensor *y = scion_from(leaf[0]->shape, value);

        free(value);
        scion_record(&cube, y, leaf[0], other, NULL, 0);
        return y;
}

static void check_one(void **state)
{
        const struct gradcheck check = { .name = "cube",
                                         .build = build_cube,
                                         .leaves = 1,
                                         .shape = { SCION_SHAPE(5, 7) },
                                         .low = 1,
                                         .high = 3 };

        (void)state;
        gradcheck(&check);
}

static void check_two(void **state)
{
        static const bool more = true;
        const struct gradcheck check = { .name = "cube and more",
                                         .build = build_cube,
                                         .context = &more,
                                         .leaves = 2,
                                         .shape = { SCION_SHAPE(6), SCION_SHAPE(6) },
                                         .low = 1,
                                         .high = 3 };

        (void)state;
        gradcheck(&check);
}

static void correct_gradient_passes(void **state)
{
        check_one(state);
        check_two(state);
        gradcheck(&(struct gradcheck){
                .name = "cube around 0", .build = build_cube, .leaves = 1, .shape = { SCION_SHAPE(5, 7) } });
        gradcheck(&(struct gradcheck){ .name = "cube of a large tensor",
                                       .build = build_cube,
                                       .leaves = 1,
                                       .shape = { SCION_SHAPE(3, 201) },
                                       .low = 1,
                                       .high = 3 });
}

/* A failing test needs a process of its own. */
static bool is_caught(CMUnitTestFunction check)
{
        const struct CMUnitTest tests[] = { { "check", check, NULL, NULL, NULL } };
        int status = 0;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
                        _exit(0);
                times = 0;
                _exit(cmocka_run_group_tests(tests, NULL, NULL));
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return status != 0;
}

static void wrong_gradients_are_caught(void **state)
{
        (void)state;
        assert_false(is_caught(check_one));
        assert_false(is_caught(check_two));
        wrong = ONE_ELEMENT;
        assert_true(is_caught(check_one));
        wrong = THE_THIRD_TIME; /* in the second pass over parameters, after one over leaves */
        assert_true(is_caught(check_one));
        wrong = ALONE; /* only when the other leaf requires no gradient */
        assert_false(is_caught(check_one));
        assert_true(is_caught(check_two));
        wrong = NOTHING;
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(correct_gradient_passes),
                                            cmocka_unit_test(wrong_gradients_are_caught) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
