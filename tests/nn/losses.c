/* The loss plugins, loaded like any other plugin. Expected values are those of PyTorch 1.13. */
#include "support/tape.h"

#include <math.h>

#include "plugin/plugin.h"

static const float logits[] = { 0.5f, -1.25f, 2, 1.5f, 0.25f, -0.75f, -0.5f, 0, 3, 0.1f, 0.2f, 0.3f };

static struct scion_tensor *outputs(void)
{
        return scion_require_grad(scion_from(SCION_SHAPE(4, 3), logits));
}

static struct scion_batch labelled(void)
{
        static const int32_t labels[] = { 2, 1, 0, 1 };

        return (struct scion_batch){ .size = 4,
                                     .classes = 3,
                                     .labels = scion_from_i32(SCION_SHAPE(4), labels) };
}

static struct scion_instance *create(const char *text)
{
        struct scion_config *map = scion_config_parse(text, "test.yaml");

        if (!map)
                fail_msg("%s", scion_error());
        struct scion_instance *instance = scion_instance_create(SCION_LOSS, map, NULL);

        scion_config_destroy(map);
        return instance;
}

/* Returns the loss that `text` describes. Outputs of NULL stand for an earlier failure, which left a message. */
static struct scion_tensor *loss(const char *text, struct scion_tensor *x, const struct scion_batch *batch)
{
        struct scion_instance *instance = create(text);

        if (!instance)
                fail_msg("%s", scion_error());
        const struct scion_loss_plugin *plugin = (const void *)instance->plugin;

        if (!x)
                scion_fail("the first message");
        struct scion_tensor *value = plugin->loss(instance->self, x, batch);

        scion_instance_destroy(instance);
        return value;
}

struct wanted {
        const char *text;
        double value;
        double gradient[12];
};

static void assert_loss(const struct wanted *wanted, const struct scion_batch *batch)
{
        struct scion_tensor *x = outputs(), *value = loss(wanted->text, x, batch);

        if (!value || !scion_backward(value))
                fail_msg("%s", scion_error());
        assert_int_equal(scion_shape(value).ndim, 0);
        assert_true(fabs((double)scion_item(value) - wanted->value) < 1e-6);
        const float *gradient = scion_data(scion_grad(x));

        for (int i = 0; i < 12; i++)
                if (!(fabs((double)gradient[i] - wanted->gradient[i]) < 1e-6))
                        fail_msg("%s: gradient[%d] is %.9g, not %.9g", wanted->text, i, (double)gradient[i],
                                 wanted->gradient[i]);
}

static void cross_entropy(void **state)
{
        static const struct wanted cases[] = {
                { "use: cross-entropy",
                  1.62304616,
                  { 0.0442050435, 0.0076816855, -0.0518867373, 0.179610088, -0.198540851, 0.0189307649,
                    -0.243009761, 0.0115249492, 0.231484815, 0.0751523972, -0.166943759, 0.0917913467 } },
                { "{ use: cross-entropy, class_weights: [0.5, 2, 1.25] }",
                  1.29469264,
                  { 0.0384391695, 0.00667972676, -0.0451189019, 0.249892294, -0.276230752, 0.0263384562,
                    -0.0845251381, 0.00400867825, 0.0805164576, 0.104559861, -0.232269585, 0.127709702 } },
                { "{ use: cross-entropy, label_smoothing: 0.1 }",
                  1.62721276,
                  { 0.0358717106, -0.000651648268, -0.0352200717, 0.171276748, -0.181874186, 0.0105974311,
                    -0.226343095, 0.00319161545, 0.223151475, 0.0668190643, -0.150277093, 0.0834580138 } },
                { "{ use: cross-entropy, label_smoothing: 0.1, class_weights: [0.5, 2, 1.25] }",
                  1.32041574,
                  { 0.035540618, -0.004914477, -0.0306261498, 0.237622783, -0.255727172, 0.0181043856,
                    -0.0783633292, -0.00698422361, 0.0853475481, 0.0977403075, -0.21341455, 0.115674205 } },
        };
        struct scion_batch batch = labelled();

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
                assert_loss(&cases[i], &batch);
}

/* Logits that are far apart neither overflow nor make the loss 0. */
static void large_logits(void **state)
{
        const float far[] = { 1000, -1000, 0, 0, -1000, 1000 };
        const int32_t labels[] = { 1, 2 };
        struct scion_batch batch = { .size = 2,
                                     .classes = 3,
                                     .labels = scion_from_i32(SCION_SHAPE(2), labels) };

        (void)state;
        assert_true(scion_item(loss("use: cross-entropy", scion_from(SCION_SHAPE(2, 3), far), &batch)) ==
                    1000);
}

static void cross_entropy_refuses(void **state)
{
        struct scion_batch batch = labelled(), values = { .size = 4, .targets = outputs() };

        (void)state;
        assert_null(loss("use: cross-entropy", outputs(), &values));
        assert_error_has("cross-entropy", "targets are values", NULL);
        assert_null(loss("{ use: cross-entropy, class_weights: [1, 2] }", outputs(), &batch));
        assert_error_has("class_weights", "2 entries", "3 classes", NULL);
        assert_null(loss("use: cross-entropy", scion_scalar(1), &batch));
        assert_error_has("NxK", "scalar", NULL);
        assert_null(loss("use: cross-entropy", NULL, &batch));
        assert_string_equal(scion_error(), "the first message");
}

static void bad_parameters(void **state)
{
        static const struct {
                const char *text, *why;
        } bad[] = {
                { "{ use: cross-entropy, label_smoothing: 1 }", "label_smoothing" },
                { "{ use: cross-entropy, label_smoothing: -0.1 }", "label_smoothing" },
                { "{ use: cross-entropy, class_weights: [1, -1] }", "class_weights" },
                { "{ use: cross-entropy, class_weights: [0, 0] }", "class_weights: all are zero" },
                { "{ use: cross-entropy, smoothing: 0.1 }", "smoothing" },
                { "{ use: mse, weight: 0.1 }", "weight" },
                { "{ use: kl-divergence, temperature: 0 }", "temperature" },
                { "{ use: kl-divergence, temperature: -2 }", "temperature" },
                { "{ use: mmd, kernels: 0 }", "kernels" },
                { "{ use: mmd, step: 0.5 }", "step" },
                { "{ use: mmd, bandwidth: -1 }", "bandwidth" },
                { "{ use: mmd, estimator: quadratic }", "estimator" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                assert_null(create(bad[i].text));
                assert_error_has("test.yaml:1:", bad[i].why, NULL);
        }
}

static void mse(void **state)
{
        static const float values[] = { 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0 };
        static const struct wanted wanted = { "use: mse",
                                              1.51479185,
                                              { 0.0833333358, -0.208333343, 0.166666672, 0.25, -0.125, -0.125,
                                                -0.25, 0, 0.5, 0.0166666675, -0.13333334, 0.0500000045 } };
        struct scion_batch labels = labelled();
        struct scion_batch rows = { .size = 4, .targets = scion_from(SCION_SHAPE(4, 3), values) };

        (void)state;
        assert_loss(&wanted, &labels);
        assert_loss(&wanted, &rows);
}

static void mse_refuses(void **state)
{
        struct scion_batch batch = { .size = 4, .targets = scion_zeros(SCION_SHAPE(4, 1)) };

        (void)state;
        assert_null(loss("use: mse", outputs(), &batch));
        assert_error_has("mse", "4x3", "4x1", NULL);
        assert_null(loss("use: mse", NULL, &batch));
        assert_string_equal(scion_error(), "the first message");
}

/* For one-hot rows the loss is the cross-entropy. For a class that the outputs exclude it is large, but not infinite. */
static void kl_divergence(void **state)
{
        static const float soft[] = { 0.2f,    0.3f,    0.5f,    0,       1,       0,
                                      1.f / 3, 1.f / 3, 1.f / 3, 0.0001f, 0.9999f, 0 };
        struct scion_batch labels = labelled();
        struct scion_batch rows = { .size = 4, .targets = scion_from(SCION_SHAPE(4, 3), soft) };
        double wanted = 0;

        (void)state;
        assert_true(fabsf(scion_item(loss("use: kl-divergence", outputs(), &labels)) -
                          scion_item(loss("use: cross-entropy", outputs(), &labels))) < 1e-6f);
        for (int i = 0; i < 4; i++) {
                const float *x = logits + i * 3, *p = soft + i * 3;
                double total = 0;

                for (int c = 0; c < 3; c++)
                        total += exp((double)x[c] / 2);
                for (int c = 0; c < 3; c++)
                        if (p[c] > 0)
                                wanted += (double)p[c] * (log((double)p[c]) - (double)x[c] / 2 + log(total)) /
                                          4;
        }
        struct scion_tensor *x = outputs();
        struct scion_tensor *value = loss("{ use: kl-divergence, temperature: 2 }", x, &rows);

        assert_true(fabs((double)scion_item(value) - wanted) < 1e-6);
        assert_true(scion_backward(value));
        for (int i = 0; i < 12; i++)
                assert_true(isfinite(scion_data(scion_grad(x))[i]));
}

static void kl_divergence_refuses(void **state)
{
        static const float below[] = { 0.5f, 0.5f, 0, 1, -0.5f, 0.5f }, large[] = { 0, 1, 0, 0.5f, 0.6f, 0 };
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(2, 3));
        struct scion_batch batch = { .size = 2, .targets = scion_from(SCION_SHAPE(2, 3), below) };

        (void)state;
        assert_null(loss("use: kl-divergence", x, &batch));
        assert_error_has("kl-divergence", "probabilities", "example 1", "-0.5 for class 1", NULL);
        batch.targets = scion_from(SCION_SHAPE(2, 3), large);
        assert_null(loss("use: kl-divergence", x, &batch));
        assert_error_has("kl-divergence", "example 1", "add up to 1.1", NULL);
        batch.targets = scion_full(SCION_SHAPE(2, 2), 0.5f);
        assert_null(loss("use: kl-divergence", x, &batch));
        assert_error_has("2x3", "2x2", NULL);
}

/* Each parameter reaches the plugin and changes the value. */
static void mmd_parameters(void **state)
{
        static const char *const texts[] = { "use: mmd",
                                             "{ use: mmd, estimator: biased }",
                                             "{ use: mmd, estimator: unbiased }",
                                             "{ use: mmd, estimator: biased, heuristic: mean }",
                                             "{ use: mmd, estimator: biased, bandwidth: 3 }",
                                             "{ use: mmd, estimator: biased, kernels: 5 }",
                                             "{ use: mmd, estimator: biased, kernels: 5, step: 2 }" };
        struct scion_batch batch = labelled();
        float values[7];

        (void)state;
        for (int i = 0; i < 7; i++) {
                values[i] = scion_item(loss(texts[i], outputs(), &batch));
                for (int j = 0; j < i; j++)
                        assert_true(values[i] != values[j]);
        }
        assert_true(fabsf(values[0] - scion_item(scion_mmd(outputs(), scion_batch_values(&batch, outputs()),
                                                           NULL))) < 1e-6f);
}

static void discrepancies_refuse(void **state)
{
        struct scion_batch one = { .size = 1, .targets = scion_zeros(SCION_SHAPE(1, 3)) };
        struct scion_batch narrow = { .size = 4, .targets = scion_zeros(SCION_SHAPE(4, 2)) };
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(1, 3));
        static const char *const texts[] = { "use: coral", "use: mmd", "use: cosine", "use: kl-divergence" };

        (void)state;
        assert_null(loss("use: coral", x, &one));
        assert_error_has("coral", "2 examples", "1x3", NULL);
        assert_null(loss("use: mmd", x, &one));
        assert_error_has("mmd", "2 examples", "1x3", NULL);
        for (int i = 0; i < 4; i++) {
                struct scion_batch labels = labelled();

                if (i < 3) {
                        assert_null(loss(texts[i], outputs(), &narrow));
                        assert_error_has("4x3", "4x2", NULL);
                }
                assert_null(loss(texts[i], NULL, &labels));
                assert_string_equal(scion_error(), "the first message");
                assert_null(loss(texts[i], NULL, &narrow));
                assert_string_equal(scion_error(), "the first message");
        }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, use_tape, drop_tape)
        const struct CMUnitTest tests[] = {
                TEST(cross_entropy),
                TEST(large_logits),
                TEST(cross_entropy_refuses),
                TEST(bad_parameters),
                TEST(mse),
                TEST(mse_refuses),
                TEST(kl_divergence),
                TEST(kl_divergence_refuses),
                TEST(mmd_parameters),
                TEST(discrepancies_refuse),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
