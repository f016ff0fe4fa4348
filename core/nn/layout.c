/* The layout of a model: numbers its modules, allocates its parameters and buffers, and tries the model out. */
#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "nn/model.h"

#define GRAIN ((size_t)16) /* floats; every parameter starts at a multiple */

/* --- Modules and names ---------------------------------------------------------------------------------- */

/* Returns the path of the module's parameter `name`, or of the module itself for NULL. The caller frees it. */
static char *module_join_path(const struct scion_module *module, const char *name)
{
        struct scion_text text = { 0 };

        scion_module_write_path(module, &text);
        scion_text_add(&text, name && text.length ? ".%s" : "%s", name ? name : "");
        if (!text.failed)
                return text.text;
        free(text.text);
        return scion_fail_null("out of memory");
}

/* Adds the module and its descendants to the layout. A module keeps its path as long as it exists. */
static bool model_add_modules(struct scion_model *model, struct scion_module *module)
{
        struct scion_module *below;

        if (!module->path && !(module->path = module_join_path(module, NULL)))
                return false;
        if (!scion_modules_push(&model->modules, module))
                return false;
        module->built = true;
        module->index = (int)model->modules.count - 1;
        for (size_t i = 0; (below = scion_module_below(module, i)); i++)
                if (!model_add_modules(model, below))
                        return false;
        return true;
}

static int model_count_declared(const struct scion_model *model)
{
        int count = 0;

        for (size_t i = 0; i < model->modules.count; i++)
                count += model->modules.module[i]->declared;
        return count;
}

/* Adds a parameter or buffer. One that is in the earlier layout keeps its flags. */
static bool model_add_parameter(struct scion_model *model, const struct scion_module *module,
                                struct scion_declared *declared)
{
        struct scion_parameter *parameter = &model->parameter[model->count + model->buffers];
        const struct scion_parameter *before = declared->parameter;

        if (before)
                *parameter = *before;
        else
                *parameter = (struct scion_parameter){ .init = declared->init,
                                                       .buffer = declared->buffer,
                                                       .frozen = declared->buffer,
                                                       .decay = !declared->no_decay,
                                                       .lr_scale = 1 };
        parameter->name = module_join_path(module, declared->name);
        parameter->declared = declared;
        parameter->substitute = NULL;
        parameter->value = (struct scion_tensor){ .shape = declared->shape };
        model->count += !declared->buffer;
        model->buffers += declared->buffer;
        return parameter->name != NULL;
}

static bool model_add_parameters(struct scion_model *model, bool buffers)
{
        for (size_t i = 0; i < model->modules.count; i++) {
                const struct scion_module *module = model->modules.module[i];

                for (int k = 0; k < module->declared; k++)
                        if (module->parameter[k].buffer == buffers &&
                            !model_add_parameter(model, module, &module->parameter[k]))
                                return false;
        }
        return true;
}

/* --- Storages ------------------------------------------------------------------------------------------- */

static struct scion_tensor tensor_over(struct scion_storage *storage, size_t start, struct scion_shape shape)
{
        return (struct scion_tensor){ .array = scion_array_over(storage, start * sizeof(float), shape,
                                                                SCION_F32) };
}

/* Allocates the storages and assigns every parameter an offset in both. Buffers follow the parameters in the values. */
static bool model_allocate(struct scion_model *model)
{
        for (int i = 0; i < model->count + model->buffers; i++) {
                size_t length = (size_t)scion_shape_size(&model->parameter[i].value.shape);

                model->extent += (length + GRAIN - 1) / GRAIN * GRAIN;
                if (model->extent > (size_t)1 << 44)
                        return scion_fail("a model may have at most 2^44 parameters");
                if (i < model->count)
                        model->length = model->extent;
        }
        model->values = scion_storage_create(scion_model_bytes(model));
        model->gradients = model->values ? scion_storage_create(model->length * sizeof(float)) : NULL;
        if (!model->gradients)
                return scion_fail_prefix("%zu parameters", model->extent);
        size_t start = 0;

        for (int i = 0; i < model->count + model->buffers; i++) {
                struct scion_parameter *parameter = &model->parameter[i];
                struct scion_shape shape = parameter->value.shape;

                parameter->value = tensor_over(model->values, start, shape);
                if (!parameter->buffer) {
                        parameter->slot = tensor_over(model->gradients, start, shape);
                        parameter->value.grad = &parameter->slot;
                        parameter->value.grad_is_slot = true;
                        parameter->value.requires_grad = !parameter->frozen;
                }
                start += (parameter->value.length + GRAIN - 1) / GRAIN * GRAIN;
        }
        return true;
}

static bool parameter_draw(const struct scion_model *model, const struct scion_parameter *parameter)
{
        const struct scion_tensor *value = &parameter->value;
        size_t bytes = value->length * sizeof(float);
        char *mapped = scion_storage_map(value->storage);
        float *drawn = mapped ? (float *)(void *)(mapped + value->offset) : malloc(bytes);

        if (!drawn)
                return scion_fail("out of memory");
        scion_init_draw(&parameter->init, &value->shape, model->seed, parameter->name, drawn);
        if (mapped)
                return true;
        bool good = scion_storage_write(value->storage, value->offset, drawn, bytes);

        free(drawn);
        return good;
}

/* Copies the values of parameters that are in the earlier layout, and draws those of new ones. */
static bool model_write_values(struct scion_model *model)
{
        for (int i = 0; i < model->count + model->buffers; i++) {
                struct scion_parameter *parameter = &model->parameter[i];
                const struct scion_parameter *before = parameter->declared->parameter;

                if (!(before ? scion_tensor_copy(&before->value, &parameter->value)
                             : parameter_draw(model, parameter)))
                        return false;
        }
        return true;
}

bool scion_model_lay_out(struct scion_model *model)
{
        model->modules = (struct scion_modules){ 0 };
        model->parameter = NULL;
        model->count = model->buffers = 0;
        model->length = model->extent = 0;
        model->values = model->gradients = NULL;
        if (!model_add_modules(model, scion_module_effective(model->root)))
                return false;
        int count = model_count_declared(model);

        model->parameter = calloc((size_t)count + 1, sizeof *model->parameter);
        if (!model->parameter)
                return scion_fail("out of memory");
        if (!model_add_parameters(model, false) || !model_add_parameters(model, true))
                return false;
        if (model->count == 0)
                return scion_fail("it has no parameters");
        if (!model_allocate(model))
                return false;
        if (!model_write_values(model))
                return false;
        scion_model_link(model);
        return true;
}

void scion_model_link(struct scion_model *model)
{
        for (size_t i = 0; i < model->modules.count; i++)
                model->modules.module[i]->index = (int)i;
        for (int i = 0; i < model->count + model->buffers; i++)
                model->parameter[i].declared->parameter = &model->parameter[i];
}

void scion_model_finish_layout(struct scion_model *model)
{
        for (int i = 0; model->parameter && i < model->count + model->buffers; i++) {
                struct scion_parameter *parameter = &model->parameter[i];

                if (parameter->declared->parameter == parameter) { /* it is not also in another layout */
                        parameter->declared->parameter = NULL;
                        scion_parameter_free_mask(parameter);
                }
                free(parameter->name);
        }
        free(model->modules.module);
        free(model->parameter);
        scion_storage_destroy(model->values);
        scion_storage_destroy(model->gradients);
}

/* --- Trying out ----------------------------------------------------------------------------------------- */

#define EXAMPLES 2 /* more than one, so that a model that mixes the examples of a batch is detected */

/* Returns the shape of one example of x, without the batch axis; ndim -1 when x has no batch axis. */
static struct scion_shape tensor_example_shape(const struct scion_tensor *x)
{
        struct scion_shape shape = { .ndim = -1 };

        if (!x || x->shape.ndim < 1 || x->shape.dim[0] != EXAMPLES)
                return shape;
        shape.ndim = x->shape.ndim - 1;
        for (int i = 0; i < shape.ndim; i++)
                shape.dim[i] = x->shape.dim[i + 1];
        return shape;
}

static void model_record_shapes(const struct scion_model *model)
{
        for (size_t i = 0; i < model->modules.count; i++) {
                struct scion_module *module = model->modules.module[i];

                module->input_shape = tensor_example_shape(module->input);
                module->output_shape = tensor_example_shape(module->output);
        }
}

void scion_model_forget_tensors(struct scion_model *model)
{
        for (size_t i = 0; i < model->modules.count; i++)
                model->modules.module[i]->input = model->modules.module[i]->output = NULL;
}

static bool outputs_check(const struct scion_model *model, const struct scion_tensor *y)
{
        struct scion_shape wanted = SCION_SHAPE(EXAMPLES, model->outputs);
        char made[96], asked[96];

        if (!y || scion_shape_equal(&y->shape, &wanted))
                return y != NULL;
        return scion_fail("makes outputs of shape %s of two examples, not %s",
                          scion_shape_text(&y->shape, made, sizeof made),
                          scion_shape_text(&wanted, asked, sizeof asked));
}

bool scion_model_try_out(struct scion_model *model)
{
        struct scion_shape shape = { .ndim = model->input.ndim + 1, .dim = { EXAMPLES } };
        struct scion_tape *tape = scion_tape_create();

        if (!tape)
                return false;
        for (int i = 0; i < model->input.ndim; i++)
                shape.dim[i + 1] = model->input.dim[i];
        struct scion_tape *before = scion_tape_use(tape);

        scion_model_forget_tensors(model);
        scion_no_grad_begin();
        bool good = outputs_check(model, scion_model_forward(model, scion_zeros(shape)));

        scion_no_grad_end();
        if (good)
                model_record_shapes(model);
        scion_model_forget_tensors(model);
        scion_tape_use(before);
        scion_tape_destroy(tape);
        return good;
}
