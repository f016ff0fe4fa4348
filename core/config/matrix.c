/* Reads the axes of a suite: `matrix` and `seeds`. */
#include "config/matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/scalar.h"
#include "config/tree.h"

#define MOST_AXES 100

/* --- Rows ----------------------------------------------------------------------------------------------- */

static char *value_label(const struct scion_config *value)
{
        const struct scion_config *label = scion_config_get(value, "label");
        const struct scion_config *use = scion_config_get(value, "use");
        char *text;

        if (label && (label->kind != SCION_CONFIG_SCALAR || !*label->text)) {
                scion_config_fail(label, "a label must be a word");
                return NULL;
        }
        if (!label && use && use->kind == SCION_CONFIG_SCALAR)
                label = use;
        if (!label && value->kind != SCION_CONFIG_SCALAR)
                return scion_config_line(value);
        text = strdup(label ? label->text : value->text);
        return text ? scion_text_make_printable(text, false) : scion_fail_null("out of memory");
}

/* Returns the value of `use` if it is the map's only key, else the value. */
static const struct scion_config *value_short_form(const struct scion_config *value)
{
        const struct scion_config *use = scion_config_get(value, "use");

        return use && value->count == 1 ? use : value;
}

bool scion_matrix_same(const struct scion_config *a, const struct scion_config *b)
{
        return scion_config_equal(value_short_form(a), value_short_form(b));
}

#define HASH_BYTES 17

static void value_hash(const struct scion_config *value, char text[HASH_BYTES])
{
        snprintf(text, HASH_BYTES, "%016llx", (unsigned long long)scion_config_hash(value_short_form(value)));
}

size_t scion_matrix_find_value(const struct scion_matrix_group *group, size_t axis,
                               const struct scion_config *value)
{
        char hash[HASH_BYTES];
        size_t row;

        value_hash(value, hash);
        row = scion_name_map_find(&group->hashes[axis], hash);
        if (row == SCION_NAME_NONE || !scion_matrix_same(value, scion_matrix_row(group, row)[axis].value))
                return SCION_NAME_NONE;
        return row;
}

/* Returns the labels of a row, joined by the control character "unit separator"; to be freed. */
static char *row_key(const struct scion_matrix_group *group, const char *const *label)
{
        struct scion_text key = { 0 };

        for (size_t a = 0; a < group->axes; a++)
                scion_text_add(&key, "%s%s", a ? "\x1F" : "", label[a]);
        if (!key.failed)
                return key.text;
        free(key.text);
        return scion_fail_null("out of memory");
}

static bool group_grow(struct scion_matrix_group *group)
{
        size_t room = group->rows ? 2 * group->rows : 1;
        struct scion_matrix_value *value;
        char **key;

        if (group->rows & (group->rows - 1)) /* the allocated rows are a power of two */
                return true;
        value = realloc(group->value, room * group->axes * sizeof *value);
        if (value)
                group->value = value;
        key = value ? realloc(group->row_key, room * sizeof *key) : NULL;
        if (!key)
                return scion_fail("out of memory");
        group->row_key = key;
        return true;
}

static bool group_fail_same_label(const struct scion_matrix_group *group, size_t axis,
                                  const struct scion_matrix_value *value, const struct scion_config *other)
{
        char line[48] = ""; /* a value from the command line has no line */

        if (other->line > 0)
                snprintf(line, sizeof line, ", this one and that at line %d", other->line);
        return scion_config_fail(value->given,
                                 "two values of the axis '%s' are called '%s'%s: give one of them a `label`",
                                 group->path[axis], value->label, line);
}

static bool group_fail_duplicate(const struct scion_matrix_group *group, size_t axis,
                                 const struct scion_matrix_value *value, const struct scion_config *where,
                                 size_t before)
{
        const struct scion_config *other = scion_matrix_row(group, before)[axis].given;

        if (group->axes > 1)
                return scion_config_fail(where, "the axes '%s' have these values twice", group->key);
        if (value->given->kind != SCION_CONFIG_MAP)
                return scion_config_fail(value->given, "the axis '%s' has the value %s twice",
                                         group->path[axis], value->label);
        return group_fail_same_label(group, axis, value, other);
}

/* Handles a value that an earlier one of its axis equals, as 0.10 equals 0.1. On a single axis that would run
 * the same twice; on axes that vary together, both are one value. Values with a `label` were told apart on
 * purpose. */
static bool group_join_value(const struct scion_matrix_group *group, size_t axis,
                             struct scion_matrix_value *value, const struct scion_matrix_value *other)
{
        char line[32] = "", *label;

        if (scion_config_get(value->given, "label") || scion_config_get(other->given, "label"))
                return true;
        if (other->given->line > 0)
                snprintf(line, sizeof line, " at line %d", other->given->line);
        if (group->axes == 1)
                return scion_config_fail(value->given,
                                         "the axis '%s' has the same value twice: %s equals %s%s",
                                         group->path[axis], value->label, other->label, line);
        label = strdup(other->label);
        if (!label)
                return scion_fail("out of memory");
        free(value->label);
        value->label = label;
        return true;
}

/* Sets the value's number among the different values of its axis. Fails if another value has the same label. */
static bool group_number_value(struct scion_matrix_group *group, size_t axis,
                               struct scion_matrix_value *value)
{
        size_t same = scion_matrix_find_value(group, axis, value->value), before;
        const struct scion_matrix_value *other;

        if (same == SCION_NAME_NONE) {
                if (scion_name_map_find(&group->hashes[axis], value->hash) == SCION_NAME_NONE &&
                    !scion_name_map_add(&group->hashes[axis], value->hash, group->rows))
                        return false;
        } else {
                other = &scion_matrix_row(group, same)[axis];
                if (strcmp(value->label, other->label) != 0 && !group_join_value(group, axis, value, other))
                        return false;
        }
        before = scion_name_map_find(&group->labels[axis], value->label);
        if (before == SCION_NAME_NONE) {
                value->number = group->values[axis]++;
                return scion_name_map_add(&group->labels[axis], value->label, group->rows);
        }
        other = &scion_matrix_row(group, before)[axis];
        value->number = other->number;
        if (group->axes == 1 || scion_matrix_same(value->value, other->value))
                return true;
        return group_fail_same_label(group, axis, value, other->given);
}

static bool group_read_value(struct scion_matrix_group *group, size_t axis, const struct scion_config *given,
                             struct scion_matrix_value *value)
{
        if (scion_config_is_null(given))
                return scion_config_fail(given, "the axis '%s' has an empty value", group->path[axis]);
        value->given = given;
        value->label = value_label(given);
        value->value = value->label ? scion_config_copy(given) : NULL;
        if (!value->value)
                return false;
        scion_config_remove(value->value, "label");
        value->hash = malloc(HASH_BYTES);
        if (!value->hash)
                return scion_fail("out of memory");
        value_hash(value->value, value->hash);
        return true;
}

static void group_free_row(struct scion_matrix_group *group, size_t row)
{
        for (size_t a = 0; a < group->axes; a++) {
                free(scion_matrix_row(group, row)[a].label);
                free(scion_matrix_row(group, row)[a].hash);
                scion_config_destroy(scion_matrix_row(group, row)[a].value);
        }
        free(group->row_key[row]);
}

/* A row that fails stays in the group, because the map of labels may point to its strings. */
bool scion_matrix_add_row(struct scion_matrix_group *group, const struct scion_config *const *given,
                          const struct scion_config *where)
{
        struct scion_matrix_value *row;
        const char **label = calloc(group->axes, sizeof *label);
        size_t at = group->rows, before;
        bool good = label && group_grow(group);

        if (!label)
                scion_fail("out of memory");
        if (!good)
                goto done;
        row = scion_matrix_row(group, at);
        memset(row, 0, group->axes * sizeof *row);
        group->row_key[at] = NULL;
        for (size_t a = 0; good && a < group->axes; a++) {
                good = group_read_value(group, a, given[a], &row[a]) && group_number_value(group, a, &row[a]);
                label[a] = row[a].label;
        }
        group->rows++;
        if (!good || !(group->row_key[at] = row_key(group, label))) {
                good = false;
                goto done;
        }
        before = scion_name_map_find(&group->keys, group->row_key[at]);
        if (before == SCION_NAME_NONE)
                good = scion_name_map_add(&group->keys, group->row_key[at], at);
        else
                good = group_fail_duplicate(group, 0, &row[0], where, before);
done:
        free(label);
        return good;
}

/* --- Axes ----------------------------------------------------------------------------------------------- */

const char *scion_matrix_name(const char *key, const char **name, size_t *length)
{
        const char *end = key + strcspn(key, ",");

        *name = key + strspn(key, " ");
        *length = *name < end ? (size_t)(end - *name) : 0;
        while (*length > 0 && (*name)[*length - 1] == ' ')
                --*length;
        return *end ? end + 1 : NULL;
}

/* Returns whether setting the path `later` would replace or remove the value at `earlier`. */
static bool path_undoes(const char *later, const char *earlier)
{
        const char *last = strrchr(later, '.');
        size_t length = last ? (size_t)(last - later) : 0;

        if (scion_config_path_inside(earlier, later))
                return true;
        return last && strcmp(last, ".use") == 0 && strncmp(earlier, later, length) == 0 &&
               earlier[length] == '.';
}

static bool path_check_against(const char *path, const struct scion_matrix_group *group,
                               const struct scion_config *position)
{
        for (size_t a = 0; a < group->axes && group->path[a] != path; a++) {
                if (strcmp(path, group->path[a]) == 0)
                        return scion_config_fail(position, "the axis '%s' is given twice", path);
                if (path_undoes(path, group->path[a]))
                        return scion_config_fail(
                                position, "the axis '%s' would undo the axis '%s': put it before that one",
                                path, group->path[a]);
        }
        return true;
}

static bool matrix_check_axis(const struct scion_matrix *matrix, const char *path,
                              const struct scion_config *position)
{
        static const char *const fixed[] = { "name", "extends", NULL }, *const *const forbidden[] = {
                fixed, scion_config_suite_keys
        };

        if (!scion_config_check_path(path, position))
                return false;
        for (size_t i = 0; i < 2; i++)
                for (const char *const *key = forbidden[i]; *key; key++)
                        if (scion_config_path_inside(path, *key))
                                return scion_config_fail(
                                        position, "'%s' cannot be an axis of the matrix%s", path,
                                        strcmp(path, "seeds") == 0 ? ": the axis is 'seed'" : "");
        for (size_t g = 0; g < matrix->groups; g++)
                if (!path_check_against(path, &matrix->group[g], position))
                        return false;
        return true;
}

static bool matrix_read_paths(struct scion_matrix *matrix, struct scion_matrix_group *group,
                              const struct scion_config *position)
{
        const char *rest = group->key, *name;
        size_t most = 1, length;

        for (const char *c = group->key; *c; c++)
                most += *c == ',';
        if (matrix->axes + most > MOST_AXES)
                return scion_config_fail(position, "more than %d axes", MOST_AXES);
        group->path = calloc(most, sizeof *group->path);
        group->values = calloc(most, sizeof *group->values);
        group->labels = calloc(most, sizeof *group->labels);
        group->hashes = calloc(most, sizeof *group->hashes);
        if (!group->path || !group->values || !group->labels || !group->hashes)
                return scion_fail("out of memory");
        while (rest) {
                char **path = &group->path[group->axes];

                rest = scion_matrix_name(rest, &name, &length);
                *path = strndup(name, length);
                if (!*path)
                        return scion_fail("out of memory");
                group->axes++;
                if (!matrix_check_axis(matrix, *path, position))
                        return false;
        }
        matrix->axes += group->axes;
        return true;
}

/* Reads the list of values; if several axes vary together, each entry is a list of one value for each. */
static bool group_read_rows(struct scion_matrix_group *group, const struct scion_config *list)
{
        const struct scion_config **given = calloc(group->axes, sizeof *given);
        bool good = given || scion_fail("out of memory");
        char got[64];

        for (size_t i = 0; good && i < list->count; i++) {
                const struct scion_config *row = list->entry[i].value;

                if (group->axes == 1) {
                        given[0] = row;
                } else if (row->kind != SCION_CONFIG_LIST || row->count != group->axes) {
                        snprintf(got, sizeof got, "a list of %zu", row->count);
                        if (row->kind != SCION_CONFIG_LIST)
                                scion_config_describe(row, got, sizeof got);
                        good = scion_config_fail(
                                row,
                                "the axes '%s' vary together: each entry must be a list of their %zu values, "
                                "got %s",
                                group->key, group->axes, got);
                } else {
                        for (size_t a = 0; a < group->axes; a++)
                                given[a] = row->entry[a].value;
                }
                good = good && scion_matrix_add_row(group, given, row);
        }
        group->crossed = group->rows;
        free(given);
        return good;
}

static bool matrix_read_group(struct scion_matrix *matrix, const char *key,
                              const struct scion_config *position, const struct scion_config *list)
{
        struct scion_matrix_group *group = &matrix->group[matrix->groups++];
        char got[64];

        group->key = key;
        if (!matrix_read_paths(matrix, group, position))
                return false;
        if (list->kind != SCION_CONFIG_LIST)
                return scion_config_fail(list, "the axis '%s' must be a list of values, got %s%s", key,
                                         scion_config_describe(list, got, sizeof got),
                                         list->kind == SCION_CONFIG_MAP
                                                 ? " (the key of an axis is its full path, such as "
                                                   "target.train.epochs)"
                                                 : "");
        if (list->count == 0)
                return scion_config_fail(list, "the axis '%s' has no values", key);
        return group_read_rows(group, list);
}

bool scion_matrix_check_count(const struct scion_matrix *matrix, const struct scion_config *where,
                              size_t runs)
{
        if (runs > SCION_MATRIX_MOST)
                return scion_config_fail(where, "more than %d combinations", SCION_MATRIX_MOST);
        if (runs > matrix->most)
                return scion_config_fail(where, "%zu runs: more than %zu are only run with --force", runs,
                                         matrix->most);
        return true;
}

/* --- Seeds ---------------------------------------------------------------------------------------------- */

/* Creates the list of seeds: `seeds: 5` stands for the axis `seed: [1, 2, 3, 4, 5]`. */
static bool matrix_list_seeds(struct scion_matrix *matrix, const struct scion_config *seeds)
{
        int64_t count = 0;
        char text[32];

        if (seeds->kind != SCION_CONFIG_SCALAR || seeds->quoted ||
            scion_scalar_int(seeds->text, &count) != SCION_SCALAR_OK || count < 1)
                return scion_config_fail(
                        seeds,
                        "seeds must be the number of seeds, such as 5 for the seeds 1 to 5, got %s (for "
                        "other seeds write an axis: matrix: { seed: [7, 11] })",
                        scion_config_describe(seeds, text, sizeof text));
        if (!scion_matrix_check_count(matrix, seeds, (size_t)count))
                return false;
        matrix->seeds = scion_config_node(SCION_CONFIG_LIST, seeds->file, seeds->line, seeds->column);
        for (int64_t seed = 1; matrix->seeds && seed <= count; seed++) {
                snprintf(text, sizeof text, "%lld", (long long)seed);
                if (!scion_config_add(matrix->seeds, NULL, seeds->line, seeds->column,
                                      scion_config_scalar(text, false, seeds)))
                        return false;
        }
        return matrix->seeds != NULL;
}

static bool matrix_read_seeds(struct scion_matrix *matrix, const struct scion_config *seeds)
{
        const struct scion_config *seed = scion_config_get(matrix->file, "seed");

        if (seed && !scion_config_is_null(seed)) {
                char line[16] = "";

                if (seed->line > 0)
                        snprintf(line, sizeof line, ":%d", seed->line);
                return scion_config_fail(seeds,
                                         "'seeds' and 'seed' (%s%s) are both given: remove one of them, "
                                         "with `seed: null` if it is in an extended file",
                                         seed->file, line);
        }
        for (size_t g = 0; g < matrix->groups; g++)
                for (size_t a = 0; a < matrix->group[g].axes; a++)
                        if (strcmp(matrix->group[g].path[a], "seed") == 0)
                                return scion_config_fail(seeds,
                                                         "'seeds' and the axis 'seed' of the matrix are both "
                                                         "given: remove one of them, with `seeds: null` if "
                                                         "it is in an extended file");
        return matrix_list_seeds(matrix, seeds) && matrix_read_group(matrix, "seed", seeds, matrix->seeds);
}

/* --- All axes ------------------------------------------------------------------------------------------- */

bool scion_matrix_read_axes(struct scion_matrix *matrix)
{
        const struct scion_config *map = scion_config_get(matrix->file, "matrix");
        const struct scion_config *seeds = scion_config_get(matrix->file, "seeds");
        char got[64];

        if (map && map->kind != SCION_CONFIG_MAP)
                return scion_config_fail(map, "matrix must be a map of paths to lists of values, got %s",
                                         scion_config_describe(map, got, sizeof got));
        if (map && map->count == 0)
                return scion_config_fail(map, "the matrix has no axes: leave it out for a single run");
        if (map && map->count > MOST_AXES)
                return scion_config_fail(map, "more than %d axes", MOST_AXES);
        matrix->group = calloc((map ? map->count : 0) + 1, sizeof *matrix->group);
        if (!matrix->group)
                return scion_fail("out of memory");
        for (size_t i = 0; map && i < map->count; i++) {
                struct scion_config position = *map->entry[i].value;

                position.line = map->entry[i].line;
                position.column = map->entry[i].column;
                if (!matrix_read_group(matrix, map->entry[i].key, &position, map->entry[i].value))
                        return false;
        }
        return !seeds || scion_config_is_null(seeds) || matrix_read_seeds(matrix, seeds);
}

static void group_finish(struct scion_matrix_group *group)
{
        for (size_t i = 0; i < group->rows; i++)
                group_free_row(group, i);
        for (size_t a = 0; a < group->axes; a++) {
                scion_name_map_finish(&group->labels[a]);
                scion_name_map_finish(&group->hashes[a]);
                free(group->path[a]);
        }
        scion_name_map_finish(&group->keys);
        free(group->labels);
        free(group->hashes);
        free(group->path);
        free(group->values);
        free(group->value);
        free(group->row_key);
}

void scion_matrix_finish_axes(struct scion_matrix *matrix)
{
        for (size_t g = 0; g < matrix->groups; g++)
                group_finish(&matrix->group[g]);
        free(matrix->group);
        scion_config_destroy(matrix->seeds);
}
