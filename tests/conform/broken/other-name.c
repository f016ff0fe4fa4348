/*
 * Its name is not that of its file.
 *
 * FAILED: it is loaded: interface, sizes, name, callbacks, parameter table
 * says: the plugin in it is called 'another', so the file must be called 'another.so'
 */
#include <scion/scion.h>

SCION_PLUGIN_STRATEGY("another", .summary = "a strategy of another name", .reference = NULL);
