#include "run/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "file/machine.h"

/* --- The configuration ---------------------------------------------------------------------------------- */

static int entry_compare_keys(const void *a, const void *b)
{
        const struct scion_config_entry *x = a, *y = b;

        return strcmp(x->key, y->key);
}

/* Sorts all maps by their keys, so that the order in the file makes no difference. */
static void config_sort(struct scion_config *config)
{
        for (size_t i = 0; i < config->count; i++)
                config_sort(config->entry[i].value);
        if (config->kind == SCION_CONFIG_MAP && config->count > 0)
                qsort(config->entry, config->count, sizeof *config->entry, entry_compare_keys);
}

static bool text_add_config(const struct scion_config *config, struct scion_text *text)
{
        struct scion_config *sorted = scion_config_copy(config);
        char *lines = NULL;

        if (sorted) {
                config_sort(sorted);
                lines = scion_config_text(sorted);
        }
        if (lines)
                scion_text_add(text, "%s", lines);
        scion_config_destroy(sorted);
        free(lines);
        return lines != NULL;
}

/* --- Plugins -------------------------------------------------------------------------------------------- */

/* Adds the hash of the plugin's file. Without a map there is no such plugin. */
static bool text_add_plugin(const struct scion_config *map, enum scion_kind kind, struct scion_text *text)
{
        const struct scion_config *use = map ? scion_config_get(map, "use") : NULL;
        const struct scion_plugin *plugin = use ? scion_plugin_find(kind, use->text) : NULL;

        if (plugin)
                scion_text_add(text, "%s %s %s\n", scion_kind_name(kind), plugin->name,
                               scion_plugin_hash(plugin));
        return !use || plugin;
}

/* --- Sources and runs ----------------------------------------------------------------------------------- */

static bool text_add_engine(const char *what, struct scion_text *text)
{
        scion_text_add(text, "scion " SCION_VERSION ", %s\n", what);
        scion_device_describe(text);
        return scion_machine_describe(text);
}

static bool text_add_stage(const struct scion_stage *stage, const struct scion_data *data,
                           struct scion_text *text)
{
        scion_text_add(text, "%s, seed %llu\n", stage->name, (unsigned long long)stage->seed);
        if (data)
                scion_data_describe(data, text);
        return text_add_plugin(stage->dataset, SCION_DATASET, text) &&
               text_add_plugin(stage->model, SCION_MODEL, text) &&
               text_add_plugin(scion_config_get(stage->map, "loss"), SCION_LOSS, text) &&
               text_add_plugin(scion_config_get(stage->map, "optimizer"), SCION_OPTIMIZER, text);
}

/* Returns the text, or NULL and frees it. */
static char *text_finish(struct scion_text *text, bool good)
{
        if (good && (!text->failed || scion_fail("out of memory")))
                return text->text;
        free(text->text);
        return NULL;
}

char *scion_fingerprint_source(const struct scion_stage *stage, const struct scion_data *data,
                               const struct scion_config *run)
{
        static const char *const arithmetic[] = { "threads", "precision", "winograd" };
        struct scion_text text = { 0 };
        bool good = text_add_engine("a source", &text) && text_add_stage(stage, data, &text);

        for (size_t i = 0; i < sizeof arithmetic / sizeof arithmetic[0]; i++)
                scion_text_add(&text, "%s %s\n", arithmetic[i], scion_config_get(run, arithmetic[i])->text);
        return text_finish(&text, good && text_add_config(stage->map, &text));
}

char *scion_fingerprint_run(const struct scion_experiment *experiment, const struct scion_data *source,
                            const struct scion_data *target, const struct scion_config *run)
{
        struct scion_config *stripped = scion_config_copy(run);
        struct scion_text text = { 0 };

        if (!stripped)
                return NULL;
        scion_experiment_strip(stripped);
        bool good = text_add_engine("a run", &text) &&
                    text_add_plugin(scion_config_get(run, "strategy"), SCION_STRATEGY, &text) &&
                    (!experiment->has_source || text_add_stage(&experiment->source, source, &text)) &&
                    text_add_stage(&experiment->target, target, &text) && text_add_config(stripped, &text);

        scion_config_destroy(stripped);
        return text_finish(&text, good);
}
