/* Finds a model's modules by path and by pattern, and returns the shapes of their outputs. */
#include <fnmatch.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "nn/model.h"

int scion_model_module_count(const struct scion_model *model)
{
        return model ? (int)model->modules.count : 0;
}

struct scion_module *scion_model_module_at(struct scion_model *model, int index)
{
        return index >= 0 && index < scion_model_module_count(model) ? model->modules.module[index] : NULL;
}

struct scion_module *scion_model_look_up_module(struct scion_model *model, const char *path)
{
        for (size_t i = 0; i < model->modules.count; i++)
                if (strcmp(model->modules.module[i]->path, path) == 0)
                        return model->modules.module[i];
        return NULL;
}

/* Returns the paths of all modules except the root, and adds to `tops` the root's children: "conv1, conv2, fc1". The caller
 * frees both. */
static const char **model_list_paths(const struct scion_model *model, size_t *count, struct scion_text *tops)
{
        const char **paths = malloc((model->modules.count + 1) * sizeof *paths);

        *count = 0;
        for (size_t i = 0; i < model->modules.count; i++) {
                const char *path = model->modules.module[i]->path;

                if (!*path)
                        continue;
                if (paths)
                        paths[(*count)++] = path;
                if (!strchr(path, '.'))
                        scion_text_add(tops, "%s%s", tops->length ? ", " : "", path);
        }
        return paths;
}

/* Sets a message of `what`, such as "the model has no module", the name, and suggestions. Returns NULL. */
static void *model_fail_unknown(const struct scion_model *model, const char *what, const char *name)
{
        struct scion_text tops = { 0 };
        size_t count;
        const char **paths = model_list_paths(model, &count, &tops);
        struct scion_text hint = { 0 };

        if (paths && scion_suggest(&hint, name, paths, count))
                scion_fail("%s '%s'%s", what, name, hint.text ? hint.text : "");
        else if (tops.text)
                scion_fail("%s '%s'; its modules are %s", what, name, tops.text);
        else
                scion_fail("%s '%s'; it is one module, with the path ''", what, name);
        free(paths);
        free(tops.text);
        free(hint.text);
        return NULL;
}

struct scion_module *scion_model_module(struct scion_model *model, const char *path)
{
        if (!model || !path)
                return scion_fail_null("there is no %s to find a module %s", model ? "path" : "model",
                                       model ? "by" : "of");
        struct scion_module *found = scion_model_look_up_module(model, path);

        return found ? found : model_fail_unknown(model, "the model has no module", path);
}

struct scion_shape scion_model_feature_shape(struct scion_model *model, const char *path)
{
        const struct scion_module *module = NULL;

        if (model && model->part)
                scion_fail("the shapes of a part's features are not known, because parts are not tried out");
        else if (model)
                module = scion_model_module(model, path ? path : model->head);
        else
                scion_fail("there is no model to have features");
        if (!module)
                return SCION_SCALAR;
        const struct scion_shape *shape = path ? &module->output_shape : &module->input_shape;

        if (shape->ndim >= 0)
                return *shape;
        scion_fail("the %s of '%s' has no batch axis or is not known", path ? "output" : "input",
                   module->path);
        return SCION_SCALAR;
}

/* --- Patterns ------------------------------------------------------------------------------------------- */

struct scion_selection {
        struct scion_selection *next;
        const char *path[];
};

void scion_model_drop_selections(struct scion_model *model)
{
        while (model->selections) {
                struct scion_selection *next = model->selections->next;

                free(model->selections);
                model->selections = next;
        }
}

/* Replaces the dots of a module's path by slashes, so that '*' does not match across them in fnmatch(). */
static void path_write_as_file(char *path)
{
        for (; *path; path++)
                *path = (char)(*path == '.' ? '/' : *path == '/' ? '\1' : *path);
}

/* Returns whether the path matches. Only the pattern "" matches the root, whose path is "". */
static bool path_matches(const char *path, const char *pattern)
{
        char *names[] = { strdup(path), strdup(pattern) };
        bool same = false;

        if (names[0] && names[1]) {
                path_write_as_file(names[0]);
                path_write_as_file(names[1]);
                same = *path && *pattern ? fnmatch(names[1], names[0], FNM_PATHNAME) == 0 : *path == *pattern;
        }
        free(names[0]);
        free(names[1]);
        return same;
}

static bool path_matches_any(const char *path, const struct scion_strings *patterns)
{
        for (size_t i = 0; i < patterns->count; i++)
                if (path_matches(path, patterns->value[i]))
                        return true;
        return false;
}

static bool pattern_check(struct scion_model *model, const char *pattern)
{
        for (size_t i = 0; i < model->modules.count; i++)
                if (path_matches(model->modules.module[i]->path, pattern))
                        return true;
        return model_fail_unknown(model, "the model has no module that matches", pattern);
}

bool scion_model_select(struct scion_model *model, const struct scion_strings *patterns,
                        struct scion_strings *paths)
{
        *paths = (struct scion_strings){ 0 };
        if (!model)
                return scion_fail("there is no model to select modules of");
        for (size_t i = 0; i < patterns->count; i++)
                if (!pattern_check(model, patterns->value[i]))
                        return false;
        struct scion_selection *selection =
                malloc(sizeof *selection + model->modules.count * sizeof selection->path[0]);

        if (!selection)
                return scion_fail("out of memory");
        selection->next = model->selections;
        model->selections = selection;
        paths->value = selection->path;
        for (size_t i = 0; i < model->modules.count; i++)
                if (path_matches_any(model->modules.module[i]->path, patterns))
                        selection->path[paths->count++] = model->modules.module[i]->path;
        return true;
}
