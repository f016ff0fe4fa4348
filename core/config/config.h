/*
 * Experiment files as trees: YAML, with the line and column of every key and value.
 *
 * Scalars stay text. The code that reads a scalar determines its type, usually by a parameter table
 * (plugin/params.h). A tree owns its strings and its children. Anchors and aliases are expanded when a file
 * is read, up to a limit far beyond what experiments need.
 */
#ifndef SCION_CONFIG_CONFIG_H
#define SCION_CONFIG_CONFIG_H

#include <scion/error.h>
#include <stdio.h>

enum scion_config_kind { SCION_CONFIG_SCALAR, SCION_CONFIG_LIST, SCION_CONFIG_MAP };

struct scion_config {
        enum scion_config_kind kind;
        /* For messages: the path as given on the command line or by `extends`, or "--set PATH=VALUE" for an
         * override. Valid until the process ends. */
        const char *file;
        int line, column; /* from 1; 0 if unknown */
        char *text;       /* of a scalar; NULL for a list or map */
        bool quoted;      /* the scalar was in quotes, so it is a string even if it looks like a number */
        size_t count;     /* entries of a list or map */
        struct scion_config_entry *entry; /* in the file's order */
};

struct scion_config_entry {
        char *key;                  /* NULL in a list */
        int line, column;           /* of the key */
        struct scion_config *value; /* never NULL; an empty value is a plain scalar with the text "" */
};

/* --- Reading and writing -------------------------------------------------------------------------------- */

/*
 * Reads a file and merges it over the file that it extends. Maps are merged key by key; a list or scalar
 * replaces the extended file's value. A map whose `use` differs also replaces the extended file's map,
 * because the parameters of one plugin mean nothing to another; the engine's keys beside `use` remain. The key `extends` (a path relative to the
 * file that has it) is removed from the result. Returns NULL, with "FILE:LINE:COLUMN: MESSAGE", on any
 * error: among others an empty file, tabs in indentation, a duplicate key, a loop of extends, or aliases
 * that expand to too many nodes.
 *
 * A plugin without parameters has a short form: where an experiment names plugins (strategy; model,
 * dataset, loss, optimizer and schedule of source and target), a scalar NAME becomes `{ use: NAME }`. That
 * happens here, in scion_config_set() and in a matrix, so that readers only see maps.
 */
struct scion_config *scion_config_load(const char *path);

/* Reads a tree of any kind from text; `name` takes the place of the file in messages. The text cannot
 * extend a file. */
struct scion_config *scion_config_parse(const char *text, const char *name);

/* Returns a deep copy, for the caller to destroy; NULL, with a message, when memory runs out. */
struct scion_config *scion_config_copy(const struct scion_config *config);
void scion_config_destroy(struct scion_config *config); /* takes NULL */

/* Writes block YAML that reads back to an equal tree, with short maps and lists in flow style. Readers of
 * YAML 1.1, such as PyYAML, read the same strings and numbers: strings that they would take for something
 * else are quoted, and 1e-8 is written as 1.0e-8. */
bool scion_config_write(const struct scion_config *config, FILE *file);

/* Returns the YAML as a string, which the caller frees. */
char *scion_config_text(const struct scion_config *config);

/* --- Access --------------------------------------------------------------------------------------------- */

/* Returns the value of a key. NULL if the map has no such key, if `map` is not a map, or if it is NULL. */
const struct scion_config *scion_config_get(const struct scion_config *map, const char *key);

/* Sets the error message "FILE:LINE:COLUMN: MESSAGE" with the position of the value. Returns false. */
bool scion_config_fail(const struct scion_config *where, const char *format, ...) SCION_PRINTF(2, 3);

/* Sets the message with the position of entry `index`'s key. Returns false. */
bool scion_config_fail_key(const struct scion_config *map, size_t index, const char *format, ...)
        SCION_PRINTF(3, 4);

/* Returns whether two trees have the same values. The order of keys in maps and the positions do not
 * matter, nor does the form of a number: 0.1 equals 1e-1, and 1 equals +1. Quotes matter only where they
 * change the meaning: "5" differs from 5, but "idx" equals idx. */
bool scion_config_equal(const struct scion_config *a, const struct scion_config *b);

/* Returns a 64-bit hash: equal for equal trees, and the same on every machine. */
uint64_t scion_config_hash(const struct scion_config *config);

/* The top-level keys that describe a suite rather than a run, ended by NULL. */
extern const char *const scion_config_suite_keys[];

/* --- Changes -------------------------------------------------------------------------------------------- */

/*
 * Sets a dotted path ("target.train.epochs") to a copy of `value`, and creates missing maps. After
 * "matrix.", the rest of the path is a single name: an axis. Setting "PATH.use" to another plugin removes
 * the old plugin's parameters, except those from overrides, and keeps the engine's keys, as does setting
 * "PATH" to the name of a plugin. A map replaces the whole section. Returns false, with a message, if the path
 * leads through a list or a scalar.
 */
bool scion_config_set(struct scion_config *map, const char *path, const struct scion_config *value);

/* Applies an override from the command line: "target.train.epochs=5". The value is YAML. A path that is an
 * axis of the matrix can only be set as "matrix.PATH=[...]". */
bool scion_config_override(struct scion_config *map, const char *assignment);

/* Removes a key, if the map has it. */
void scion_config_remove(struct scion_config *map, const char *key);

/*
 * Returns the keys beside the `use` of a section that belong to the engine and not to the plugin, ended by
 * NULL: for instance `per_class` of a dataset, `lr` of an optimizer and `warmup` of a schedule. `side` is
 * "source" or "target". Without such keys the list is empty.
 */
const char *const *scion_config_engine_keys(const char *side, const char *section);

/* --- Suites --------------------------------------------------------------------------------------------- */

/* The value of one run on one axis of the matrix. */
struct scion_config_point {
        const char *path;  /* "strategy", "target.dataset.per_class" */
        const char *label; /* the value's `label`, else its `use`, else its text */
        size_t value;      /* index among the different values of the axis */
};

struct scion_config_run {
        const struct scion_matrix *matrix; /* owned by struct scion_config_runs */
        const uint32_t *at;                /* a row of each of the matrix's groups */
        size_t axes;
        const struct scion_config_point *point; /* one for each axis, in the matrix's order */
};

/* The runs of a suite, at some hundred bytes each; scion_config_resolve() creates the configuration of one. */
struct scion_config_runs {
        size_t count;
        struct scion_config_run *run;
        struct scion_matrix *matrix;
        uint32_t *at;
        struct scion_config_point *point;
};

/* The most runs that scion_config_expand() creates unless forced. */
#define SCION_CONFIG_MANY 100000

/*
 * Expands a file to its runs: the Cartesian product of the axes in `matrix`, the last axis fastest, without
 * the runs that `exclude` matches, and then those that `include` adds. A file without a matrix is one run
 * without axes.
 *
 * A key of the matrix is a path, or several paths separated by commas: axes that vary together. The list of
 * such axes has in each entry a list of one value for each axis. `seeds: N` is the axis `seed` with the
 * values 1 to N, after the other axes. An entry of `exclude` matches a run if the run has all the values
 * given; values that are maps may be given by their label or their `use`. An entry of `include` gives
 * values for some axes, either by the label of an existing value or as a new value. Axes that it leaves out
 * take all their values in the matrix. A run that exists already is not added again.
 *
 * Returns false, with the position, if an axis is not a list or is empty, two values of an axis have one
 * label or are
 * equal without a label, a rule names an unknown axis or has no effect, no run remains, or there are more than
 * SCION_CONFIG_MANY runs and `forced` is false; runs are counted before they are created.
 */
bool scion_config_expand(const struct scion_config *config, bool forced, struct scion_config_runs *runs);

/* Returns the number of different values of an axis; struct scion_config_point's `value` is less than that. */
size_t scion_config_values(const struct scion_config_runs *runs, size_t axis);

/* Returns a run's configuration, without the suite's keys and without labels, for the caller to destroy.
 * NULL, with the position, if a value of the matrix cannot be set at its path. */
struct scion_config *scion_config_resolve(const struct scion_config_run *run);

void scion_config_runs_finish(struct scion_config_runs *runs);

#endif
