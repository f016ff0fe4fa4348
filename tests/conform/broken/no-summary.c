/*
 * Has no summary.
 *
 * FAILED: it is loaded: interface, sizes, name, callbacks, parameter table
 * says: the plugin has no .summary
 */
#include <scion/scion.h>

SCION_PLUGIN_STRATEGY("no-summary", .summary = NULL);
