/* Describes in words what a strategy needs of an experiment. */
#include <scion/strategy.h>
#include <string.h>

#include "base/text.h"
#include "plugin/params.h"
#include "plugin/plugin.h"

static const struct {
        unsigned bit;
        const char *words;
} needs[] = {
        { SCION_NEEDS_SOURCE, "a source model, trained or loaded" },
        { SCION_NEEDS_ARCHITECTURE, "a source in the file, for its structure; it is not trained" },
        { SCION_NEEDS_SOURCE_BATCHES, "the source's data: source.dataset" },
        { SCION_NEEDS_UNLABELLED, "examples of the target without labels: target.dataset.unlabelled: true" },
        { SCION_NEEDS_SAME_CLASSES, "a source of as many classes as the target has" },
};

/* Returns whether the plugin has a parameter `layers`, a list of patterns for the paths of modules. */
static bool plugin_has_layers(const struct scion_plugin *plugin)
{
        const struct scion_param *layers =
                plugin->params ? scion_params_find(plugin->params, "layers") : NULL;

        return layers && layers->type == SCION_PARAM_STRINGS;
}

char *scion_plugin_need(const struct scion_plugin *plugin, size_t index, bool *failed)
{
        const struct scion_strategy_plugin *strategy = (const struct scion_strategy_plugin *)plugin;
        struct scion_text text = { 0 };
        size_t count = 0;

        *failed = false;
        if (plugin->kind != SCION_STRATEGY)
                return NULL;
        for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
                if (strategy->needs & needs[i].bit && count++ == index)
                        scion_text_add(&text, "%s", needs[i].words);
        if (plugin_has_layers(plugin) && count++ == index)
                scion_text_add(&text, "%slayers to look at, by their paths: `scion modules FILE` lists them",
                               scion_params_find(plugin->params, "layers")->required
                                       ? ""
                                       : "if `layers` is given, ");
        if (strategy->min_batch > 1 && count++ == index)
                scion_text_add(&text, "batches of at least %lld examples", (long long)strategy->min_batch);
        *failed = text.failed;
        return text.text;
}
