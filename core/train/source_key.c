#include "train/source_key.h"

#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/machine.h"

/* --- The configuration ---------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
        const struct scion_config_entry *x = a, *y = b;

        return strcmp(x->key, y->key);
}

/* What is equal but for the order in which it was written becomes the same text. */
static void sort_maps(struct scion_config *config)
{
        for (size_t i = 0; i < config->count; i++)
                sort_maps(config->entry[i].value);
        if (config->kind == SCION_CONFIG_MAP && config->count > 0)
                qsort(config->entry, config->count, sizeof *config->entry, by_key);
}

static bool describe_config(const struct scion_config *config, struct scion_text *text)
{
        struct scion_config *sorted = scion_config_copy(config);
        char *lines = NULL;

        if (sorted) {
                sort_maps(sorted);
                lines = scion_config_text(sorted);
        }
        if (lines)
                scion_text_add(text, "%s", lines);
        scion_config_destroy(sorted);
        free(lines);
        return lines != NULL;
}

/* --- Plugins -------------------------------------------------------------------------------------------- */

static bool describe_plugin(const struct scion_stage *stage, enum scion_kind kind, struct scion_text *text)
{
        const char *key = scion_kind_name(kind);
        const struct scion_config *use = scion_config_get(scion_config_get(stage->map, key), "use");
        const struct scion_plugin *plugin = use ? scion_plugin_find(kind, use->text) : NULL;

        if (!plugin)
                return !use && scion_fail("the source names no %s", key);
        scion_text_add(text, "%s %s %s\n", key, plugin->name, scion_plugin_hash(plugin));
        return true;
}

/* --- All ------------------------------------------------------------------------------------------------ */

static bool describe(const struct scion_stage *stage, const struct scion_data *data,
                     const struct scion_config *run, struct scion_text *text)
{
        static const enum scion_kind kinds[] = { SCION_DATASET, SCION_MODEL, SCION_LOSS, SCION_OPTIMIZER };

        scion_text_add(text, "scion " SCION_VERSION ", a source\n");
        if (!scion_machine_describe(text))
                return false;
        scion_backend_describe(text);
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
                if (!describe_plugin(stage, kinds[i], text))
                        return false;
        scion_data_describe(data, text);
        scion_text_add(text, "seed %llu\nthreads %s\nprecision %s\n", (unsigned long long)stage->seed,
                       scion_config_get(run, "threads")->text, scion_config_get(run, "precision")->text);
        return describe_config(stage->map, text);
}

char *scion_source_describe(const struct scion_stage *stage, const struct scion_data *data,
                            const struct scion_config *run)
{
        struct scion_text text = { 0 };

        if (describe(stage, data, run, &text) && (!text.failed || scion_fail("out of memory")))
                return text.text;
        free(text.text);
        return NULL;
}
