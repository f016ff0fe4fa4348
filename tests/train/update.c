/* What an optimizer's state belongs to. */
#include "train/update.h"

#include "nn/module.h"
#include "support/test.h"

/* How far each of some steps with a gradient of 1 takes the model's first value. */
static void walk(struct scion_instance *optimizer, struct scion_model *model, int steps, float *moved)
{
        struct scion_update *update = scion_update_create(optimizer, &model, 1);

        assert_non_null(update);
        for (int i = 0; i < steps; i++) {
                float before = model->values[0];

                for (int j = 0; j < model->count; j++) {
                        for (size_t k = 0; k < model->parameter[j].slot.length; k++)
                                ((float *)model->parameter[j].slot.data)[k] = 1;
                        model->parameter[j].value.has_grad = true;
                }
                scion_update_step(update, 1);
                moved[i] = before - model->values[0];
        }
        scion_update_destroy(update);
}

/* A stage's optimizer knows nothing of the stage before it, on the same model: neither moments nor steps. */
static void begins_anew(const char *yaml)
{
        struct scion_config *map = scion_config_parse(yaml, "update.yaml");
        struct scion_instance *optimizer = scion_instance_create(SCION_OPTIMIZER, map, NULL);
        struct scion_shape input = SCION_SHAPE(3);
        struct scion_module *net = scion_nn_sequential();

        scion_nn_append(net, "fc", scion_nn_linear(3, 2, true));
        struct scion_model *model = scion_model_assemble(net, NULL, &input, 2, 1);
        float first[4], second[4];

        if (!optimizer || !model)
                fail_msg("%s", scion_error());
        walk(optimizer, model, 4, first);
        walk(optimizer, model, 4, second);
        for (int i = 0; i < 4; i++)
                assert_float_equal(second[i], first[i], 1e-4);
        scion_model_destroy(model);
        scion_instance_destroy(optimizer);
        scion_config_destroy(map);
}

static void each_stage_begins_anew(void **state)
{
        (void)state;
        begins_anew("{ use: adam, lr: 0.1, beta1: 0.5 }");
        begins_anew("{ use: sgd, lr: 0.1, momentum: 0.9, dampening: 0.5 }");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_stage_begins_anew),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
