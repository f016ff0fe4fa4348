/* The device that the process computes on, and its settings. */
#include "backend/backend.h"

#include <stdlib.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "plugin/plugin.h"

#define PROCESSOR                                                                                          \
        {                                                                                                  \
                .plugin = &scion_cpu_backend, .settings = {.threads = 1, .bf16 = false, .winograd = true } \
        }

struct scion_device scion_device = PROCESSOR;

static struct scion_instance *instance; /* of the device's back end; NULL for the processor */

const char *scion_device_default(void)
{
        const char *name = getenv("SCION_DEVICE");

        return name && *name ? name : "cpu";
}

const char *scion_device_name(void)
{
        return scion_device.plugin->name;
}

void scion_device_close(void)
{
        scion_instance_destroy(instance);
        instance = NULL;
        scion_device = (struct scion_device)PROCESSOR;
        scion_device_configure(&scion_device.settings);
}

/* Creates an instance of the back end with its default parameters. NULL, with a message, on failure. */
static struct scion_instance *instance_open(const char *name)
{
        struct scion_text yaml = { 0 };
        struct scion_config *map = NULL;
        struct scion_instance *opened = NULL;

        if (!scion_plugin_find(SCION_BACKEND, name))
                return NULL;
        scion_text_add(&yaml, "{ use: %s }", name);
        if (yaml.failed)
                scion_fail("out of memory");
        else
                map = scion_config_parse(yaml.text, "device");
        if (map)
                opened = scion_instance_create(SCION_BACKEND, map, NULL);
        scion_config_destroy(map);
        free(yaml.text);
        return opened;
}

bool scion_device_open(const char *name)
{
        if (strcmp(name, scion_device_name()) == 0)
                return true;
        if (scion_storages_alive() > 0)
                return scion_fail(
                        "the device '%s' is in use, and a process can use only one device at a time",
                        scion_device_name());
        if (strcmp(name, "cpu") == 0) {
                scion_device_close();
                return true;
        }
        struct scion_instance *opened = instance_open(name);

        if (!opened)
                return false;
        scion_device_close();
        instance = opened;
        scion_device.plugin = (const struct scion_backend_plugin *)opened->plugin;
        scion_device.self = opened->self;
        return scion_device_configure(&scion_device.settings);
}

bool scion_device_configure(const struct scion_device_settings *settings)
{
        struct scion_device_settings wanted = *settings;

        if (wanted.threads < 1)
                wanted.threads = 1;
        if (!SCION_ON_DEVICE(configure, &wanted))
                return false;
        scion_device.settings = wanted;
        return true;
}

bool scion_device_set_bf16(bool bf16)
{
        struct scion_device_settings settings = scion_device.settings;

        settings.bf16 = bf16;
        return scion_device_configure(&settings);
}

struct scion_device_usage scion_device_usage(void)
{
        return scion_device.plugin->usage(scion_device.self);
}

void scion_device_describe(struct scion_text *text)
{
        const char *hash = scion_plugin_hash((const struct scion_plugin *)scion_device.plugin);
        char line[1024];

        scion_device.plugin->describe(scion_device.self, line, sizeof line);
        scion_text_add(text, "%s\n", line);
        if (hash) /* a back end that is a file; the processor's is part of libscion */
                scion_text_add(text, "device %s %s\n", scion_device_name(), hash);
}
