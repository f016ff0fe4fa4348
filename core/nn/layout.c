/* The flat blocks of a model: numbering its modules, giving its parameters their places, trying it out. */
#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "nn/model.h"

#define ALIGNMENT 64
#define GRAIN (ALIGNMENT / sizeof(float)) /* every parameter starts at a multiple of so many floats */

/* --- Modules and names ---------------------------------------------------------------------------------- */

static char *path_of(const struct scion_module *module, const char *name)
{
        struct scion_text text = { 0 };

        scion_module_write_path(module, &text);
        scion_text_add(&text, name && text.length ? ".%s" : "%s", name ? name : "");
        if (!text.failed)
                return text.text;
        free(text.text);
        return scion_fail_null("out of memory");
}

/* The path of a module stays the same for as long as it is. */
static bool number(struct scion_model *model, struct scion_module *module)
{
        struct scion_module *below;

        if (!module->path && !(module->path = path_of(module, NULL)))
                return false;
        if (!scion_modules_push(&model->modules, module))
                return false;
        module->built = true;
        module->index = (int)model->modules.count - 1;
        for (size_t i = 0; (below = scion_module_below(module, i)); i++)
                if (!number(model, below))
                        return false;
        return true;
}

static int count_declared(const struct scion_model *model)
{
        int count = 0;

        for (size_t i = 0; i < model->modules.count; i++)
                count += model->modules.module[i]->declared;
        return count;
}

/* A parameter that the model had before is as it was, in its new place. */
static bool add(struct scion_model *model, const struct scion_module *module, struct scion_declared *declared)
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
        parameter->name = path_of(module, declared->name);
        parameter->declared = declared;
        parameter->stand_in = NULL;
        parameter->value = (struct scion_tensor){ .shape = declared->shape };
        model->count += !declared->buffer;
        model->buffers += declared->buffer;
        return parameter->name != NULL;
}

static bool collect(struct scion_model *model, bool buffers)
{
        for (size_t i = 0; i < model->modules.count; i++) {
                const struct scion_module *module = model->modules.module[i];

                for (int k = 0; k < module->declared; k++)
                        if (module->parameter[k].buffer == buffers &&
                            !add(model, module, &module->parameter[k]))
                                return false;
        }
        return true;
}

/* --- Blocks --------------------------------------------------------------------------------------------- */

static float *new_block(size_t length)
{
        float *block = aligned_alloc(ALIGNMENT, length ? length * sizeof *block : ALIGNMENT);

        if (!block)
                return scion_fail_null("out of memory: %zu parameters", length);
        memset(block, 0, length * sizeof *block);
        return block;
}

/* Every parameter in both blocks, and every buffer behind them in the first. */
static bool place(struct scion_model *model)
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
                        parameter->value.requires_grad = !parameter->frozen;
                }
                start += (length + GRAIN - 1) / GRAIN * GRAIN;
        }
        return true;
}

/* Values that the modules had before, and new ones. */
static void fill(struct scion_model *model)
{
        for (int i = 0; i < model->count + model->buffers; i++) {
                struct scion_parameter *parameter = &model->parameter[i];
                const struct scion_parameter *before = parameter->declared->parameter;

                if (before)
                        memcpy(parameter->value.data, before->value.data,
                               parameter->value.length * sizeof(float));
                else
                        scion_init_draw(&parameter->init, &parameter->value.shape, model->seed,
                                        parameter->name, parameter->value.data);
        }
}

bool scion_model_lay_out(struct scion_model *model)
{
        model->modules = (struct scion_modules){ 0 };
        model->parameter = NULL;
        model->count = model->buffers = 0;
        model->length = model->extent = 0;
        model->values = model->gradients = NULL;
        if (!number(model, scion_module_in_place(model->root)))
                return false;
        int count = count_declared(model);

        model->parameter = calloc((size_t)count + 1, sizeof *model->parameter);
        if (!model->parameter)
                return scion_fail("out of memory");
        if (!collect(model, false) || !collect(model, true))
                return false;
        if (model->count == 0)
                return scion_fail("it has no parameters");
        if (!place(model))
                return false;
        fill(model);
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

                if (parameter->declared->parameter == parameter) { /* no other layout has it too */
                        parameter->declared->parameter = NULL;
                        free(parameter->mask);
                }
                free(parameter->name);
        }
        free(model->modules.module);
        free(model->parameter);
        free(model->values);
        free(model->gradients);
}

/* --- Trying out ----------------------------------------------------------------------------------------- */

#define EXAMPLES 2 /* so that a model which mixes the examples of a batch is found out */

/* Of one example; ndim -1 when there is no axis of examples. */
static struct scion_shape without_batch(const struct scion_tensor *x)
{
        struct scion_shape shape = { .ndim = -1 };

        if (!x || x->shape.ndim < 1 || x->shape.dim[0] != EXAMPLES)
                return shape;
        shape.ndim = x->shape.ndim - 1;
        for (int i = 0; i < shape.ndim; i++)
                shape.dim[i] = x->shape.dim[i + 1];
        return shape;
}

static void note_shapes(const struct scion_model *model)
{
        for (size_t i = 0; i < model->modules.count; i++) {
                struct scion_module *module = model->modules.module[i];

                module->takes = without_batch(module->input);
                module->makes = without_batch(module->output);
        }
}

void scion_model_forget_tensors(struct scion_model *model)
{
        for (size_t i = 0; i < model->modules.count; i++)
                model->modules.module[i]->input = model->modules.module[i]->output = NULL;
}

static bool check_outputs(const struct scion_model *model, const struct scion_tensor *y)
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
        bool good = check_outputs(model, scion_model_forward(model, scion_zeros(shape)));

        scion_no_grad_end();
        if (good)
                note_shapes(model);
        scion_model_forget_tensors(model);
        scion_tape_use(before);
        scion_tape_destroy(tape);
        return good;
}
