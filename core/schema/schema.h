/*
 * A JSON Schema (draft-07) of experiment files, generated from the tables that files are checked with: the
 * engine's own keys, and the parameters of all plugins that are found.
 */
#ifndef SCION_SCHEMA_SCHEMA_H
#define SCION_SCHEMA_SCHEMA_H

#include <scion/api.h>
#include <stdio.h>

/*
 * Writes the schema as JSON with a final newline. Plugins that cannot be loaded are left out. Returns false
 * with a message on failure.
 */
bool scion_schema_write(FILE *file);

#endif
