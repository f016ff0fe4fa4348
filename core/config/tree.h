/* Building trees: shared by the files of core/config. */
#ifndef SCION_CONFIG_TREE_H
#define SCION_CONFIG_TREE_H

#include "config/config.h"

/* The greatest depth of a tree, so that recursion over a tree is safe. */
#define SCION_CONFIG_DEPTH 64

/* The most nodes of a tree. Experiments have some hundred; without a limit, nested aliases could fill the
 * memory. */
#define SCION_CONFIG_NODES 200000

/* Returns a copy of the name that is valid until the process ends; equal names share one copy. NULL, with a
 * message, when memory runs out. */
const char *scion_config_file_name(const char *name);

/* Create a node. `file` is from scion_config_file_name() and is not copied; the text of a scalar is. NULL,
 * with a message, when memory runs out. */
struct scion_config *scion_config_node(enum scion_config_kind kind, const char *file, int line, int column);
struct scion_config *scion_config_scalar(const char *text, bool quoted, const struct scion_config *position);

/* Appends an entry. Copies `key`, which is NULL for a list. Takes ownership of `value`, also on failure;
 * fails if it is NULL. */
bool scion_config_add(struct scion_config *parent, const char *key, int line, int column,
                      struct scion_config *value);

/* Returns the entry of a key, or NULL. */
struct scion_config_entry *scion_config_find(const struct scion_config *map, const char *key);

/* Replaces the value of an entry and destroys the old one. Takes ownership of `value`. */
void scion_config_replace(struct scion_config_entry *entry, struct scion_config *value);

/* Returns the number of nodes of a tree. */
size_t scion_config_size(const struct scion_config *config);

/* Returns the number of levels of a tree: 1 for a scalar. */
int scion_config_depth(const struct scion_config *config);

/* Returns whether the node is a plain null: "", "~" or "null" without quotes. */
bool scion_config_is_null(const struct scion_config *config);

/* Writes a description for messages: "a map", "a list", "nothing", or "'TEXT'", where long texts are cut.
 * Returns text. */
const char *scion_config_describe(const struct scion_config *config, char *text, size_t bytes);

/*
 * Replaces the short form `model: lenet5` by `model: { use: lenet5 }` where an experiment names plugins:
 * strategy, and model, dataset, loss, optimizer and schedule of source and target.
 */
bool scion_config_spell_out(struct scion_config *root);

/* Parses one document of any kind. Stores lines and columns only if `positions` is true; messages then name
 * the position, otherwise only `name`. */
struct scion_config *scion_config_read(const char *text, size_t length, const char *name, bool positions);

/* Merges copies of the entries of `over` into `base`, by the rules of scion_config_load(). */
bool scion_config_merge(struct scion_config *base, const struct scion_config *over);

/*
 * Finds the first name that occurs a second time: `again` is the index of the second occurrence, and
 * `first` that of the one before. Both are `count` if all names differ. Returns false, with a message, when
 * memory runs out.
 */
bool scion_config_find_duplicate(const char *const *names, size_t count, size_t *first, size_t *again);

/* Returns whether a dotted path is valid: no name in it is empty. Otherwise sets a message with the
 * position of `where`. */
bool scion_config_check_path(const char *path, const struct scion_config *where);

/* Returns whether a path equals `above` or begins with it, followed by a dot. */
bool scion_config_path_inside(const char *path, const char *above);

/* Returns a tree as one line in flow style, which the caller frees. NULL, with a message, on failure. */
char *scion_config_line(const struct scion_config *config);

#endif
