#include "support/test.h"

#include <math.h>

#include "experiment/schedule.h"

/* Returns the factor at a step of 10 epochs of 5 steps, for a schedule written as YAML. */
static double factor(const char *yaml, int64_t step)
{
        struct scion_config *map = scion_config_parse(yaml, "test.yaml");

        assert_non_null(map);
        struct scion_schedule *schedule = scion_schedule_create(map);

        assert_non_null(schedule);
        double value = scion_schedule_factor(schedule, step, 5, 10);

        scion_schedule_destroy(schedule);
        scion_config_destroy(map);
        return value;
}

static void constant_is_one(void **state)
{
        struct scion_schedule *none = scion_schedule_create(NULL);

        (void)state;
        assert_non_null(none);
        assert_true(scion_schedule_factor(none, 0, 5, 10) == 1);
        scion_schedule_destroy(none);
        for (int64_t step = 0; step < 50; step++)
                assert_true(factor("use: constant", step) == 1);
}

/* torch.optim.lr_scheduler.StepLR(step_size=3, gamma=0.1), stepped once an epoch. */
static void stairs(void **state)
{
        (void)state;
        for (int64_t step = 0; step < 50; step++) {
                double expected = pow(0.1, (double)(step / 5 / 3));

                assert_true(fabs(factor("{ use: step, every: 3, gamma: 0.1 }", step) - expected) < 1e-6);
        }
}

/* torch.optim.lr_scheduler.CosineAnnealingLR(T_max=50), stepped once a step. */
static void cosine(void **state)
{
        (void)state;
        for (int64_t step = 0; step < 50; step++) {
                double expected = (1 + cos(acos(-1.0) * (double)step / 50)) / 2;

                assert_true(fabs(factor("use: cosine", step) - expected) < 1e-12);
        }
        assert_true(fabs(factor("{ use: cosine, floor: 0.25 }", 25) - 0.625) < 1e-9);
}

static void warm_up(void **state)
{
        (void)state;
        /* Two epochs are ten steps: one tenth, two tenths, ... one. */
        for (int64_t step = 0; step < 10; step++)
                assert_true(fabs(factor("{ use: constant, warmup: 2 }", step) - (double)(step + 1) / 10) <
                            1e-12);
        assert_true(factor("{ use: constant, warmup: 2 }", 10) == 1);
        assert_true(fabs(factor("{ use: constant, warmup: 2, warmup_start: 0.5 }", 0) - 0.55) < 1e-9);
        /* What follows starts where the warm-up ends. */
        assert_true(fabs(factor("{ use: cosine, warmup: 2 }", 10) - 1) < 1e-12);
        assert_true(fabs(factor("{ use: cosine, warmup: 2 }", 30) - 0.5) < 1e-12);
}

/* Howard, Ruder. arXiv:1801.06146, section 3.2: T = 50 steps, cut_frac = 0.1 and so cut = 5. */
static void slanted_triangular(void **state)
{
        (void)state;
        for (int t = 0; t < 50; t++) {
                double cut = 5, p = t < cut ? t / cut : 1 - (t - cut) / (cut * (1 / 0.1 - 1));

                assert_true(fabs(factor("use: slanted-triangular", t) - (1 + p * (32 - 1)) / 32) < 1e-6);
                cut = 20;
                p = t < cut ? t / cut : 1 - (t - cut) / (cut * (1 / 0.4 - 1));
                assert_true(fabs(factor("{ use: slanted-triangular, cut: 0.4, ratio: 8 }", t) -
                                 (1 + p * (8 - 1)) / 8) < 1e-6);
        }
        /* What follows a warm-up of two epochs is the triangle of the other eight. */
        assert_true(fabs(factor("{ use: slanted-triangular, warmup: 2 }", 10) - 1. / 32) < 1e-9);
        assert_true(fabs(factor("{ use: slanted-triangular, warmup: 2 }", 14) - 1) < 1e-6);
}

/* Ganin et al. arXiv:1505.07818, section 5.2.2: mu_p = mu_0 / (1 + alpha p)^beta, alpha = 10, beta = 0.75. */
static void inverse(void **state)
{
        (void)state;
        for (int t = 0; t < 50; t++) {
                double p = t / 50.;

                assert_true(fabs(factor("use: inverse", t) - 1 / pow(1 + 10 * p, 0.75)) < 1e-12);
                assert_true(fabs(factor("{ use: inverse, gamma: 3, power: 2 }", t) -
                                 1 / ((1 + 3 * p) * (1 + 3 * p))) < 1e-12);
        }
        assert_true(factor("{ use: inverse, warmup: 2 }", 10) == 1);
}

static void refuse(const char *yaml, const char *message)
{
        struct scion_config *map = scion_config_parse(yaml, "test.yaml");

        assert_non_null(map);
        assert_null(scion_schedule_create(map));
        assert_error_has("test.yaml:1:", message, NULL);
        scion_config_destroy(map);
}

static void bad_schedules(void **state)
{
        (void)state;
        refuse("use: cosin", "no schedule 'cosin' (did you mean 'cosine'?)");
        refuse("use: polynomial", "there are constant, step, cosine, slanted-triangular, inverse");
        refuse("use: slanted-triangle", "did you mean 'slanted-triangular'?");
        refuse("{ use: slanted-triangular, cut: 0 }", "cut");
        refuse("{ use: slanted-triangular, cut: 1 }", "cut");
        refuse("{ use: slanted-triangular, ratio: 0.5 }", "ratio");
        refuse("{ use: inverse, gamma: -1 }", "gamma");
        refuse("{ use: inverse, power: -1 }", "power");
        refuse("{ gamma: 0.1 }", "{ use: NAME, ... }");
        refuse("{ use: step, gama: 0.1 }", "did you mean 'gamma'?");
        refuse("{ use: step, gamma: 0 }", "gamma");
        refuse("{ use: cosine, warmup: -1 }", "warmup");
        refuse("{ use: constant, every: 3 }", "every");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(constant_is_one),
                cmocka_unit_test(stairs),
                cmocka_unit_test(cosine),
                cmocka_unit_test(warm_up),
                cmocka_unit_test(slanted_triangular),
                cmocka_unit_test(inverse),
                cmocka_unit_test(bad_schedules),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
