/*
 * Projects for new plugins. They are made of templates/: files that are good as they stand, for a plugin called
 * my-plugin, and in which names are then replaced.
 */
#ifndef SCION_SCAFFOLD_SCAFFOLD_H
#define SCION_SCAFFOLD_SCAFFOLD_H

#include "plugin/plugin.h"

/* Can a new plugin be called so, and its project be in that folder? False, with a message: not a plugin's name, one
 * that YAML, C's tools or Meson would take for something else, that of a plugin of that kind that comes with Scion;
 * a folder that is there already. */
bool scion_scaffold_check(enum scion_kind kind, const char *name, const char *folder);

/*
 * Writes the project into `folder`, which it makes. False, with a message that names the file, when the folder cannot
 * be made or something cannot be written; nothing is left then.
 */
bool scion_scaffold_write(enum scion_kind kind, const char *name, const char *folder);

#endif
