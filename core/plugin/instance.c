#include "plugin/params.h"
#include "plugin/plugin.h"

#include <stdlib.h>

/* Returns the plugin's name, the value of `use`. NULL, with a message, if there is none. */
static const char *map_plugin_name(const struct scion_config *map, enum scion_kind kind)
{
        const char *what = scion_kind_name(kind);
        const struct scion_config *use;

        if (!map)
                return scion_fail_null("no %s is given", what);
        if (map->kind != SCION_CONFIG_MAP) {
                scion_config_fail(map, "%s: not a map: write { use: NAME }", what);
                return NULL;
        }
        use = scion_config_get(map, "use");
        if (!use) {
                scion_config_fail(map,
                                  "%s: no 'use': write { use: NAME, ... }; 'scion plugins %s' lists them",
                                  what, what);
                return NULL;
        }
        if (use->kind != SCION_CONFIG_SCALAR || !use->text[0]) {
                scion_config_fail(use, "%s: 'use' must be the name of a %s; 'scion plugins %s' lists them",
                                  what, what, what);
                return NULL;
        }
        return use->text;
}

/* Returns "use" followed by the keys in `others`, ended by NULL; to be freed. */
static const char **keys_with_use(const char *const *others)
{
        size_t count = 0;
        const char **keys;

        while (others && others[count])
                count++;
        keys = calloc(count + 2, sizeof *keys);
        if (!keys)
                return scion_fail_null("out of memory");
        keys[0] = "use";
        for (size_t i = 0; i < count; i++)
                keys[1 + i] = others[i];
        return keys;
}

static bool instance_fill(struct scion_instance *instance, const struct scion_config *map, const char *owner,
                          const char *const *others)
{
        static const struct scion_param none[] = { SCION_PARAMS_END };
        const struct scion_plugin *plugin = instance->plugin;
        const char **keys = keys_with_use(others);
        bool good = keys && scion_params_fill(plugin->params ? plugin->params : none, map, owner, keys,
                                              instance->self);

        free(keys);
        return good;
}

struct scion_instance *scion_instance_create(enum scion_kind kind, const struct scion_config *map,
                                             const char *const *others)
{
        struct scion_text owner = { 0 };
        struct scion_instance *instance = NULL;
        const char *name = map_plugin_name(map, kind);
        const struct scion_plugin *plugin;

        if (!name)
                return NULL;
        plugin = scion_plugin_find(kind, name);
        if (!plugin) {
                scion_config_fail(scion_config_get(map, "use"), "%s", scion_error());
                return NULL;
        }
        scion_text_add(&owner, "%s '%s'", scion_kind_name(kind), name);
        instance = calloc(1, sizeof *instance);
        if (owner.failed || !instance || !(instance->self = calloc(1, plugin->size ? plugin->size : 1))) {
                scion_fail("out of memory");
                goto failed;
        }
        instance->plugin = plugin;
        if (!instance_fill(instance, map, owner.text, others))
                goto failed;
        scion_error_clear();
        if (plugin->validate && !plugin->validate(instance->self)) {
                scion_plugin_failed("validate");
                scion_config_fail(map, "%s: %s", owner.text, scion_error());
                free(owner.text);
                scion_instance_destroy(instance);
                return NULL;
        }
        free(owner.text);
        return instance;

failed:
        /* No callback has run yet, so finish() must not be called. */
        if (instance && instance->self && instance->plugin && plugin->params)
                scion_params_release(plugin->params, instance->self);
        if (instance)
                free(instance->self);
        free(instance);
        free(owner.text);
        return NULL;
}

bool scion_plugin_failed(const char *callback)
{
        return *scion_error() ? false : scion_fail("its %s() gives no reason", callback);
}

void scion_instance_destroy(struct scion_instance *instance)
{
        const struct scion_plugin *plugin;

        if (!instance)
                return;
        plugin = instance->plugin;
        if (plugin->finish)
                plugin->finish(instance->self);
        if (plugin->params)
                scion_params_release(plugin->params, instance->self);
        free(instance->self);
        free(instance);
}
