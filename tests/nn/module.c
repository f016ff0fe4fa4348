/* The tree of modules: names, ownership, and errors while it is built. */
#include "support/test.h"

#include <limits.h>

#include "base/text.h"
#include "nn/module.h"

static int finished; /* modules of the kind below that were freed */

static struct scion_tensor *pass(void *self, struct scion_module *module, struct scion_tensor *x)
{
        (void)self;
        (void)module;
        return x;
}

static void count_finish(void *self)
{
        (void)self;
        finished++;
}

static struct scion_tensor *break_down(void *self, struct scion_module *module, struct scion_tensor *x)
{
        (void)self;
        (void)module;
        (void)x;
        return scion_fail_null("broken: cannot");
}

static const struct scion_module_impl plain = { "plain", pass, count_finish };
static const struct scion_module_impl broken = { "broken", break_down, NULL };
static const struct scion_init zeros = { SCION_INIT_ZEROS, 0, 0 };

static struct scion_module *leaf(void)
{
        return scion_nn_module(&plain, 0);
}

static int start(void **state)
{
        (void)state;
        finished = 0;
        scion_error_clear();
        return 0;
}

static void assert_unusable(struct scion_module *root, const char *why)
{
        scion_error_clear();
        assert_false(scion_module_check(root));
        assert_string_equal(scion_error(), why);
        scion_module_destroy(root);
}

static void own_state(void **state)
{
        struct scion_module *module = scion_nn_module(&plain, 100);
        char *self = scion_nn_self(module);

        (void)state;
        assert_non_null(self);
        assert_int_equal((uintptr_t)self % _Alignof(max_align_t), 0);
        for (int i = 0; i < 100; i++)
                assert_int_equal(self[i], 0);
        memset(self, 1, 100);
        scion_module_destroy(module);
        assert_int_equal(finished, 1);
        assert_null(scion_nn_self(NULL));
        scion_module_destroy(NULL);

        assert_null(scion_nn_module(NULL, 0));
        assert_null(scion_nn_module(&(struct scion_module_impl){ .kind = "none" }, 0));
        assert_error_has("forward", NULL);
        assert_null(scion_nn_module(&plain, SIZE_MAX - 8));
        assert_error_has("plain", "too large", NULL);
}

static void paths(void **state)
{
        struct scion_module *root = scion_nn_sequential(), *layer = scion_nn_sequential(), *conv = leaf();
        struct scion_text text = { 0 };

        (void)state;
        assert_ptr_equal(scion_nn_append(layer, "0", conv), layer);
        assert_ptr_equal(scion_nn_append(root, "layer1", layer), root);
        scion_module_write_path(conv, &text);
        assert_string_equal(text.text, "layer1.0");
        free(text.text);
        text = (struct scion_text){ 0 };
        scion_module_write_path(root, &text);
        assert_int_equal(text.length, 0);
        assert_true(scion_module_check(root));
        scion_module_destroy(root);
        assert_int_equal(finished, 1);
}

static void names(void **state)
{
        static const struct {
                const char *name, *why;
        } bad[] = {
                { NULL, "sequential: a child must have a name" },
                { "", "sequential: a child must have a name" },
                { "a.b", "sequential: the name of a child must not contain a dot, got 'a.b'" },
                { "twin", "sequential: there is a child called 'twin' already" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                struct scion_module *root = scion_nn_sequential();

                assert_ptr_equal(scion_nn_append(root, "twin", leaf()), root);
                assert_null(scion_nn_append(root, bad[i].name, leaf()));
                assert_string_equal(scion_error(), bad[i].why);
                assert_unusable(root, bad[i].why);
        }
        assert_int_equal(finished, 8);
}

static void parameters(void **state)
{
        struct scion_module *module = leaf();

        (void)state;
        assert_int_equal(scion_nn_parameter(module, "weight", SCION_SHAPE(2, 3), zeros), 0);
        assert_int_equal(scion_nn_parameter(module, "bias", SCION_SHAPE(2), zeros), 1);
        assert_true(scion_module_check(module));
        assert_null(scion_nn_tensor(module, 0));
        assert_error_has("before the model is built", NULL);
        assert_null(scion_nn_tensor(module, 2));
        assert_error_has("slot 2", NULL);
        assert_null(scion_nn_tensor(module, -1));
        assert_null(scion_nn_tensor(NULL, 0));
        scion_module_destroy(module);
}

static void bad_parameters(void **state)
{
        static const struct scion_init negative = { SCION_INIT_NORMAL, -1, 0 };
        static const struct {
                const char *name;
                struct scion_shape shape;
                const struct scion_init *init;
                const char *why;
        } bad[] = {
                { "weight", { 1, { 3 } }, &zeros, "plain: there is a parameter called 'weight' already" },
                { "child", { 1, { 3 } }, &zeros, "plain: there is a child called 'child' already" },
                { "a.b",
                  { 1, { 3 } },
                  &zeros,
                  "plain: the name of a parameter must not contain a dot, got 'a.b'" },
                { "", { 1, { 3 } }, &zeros, "plain: a parameter must have a name" },
                { "x", { 2, { 3, 0 } }, &zeros, "plain: parameter 'x': axis 1 of a tensor has length 0" },
                { "x",
                  { 2, { (int64_t)1 << 40, (int64_t)1 << 40 } },
                  &zeros,
                  "plain: parameter 'x': a tensor of more than 2^42 elements is too large" },
                { "x", { 1, { 3 } }, &negative, "plain: parameter 'x': a gain must be positive, got -1" },
        };

        (void)state;
        assert_int_equal(scion_nn_parameter(NULL, "weight", SCION_SHAPE(1), zeros), -1);
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                struct scion_module *module = leaf();

                assert_int_equal(scion_nn_parameter(module, "weight", SCION_SHAPE(2, 3), zeros), 0);
                scion_nn_append(module, "child", leaf());
                assert_int_equal(scion_nn_parameter(module, bad[i].name, bad[i].shape, *bad[i].init), -1);
                assert_unusable(module, bad[i].why);
        }
}

static void null_child(void **state)
{
        struct scion_module *root = scion_nn_sequential(), *inner = scion_nn_sequential();

        (void)state;
        scion_nn_append(root, "layer1", inner);
        assert_null(scion_nn_append(inner, "fc", scion_nn_linear(0, 5, true)));
        /* Later errors do not hide the first. */
        assert_null(scion_nn_append(inner, "drop", scion_nn_dropout(2)));
        assert_ptr_equal(scion_nn_append(inner, "fine", leaf()), inner);
        assert_unusable(
                root, "layer1: fc: linear: the numbers of inputs and outputs must be positive, got 0 and 5");

        assert_null(scion_nn_append(NULL, "fc", leaf()));
        assert_null(scion_nn_append(NULL, "fc", NULL));
        assert_int_equal(finished, 2);
}

static void appended_twice(void **state)
{
        struct scion_module *root = scion_nn_sequential(), *child = leaf();

        (void)state;
        scion_nn_append(root, "a", child);
        assert_null(scion_nn_append(root, "b", child));
        assert_unusable(root, "sequential: the appended module already has a parent");
        assert_int_equal(finished, 1);
}

static void two_parents(void **state)
{
        struct scion_module *one = scion_nn_sequential(), *two = scion_nn_sequential(), *child = leaf();

        (void)state;
        scion_nn_append(one, "a", child);
        assert_null(scion_nn_append(two, "a", child));
        assert_true(scion_module_check(one));
        assert_unusable(two, "sequential: the appended module already has a parent");
        assert_int_equal(finished, 0);
        scion_module_destroy(one);
        assert_int_equal(finished, 1);

        /* Also when the first parent refused it. */
        one = scion_nn_sequential();
        two = scion_nn_sequential();
        child = leaf();
        assert_null(scion_nn_append(one, "a.b", child));
        assert_null(scion_nn_append(two, "a", child));
        scion_module_destroy(one);
        scion_module_destroy(two);
        assert_int_equal(finished, 2);
}

static void cycles(void **state)
{
        struct scion_module *root = scion_nn_sequential(), *inner = scion_nn_sequential();

        (void)state;
        scion_nn_append(root, "inner", inner);
        assert_null(scion_nn_append(inner, "root", root));
        assert_null(scion_nn_append(root, "self", root));
        assert_unusable(root, "inner: sequential: a module cannot be its own descendant");
}

static void leaves_take_no_children(void **state)
{
        struct scion_module *relu = scion_nn_relu(), *child = scion_nn_sequential();

        (void)state;
        scion_nn_append(child, "below", leaf());
        assert_null(scion_nn_append(relu, "child", child));
        assert_unusable(relu, "relu: takes no children");
        assert_int_equal(finished, 1);
}

static void constructors(void **state)
{
        const struct scion_window good = { .kernel = { 3, 3 } };

        (void)state;
#define REFUSED(call, ...)                           \
        do {                                         \
                assert_null(call);                   \
                assert_error_has(__VA_ARGS__, NULL); \
        } while (0)
#define WINDOW(...) (&(struct scion_window){ __VA_ARGS__ })
        REFUSED(scion_nn_linear(3, 0, true), "linear", "must be positive, got 3 and 0");
        REFUSED(scion_nn_linear((int64_t)1 << 40, (int64_t)1 << 40, true), "linear", "weight", "2^42");
        REFUSED(scion_nn_conv2d(0, 4, &good, true), "conv2d", "must be positive, got 0 in and 4 out");
        REFUSED(scion_nn_conv2d(1, 4, NULL, true), "conv2d", "no window");
        REFUSED(scion_nn_conv2d(1, 4, WINDOW(.kernel = { 3, 0 }), true), "conv2d",
                "width must be positive, got 0");
        REFUSED(scion_nn_conv2d(1, 4, WINDOW(.kernel = { 3, 3 }, .padding = { -1, 0 }), true), "conv2d",
                "negative");
        REFUSED(scion_nn_conv2d(4, 6, WINDOW(.kernel = { 3, 3 }, .groups = 4), true), "conv2d", "4 groups");
        REFUSED(scion_nn_conv2d(4, 4, WINDOW(.kernel = { 3, 3 }, .groups = -1), true), "conv2d", "-1 groups");
        REFUSED(scion_nn_conv2d(4, 4, WINDOW(.kernel = { INT_MAX, INT_MAX }), true), "conv2d", "2^42");
        REFUSED(scion_nn_max_pool2d(NULL), "max_pool2d", "no window");
        REFUSED(scion_nn_max_pool2d(WINDOW(.kernel = { 2, 2 }, .padding = { 2, 0 })), "max_pool2d", "half");
        REFUSED(scion_nn_avg_pool2d(WINDOW(.kernel = { 2, 2 }, .dilation = { 1, 2 })), "avg_pool2d",
                "dilation");
        REFUSED(scion_nn_avg_pool2d(WINDOW(.kernel = { 2, 2 }, .stride = { -1, 2 })), "avg_pool2d",
                "negative");
        REFUSED(scion_nn_dropout(1), "dropout", "below 1", "got 1");
        REFUSED(scion_nn_dropout(-0.5f), "dropout", "-0.5");
}

/* A module that runs both of its children on its input, even if the first fails. */
static struct scion_tensor *run_both(void *self, struct scion_module *module, struct scion_tensor *x)
{
        struct scion_tensor *a = scion_nn_forward(module->child.module[0], x);
        struct scion_tensor *b = scion_nn_forward(module->child.module[1], x);

        (void)self;
        return a ? b : NULL;
}

static void failing_forward(void **state)
{
        static const struct scion_module_impl both = { "both", run_both, NULL };
        struct scion_module *root = scion_nn_sequential(), *layer = scion_nn_module(&both, 0);
        struct scion_tape *tape = scion_tape_create();

        (void)state;
        scion_tape_use(tape);
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(2));

        scion_nn_append(layer, "bad", scion_nn_module(&broken, 0));
        scion_nn_append(layer, "good", leaf());
        scion_nn_append(root, "first", leaf());
        scion_nn_append(root, "layer1", layer);
        scion_nn_append(root, "last", leaf());
        for (int i = 0; i < 2; i++) {
                assert_null(scion_nn_forward(root, x));
                assert_string_equal(scion_error(), "layer1.bad: broken: cannot");
        }
        scion_module_destroy(root);

        /* A root has no path. */
        root = scion_nn_module(&broken, 0);
        assert_null(scion_nn_forward(root, x));
        assert_string_equal(scion_error(), "broken: cannot");
        /* The first message is kept. */
        assert_null(scion_nn_forward(root, NULL));
        assert_null(scion_nn_forward(NULL, x));
        assert_string_equal(scion_error(), "broken: cannot");
        scion_module_destroy(root);
        scion_tape_destroy(tape);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(own_state, start),
                cmocka_unit_test_setup(paths, start),
                cmocka_unit_test_setup(names, start),
                cmocka_unit_test_setup(parameters, start),
                cmocka_unit_test_setup(bad_parameters, start),
                cmocka_unit_test_setup(null_child, start),
                cmocka_unit_test_setup(appended_twice, start),
                cmocka_unit_test_setup(two_parents, start),
                cmocka_unit_test_setup(cycles, start),
                cmocka_unit_test_setup(leaves_take_no_children, start),
                cmocka_unit_test_setup(constructors, start),
                cmocka_unit_test_setup(failing_forward, start),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
