/*
 * Supports more than one thread only.
 *
 * FAILED: the default settings are accepted
 * says: configure() refuses the default settings: takes two threads or more
 */
#include "backend.h"

static bool device_configure(void *self, const struct scion_device_settings *settings)
{
        (void)self;
        return settings->threads > 1 || scion_fail("takes two threads or more");
}

static void table_break(struct scion_backend_plugin *table)
{
        table->name = "backend-settings";
        table->summary = "a back end that refuses one thread";
        table->configure = device_configure;
}
