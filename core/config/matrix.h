/* The matrix of a suite: shared by the files that read and expand it. */
#ifndef SCION_CONFIG_MATRIX_H
#define SCION_CONFIG_MATRIX_H

#include "base/name_map.h"
#include "config/config.h"

/* The most combinations, also when forced: more runs would not fit into memory. */
#define SCION_MATRIX_MOST 10000000

struct scion_matrix_value {
        const struct scion_config *given; /* in the file's tree */
        struct scion_config *value;       /* a copy without its label */
        char *label;
        char *hash;    /* of the value, in hexadecimal digits */
        size_t number; /* among the different values of its axis */
};

/* An entry of the matrix: one axis, or several that vary together. Each row has one value for each axis. */
struct scion_matrix_group {
        const char *key; /* "seed"; "target.train.epochs, target.optimizer" */
        size_t axes;
        char **path;                      /* of each axis */
        size_t *values;                   /* number of different values of each axis */
        size_t crossed;                   /* rows of the matrix itself */
        size_t rows;                      /* all rows: those of the matrix, then those that `include` adds */
        struct scion_matrix_value *value; /* rows x axes */
        struct scion_name_map *labels;    /* for each axis: label to the first row that has it */
        struct scion_name_map *hashes;    /* for each axis: a value's hash to the first row that has it */
        struct scion_name_map keys;       /* row_key to row */
        char **row_key;                   /* for each row: its labels, joined */
};

/* An entry of `exclude`. */
struct scion_matrix_rule {
        bool **names; /* for each group: whether it matches each row; NULL if it matches all */
};

/* Rows of each group whose combinations are runs: those of the matrix itself, or those of an entry of
 * `include`. */
struct scion_matrix_block {
        const struct scion_config *where; /* for messages */
        size_t *count;                    /* for each group: number of rows */
        uint32_t **row;                   /* for each group: the rows; NULL for the first `count` rows */
};

struct scion_matrix {
        struct scion_config *file;
        struct scion_config *bare;  /* without the suite's keys */
        struct scion_config *seeds; /* the list that `seeds: N` stands for */
        size_t most;                /* runs allowed */
        size_t axes;
        size_t groups;
        struct scion_matrix_group *group;
        size_t rules;
        struct scion_matrix_rule *rule;
        size_t blocks; /* the first one is the matrix itself */
        struct scion_matrix_block *block;
};

/* Finds the first path in a key of the matrix, which may have several, separated by commas. Returns the
 * rest of the key, or NULL at the end. */
const char *scion_matrix_name(const char *key, const char **name, size_t *length);

/* Reads `matrix` and `seeds`. Returns false, with the position in the message, on an error. */
bool scion_matrix_read_axes(struct scion_matrix *matrix);
void scion_matrix_finish_axes(struct scion_matrix *matrix);

/* Returns whether that many runs are allowed; otherwise sets a message with the position of `where`. */
bool scion_matrix_check_count(const struct scion_matrix *matrix, const struct scion_config *where,
                              size_t runs);

/* Finds the axis that entry `entry` of a rule names. Returns false, with a message that suggests names, if
 * there is none; `what` is "exclude" or "include". */
bool scion_matrix_find_axis(const struct scion_matrix *matrix, const struct scion_config *rule, size_t entry,
                            const char *what, size_t *group, size_t *axis);

/* Adds a row with one value for each axis of the group. `where` is for messages. */
bool scion_matrix_add_row(struct scion_matrix_group *group, const struct scion_config *const *given,
                          const struct scion_config *where);

/* Returns the values of a row, one for each axis. */
static inline struct scion_matrix_value *scion_matrix_row(const struct scion_matrix_group *group, size_t row)
{
        return group->value + row * group->axes;
}

/* Returns whether two values without labels are equal, where NAME equals `{ use: NAME }`. */
bool scion_matrix_same(const struct scion_config *a, const struct scion_config *b);

/* Returns the first row whose value on the axis equals `value`, which has no label; SCION_NAME_NONE if there
 * is none. Numbers are compared by value: 0.10 equals 0.1. */
size_t scion_matrix_find_value(const struct scion_matrix_group *group, size_t axis,
                               const struct scion_config *value);

/* Reads `exclude` and `include`, after the axes. */
bool scion_matrix_read_rules(struct scion_matrix *matrix);
void scion_matrix_finish_rules(struct scion_matrix *matrix);

#endif
