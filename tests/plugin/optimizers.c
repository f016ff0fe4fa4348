/* The behaviour of the optimizers. Other tests compare them with PyTorch's. */
#include "support/test.h"

#include "plugin/plugin.h"

#include <math.h>

#define N 19      /* not a multiple of a SIMD vector's width */
#define PADDED 32 /* with zeros, as a span may be */

struct problem {
        struct scion_instance *instance;
        const struct scion_optimizer_plugin *optimizer;
        float value[PADDED], gradient[PADDED], state[SCION_MAX_STATES][PADDED];
        struct scion_span span;
};

/* Creates the optimizer from YAML such as "{ use: sgd, lr: 0.1 }". */
static void problem_start(struct problem *problem, const char *yaml)
{
        struct scion_config *map = scion_config_parse(yaml, "test.yaml");

        *problem = (struct problem){ 0 };
        assert_non_null(map);
        problem->instance = scion_instance_create(SCION_OPTIMIZER, map, NULL);
        scion_config_destroy(map);
        if (!problem->instance)
                fail_msg("%s", scion_error());
        problem->optimizer = (const struct scion_optimizer_plugin *)problem->instance->plugin;
        problem->span = (struct scion_span){ .name = "w",
                                             .count = PADDED,
                                             .value = problem->value,
                                             .gradient = problem->gradient,
                                             .lr_scale = 1,
                                             .decay = true };
        for (int i = 0; i < problem->optimizer->states(problem->instance->self); i++)
                problem->span.state[i] = problem->state[i];
        for (int i = 0; i < N; i++)
                problem->value[i] = (float)(i - N / 2) * 0.3f + 0.1f;
}

static int problem_states(const struct problem *problem)
{
        return problem->optimizer->states(problem->instance->self);
}

static void problem_step(struct problem *problem)
{
        problem->span.step++;
        problem->optimizer->step(problem->instance->self, &problem->span, 1);
}

static void problem_end(struct problem *problem)
{
        for (int i = N; i < PADDED; i++) {
                assert_true(problem->value[i] == 0);
                for (int k = 0; k < SCION_MAX_STATES; k++)
                        assert_true(problem->state[k][i] == 0);
        }
        scion_instance_destroy(problem->instance);
}

/* f(x) = sum c (x - 1)^2 / 2, with c from 1 to 2. */
static double problem_set_quadratic(struct problem *problem)
{
        double sum = 0;

        for (int i = 0; i < N; i++) {
                float c = 1 + (float)i / N, d = problem->value[i] - 1;

                problem->gradient[i] = c * d;
                sum += 0.5 * (double)(c * d * d);
        }
        return sum;
}

static void a_quadratic_goes_down(void **state)
{
        static const char *const all[] = {
                "{ use: sgd, lr: 0.1 }",
                "{ use: sgd, lr: 0.05, momentum: 0.9 }",
                "{ use: sgd, lr: 0.05, momentum: 0.9, dampening: 0.5 }",
                "{ use: sgd, lr: 0.05, momentum: 0.9, nesterov: true }",
                "{ use: adam, lr: 0.1 }",
                "{ use: adam, lr: 0.1, beta1: 0 }",
                "{ use: adamw, lr: 0.1, weight_decay: 0 }",
        };

        (void)state;
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
                struct problem problem;

                problem_start(&problem, all[i]);
                double before = problem_set_quadratic(&problem);

                for (int k = 0; k < 300; k++) {
                        problem_set_quadratic(&problem);
                        problem_step(&problem);
                }
                double after = problem_set_quadratic(&problem);

                if (!(after < 1e-4 * before))
                        fail_msg("%s: from %g to %g", all[i], before, after);
                problem_end(&problem);
        }
}

static void they_need_as_much_state_as_they_use(void **state)
{
        static const struct {
                const char *yaml;
                int states;
        } all[] = {
                { "{ use: sgd }", 0 },
                { "{ use: sgd, weight_decay: 0.1 }", 0 },
                { "{ use: sgd, momentum: 0.9 }", 1 },
                { "{ use: adam }", 2 },
                { "{ use: adamw }", 2 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
                struct problem problem;

                problem_start(&problem, all[i].yaml);
                assert_int_equal(problem_states(&problem), all[i].states);
                problem_end(&problem);
        }
}

/* One or two steps of each optimizer from 2 with the gradient 0.5, computed by hand. */
static void single_steps(void **state)
{
        static const struct {
                const char *yaml;
                double first, second;
        } all[] = {
                { "{ use: sgd, lr: 0.1 }", 1.95, 1.9 },
                { "{ use: sgd, lr: 0.1, weight_decay: 0.5 }", 1.85, 1.7075 },
                /* v: 0.5, then 0.9 * 0.5 + 0.5; dampening does not apply to the first step */
                { "{ use: sgd, lr: 0.1, momentum: 0.9 }", 1.95, 1.855 },
                { "{ use: sgd, lr: 0.1, momentum: 0.9, dampening: 0.5 }", 1.95, 1.88 },
                /* g + 0.9 v: 0.95, then 0.5 + 0.9 * 0.95 */
                { "{ use: sgd, lr: 0.1, momentum: 0.9, nesterov: true }", 1.905, 1.7695 },
                /* with a constant gradient, Adam's step is lr */
                { "{ use: adam, lr: 0.1, eps: 1e-12 }", 1.9, 1.8 },
                { "{ use: adamw, lr: 0.1, eps: 1e-12, weight_decay: 0.5 }", 1.8, 1.61 },
                { "{ use: adamw, lr: 0.1, eps: 1e-12 }", 1.898, 1.796102 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
                struct problem problem;

                problem_start(&problem, all[i].yaml);
                for (int k = 0; k < N; k++) {
                        problem.value[k] = 2;
                        problem.gradient[k] = 0.5f;
                }
                problem_step(&problem);
                for (int k = 0; k < N; k++)
                        assert_float_equal(problem.value[k], all[i].first, 1e-6);
                problem_step(&problem);
                for (int k = 0; k < N; k++)
                        assert_float_equal(problem.value[k], all[i].second, 1e-6);
                problem_end(&problem);
        }
}

static void spans_are_scaled_and_spared_decay(void **state)
{
        struct problem problem;

        (void)state;
        problem_start(&problem, "{ use: sgd, lr: 0.1, weight_decay: 0.5 }");
        problem.span.decay = false;
        problem.span.lr_scale = 0.5f;
        problem.value[0] = 2;
        problem.gradient[0] = 0.5f;
        problem_step(&problem);
        assert_float_equal(problem.value[0], 1.975, 1e-6);
        problem_end(&problem);

        problem_start(&problem, "{ use: adamw, lr: 0.1, weight_decay: 0.5, eps: 1e-12 }");
        problem.span.lr_scale = 0; /* frozen by lr_scale: weight decay does not change it either */
        problem.value[0] = 2;
        problem.gradient[0] = 0.5f;
        problem_step(&problem);
        assert_float_equal(problem.value[0], 2, 0);
        problem_end(&problem);
}

static void assert_refused(const char *yaml, const char *a, const char *b)
{
        struct scion_config *map = scion_config_parse(yaml, "test.yaml");

        assert_non_null(map);
        assert_null(scion_instance_create(SCION_OPTIMIZER, map, NULL));
        assert_error_has("test.yaml:1:", a, b, NULL);
        scion_config_destroy(map);
}

static void bad_settings(void **state)
{
        (void)state;
        assert_refused("{ use: sgd, nesterov: true }", "optimizer 'sgd'",
                       "nesterov needs a momentum above 0");
        assert_refused("{ use: sgd, momentum: 0.9, dampening: 0.1, nesterov: true }", "nesterov",
                       "dampening 0.1");
        assert_refused("{ use: sgd, lr: -1 }", "lr", "-1");
        assert_refused("{ use: adam, beta1: 1 }", "beta1", "1");
        assert_refused("{ use: adam, eps: 0 }", "eps", "0");
        assert_refused("{ use: adamw, momentum: 0.9 }", "momentum", "adamw");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_quadratic_goes_down),
                cmocka_unit_test(they_need_as_much_state_as_they_use),
                cmocka_unit_test(single_steps),
                cmocka_unit_test(spans_are_scaled_and_spared_decay),
                cmocka_unit_test(bad_settings),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
