/* Descriptions of plugins, for `scion plugins`. */
#ifndef SCION_CLI_DESCRIBE_H
#define SCION_CLI_DESCRIBE_H

#include <stdio.h>

#include "base/text.h"
#include "plugin/plugin.h"

/* Prints a description as text, no wider than a page except for the file's path. */
bool scion_describe(const struct scion_plugin *plugin, FILE *file);

/*
 * Adds the text of an experiment file that uses the plugin, with what it needs and its required parameters.
 */
void scion_describe_example(const struct scion_plugin *plugin, struct scion_text *text);

/* Write the plugins of a kind (0: of all kinds), and one plugin, as JSON. */
bool scion_describe_list_json(enum scion_kind kind, FILE *file);
bool scion_describe_json(const struct scion_plugin *plugin, FILE *file);

#endif
