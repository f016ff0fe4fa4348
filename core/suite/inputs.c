#include "suite/inputs.h"

#include <dirent.h>
#include <scion/error.h>
#include <scion/param.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "file/files.h"
#include "file/hash.h"
#include "plugin/plugin.h"

#define RECORD "inputs.txt"
#define MOST_BYTES ((size_t)1 << 20) /* of a record */

struct scion_input_file {
        char *path;
        char hash[SCION_HASH_TEXT]; /* empty if there is no such file */
};

void scion_inputs_finish(struct scion_inputs *inputs)
{
        for (size_t i = 0; i < inputs->count; i++)
                free(inputs->file[i].path);
        free(inputs->file);
        scion_name_map_finish(&inputs->paths);
        *inputs = (struct scion_inputs){ 0 };
}

/* --- Files ---------------------------------------------------------------------------------------------- */

/* Hashes the regular files directly in a folder, whatever their order. */
static void folder_hash(const char *path, char text[SCION_HASH_TEXT])
{
        DIR *folder = opendir(path);
        const struct dirent *entry;
        XXH128_hash_t sum = { 0 };

        while (folder && (entry = readdir(folder))) {
                struct scion_text line = { 0 };
                char *inner = scion_path_join(path, entry->d_name), hash[SCION_HASH_TEXT];
                struct stat status;

                if (inner && stat(inner, &status) == 0 && S_ISREG(status.st_mode) &&
                    scion_hash_file(inner, hash)) {
                        scion_text_add(&line, "%s %s", entry->d_name, hash);
                        if (!line.failed) {
                                XXH128_hash_t one = XXH3_128bits(line.text, line.length);

                                sum.low64 += one.low64;
                                sum.high64 += one.high64;
                        }
                }
                free(line.text);
                free(inner);
        }
        if (folder)
                closedir(folder);
        scion_hash_text(sum, text);
}

/* Returns the entry of a path; reads the file on the first call. NULL, with a message, if memory runs out. */
static const struct scion_input_file *inputs_find(struct scion_inputs *inputs, const char *path)
{
        size_t at = scion_name_map_find(&inputs->paths, path);
        struct scion_input_file *larger, *file;
        struct stat status;

        if (at != SCION_NAME_NONE)
                return &inputs->file[at];
        larger = realloc(inputs->file, (inputs->count + 1) * sizeof *larger);
        if (!larger)
                return scion_fail_null("out of memory");
        inputs->file = larger;
        file = &larger[inputs->count];
        file->hash[0] = '\0';
        file->path = strdup(path);
        if (!file->path)
                return scion_fail_null("out of memory");
        inputs->count++;
        if (stat(path, &status) == 0) {
                if (S_ISDIR(status.st_mode))
                        folder_hash(path, file->hash);
                else if (S_ISREG(status.st_mode) && !scion_hash_file(path, file->hash))
                        file->hash[0] = '\0';
        }
        return scion_name_map_add(&inputs->paths, file->path, inputs->count - 1) ? file : NULL;
}

static bool inputs_add_file(struct scion_inputs *inputs, const char *path, struct scion_text *text)
{
        const struct scion_input_file *file = inputs_find(inputs, path);

        if (file && file->hash[0])
                scion_text_add(text, "file %s %s\n", file->hash, path);
        return file != NULL;
}

/* --- Plugins -------------------------------------------------------------------------------------------- */

static bool inputs_add_value(struct scion_inputs *inputs, const struct scion_config *value,
                             struct scion_text *text)
{
        bool good = value->kind != SCION_CONFIG_SCALAR || !*value->text ||
                    inputs_add_file(inputs, value->text, text);

        for (size_t i = 0; good && i < value->count; i++)
                good = inputs_add_value(inputs, value->entry[i].value, text);
        return good;
}

/* Adds the plugin that the map uses, and the files that its parameters name. `map` may be NULL. */
static bool inputs_add_plugin(struct scion_inputs *inputs, enum scion_kind kind,
                              const struct scion_config *map, struct scion_text *text)
{
        const struct scion_config *use = scion_config_get(map, "use");
        const struct scion_plugin *plugin = use && use->text ? scion_plugin_find(kind, use->text) : NULL;
        bool good = plugin || !use;

        if (plugin)
                scion_text_add(text, "%s %s %s\n", scion_kind_name(kind), scion_plugin_hash(plugin),
                               plugin->name);
        for (const struct scion_param *param = plugin ? plugin->params : NULL;
             good && param && param->type != SCION_PARAM_END; param++) {
                const struct scion_config *value = scion_config_get(map, param->name);

                if (param->type != SCION_PARAM_STRING && param->type != SCION_PARAM_STRINGS)
                        continue;
                if (value)
                        good = inputs_add_value(inputs, value, text);
                else if (param->type == SCION_PARAM_STRING && param->text && *param->text)
                        good = inputs_add_file(inputs, param->text, text);
        }
        return good;
}

static bool inputs_add_stage(struct scion_inputs *inputs, const struct scion_config *stage,
                             struct scion_text *text)
{
        const struct scion_config *weights = scion_config_get(stage, "weights");

        return (!weights || inputs_add_value(inputs, weights, text)) &&
               inputs_add_plugin(inputs, SCION_DATASET, scion_config_get(stage, "dataset"), text) &&
               inputs_add_plugin(inputs, SCION_MODEL, scion_config_get(stage, "model"), text) &&
               inputs_add_plugin(inputs, SCION_LOSS, scion_config_get(stage, "loss"), text) &&
               inputs_add_plugin(inputs, SCION_OPTIMIZER, scion_config_get(stage, "optimizer"), text);
}

char *scion_inputs_describe(struct scion_inputs *inputs, const struct scion_planned *planned)
{
        struct scion_config *config = scion_planned_config(planned);
        struct scion_text text = { 0 };
        bool good = config != NULL;

        good = good &&
               inputs_add_plugin(inputs, SCION_STRATEGY, scion_config_get(config, "strategy"), &text) &&
               inputs_add_stage(inputs, scion_config_get(config, "source"), &text) &&
               inputs_add_stage(inputs, scion_config_get(config, "target"), &text);
        scion_config_destroy(config);
        if (good && !text.failed)
                return text.text;
        free(text.text);
        return good ? scion_fail_null("out of memory") : NULL;
}

/* --- Records -------------------------------------------------------------------------------------------- */

bool scion_inputs_changed(const char *folder, const char *text)
{
        char *path = scion_path_join(folder, RECORD), *old = NULL;
        bool changed = false;
        size_t bytes;

        if (path && access(path, R_OK) == 0 && (old = scion_file_read(path, MOST_BYTES, &bytes)))
                changed = strcmp(old, text) != 0;
        free(old);
        free(path);
        return changed;
}

bool scion_inputs_record(const char *folder, const char *text)
{
        char *path = scion_path_join(folder, RECORD);
        bool good = path && scion_file_write(path, text, strlen(text));

        free(path);
        return good;
}
