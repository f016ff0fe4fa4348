/*
 * Experiment files as a typed tree: YAML, with the place of every key and value.
 *
 * Scalars stay text; what type they are is decided by whoever reads them, by a parameter table
 * (plugin/params.h). A tree owns its texts and its children. Anchors and aliases are expanded when a file is
 * read, up to a limit that no honest file reaches.
 */
#ifndef SCION_CONFIG_CONFIG_H
#define SCION_CONFIG_CONFIG_H

#include <scion/error.h>
#include <stdio.h>

enum scion_config_kind { SCION_CONFIG_SCALAR, SCION_CONFIG_LIST, SCION_CONFIG_MAP };

struct scion_config {
        enum scion_config_kind kind;
        /* for messages: as given on the command line, or the path that `extends` led to; "--set PATH=VALUE"
         * for an override. Valid until the process ends. */
        const char *file;
        int line, column; /* from 1; 0 when there is none */
        char *text;       /* of a scalar, else NULL */
        bool quoted;      /* the scalar stood in quotes: it is a string whatever it looks like */
        size_t count;     /* of entries in a list or map */
        struct scion_config_entry *entry; /* in the order of the file */
};

struct scion_config_entry {
        char *key;                  /* NULL in a list */
        int line, column;           /* of the key */
        struct scion_config *value; /* never NULL; an empty value is a plain scalar with the text "" */
};

/* --- Reading and writing
 * ----------------------------------------------------------------------------------------- */

/*
 * Reads a file and what it extends, merged: maps key by key, anything else replaced whole by the extending
 * file. A map with another `use` than the one below replaces it whole: parameters of one plugin mean nothing
 * to another. The key `extends` (a path, relative to the file that says it) is gone from the result. NULL,
 * with "FILE:LINE:COLUMN: what, and what was meant", on any error: not a file, empty, tabs in indentation, a
 * key twice, a loop of extends, an alias bomb.
 *
 * A plugin without parameters may be named in short: where an experiment names plugins (strategy; model,
 * dataset, loss, optimizer and schedule of source and target) a text NAME becomes `{ use: NAME }`, here, in
 * scion_config_set() and in a matrix, so that readers only see maps.
 */
struct scion_config *scion_config_load(const char *path);

/* The same from text; `name` stands for the file in messages. It may be of any kind, not only a map, and
 * cannot extend a file. */
struct scion_config *scion_config_parse(const char *text, const char *name);

struct scion_config *scion_config_copy(const struct scion_config *config);
void scion_config_destroy(struct scion_config *config); /* takes NULL */

/* Writes block YAML that reads back to an equal tree; short maps and lists of scalars in flow style. The same
 * tree gives the same bytes. */
bool scion_config_write(const struct scion_config *config, FILE *file);

/* The same into memory; the caller frees it. */
char *scion_config_text(const struct scion_config *config);

/* --- Looking
 * ------------------------------------------------------------------------------------------------------- */

/* The value of a key; NULL when the map has none, and for NULL or anything that is no map. */
const struct scion_config *scion_config_get(const struct scion_config *map, const char *key);

/* Records "FILE:LINE:COLUMN: message". Returns false. */
bool scion_config_fail(const struct scion_config *where, const char *format, ...) SCION_PRINTF(2, 3);

/* The same at a key rather than its value. */
bool scion_config_fail_key(const struct scion_config *map, size_t index, const char *format, ...)
        SCION_PRINTF(3, 4);

/* Same kind, texts, keys and entries, whatever their order in maps, and wherever they stand. Quotes count
 * where they change what a text means: "5" is not 5, but "idx" is idx. */
bool scion_config_equal(const struct scion_config *a, const struct scion_config *b);

/* Equal trees have equal hashes, on every machine; of others, one in 2^64 pairs has. */
uint64_t scion_config_hash(const struct scion_config *config);

/* What a file may say of a suite rather than of each run, ended by NULL. */
extern const char *const scion_config_suite_keys[];

/* --- Changing
 * -------------------------------------------------------------------------------------------------------- */

/*
 * Puts a copy of `value` at a dotted path ("target.train.epochs"), in place of what is there, making maps on
 * the way. What follows "matrix." is one name: an axis. Another plugin at "PATH.use" takes away what was said
 * to the old one, except by overrides. False when the path goes through a list or a text.
 */
bool scion_config_set(struct scion_config *map, const char *path, const struct scion_config *value);

/* An override from the command line: "target.train.epochs=5". The value is YAML. What the matrix varies can
 * only be set as "matrix.PATH=[...]". */
bool scion_config_override(struct scion_config *map, const char *assignment);

/* Removes a key; nothing happens when there is none. */
void scion_config_remove(struct scion_config *map, const char *key);

/* --- Suites --------------------------------------------------------------------------------------------- */

/* What one run of a suite has on one axis. */
struct scion_config_point {
        const char *path;  /* "strategy", "target.dataset.per_class" */
        const char *label; /* the value's `label`, else its `use`, else its text */
        size_t value;      /* which one it is of the axis's values: below their number */
};

struct scion_config_run {
        const struct scion_matrix *matrix; /* of the runs it is one of */
        const uint32_t *at;                /* where it is in the matrix */
        size_t axes;
        const struct scion_config_point *point; /* in the matrix's order */
};

/* A run takes some hundred bytes: its configuration is made when it is asked for. */
struct scion_config_runs {
        size_t count;
        struct scion_config_run *run;
        struct scion_matrix *matrix;
        uint32_t *at;
        struct scion_config_point *point;
};

/* More runs are only made when they are forced. */
#define SCION_CONFIG_MANY 100000

/*
 * The runs of a file: the axes of `matrix` crossed, the last one fastest; less what `exclude` matches; and what
 * `include` adds. A file without a matrix is one run with no axes.
 *
 * A key of the matrix is a path, or several with commas between: axes that go together, whose list has a list of
 * their values in each entry. `seeds: N` is the axis seed with 1 to N, after the others.
 * An entry of `exclude` matches a run when all its paths have the given values there; a strategy and the like are
 * named by their label or `use`.
 * An entry of `include` has values for some of the axes: those that the axis has, by their labels, or new ones; the
 * axes that it leaves out have all the values of the matrix. Runs that are there already are not made twice.
 *
 * False, with the place, on an axis that is no list or is empty, on two values with one label, on a rule that
 * names no axis or does nothing, when nothing remains, and on more than SCION_CONFIG_MANY runs unless `forced`:
 * they are counted before they are made.
 */
bool scion_config_expand(const struct scion_config *config, bool forced, struct scion_config_runs *runs);

/* The values that an axis of the runs has: what a point's `value` is below. */
size_t scion_config_values(const struct scion_config_runs *runs, size_t axis);

/* A run's configuration, for the caller to destroy: no matrix, exclude or label left. NULL, with the place, when
 * a value of the matrix cannot stand where its path leads. */
struct scion_config *scion_config_resolve(const struct scion_config_run *run);

void scion_config_runs_finish(struct scion_config_runs *runs);

#endif
