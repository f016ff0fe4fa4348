/* The description of plugins as JSON. */
#include <jansson.h>
#include <scion/error.h>
#include <stdlib.h>

#include "cli/describe.h"
#include "plugin/params_json.h"

static json_t *json_of_text(const char *value)
{
        return value ? scion_json_text(value) : json_null();
}

static json_t *json_of_entry(enum scion_kind kind, const struct scion_plugin_entry *entry)
{
        const struct scion_plugin *plugin = entry->plugin;

        return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "kind", scion_kind_name(kind), "name",
                         json_of_text(entry->name), "summary", json_of_text(plugin ? plugin->summary : NULL),
                         "reference", json_of_text(plugin ? plugin->reference : NULL), "file",
                         json_of_text(entry->path), "error", json_of_text(plugin ? NULL : entry->error));
}

static bool json_write(json_t *json, FILE *file)
{
        int flags = JSON_INDENT(2);
        bool good = json && json_dumpf(json, file, flags) == 0;

        json_decref(json);
        if (good)
                fputc('\n', file);
        return good || ferror(file) || scion_fail("out of memory"); /* the caller reports write errors */
}

bool scion_describe_list_json(enum scion_kind kind, FILE *file)
{
        json_t *list = json_array();

        for (int k = SCION_STRATEGY; k < SCION_KINDS_END; k++) {
                struct scion_plugin_list plugins;

                if (kind && k != (int)kind)
                        continue;
                if (!scion_plugins_list((enum scion_kind)k, &plugins)) {
                        json_decref(list);
                        return false;
                }
                for (size_t i = 0; i < plugins.count; i++)
                        json_array_append_new(list, json_of_entry((enum scion_kind)k, &plugins.entry[i]));
                scion_plugin_list_finish(&plugins);
        }
        return json_write(json_pack("{s:o}", "plugins", list), file);
}

static json_t *json_of_needs(const struct scion_plugin *plugin)
{
        json_t *needs = json_array();
        bool failed = false;
        char *need;

        for (size_t i = 0; (need = scion_plugin_need(plugin, i, &failed)); i++) {
                json_array_append_new(needs, json_of_text(need));
                free(need);
        }
        return needs;
}

bool scion_describe_json(const struct scion_plugin *plugin, FILE *file)
{
        struct scion_text example = { 0 };

        scion_describe_example(plugin, &example);
        json_t *json = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "kind",
                                 scion_kind_name(plugin->kind), "name", json_of_text(plugin->name), "summary",
                                 json_of_text(plugin->summary), "reference", json_of_text(plugin->reference),
                                 "file", json_of_text(scion_plugin_path(plugin)), "needs",
                                 json_of_needs(plugin), "parameters", scion_params_json(plugin->params),
                                 "example", json_of_text(example.text));

        free(example.text);
        return json_write(json, file);
}
