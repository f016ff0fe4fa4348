/* Compares the loss plugins, also those of docs/examples, with PyTorch: the value, and the gradient of the outputs. */
#include "parity/vectors.h"

#include <math.h>

#include "plugin/plugin.h"

static struct scion_tensor *case_outputs(const json_t *test_case, uint64_t seed)
{
        struct scion_shape shape = vectors_shape(test_case, "shape");
        const json_t *values = json_object_get(test_case, "values");

        return scion_require_grad(values ? vectors_tensor(values, shape)
                                         : vectors_uniform(seed, 0, shape, vectors_number(test_case, "low"),
                                                           vectors_number(test_case, "high")));
}

static struct scion_batch case_batch(const json_t *test_case, uint64_t seed)
{
        struct scion_shape shape = vectors_shape(test_case, "shape");
        struct scion_batch batch = { .size = shape.dim[0] };

        if (vectors_flag(test_case, "labels")) {
                batch.classes = shape.dim[1];
                batch.labels = vectors_labels(seed, 1, batch.size, batch.classes);
        } else {
                const json_t *targets = json_object_get(test_case, "targets");

                batch.targets =
                        targets ? vectors_tensor(targets, shape) : vectors_uniform(seed, 1, shape, -1, 1);
        }
        batch.inputs = scion_zeros(SCION_SHAPE(batch.size, 1));
        return batch;
}

static void loss_agrees(void **state)
{
        const json_t *test_case = *state;
        uint64_t seed = (uint64_t)vectors_integer(test_case, "seed");
        struct vectors_tolerance tolerance = vectors_tolerance(test_case);
        double wanted = vectors_number(test_case, "loss");
        struct scion_config *config = scion_config_parse(vectors_text(test_case, "config"), "config");
        struct scion_instance *instance = config ? scion_instance_create(SCION_LOSS, config, NULL) : NULL;

        if (!instance)
                fail_msg("%s", scion_error());
        const struct scion_loss_plugin *plugin = (const void *)instance->plugin;
        struct scion_tensor *outputs = case_outputs(test_case, seed);
        struct scion_batch batch = case_batch(test_case, seed);
        struct scion_tensor *loss = plugin->loss(instance->self, outputs, &batch);
        double got = (double)scion_item(loss);

        if (!scion_backward(loss))
                fail_msg("%s", scion_error());
        if (!(fabs(got - wanted) <= tolerance.relative * fabs(wanted) + 1e-38))
                fail_msg("the loss is %.9g, not %.9g", got, wanted);
        assert_int_equal(scion_shape(loss).ndim, 0);
        vectors_compare_tensor("gradient of the outputs", scion_grad(outputs),
                               vectors_member(test_case, "gradient"), tolerance);
        scion_instance_destroy(instance);
        scion_config_destroy(config);
}

int main(void)
{
        if (!scion_plugins_add_path(BUILD_DIR "/tests/parity/examples"))
                return 1;
        return vectors_run("losses", loss_agrees);
}
