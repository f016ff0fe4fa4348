/* Building trees: what the files of core/config share. */
#ifndef SCION_CONFIG_TREE_H
#define SCION_CONFIG_TREE_H

#include "config/config.h"

/* Deeper trees are refused, so that walking one by recursion is safe. */
#define SCION_CONFIG_DEPTH 64

/* An honest file has some hundred nodes; aliases can make more of them than memory holds. */
#define SCION_CONFIG_NODES 200000

/* A name for messages that lives until the process ends, each text once. NULL when memory is out. */
const char *scion_config_file_name(const char *name);

/* A new node, which keeps `file` as it is: from scion_config_file_name(). NULL, with a message, when memory
 * is out; so for a scalar, whose text is copied. */
struct scion_config *scion_config_node(enum scion_config_kind kind, const char *file, int line, int column);
struct scion_config *scion_config_scalar(const char *text, bool quoted, const struct scion_config *place);

/* Appends an entry; `key` is NULL in a list, else copied. Takes `value`, also when it fails; fails on NULL. */
bool scion_config_add(struct scion_config *parent, const char *key, int line, int column,
                      struct scion_config *value);

/* The entry of a key, or NULL. */
struct scion_config_entry *scion_config_find(const struct scion_config *map, const char *key);

/* Puts `value` in an entry's place, and what was there away. */
void scion_config_replace(struct scion_config_entry *entry, struct scion_config *value);

/* The nodes of a tree. */
size_t scion_config_size(const struct scion_config *config);

/* The levels of a tree: 1 for a scalar. */
int scion_config_depth(const struct scion_config *config);

/* A plain scalar that says nothing: "", "~" or "null". */
bool scion_config_is_null(const struct scion_config *config);

/* "a map", "a list", "nothing", "'text'" (long texts cut), for messages. Returns `text`. */
const char *scion_config_describe(const struct scion_config *config, char *text, size_t bytes);

/*
 * Spells out the short form `model: lenet5` as `model: { use: lenet5 }`, where an experiment names plugins:
 * strategy, and model, dataset, loss, optimizer and schedule of source and target.
 */
bool scion_config_spell_out(struct scion_config *root);

/* Reads one document of any kind from text. A `file` of NULL means no places: everything gets `name` alone. */
struct scion_config *scion_config_read(const char *text, size_t length, const char *name, bool places);

/* Keys of `over` win; see scion_config_load(). Changes `base`; takes nothing of `over`. */
bool scion_config_merge(struct scion_config *base, const struct scion_config *over);

/*
 * Looks for a name that stands there a second time: the first such, and where its like stands. Both are
 * `count` when there is none. False when memory is out.
 */
bool scion_config_twice(const char *const *names, size_t count, size_t *first, size_t *again);

/* The dotted path has names, and none is empty; otherwise an error at `where`. */
bool scion_config_check_path(const char *path, const struct scion_config *where);

/* The path is `above`, or goes on below it. */
bool scion_config_path_inside(const char *path, const char *above);

/* A tree on one line, in flow style, into memory that the caller frees. */
char *scion_config_line(const struct scion_config *config);

#endif
