/*
 * A JSON Schema (draft-07) of experiment files, made from the tables that files are checked by: the engine's own keys
 * and the parameters of all plugins that are found.
 */
#ifndef SCION_SCHEMA_SCHEMA_H
#define SCION_SCHEMA_SCHEMA_H

#include <scion/api.h>
#include <stdio.h>

/* Writes it, as JSON, with a new line. A plugin that cannot be opened is left out. False, with a message. */
bool scion_schema_write(FILE *file);

#endif
