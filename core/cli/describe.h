/* What `scion plugins` tells of a plugin. */
#ifndef SCION_CLI_DESCRIBE_H
#define SCION_CLI_DESCRIBE_H

#include <stdio.h>

#include "base/text.h"
#include "plugin/plugin.h"

/* For people, no wider than a page but for the file's path. */
bool scion_describe(const struct scion_plugin *plugin, FILE *file);

/* An experiment file that uses the plugin: what it needs, and its required parameters, are in it. */
void scion_describe_example(const struct scion_plugin *plugin, struct scion_text *text);

/* The plugins of a kind, or of all when it is 0, and one plugin, as JSON. */
bool scion_describe_list_json(enum scion_kind kind, FILE *file);
bool scion_describe_json(const struct scion_plugin *plugin, FILE *file);

#endif
