/* Models: a tree of modules over one block of parameters and buffers. */
#include "nn/model.h"

#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "nn/module.h"
#include "plugin/plugin.h"

#define ALIGNMENT 64
#define GRAIN (ALIGNMENT / sizeof(float)) /* every parameter starts at a multiple of so many floats */

/* --- Putting one together ------------------------------------------------------------------------------- */

static char *path_of(const struct scion_module *module, const char *name)
{
        struct scion_text text = { 0 };

        scion_module_path(module, &text);
        scion_text_add(&text, name && text.length ? ".%s" : "%s", name ? name : "");
        if (!text.failed)
                return text.text;
        free(text.text);
        return scion_fail_null("out of memory");
}

static int count_declared(const struct scion_module *module, bool buffers)
{
        int count = 0;

        for (int i = 0; i < module->declared; i++)
                count += module->parameter[i].buffer == buffers;
        for (size_t i = 0; i < module->children; i++)
                count += count_declared(module->child[i], buffers);
        return count;
}

/* Takes the parameters, or the buffers, of the module and of all below it into the model's list. */
static bool collect(struct scion_model *model, struct scion_module *module, bool buffers)
{
        module->built = true;
        for (int i = 0; i < module->declared; i++) {
                struct scion_declared *declared = &module->parameter[i];
                struct scion_parameter *parameter = &model->parameter[model->count + model->buffers];
                char *name;

                if (declared->buffer != buffers)
                        continue;
                if (!(name = path_of(module, declared->name)))
                        return false;
                *parameter = (struct scion_parameter){ .name = name,
                                                       .init = declared->init,
                                                       .buffer = buffers,
                                                       .frozen = buffers,
                                                       .decay = !declared->no_decay,
                                                       .lr_scale = 1 };
                parameter->value.shape = declared->shape;
                declared->tensor = &parameter->value;
                model->count += !buffers;
                model->buffers += buffers;
        }
        for (size_t i = 0; i < module->children; i++)
                if (!collect(model, module->child[i], buffers))
                        return false;
        return true;
}

static float *new_block(size_t length)
{
        float *block = aligned_alloc(ALIGNMENT, length * sizeof *block);

        if (!block)
                return scion_fail_null("out of memory: %zu parameters", length);
        memset(block, 0, length * sizeof *block);
        return block;
}

/* Gives every parameter its place in the two blocks, and every buffer one behind them in the first. */
static bool lay_out(struct scion_model *model)
{
        for (int i = 0; i < model->count + model->buffers; i++) {
                struct scion_tensor *value = &model->parameter[i].value;

                value->length = (size_t)scion_shape_size(&value->shape);
                model->extent += (value->length + GRAIN - 1) / GRAIN * GRAIN;
                if (model->extent > (size_t)1 << 44)
                        return scion_fail("more than 2^44 parameters are too many");
                if (i < model->count)
                        model->length = model->extent;
        }
        model->values = new_block(model->extent);
        model->gradients = model->values ? new_block(model->length) : NULL;
        if (!model->gradients)
                return false;
        size_t start = 0;

        for (int i = 0; i < model->count + model->buffers; i++) {
                struct scion_parameter *parameter = &model->parameter[i];
                size_t length = parameter->value.length;

                parameter->value.data = model->values + start;
                if (!parameter->buffer) {
                        parameter->slot = (struct scion_tensor){ .shape = parameter->value.shape,
                                                                 .length = length,
                                                                 .data = model->gradients + start };
                        parameter->value.grad = &parameter->slot;
                        parameter->value.grad_is_slot = true;
                        parameter->value.requires_grad = true;
                }
                start += (length + GRAIN - 1) / GRAIN * GRAIN;
        }
        return true;
}

static struct scion_module *find_module(struct scion_module *module, const char *path)
{
        size_t length = strcspn(path, ".");

        if (!*path)
                return module;
        for (size_t i = 0; i < module->children; i++) {
                struct scion_module *child = module->child[i];

                if (strlen(child->name) == length && strncmp(child->name, path, length) == 0)
                        return find_module(child, path[length] ? path + length + 1 : path + length);
        }
        return NULL;
}

static struct scion_module *last_linear(struct scion_module *module)
{
        for (size_t i = module->children; i > 0; i--) {
                struct scion_module *found = last_linear(module->child[i - 1]);

                if (found)
                        return found;
        }
        return scion_module_is_linear(module) ? module : NULL;
}

static bool find_head(struct scion_model *model, const char *path)
{
        struct scion_module *head = path ? find_module(model->root, path) : last_linear(model->root);

        if (!head)
                return path ? scion_fail("the head '%s' is not among its modules", path)
                            : scion_fail("it has no linear layer: its plugin must say which module is the "
                                         "head");
        if (count_declared(head, false) == 0)
                return scion_fail("the head '%s' has no parameters", path);
        model->head = path_of(head, NULL);
        return model->head != NULL;
}

/* Runs two examples of zeros through the model: two, so that a model which mixes the examples of a batch is
 * found out. */
static bool try_out(struct scion_model *model)
{
        struct scion_shape wanted = SCION_SHAPE(2, model->outputs),
                           shape = { .ndim = model->input.ndim + 1, .dim = { 2 } };
        struct scion_tape *tape = scion_tape_create();

        if (!tape)
                return false;
        for (int i = 0; i < model->input.ndim; i++)
                shape.dim[i + 1] = model->input.dim[i];
        struct scion_tape *before = scion_tape_use(tape);
        scion_no_grad_begin();
        struct scion_tensor *y = scion_model_forward(model, scion_zeros(shape));
        scion_no_grad_end();
        bool good = y != NULL;

        if (y && !scion_shape_equal(&y->shape, &wanted)) {
                char made[96], asked[96];

                good = scion_fail("makes outputs of shape %s of two examples, not %s",
                                  scion_shape_text(&y->shape, made, sizeof made),
                                  scion_shape_text(&wanted, asked, sizeof asked));
        }
        scion_tape_use(before);
        scion_tape_destroy(tape);
        return good;
}

static bool check_root(struct scion_module *root)
{
        if (root->built || root->parent)
                return scion_fail("its root belongs to another model or module");
        return scion_module_check(root);
}

static bool check_shapes(const struct scion_shape *input, int64_t outputs)
{
        if (outputs < 1)
                return scion_fail("a model has at least one output, not %lld", (long long)outputs);
        if (input->ndim < 1 || input->ndim >= SCION_MAX_DIMS)
                return scion_fail("an input has 1 to %d axes, not %d", SCION_MAX_DIMS - 1, input->ndim);
        return scion_check_shape(input) || scion_fail_prefix("inputs");
}

static bool assemble(struct scion_model *model, const char *head, uint64_t seed)
{
        int count = count_declared(model->root, false);

        if (count == 0)
                return scion_fail("it has no parameters");
        count += count_declared(model->root, true);
        model->parameter = calloc((size_t)count, sizeof *model->parameter);
        if (!model->parameter)
                return scion_fail("out of memory");
        if (!collect(model, model->root, false) || !collect(model, model->root, true) ||
            !find_head(model, head) || !lay_out(model))
                return false;
        for (int i = 0; i < count; i++) {
                struct scion_parameter *parameter = &model->parameter[i];

                scion_init_draw(&parameter->init, &parameter->value.shape, seed, parameter->name,
                                parameter->value.data);
        }
        return try_out(model);
}

struct scion_model *scion_model_assemble(struct scion_module *root, const char *head,
                                         const struct scion_shape *input, int64_t outputs, uint64_t seed)
{
        struct scion_model *model = NULL;

        if (!root)
                return NULL;
        if (!check_root(root)) {
                while (root->parent) /* a part of a tree was given: nobody else has the whole */
                        root = root->parent;
                if (!root->built)
                        scion_module_destroy(root);
                return NULL;
        }
        if (check_shapes(input, outputs) && !(model = calloc(1, sizeof *model)))
                scion_fail("out of memory");
        if (!model) {
                scion_module_destroy(root);
                return NULL;
        }
        model->root = root;
        model->input = *input;
        model->outputs = outputs;
        if (assemble(model, head, seed))
                return model;
        scion_model_destroy(model);
        return NULL;
}

void scion_model_destroy(struct scion_model *model)
{
        if (!model)
                return;
        scion_module_destroy(model->root);
        scion_instance_destroy(model->instance); /* after the modules, which may look into it */
        for (int i = 0; i < model->count + model->buffers; i++)
                free(model->parameter[i].name);
        free(model->parameter);
        free(model->values);
        free(model->gradients);
        free(model->head);
        free(model);
}

/* Builds what the plugin describes; says which plugin and where in the file when that fails. */
struct scion_model *scion_model_create(const struct scion_config *map, const struct scion_shape *input,
                                       int64_t outputs, uint64_t seed)
{
        struct scion_instance *instance = scion_instance_create(SCION_MODEL, map, NULL);

        if (!instance)
                return NULL;
        const struct scion_model_plugin *plugin = (const void *)instance->plugin;

        scion_error_clear();
        struct scion_module *root =
                check_shapes(input, outputs) ? plugin->build(instance->self, input, outputs) : NULL;
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

/* --- Using one ------------------------------------------------------------------------------------------ */

struct scion_tensor *scion_model_forward(struct scion_model *model, struct scion_tensor *inputs)
{
        char takes[96], got[96];

        if (!inputs)
                return NULL;
        if (!model)
                return scion_fail_null("there is no model to run");
        if (inputs->shape.ndim == model->input.ndim + 1 &&
            memcmp(inputs->shape.dim + 1, model->input.dim,
                   (size_t)model->input.ndim * sizeof model->input.dim[0]) == 0)
                return scion_nn_forward(model->root, inputs);
        return scion_fail_null("the model takes inputs of shape Nx%s, got %s",
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

static void each_module(const struct scion_module *module, struct scion_text *path,
                        void (*call)(void *context, const char *path, const char *kind), void *context)
{
        size_t length = path->length;

        call(context, length ? path->text : "", module->impl->kind);
        for (size_t i = 0; i < module->children && !path->failed; i++) {
                scion_text_add(path, length ? ".%s" : "%s", module->child[i]->name);
                each_module(module->child[i], path, call, context);
                path->length = length;
                if (path->text)
                        path->text[length] = '\0';
        }
}

void scion_model_each_module(const struct scion_model *model,
                             void (*call)(void *context, const char *path, const char *kind), void *context)
{
        struct scion_text path = { 0 };

        each_module(model->root, &path, call, context);
        free(path.text);
}
