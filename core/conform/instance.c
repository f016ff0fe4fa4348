/* Instances for tests, created as the engine creates them, with guard bytes after the state. */
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "conform/tests.h"
#include "plugin/params.h"

#define GUARD 256 /* bytes after the state */
#define PATTERN 0xA5

/* Writes the parameters of the map into the state, and the defaults of the others. */
static bool instance_fill(struct scion_conform *conform, const struct scion_config *map, void *self)
{
        static const char *const others[] = { "use", NULL };
        static const struct scion_param none[] = { SCION_PARAMS_END };
        const struct scion_plugin *plugin = &conform->descriptor->plugin;
        char owner[128];

        snprintf(owner, sizeof owner, "%s '%.64s'", scion_kind_name(plugin->kind), plugin->name);
        return scion_params_fill(plugin->params ? plugin->params : none, map, owner, others, self);
}

static bool instance_is_whole(struct scion_conform *conform, const struct scion_instance *instance,
                              const char *who)
{
        size_t size = instance->plugin->size;
        const unsigned char *guard = (const unsigned char *)instance->self + size;

        for (size_t i = 0; i < GUARD; i++)
                if (guard[i] != PATTERN)
                        return scion_conform_wrong(conform,
                                                   "%s writes past its state: at byte %zu, and the state has "
                                                   "%zu: set .size = sizeof(struct ...)",
                                                   who, size + i, size);
        return true;
}

static void instance_release(struct scion_instance *instance)
{
        if (instance->plugin->params)
                scion_params_release(instance->plugin->params, instance->self);
        free(instance->self);
        free(instance);
}

struct scion_instance *scion_conform_make(struct scion_conform *conform, const struct scion_config *map,
                                          bool *refused)
{
        const struct scion_plugin *plugin = &conform->descriptor->plugin;
        struct scion_instance *instance = calloc(1, sizeof *instance);

        *refused = false;
        if (!instance || !(instance->self = calloc(1, plugin->size + GUARD))) {
                free(instance);
                scion_fail("out of memory");
                scion_conform_trouble(conform);
                return NULL;
        }
        instance->plugin = plugin;
        memset((char *)instance->self + plugin->size, PATTERN, GUARD);
        if (!instance_fill(conform, map, instance->self)) {
                free(instance->self);
                free(instance);
                *refused = true;
                return NULL;
        }
        if (!plugin->validate)
                return instance;
        scion_conform_doing(conform, "validate()");
        scion_error_clear();
        if (plugin->validate(instance->self)) {
                scion_conform_doing(conform, "%s", "");
                if (instance_is_whole(conform, instance, "validate()"))
                        return instance;
                instance_release(instance);
                return NULL;
        }
        char *reason = strdup(scion_error());

        instance_is_whole(conform, instance, "validate()");
        if (reason && !*reason)
                scion_conform_wrong(conform,
                                    "validate() refuses, and gives no reason: scion_fail() leaves one");
        scion_conform_doing(conform, "finish(), after validate() has refused");
        if (plugin->finish)
                plugin->finish(instance->self);
        scion_conform_doing(conform, "%s", "");
        instance_release(instance);
        scion_fail("%s '%s': %s", scion_kind_name(plugin->kind), plugin->name, reason ? reason : "");
        free(reason);
        *refused = true;
        return NULL;
}

struct scion_instance *scion_conform_instance(struct scion_conform *conform)
{
        bool refused;
        struct scion_instance *instance = scion_conform_make(conform, conform->map, &refused);

        if (!instance && refused)
                scion_conform_unusable(conform);
        return instance;
}

void scion_conform_end(struct scion_conform *conform, struct scion_instance *instance)
{
        if (!instance)
                return;
        instance_is_whole(conform, instance, "a callback");
        scion_conform_doing(conform, "finish()");
        if (instance->plugin->finish)
                instance->plugin->finish(instance->self);
        scion_conform_doing(conform, "%s", "");
        instance_is_whole(conform, instance, "finish()");
        instance_release(instance);
}
