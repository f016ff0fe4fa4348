#include "state/weights.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "state/safetensors.h"

bool scion_weights_copy(struct scion_model *model, struct scion_safetensors *file)
{
        size_t count = (size_t)(model->count + model->buffers);
        float *next = malloc((model->extent + 1) * sizeof *next);
        bool good = true;

        *file = (struct scion_safetensors){ .tensor = calloc(count + 1, sizeof *file->tensor),
                                            .memory = next };
        if (!file->tensor || !next)
                good = scion_fail("out of memory");
        for (size_t i = 0; good && i < count; i++) {
                struct scion_parameter *parameter = &model->parameter[i];
                struct scion_shape shape = scion_parameter_shape(parameter);
                char *name = strdup(parameter->name);

                if (name)
                        file->tensor[file->count++] = (struct scion_safetensor){ name, shape, next, "F32" };
                good = (name || scion_fail("out of memory")) && scion_parameter_read(parameter, next);
                next += scion_shape_size(&shape);
        }
        good = good && scion_safetensors_note(file, "format", "pt") &&
               scion_safetensors_note(file, "writer", "scion " SCION_VERSION);
        if (!good)
                scion_safetensors_finish(file);
        return good;
}

bool scion_weights_save(struct scion_model *model, const char *path)
{
        struct scion_safetensors file;

        if (!scion_weights_copy(model, &file))
                return scion_fail_prefix("%s", path);
        bool good = scion_safetensors_write(path, &file);

        scion_safetensors_finish(&file);
        return good;
}

bool scion_weights_check(const struct scion_model *model, const struct scion_safetensors *file)
{
        size_t count = (size_t)(model->count + model->buffers);

        if (file->count != count)
                return scion_fail("it has %zu tensors, and the model %zu", file->count, count);
        for (size_t i = 0; i < count; i++) {
                const struct scion_safetensor *tensor = &file->tensor[i];
                struct scion_shape shape = scion_parameter_shape(&model->parameter[i]);

                if (strcmp(tensor->name, model->parameter[i].name) != 0 || !tensor->values ||
                    !scion_shape_equal(&tensor->shape, &shape))
                        return scion_fail("its tensor '%s' is not the model's '%s'", tensor->name,
                                          model->parameter[i].name);
        }
        return true;
}

bool scion_weights_restore(struct scion_model *model, const struct scion_safetensors *file)
{
        for (size_t i = 0; i < file->count; i++)
                if (!scion_parameter_write(&model->parameter[i], file->tensor[i].values))
                        return false;
        return true;
}

static const struct scion_safetensor *file_find(const struct scion_safetensors *file, const char *name)
{
        for (size_t i = 0; i < file->count; i++)
                if (strcmp(file->tensor[i].name, name) == 0)
                        return &file->tensor[i];
        return NULL;
}

/* Joins `name` to a list in a message: "a, b, c". */
static void list_add(struct scion_text *list, const char *name)
{
        scion_text_add(list, "%s%s", list->length ? ", " : "", name);
}

static bool parameter_load(struct scion_model *model, struct scion_parameter *parameter,
                           const struct scion_safetensors *file, const char *path, struct scion_text *missing,
                           struct scion_text *fresh)
{
        const struct scion_safetensor *tensor = file_find(file, parameter->name);
        struct scion_shape shape = scion_parameter_shape(parameter);
        char want[96], got[96];

        if (tensor && !tensor->values)
                return scion_fail("%s: tensor '%s' is of dtype %s, and only F32 is read: convert it first",
                                  path, tensor->name, tensor->dtype);
        if (tensor && scion_shape_equal(&tensor->shape, &shape))
                return scion_parameter_write(parameter, tensor->values);
        if (scion_model_in_head(model, parameter)) {
                list_add(fresh, parameter->name);
                return true;
        }
        list_add(missing, parameter->name);
        if (tensor)
                scion_text_add(missing, " (%s in the file, %s in the model)",
                               scion_shape_text(&tensor->shape, got, sizeof got),
                               scion_shape_text(&shape, want, sizeof want));
        return true;
}

static size_t model_list_unused(struct scion_model *model, const struct scion_safetensors *file,
                                struct scion_text *unused)
{
        size_t count = 0;

        for (size_t i = 0; i < file->count; i++) {
                bool used = false;

                for (int j = 0; !used && j < model->count + model->buffers; j++)
                        used = strcmp(model->parameter[j].name, file->tensor[i].name) == 0;
                if (used)
                        continue;
                list_add(unused, file->tensor[i].name);
                count++;
        }
        return count;
}

bool scion_weights_load(struct scion_model *model, const struct scion_safetensors *file, const char *path,
                        struct scion_text *report)
{
        struct scion_text missing = { 0 }, fresh = { 0 }, unused = { 0 };
        bool good = true;

        for (int i = 0; good && i < model->count + model->buffers; i++)
                good = parameter_load(model, &model->parameter[i], file, path, &missing, &fresh);
        size_t extra = model_list_unused(model, file, &unused);

        if (good && missing.length)
                good = scion_fail(
                        "%s does not fit the model: missing or of another shape: %s; in the file and not in "
                        "the model: %s",
                        path, missing.text, extra ? unused.text : "nothing");
        if (good) {
                scion_text_add(report, "%s: all parameters outside the head '%s' loaded", path, model->head);
                if (fresh.length)
                        scion_text_add(report, "; kept fresh: %s", fresh.text);
                else
                        scion_text_add(report, ", and the head");
                if (extra)
                        scion_text_add(report, "; not used: %s", unused.text);
        }
        free(missing.text);
        free(fresh.text);
        free(unused.text);
        return good;
}

int64_t scion_weights_outputs(const struct scion_safetensors *file, const char *head)
{
        struct scion_text name = { 0 };

        scion_text_add(&name, "%s.weight", head);

        const struct scion_safetensor *weight = name.text ? file_find(file, name.text) : NULL;

        free(name.text);
        return weight && weight->shape.ndim > 0 ? weight->shape.dim[0] : 0;
}
