/* A back end that is the processor's, except for what table_break() changes: it sets the name, the summary, and a
 * function. */
#include <scion/backend.h>

extern SCION_API struct scion_backend_plugin scion_plugin;
SCION_API struct scion_backend_plugin scion_plugin;

static void table_break(struct scion_backend_plugin *table);

__attribute__((constructor)) static void table_create(void)
{
        scion_plugin = *scion_backend_cpu();
        table_break(&scion_plugin);
}
