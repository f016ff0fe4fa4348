/* Finds a model's parameters by name and pattern, changes their flags, and copies their values. */
#include <fnmatch.h>
#include <math.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/text.h"
#include "nn/model.h"

int scion_model_parameter_count(const struct scion_model *model)
{
        return model ? model->count : 0;
}

struct scion_parameter *scion_model_parameter(struct scion_model *model, int index)
{
        return model && index >= 0 && index < model->count ? &model->parameter[index] : NULL;
}

int scion_model_buffer_count(const struct scion_model *model)
{
        return model ? model->buffers : 0;
}

struct scion_parameter *scion_model_buffer(struct scion_model *model, int index)
{
        return model && index >= 0 && index < model->buffers ? &model->parameter[model->count + index] : NULL;
}

/* Returns the root's children that have parameters: "conv1, conv2, fc1". The caller frees the text. */
static char *model_list_top_modules(const struct scion_model *model)
{
        struct scion_text text = { 0 };
        const char *last = "";
        size_t length = 0;

        for (int i = 0; i < model->count; i++) {
                const char *name = model->parameter[i].name;

                if (i > 0 && strcspn(name, ".") == length && strncmp(name, last, length) == 0)
                        continue;
                last = name;
                length = strcspn(name, ".");
                scion_text_add(&text, "%s%.*s", i ? ", " : "", (int)length, name);
        }
        return text.text;
}

/* Searches the first `count` entries of the parameters, which buffers follow. NULL, without a message, if not found. */
static struct scion_parameter *model_look_up_parameter(struct scion_model *model, int count, const char *name)
{
        for (int i = 0; i < count; i++)
                if (strcmp(model->parameter[i].name, name) == 0)
                        return &model->parameter[i];
        return NULL;
}

static void *model_fail_unknown_parameter(const struct scion_model *model, const char *name)
{
        const char **names = malloc((size_t)model->count * sizeof *names);
        char *tops = model_list_top_modules(model);
        struct scion_text hint = { 0 };

        for (int i = 0; names && i < model->count; i++)
                names[i] = model->parameter[i].name;
        if (names && scion_suggest(&hint, name, names, (size_t)model->count))
                scion_fail("the model has no parameter '%s'%s", name, hint.text ? hint.text : "");
        else
                scion_fail("the model has no parameter '%s'; its modules are %s", name, tops ? tops : "?");
        free(names);
        free(tops);
        free(hint.text);
        return NULL;
}

struct scion_parameter *scion_model_find(struct scion_model *model, const char *name)
{
        if (!model)
                return scion_fail_null("there is no model to find '%s' in", name);
        struct scion_parameter *found = model_look_up_parameter(model, model->count, name);

        return found ? found : model_fail_unknown_parameter(model, name);
}

bool scion_model_in_head(const struct scion_model *model, const struct scion_parameter *parameter)
{
        size_t length = model && model->head ? strlen(model->head) : 0;

        if (!model || !parameter || !model->head)
                return false;
        return length == 0 ||
               (strncmp(parameter->name, model->head, length) == 0 && parameter->name[length] == '.');
}

bool scion_parameter_matches(const struct scion_parameter *parameter, const char *pattern)
{
        if (!parameter)
                return false;
        if (fnmatch(pattern, parameter->name, 0) == 0)
                return true;
        char *path = strdup(parameter->name);
        bool matches = false;

        /* Tries the paths of the enclosing modules, the innermost first. */
        for (char *dot; path && !matches && (dot = strrchr(path, '.'));) {
                *dot = '\0';
                matches = fnmatch(pattern, path, 0) == 0;
        }
        free(path);
        return matches;
}

static bool pattern_fail_unmatched(const struct scion_model *model, const char *pattern)
{
        char *tops = model_list_top_modules(model);

        scion_fail("no parameter of the model matches '%s'; its modules are %s", pattern, tops ? tops : "?");
        free(tops);
        return false;
}

bool scion_model_has_match(struct scion_model *model, const char *pattern)
{
        if (!model)
                return scion_fail("there is no model whose '%s' could be found", pattern);
        for (int i = 0; i < model->count; i++)
                if (scion_parameter_matches(&model->parameter[i], pattern))
                        return true;
        return pattern_fail_unmatched(model, pattern);
}

/* Calls `change` for every parameter that matches. False, with a message, when none does. */
static bool parameters_change(struct scion_model *model, const char *pattern,
                              void (*change)(struct scion_parameter *parameter, float value), float value)
{
        bool found = false;

        if (!model)
                return scion_fail("there is no model whose '%s' could be changed", pattern);
        for (int i = 0; i < model->count; i++) {
                if (!scion_parameter_matches(&model->parameter[i], pattern))
                        continue;
                change(&model->parameter[i], value);
                found = true;
        }
        return found || pattern_fail_unmatched(model, pattern);
}

static void parameter_freeze(struct scion_parameter *parameter, float value)
{
        scion_parameter_freeze(parameter, value != 0);
}

static void parameter_multiply_lr(struct scion_parameter *parameter, float scale)
{
        scion_parameter_scale_lr(parameter, parameter->lr_scale * scale);
}

bool scion_model_freeze(struct scion_model *model, const char *pattern)
{
        return parameters_change(model, pattern, parameter_freeze, 1);
}

bool scion_model_scale_lr(struct scion_model *model, const char *pattern, float scale)
{
        if (!isfinite(scale) || scale < 0)
                return scion_fail("a learning rate cannot be scaled by %g", (double)scale);
        return parameters_change(model, pattern, parameter_multiply_lr, scale);
}

/* --- Copying -------------------------------------------------------------------------------------------- */

static bool counterpart_check(const struct scion_parameter *from, const struct scion_parameter *to,
                              const char *name)
{
        char source[96], target[96];

        if (!from || !to || from->buffer != to->buffer)
                return scion_fail("%s: the %s model has no such %s", name, from ? "target" : "source",
                                  (from ? from : to)->buffer ? "buffer" : "parameter");
        if (scion_shape_equal(&from->value.shape, &to->value.shape))
                return true;
        return scion_fail("%s: %s in the source model, %s in the target", name,
                          scion_shape_text(&from->value.shape, source, sizeof source),
                          scion_shape_text(&to->value.shape, target, sizeof target));
}

/* Searches parameters and buffers. */
static struct scion_parameter *model_look_up_any(struct scion_model *model, const char *name)
{
        return model_look_up_parameter(model, model->count + model->buffers, name);
}

/* Checks that both models have the same parameters and buffers, except those of the heads unless `head`. */
static bool copy_check(struct scion_model *target, struct scion_model *source, bool head)
{
        for (int i = 0; i < target->count + target->buffers; i++) {
                struct scion_parameter *to = &target->parameter[i];

                if ((head || !scion_model_in_head(target, to)) &&
                    !counterpart_check(model_look_up_any(source, to->name), to, to->name))
                        return false;
        }
        for (int i = 0; i < source->count + source->buffers; i++) {
                struct scion_parameter *from = &source->parameter[i];

                if ((head || !scion_model_in_head(source, from)) &&
                    !counterpart_check(from, model_look_up_any(target, from->name), from->name))
                        return false;
        }
        return true;
}

static _Atomic uint64_t writes;

uint64_t scion_parameter_writes(void)
{
        return writes;
}

void scion_parameter_written(void)
{
        writes++;
}

int scion_model_copy(struct scion_model *target, struct scion_model *source, bool head)
{
        int copied = 0;

        if (!target || !source) {
                scion_fail("there is no %s model to copy %s", source ? "target" : "source",
                           source ? "to" : "from");
                return -1;
        }
        if (!copy_check(target, source, head))
                return -1;
        scion_parameter_written();
        for (int i = 0; i < target->count + target->buffers; i++) {
                struct scion_parameter *to = &target->parameter[i];

                if (!head && scion_model_in_head(target, to))
                        continue;
                if (!scion_tensor_copy(&model_look_up_any(source, to->name)->value, &to->value) ||
                    !scion_parameter_mask_values(to))
                        return -1;
                copied += !to->buffer;
        }
        return copied;
}

/* --- One parameter -------------------------------------------------------------------------------------- */

const char *scion_parameter_name(const struct scion_parameter *parameter)
{
        return parameter ? parameter->name : NULL;
}

struct scion_shape scion_parameter_shape(const struct scion_parameter *parameter)
{
        return parameter ? parameter->value.shape : SCION_SCALAR;
}

struct scion_tensor *scion_parameter_tensor(struct scion_parameter *parameter)
{
        return parameter ? &parameter->value : NULL;
}

bool scion_parameter_frozen(const struct scion_parameter *parameter)
{
        return parameter && parameter->frozen;
}

void scion_parameter_freeze(struct scion_parameter *parameter, bool frozen)
{
        if (!parameter || parameter->buffer)
                return;
        parameter->frozen = frozen;
        parameter->value.requires_grad = !frozen;
        parameter->value.has_grad = false;
}

void scion_parameter_scale_lr(struct scion_parameter *parameter, float scale)
{
        if (parameter)
                parameter->lr_scale = scale > 0 ? scale : 0; /* NaN too */
}

void scion_parameter_decay(struct scion_parameter *parameter, bool decay)
{
        if (parameter)
                parameter->decay = decay;
}

bool scion_parameter_read(struct scion_parameter *parameter, float *values)
{
        if (!parameter)
                return false;
        const struct scion_tensor *value = &parameter->value;

        return scion_storage_read(value->storage, value->offset, values, value->length * sizeof *values);
}

bool scion_parameter_write(struct scion_parameter *parameter, const float *values)
{
        if (!parameter)
                return false;
        const struct scion_tensor *value = &parameter->value;

        scion_parameter_written();
        return scion_storage_write(value->storage, value->offset, values, value->length * sizeof *values) &&
               scion_parameter_mask_values(parameter);
}
