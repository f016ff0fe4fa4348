/* Updates by an optimizer: its state, masks, and a device that does not implement it. */
#include "train/update.h"

#include "nn/module.h"
#include "support/memory.h"
#include "support/test.h"

static struct scion_model *new_model(void)
{
        struct scion_shape input = SCION_SHAPE(3);
        struct scion_module *net = scion_nn_sequential();

        scion_nn_append(net, "fc", scion_nn_linear(3, 2, true));
        struct scion_model *model = scion_model_assemble(net, NULL, &input, 2, 1);

        if (!model)
                fail_msg("%s", scion_error());
        return model;
}

/* Writes how far each of some steps with a gradient of 1 moves the model's first value. */
static void walk(struct scion_instance *optimizer, struct scion_model *model, int steps, float *moved)
{
        struct scion_update *update = scion_update_create(optimizer, &model, 1);

        assert_non_null(update);
        for (int i = 0; i < steps; i++) {
                float before = *floats_of(model->values);

                for (int j = 0; j < model->count; j++) {
                        for (size_t k = 0; k < model->parameter[j].slot.length; k++)
                                memory_set(&model->parameter[j].slot, k, 1);
                        model->parameter[j].value.has_grad = true;
                }
                assert_true(scion_update_step(update, 1));
                moved[i] = before - *floats_of(model->values);
        }
        scion_update_destroy(update);
}

/* The optimizer's state of one stage, moments and steps, does not reach the next stage. */
static void begins_anew(const char *yaml)
{
        struct scion_config *map = scion_config_parse(yaml, "update.yaml");
        struct scion_instance *optimizer = scion_instance_create(SCION_OPTIMIZER, map, NULL);
        struct scion_model *model = new_model();
        float first[4], second[4];

        if (!optimizer)
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

/* --- Masks ---------------------------------------------------------------------------------------------- */

static void set_gradients(struct scion_model *model, float step)
{
        for (int i = 0; i < model->count; i++) {
                for (size_t k = 0; k < model->parameter[i].slot.length; k++)
                        memory_set(&model->parameter[i].slot, k, (float)(k + 1) * (step + 1));
                model->parameter[i].value.has_grad = true;
        }
}

/* Masked elements stay exactly 0, and the others change as without a mask, also when the mask is set after some steps. */
static void holds_masks(const char *yaml)
{
        static const float mask[6] = { 1, 0, 0, 1, 0, 1 };
        struct scion_config *map = scion_config_parse(yaml, "update.yaml");
        struct scion_instance *optimizer = scion_instance_create(SCION_OPTIMIZER, map, NULL);
        struct scion_model *model = new_model(), *free_one = new_model();
        struct scion_update *update = scion_update_create(optimizer, &model, 1);
        struct scion_update *free_update = scion_update_create(optimizer, &free_one, 1);

        if (!update || !free_update)
                fail_msg("%s", scion_error());
        for (int step = 0; step < 6; step++) {
                if (step == 2)
                        assert_true(scion_parameter_mask(scion_model_find(model, "fc.weight"), mask));
                set_gradients(model, (float)step);
                set_gradients(free_one, (float)step);
                assert_true(scion_update_step(update, 1));
                assert_true(scion_update_step(free_update, 1));
                const float *is = memory_of(&model->parameter[0].value);
                const float *other = memory_of(&free_one->parameter[0].value);
                const float *gradient = memory_of(&model->parameter[0].slot);

                for (int k = 0; k < 6; k++) {
                        assert_true((gradient[k] == 0) == (step >= 2 && mask[k] == 0));
                        assert_true(is[k] == (step < 2 || mask[k] != 0 ? other[k] : 0));
                }
        }
        scion_update_destroy(update);
        scion_update_destroy(free_update);
        scion_model_destroy(model);
        scion_model_destroy(free_one);
        scion_instance_destroy(optimizer);
        scion_config_destroy(map);
}

static void masks_hold(void **state)
{
        (void)state;
        holds_masks("{ use: sgd, lr: 0.1, momentum: 0.9, weight_decay: 0.1 }");
        holds_masks("{ use: sgd, lr: 0.1, momentum: 0.9, nesterov: true }");
        holds_masks("{ use: adam, lr: 0.1, weight_decay: 0.1 }");
        holds_masks("{ use: adamw, lr: 0.1, weight_decay: 0.1 }");
}

/* --- A device that does not implement the optimizer ------------------------------------------------------- */

static bool update_unsupported(void *self, const struct scion_optimizer_plugin *optimizer,
                               void *optimizer_self, struct scion_span *spans,
                               struct scion_span_arrays *arrays, int count, bool *supported)
{
        (void)self, (void)optimizer, (void)optimizer_self, (void)spans, (void)arrays, (void)count;
        *supported = false;
        return true;
}

/* Trains two models, the second with a parameter that is frozen for a while. Writes the values of both to `values`. */
static void train_two(const char *yaml, float *values, size_t bytes)
{
        struct scion_config *map = scion_config_parse(yaml, "update.yaml");
        struct scion_instance *optimizer = scion_instance_create(SCION_OPTIMIZER, map, NULL);
        struct scion_model *models[2] = { new_model(), new_model() };
        struct scion_update *update = scion_update_create(optimizer, models, 2);

        if (!update)
                fail_msg("%s", scion_error());
        for (int step = 0; step < 5; step++) {
                scion_parameter_freeze(scion_model_find(models[1], "fc.weight"), step == 1);
                set_gradients(models[0], (float)step);
                set_gradients(models[1], (float)step + 0.5f);
                assert_true(scion_update_step(update, 0.5));
        }
        assert_int_equal(scion_model_bytes(models[0]) + scion_model_bytes(models[1]), bytes);
        memcpy(values, floats_of(models[0]->values), bytes / 2);
        memcpy(values + bytes / 2 / sizeof *values, floats_of(models[1]->values), bytes / 2);
        scion_update_destroy(update);
        scion_model_destroy(models[0]);
        scion_model_destroy(models[1]);
        scion_instance_destroy(optimizer);
        scion_config_destroy(map);
}

static void steps_on_the_host(void **state)
{
        static const char *const yamls[] = { "{ use: sgd, lr: 0.1 }", "{ use: sgd, lr: 0.1, momentum: 0.9 }",
                                             "{ use: adamw, lr: 0.1, weight_decay: 0.1 }" };
        const struct scion_backend_plugin *plugin = scion_device.plugin;
        struct scion_backend_plugin without = *plugin;
        float expected[64], values[64];

        (void)state;
        without.update = update_unsupported;
        for (size_t i = 0; i < sizeof yamls / sizeof yamls[0]; i++) {
                train_two(yamls[i], expected, sizeof expected);
                scion_device.plugin = &without;
                train_two(yamls[i], values, sizeof values);
                scion_device.plugin = plugin;
                assert_memory_equal(values, expected, sizeof expected);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_stage_begins_anew),
                cmocka_unit_test(masks_hold),
                cmocka_unit_test(steps_on_the_host),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
