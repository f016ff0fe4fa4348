/*
 * Finding and loading plugins, and creating instances of them.
 *
 * A plugin is a shared object DIRECTORY/<kind>s/NAME.so. Once loaded, it stays loaded until the process
 * ends. The directories are searched in this order: those of scion_plugins_add_path() (--plugin-path),
 * SCION_PLUGIN_PATH (colon-separated), $XDG_DATA_HOME/scion/plugins (or ~/.local/share/scion/plugins), and
 * scion_plugins_own().
 */
#ifndef SCION_PLUGIN_PLUGIN_H
#define SCION_PLUGIN_PLUGIN_H

#include <scion/plugin.h>

#include "config/config.h"

/* Return the name of a kind ("strategy", "loss", ...) and of its folder ("strategies", "losses", ...). */
const char *scion_kind_name(enum scion_kind kind);
const char *scion_kind_folder(enum scion_kind kind);
/* Parses either form. Returns 0, with a message that lists the kinds, if the text is neither. */
enum scion_kind scion_kind_parse(const char *text);

/* --- Finding and loading -------------------------------------------------------------------------------- */

/* Adds a directory to search, after those added before. Returns false, with a message, if it is not a
 * directory. */
bool scion_plugins_add_path(const char *directory);

/* Finds the directory of the plugins that come with this libscion: LIBDIR/scion/plugins, or BUILD/plugins
 * in a build tree. Sets `directory` to NULL if it is not known. Returns false, with a message, when memory
 * runs out. */
bool scion_plugins_own(const char **directory);

/*
 * Finds and loads the plugin of that kind and name. Returns NULL, with a message, if there is none (with
 * similar names and the directories that were searched), or if the file is not a plugin, has another ABI,
 * kind or name, or an undefined symbol.
 */
const struct scion_plugin *scion_plugin_find(enum scion_kind kind, const char *name);

/* Makes scion_plugin_find() return this plugin, from scion_plugin_open(), for its kind and name. NULL ends
 * that. */
void scion_plugins_prefer(const struct scion_plugin *plugin);

/* Loads the plugin in a file, of any kind. Returns NULL, with a message, on the errors of
 * scion_plugin_find(). */
const struct scion_plugin *scion_plugin_open(const char *path);

/* Returns the path that a plugin was loaded from. */
const char *scion_plugin_path(const struct scion_plugin *plugin);

/* What stands for a path for the back end of the processor. */
#define SCION_PLUGIN_BUILT_IN "part of libscion"

/* Returns the hash of the file's bytes at the time of loading, as 32 hexadecimal digits. */
const char *scion_plugin_hash(const struct scion_plugin *plugin);

/* Describes in words what a plugin needs of an experiment. Returns the need number `index`, which the
 * caller frees; NULL after the last one; NULL, with `*failed` set, when memory runs out. */
char *scion_plugin_need(const struct scion_plugin *plugin, size_t index, bool *failed);

/* --- Listing -------------------------------------------------------------------------------------------- */

struct scion_plugin_entry {
        char *name;
        char *path;
        const struct scion_plugin *plugin; /* NULL if it cannot be loaded */
        char *error;                       /* the message if it cannot be loaded, else NULL */
};

struct scion_plugin_list {
        size_t count;
        struct scion_plugin_entry *entry;
};

/* Lists the plugins of a kind, sorted by name; a name in several directories is listed for the first. A
 * file that cannot be loaded is listed with its message. */
bool scion_plugins_list(enum scion_kind kind, struct scion_plugin_list *list);
void scion_plugin_list_finish(struct scion_plugin_list *list);

/* --- Instances ------------------------------------------------------------------------------------------ */

/* A plugin with a state that holds its parameters. */
struct scion_instance {
        const struct scion_plugin *plugin;
        void *self;
};

/*
 * Creates an instance from `{ use: NAME, ...parameters }`. `others` are further keys that the map may have,
 * which are not parameters, ended by NULL; NULL for none. Returns NULL, with the position in the message,
 * on an error.
 */
struct scion_instance *scion_instance_create(enum scion_kind kind, const struct scion_config *map,
                                             const char *const *others);
/* Calls the plugin's finish() and frees the instance; takes NULL. */
void scion_instance_destroy(struct scion_instance *instance);

/* Call it after a plugin's callback failed: if the callback set no message, sets one that names the
 * callback. The caller must clear the message before it calls the callback. Returns false. */
bool scion_plugin_failed(const char *callback);

#endif
