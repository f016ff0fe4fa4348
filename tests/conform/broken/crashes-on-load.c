/*
 * Crashes while it is loaded, which must not crash the command.
 *
 * FAILED: it is loaded: interface, sizes, name, callbacks, parameter table
 * says: in loading it
 */
#include <scion/scion.h>
#include <stdlib.h>

__attribute__((constructor)) static void begin(void)
{
        abort();
}

SCION_PLUGIN_STRATEGY("crashes-on-load", .summary = "a strategy that dies early", .reference = NULL);
