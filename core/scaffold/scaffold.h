/*
 * Projects for new plugins. They are generated from the files in templates/, which are valid as they are, for
 * a plugin called my-plugin; the names are then replaced.
 */
#ifndef SCION_SCAFFOLD_SCAFFOLD_H
#define SCION_SCAFFOLD_SCAFFOLD_H

#include "plugin/plugin.h"

/*
 * Checks the name and folder of a new plugin. Returns false, with a message, if the name is invalid for a
 * plugin, has a special meaning in YAML, Meson or on a command line, or is that of a plugin of the same kind
 * that comes with Scion; or if the folder exists already.
 */
bool scion_scaffold_check(enum scion_kind kind, const char *name, const char *folder);

/*
 * Creates `folder` and writes the project into it. Returns false, with a message that names the file, when
 * something cannot be written; then nothing is left of it.
 */
bool scion_scaffold_write(enum scion_kind kind, const char *name, const char *folder);

#endif
