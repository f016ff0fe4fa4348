/* Plugins as JSON. */
#include <jansson.h>
#include <scion/error.h>
#include <stdlib.h>

#include "cli/describe.h"
#include "plugin/params_json.h"

static json_t *text(const char *value)
{
        return value ? scion_json_text(value) : json_null();
}

static json_t *head_of(enum scion_kind kind, const struct scion_plugin_entry *entry)
{
        const struct scion_plugin *plugin = entry->plugin;

        return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "kind", scion_kind_name(kind), "name",
                         text(entry->name), "summary", text(plugin ? plugin->summary : NULL), "reference",
                         text(plugin ? plugin->reference : NULL), "file", text(entry->path), "error",
                         text(plugin ? NULL : entry->error));
}

static bool write_json(json_t *json, FILE *file)
{
        int flags = JSON_INDENT(2);
        bool good = json && json_dumpf(json, file, flags) == 0;

        json_decref(json);
        if (good)
                fputc('\n', file);
        return good || ferror(file) ||
               scion_fail("out of memory"); /* what cannot be written is told by the caller */
}

bool scion_describe_list_json(enum scion_kind kind, FILE *file)
{
        json_t *list = json_array();

        for (int k = SCION_STRATEGY; k <= SCION_MODEL; k++) {
                struct scion_plugin_list plugins;

                if (kind && k != (int)kind)
                        continue;
                if (!scion_plugins_list((enum scion_kind)k, &plugins)) {
                        json_decref(list);
                        return false;
                }
                for (size_t i = 0; i < plugins.count; i++)
                        json_array_append_new(list, head_of((enum scion_kind)k, &plugins.entry[i]));
                scion_plugin_list_finish(&plugins);
        }
        return write_json(json_pack("{s:o}", "plugins", list), file);
}

static json_t *needs_of(const struct scion_plugin *plugin)
{
        json_t *needs = json_array();
        bool failed = false;
        char *need;

        for (size_t i = 0; (need = scion_plugin_need(plugin, i, &failed)); i++) {
                json_array_append_new(needs, text(need));
                free(need);
        }
        return needs;
}

bool scion_describe_json(const struct scion_plugin *plugin, FILE *file)
{
        struct scion_text example = { 0 };

        scion_describe_example(plugin, &example);
        json_t *json = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "kind",
                                 scion_kind_name(plugin->kind), "name", text(plugin->name), "summary",
                                 text(plugin->summary), "reference", text(plugin->reference), "file",
                                 text(scion_plugin_path(plugin)), "needs", needs_of(plugin), "parameters",
                                 scion_params_json(plugin->params), "example", text(example.text));

        free(example.text);
        return write_json(json, file);
}
