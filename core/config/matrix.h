/* The matrix of a suite, read: what the files that expand it share. */
#ifndef SCION_CONFIG_MATRIX_H
#define SCION_CONFIG_MATRIX_H

#include "base/name_map.h"
#include "config/config.h"

/* More combinations are refused, forced or not: their runs would fill the memory. */
#define SCION_MATRIX_MOST 10000000

struct scion_matrix_value {
        const struct scion_config *given; /* as in the file */
        struct scion_config *value;       /* without its label */
        char *label;
        size_t number; /* among the values of its axis */
};

/* Axes that go together: one, or several in one entry of the matrix, which has their values row by row. */
struct scion_matrix_group {
        const char *key; /* "seed"; "target.train.epochs, target.optimizer" */
        size_t axes;
        char **path;                      /* of each axis */
        size_t *values;                   /* how many different ones each axis has */
        size_t crossed;                   /* rows that are in the matrix */
        size_t rows;                      /* with those that include adds */
        struct scion_matrix_value *value; /* rows x axes */
        struct scion_index *labels;       /* of each axis: the first row with that label */
        struct scion_index keys;          /* of the rows, by their labels */
        char **row_key;
};

/* An entry of `exclude`: for each group which rows it names; NULL for all. */
struct scion_matrix_rule {
        bool **names;
};

/* Rows that are crossed: those of the matrix itself, or those that an entry of `include` names. */
struct scion_matrix_block {
        const struct scion_config *where;
        size_t *count;  /* of each group */
        uint32_t **row; /* of each group; NULL: the matrix's own */
};

struct scion_matrix {
        struct scion_config *file;
        struct scion_config *bare;  /* less what is said of the suite */
        struct scion_config *seeds; /* the list that `seeds: N` stands for */
        size_t most;                /* runs that are wanted */
        size_t axes;
        size_t groups;
        struct scion_matrix_group *group;
        size_t rules;
        struct scion_matrix_rule *rule;
        size_t blocks; /* the first one is the matrix */
        struct scion_matrix_block *block;
};

/* The name at the start of a matrix's key, which has several with commas between. Returns what comes after it;
 * NULL at the end. */
const char *scion_matrix_name(const char *key, const char **name, size_t *length);

/* Reads `matrix` and `seeds`. */
bool scion_matrix_read_axes(struct scion_matrix *matrix);
void scion_matrix_finish_axes(struct scion_matrix *matrix);

/* Whether so many runs are wanted; an error at `where` when not. */
bool scion_matrix_wants(const struct scion_matrix *matrix, const struct scion_config *where, size_t runs);

/* Where an axis is. False, with near names, when the matrix has none at that entry of a rule. */
bool scion_matrix_find_axis(const struct scion_matrix *matrix, const struct scion_config *rule, size_t entry,
                            const char *what, size_t *group, size_t *axis);

/* Adds a row of values, one for each of the group's axes. */
bool scion_matrix_add_row(struct scion_matrix_group *group, const struct scion_config *const *given,
                          const struct scion_config *where);

/* The values of a row. */
static inline struct scion_matrix_value *scion_matrix_row(const struct scion_matrix_group *group, size_t row)
{
        return group->value + row * group->axes;
}

/* Both say the same, with or without a label, and as a plugin's name or as `use: NAME`. */
bool scion_matrix_same(const struct scion_config *a, const struct scion_config *b);

/* Reads `exclude` and `include`; the axes come first. */
bool scion_matrix_read_rules(struct scion_matrix *matrix);
void scion_matrix_finish_rules(struct scion_matrix *matrix);

#endif
