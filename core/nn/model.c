/* Models: a tree of modules, with the values of its parameters and buffers in one storage. */
#include "nn/model.h"

#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>
#include <string.h>

#include "nn/module.h"
#include "plugin/params.h"
#include "plugin/plugin.h"

/* --- Building ------------------------------------------------------------------------------------------- */

static struct scion_module *module_last_linear(struct scion_module *module)
{
        for (size_t i = module->child.count; i > 0; i--) {
                struct scion_module *found = module_last_linear(module->child.module[i - 1]);

                if (found)
                        return found;
        }
        return scion_module_is_linear(module) ? module : NULL;
}

static bool model_find_head(struct scion_model *model, const char *path)
{
        const struct scion_module *head =
                path ? scion_model_look_up_module(model, path) : module_last_linear(model->root);

        if (!head)
                return path ? scion_fail("the head '%s' is not among its modules", path)
                            : scion_fail("it has no linear layer: its plugin must say which module is the "
                                         "head");
        if (!scion_module_has_parameters(head))
                return scion_fail("the head '%s' has no parameters", head->path);
        model->head = strdup(head->path);
        return model->head || scion_fail("out of memory");
}

static bool root_check(struct scion_module *root)
{
        if (root->built || root->parent)
                return scion_fail("its root belongs to another model or module");
        return scion_module_check(root);
}

static bool shapes_check(const struct scion_shape *input, int64_t outputs)
{
        if (outputs < 1)
                return scion_fail("a model has at least one output, not %lld", (long long)outputs);
        if (input->ndim < 1 || input->ndim >= SCION_MAX_DIMS)
                return scion_fail("an input has 1 to %d axes, not %d", SCION_MAX_DIMS - 1, input->ndim);
        return scion_check_shape(input) || scion_fail_prefix("inputs");
}

static struct scion_model *model_create_empty(struct scion_module *root, uint64_t seed)
{
        struct scion_model *model = calloc(1, sizeof *model);

        if (!model) {
                scion_fail("out of memory");
                scion_module_destroy(root);
                return NULL;
        }
        model->root = root;
        model->seed = seed;
        return model;
}

/* Checks that root has no owner. On failure destroys the tree that it belongs to, unless a model owns it. */
static bool root_check_free(struct scion_module *root)
{
        if (!root || root_check(root))
                return root != NULL;
        while (root->parent) /* root is inside a tree, which has no other owner */
                root = root->parent;
        if (!root->built)
                scion_module_destroy(root);
        return false;
}

/* Returns the model if `good`; otherwise destroys it and returns NULL. */
static struct scion_model *model_finish(struct scion_model *model, bool good)
{
        if (good)
                return model;
        scion_model_destroy(model);
        return NULL;
}

struct scion_model *scion_model_assemble(struct scion_module *root, const char *head,
                                         const struct scion_shape *input, int64_t outputs, uint64_t seed)
{
        struct scion_model *model;

        if (!root_check_free(root))
                return NULL;
        if (!shapes_check(input, outputs)) {
                scion_module_destroy(root);
                return NULL;
        }
        model = model_create_empty(root, seed);
        if (!model)
                return NULL;
        model->input = *input;
        model->outputs = outputs;
        return model_finish(model, scion_model_lay_out(model) && model_find_head(model, head) &&
                                           scion_model_try_out(model));
}

struct scion_model *scion_model_assemble_part(struct scion_module *root, uint64_t seed)
{
        struct scion_model *model = root_check_free(root) ? model_create_empty(root, seed) : NULL;

        if (!model)
                return NULL;
        model->part = true;
        return model_finish(model, scion_model_lay_out(model));
}

void scion_model_destroy(struct scion_model *model)
{
        if (!model)
                return;
        scion_model_drop_selections(model);
        scion_model_finish_layout(model);
        scion_module_destroy(model->root);
        scion_instance_destroy(model->instance); /* after the modules, which may refer to it */
        free(model->head);
        free(model);
}

struct scion_model *scion_model_create(const struct scion_config *map, const struct scion_shape *input,
                                       int64_t outputs, uint64_t seed)
{
        return scion_model_create_scaled(map, input, outputs, seed, 1);
}

struct scion_model *scion_model_create_scaled(const struct scion_config *map, const struct scion_shape *input,
                                              int64_t outputs, uint64_t seed, double width)
{
        struct scion_instance *instance = scion_instance_create(SCION_MODEL, map, NULL);

        if (!instance)
                return NULL;
        const struct scion_model_plugin *plugin = (const void *)instance->plugin;

        scion_error_clear();
        bool good = shapes_check(input, outputs) && scion_params_scale(plugin->params, instance->self, width);
        struct scion_module *root = good ? plugin->build(instance->self, input, outputs) : NULL;
        struct scion_model *model = scion_model_assemble(root, plugin->head, input, outputs, seed);

        if (model) {
                model->instance = instance;
                return model;
        }
        if (!*scion_error())
                scion_fail("its plugin built nothing");
        scion_config_fail(map, "%s: %s", plugin->name, scion_error());
        scion_instance_destroy(instance);
        return NULL;
}

/* --- Using ---------------------------------------------------------------------------------------------- */

struct scion_tensor *scion_model_forward(struct scion_model *model, struct scion_tensor *inputs)
{
        char takes[96], got[96];

        if (!inputs)
                return NULL;
        if (!model)
                return scion_fail_null("there is no model to run");
        if (model->part || (inputs->shape.ndim == model->input.ndim + 1 &&
                            memcmp(inputs->shape.dim + 1, model->input.dim,
                                   (size_t)model->input.ndim * sizeof model->input.dim[0]) == 0))
                return scion_nn_forward(model->root, inputs);
        return scion_refuse_null("the model takes inputs of shape Nx%s, got %s",
                                 scion_shape_text(&model->input, takes, sizeof takes),
                                 scion_shape_text(&inputs->shape, got, sizeof got));
}

struct scion_shape scion_model_input_shape(const struct scion_model *model)
{
        return model ? model->input : SCION_SCALAR;
}

int64_t scion_model_outputs(const struct scion_model *model)
{
        return model ? model->outputs : 0;
}

const char *scion_model_head(const struct scion_model *model)
{
        return model ? model->head : NULL;
}

void scion_model_set_frozen(struct scion_model *model, bool frozen)
{
        for (int i = 0; i < model->count; i++)
                scion_parameter_freeze(&model->parameter[i], frozen);
}

void scion_model_clear_gradients(struct scion_model *model)
{
        for (int i = 0; i < model->count; i++)
                model->parameter[i].value.has_grad = false;
}

int64_t scion_model_size(const struct scion_model *model, bool trainable_only)
{
        int64_t size = 0;

        for (int i = 0; i < model->count; i++)
                if (!trainable_only || !model->parameter[i].frozen)
                        size += scion_shape_size(&model->parameter[i].value.shape);
        return size;
}

size_t scion_model_bytes(const struct scion_model *model)
{
        return model->extent * sizeof(float);
}

struct scion_storage *scion_model_snapshot(const struct scion_model *model)
{
        struct scion_storage *snapshot = scion_storage_create(scion_model_bytes(model));

        if (!snapshot || scion_model_save_values(model, snapshot))
                return snapshot;
        scion_storage_destroy(snapshot);
        return NULL;
}

bool scion_model_save_values(const struct scion_model *model, struct scion_storage *into)
{
        return scion_storage_copy(model->values, 0, into, 0, scion_model_bytes(model));
}

bool scion_model_restore(struct scion_model *model, struct scion_storage *snapshot)
{
        return scion_storage_copy(snapshot, 0, model->values, 0, scion_model_bytes(model));
}
