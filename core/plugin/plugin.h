/*
 * Finding and opening plugins, and making instances of them.
 *
 * A plugin is a shared object PLUGIN_DIR/<kind>s/NAME.so. It stays open until the process ends. Directories
 * are looked through in this order: those given by scion_plugins_add_path() (--plugin-path),
 * SCION_PLUGIN_PATH (colon-separated), $XDG_DATA_HOME/scion/plugins (or ~/.local/share/scion/plugins), and
 * the ones that belong to this libscion: beside it in a build tree (build/plugins), or the installation's.
 */
#ifndef SCION_PLUGIN_PLUGIN_H
#define SCION_PLUGIN_PLUGIN_H

#include <scion/plugin.h>

#include "config/config.h"

/* "strategy", "loss", ... and "strategies", "losses", ... */
const char *scion_kind_name(enum scion_kind kind);
const char *scion_kind_folder(enum scion_kind kind);
/* From either form; 0 when it is none, with the kinds in the message. */
enum scion_kind scion_kind_parse(const char *text);

/* Looks there first; directories added later come after those added before. */
bool scion_plugins_add_path(const char *directory);

/* The directory of the plugins that come with this libscion: LIBDIR/scion/plugins, or BUILD/plugins. It stays NULL
 * when it is not known where they are. False when memory is out. */
bool scion_plugins_own(const char **directory);

/*
 * The plugin of that kind and name. NULL, with a message: no such plugin (near names, and where it was looked
 * for), not a plugin, another ABI, another kind, another name than its file, an undefined symbol.
 */
const struct scion_plugin *scion_plugin_find(enum scion_kind kind, const char *name);

/* From now on this one, which was opened by its path, is what its kind and name mean. NULL: as before. */
void scion_plugins_prefer(const struct scion_plugin *plugin);

/* A plugin's file, checked the same. */
const struct scion_plugin *scion_plugin_open(const char *path);

/* The path that a plugin was loaded from. */
const char *scion_plugin_path(const struct scion_plugin *plugin);

/* The hash of that file's bytes, as they were when it was loaded: 32 hexadecimal digits. */
const char *scion_plugin_hash(const struct scion_plugin *plugin);

/* What a plugin needs of an experiment, in plain words: number `index` of them, which the caller frees. NULL after
 * the last, and, with `*failed`, when memory is out. */
char *scion_plugin_need(const struct scion_plugin *plugin, size_t index, bool *failed);

/* What there is of one kind, sorted by name, each name once (the first found). A file that cannot be opened
 * as a plugin is listed with its message instead. */
struct scion_plugin_entry {
        char *name;
        char *path;
        const struct scion_plugin *plugin; /* NULL: see error */
        char *error;
};

struct scion_plugin_list {
        size_t count;
        struct scion_plugin_entry *entry;
};

bool scion_plugins_list(enum scion_kind kind, struct scion_plugin_list *list);
void scion_plugin_list_finish(struct scion_plugin_list *list);

/* A plugin with its parameters. */
struct scion_instance {
        const struct scion_plugin *plugin;
        void *self;
};

/*
 * Makes an instance from `{ use: NAME, ...parameters }`. `others` are further keys that the map may have,
 * which are not the plugin's (params.h). NULL, with the place in the message.
 */
struct scion_instance *scion_instance_create(enum scion_kind kind, const struct scion_config *map,
                                             const char *const *others);
void scion_instance_destroy(struct scion_instance *instance); /* calls finish(); takes NULL */

/* A plugin's callback has failed: when it left no message, this one says which it was. Whoever calls the callback clears
 * the message of before, which is not its. Returns false. */
bool scion_plugin_failed(const char *callback);

#endif
