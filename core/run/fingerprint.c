#include "run/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "file/machine.h"

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

/* By its file's contents; whose configuration is not there is not used. */
static bool describe_plugin(const struct scion_config *map, enum scion_kind kind, struct scion_text *text)
{
        const struct scion_config *use = map ? scion_config_get(map, "use") : NULL;
        const struct scion_plugin *plugin = use ? scion_plugin_find(kind, use->text) : NULL;

        if (plugin)
                scion_text_add(text, "%s %s %s\n", scion_kind_name(kind), plugin->name,
                               scion_plugin_hash(plugin));
        return !use || plugin;
}

/* --- All ------------------------------------------------------------------------------------------------ */

static bool describe_engine(const char *what, struct scion_text *text)
{
        scion_text_add(text, "scion " SCION_VERSION ", %s\n", what);
        scion_device_describe(text);
        return scion_machine_describe(text);
}

static bool describe_stage(const struct scion_stage *stage, const struct scion_data *data,
                           struct scion_text *text)
{
        scion_text_add(text, "%s, seed %llu\n", stage->name, (unsigned long long)stage->seed);
        if (data)
                scion_data_describe(data, text);
        return describe_plugin(stage->dataset, SCION_DATASET, text) &&
               describe_plugin(stage->model, SCION_MODEL, text) &&
               describe_plugin(scion_config_get(stage->map, "loss"), SCION_LOSS, text) &&
               describe_plugin(scion_config_get(stage->map, "optimizer"), SCION_OPTIMIZER, text);
}

static char *finish(struct scion_text *text, bool good)
{
        if (good && (!text->failed || scion_fail("out of memory")))
                return text->text;
        free(text->text);
        return NULL;
}

char *scion_source_describe(const struct scion_stage *stage, const struct scion_data *data,
                            const struct scion_config *run)
{
        static const char *const arithmetic[] = { "threads", "precision", "winograd" };
        struct scion_text text = { 0 };
        bool good = describe_engine("a source", &text) && describe_stage(stage, data, &text);

        for (size_t i = 0; i < sizeof arithmetic / sizeof arithmetic[0]; i++)
                scion_text_add(&text, "%s %s\n", arithmetic[i], scion_config_get(run, arithmetic[i])->text);
        return finish(&text, good && describe_config(stage->map, &text));
}

char *scion_run_describe(const struct scion_experiment *experiment, const struct scion_data *source,
                         const struct scion_data *target, const struct scion_config *run)
{
        struct scion_config *stripped = scion_config_copy(run);
        struct scion_text text = { 0 };

        if (!stripped)
                return NULL;
        scion_experiment_strip(stripped);
        bool good = describe_engine("a run", &text) &&
                    describe_plugin(scion_config_get(run, "strategy"), SCION_STRATEGY, &text) &&
                    (!experiment->has_source || describe_stage(&experiment->source, source, &text)) &&
                    describe_stage(&experiment->target, target, &text) && describe_config(stripped, &text);

        scion_config_destroy(stripped);
        return finish(&text, good);
}
