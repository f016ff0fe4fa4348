/* The axes of a suite: what `matrix` and `seeds` say. */
#include "config/matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/scalar.h"
#include "config/tree.h"

#define MOST_AXES 100

/* --- Rows ----------------------------------------------------------------------------------------------- */

static char *label_of(const struct scion_config *value)
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
        return text ? text : scion_fail_null("out of memory");
}

/* The plugin's name when the value is nothing else. */
static const struct scion_config *only_use(const struct scion_config *value)
{
        const struct scion_config *use = scion_config_get(value, "use");

        return use && value->count == 1 ? use : value;
}

bool scion_matrix_same(const struct scion_config *a, const struct scion_config *b)
{
        return scion_config_equal(only_use(a), only_use(b));
}

static char *key_of(const struct scion_matrix_group *group, const char *const *label)
{
        struct scion_text key = { 0 };

        for (size_t a = 0; a < group->axes; a++)
                scion_text_add(&key, "%s%s", a ? "\x1F" : "", label[a]);
        if (!key.failed)
                return key.text;
        free(key.text);
        return scion_fail_null("out of memory");
}

static bool grow(struct scion_matrix_group *group)
{
        size_t room = group->rows ? 2 * group->rows : 1;
        struct scion_matrix_value *value;
        char **key;

        if (group->rows & (group->rows - 1)) /* room is a power of two */
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

/* A value that the command line has set has no line. */
static bool fail_called_alike(const struct scion_matrix_group *group, size_t axis,
                              const struct scion_matrix_value *value, const struct scion_config *other)
{
        char line[48] = "";

        if (other->line > 0)
                snprintf(line, sizeof line, ", this one and that at line %d", other->line);
        return scion_config_fail(value->given,
                                 "two values of the axis '%s' are called '%s'%s: give one of them a `label`",
                                 group->path[axis], value->label, line);
}

static bool fail_twice(const struct scion_matrix_group *group, size_t axis,
                       const struct scion_matrix_value *value, const struct scion_config *where,
                       size_t before)
{
        const struct scion_config *other = scion_matrix_row(group, before)[axis].given;

        if (group->axes > 1)
                return scion_config_fail(where, "'%s' have these values twice", group->key);
        if (value->given->kind != SCION_CONFIG_MAP)
                return scion_config_fail(value->given, "the axis '%s' has the value %s twice",
                                         group->path[axis], value->label);
        return fail_called_alike(group, axis, value, other);
}

/* Whether one label stands for one value. Gives the value its number among those of its axis. */
static bool number_value(struct scion_matrix_group *group, size_t axis, struct scion_matrix_value *value)
{
        size_t before = scion_index_find(&group->labels[axis], value->label);
        const struct scion_matrix_value *other;

        if (before == SCION_INDEX_NONE) {
                value->number = group->values[axis]++;
                return scion_index_add(&group->labels[axis], value->label, group->rows);
        }
        other = &scion_matrix_row(group, before)[axis];
        value->number = other->number;
        if (group->axes == 1 || scion_matrix_same(value->value, other->value))
                return true;
        return fail_called_alike(group, axis, value, other->given);
}

static bool read_value(struct scion_matrix_group *group, size_t axis, const struct scion_config *given,
                       struct scion_matrix_value *value)
{
        if (scion_config_is_null(given))
                return scion_config_fail(given, "the axis '%s' has an empty value", group->path[axis]);
        value->given = given;
        value->label = label_of(given);
        value->value = value->label ? scion_config_copy(given) : NULL;
        if (!value->value)
                return false;
        scion_config_remove(value->value, "label");
        return true;
}

static void drop_row(struct scion_matrix_group *group, size_t row)
{
        for (size_t a = 0; a < group->axes; a++) {
                free(scion_matrix_row(group, row)[a].label);
                scion_config_destroy(scion_matrix_row(group, row)[a].value);
        }
        free(group->row_key[row]);
}

/* A row that was refused stays, for its labels may be in the index; what reads the matrix ends there. */
bool scion_matrix_add_row(struct scion_matrix_group *group, const struct scion_config *const *given,
                          const struct scion_config *where)
{
        struct scion_matrix_value *row;
        const char **label = calloc(group->axes, sizeof *label);
        size_t at = group->rows, before;
        bool good = label && grow(group);

        if (!label)
                scion_fail("out of memory");
        if (!good)
                goto done;
        row = scion_matrix_row(group, at);
        memset(row, 0, group->axes * sizeof *row);
        group->row_key[at] = NULL;
        for (size_t a = 0; good && a < group->axes; a++) {
                good = read_value(group, a, given[a], &row[a]) && number_value(group, a, &row[a]);
                label[a] = row[a].label;
        }
        group->rows++;
        if (!good || !(group->row_key[at] = key_of(group, label))) {
                good = false;
                goto done;
        }
        before = scion_index_find(&group->keys, group->row_key[at]);
        if (before == SCION_INDEX_NONE)
                good = scion_index_add(&group->keys, group->row_key[at], at);
        else
                good = fail_twice(group, 0, &row[0], where, before);
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

/* Setting `later` would undo what `earlier` has set. */
static bool undoes(const char *later, const char *earlier)
{
        const char *last = strrchr(later, '.');
        size_t length = last ? (size_t)(last - later) : 0;

        if (scion_config_path_inside(earlier, later))
                return true;
        return last && strcmp(last, ".use") == 0 && strncmp(earlier, later, length) == 0 &&
               earlier[length] == '.';
}

static bool check_against(const char *path, const struct scion_matrix_group *group,
                          const struct scion_config *place)
{
        for (size_t a = 0; a < group->axes && group->path[a] != path; a++) {
                if (strcmp(path, group->path[a]) == 0)
                        return scion_config_fail(place, "the axis '%s' is there twice", path);
                if (undoes(path, group->path[a]))
                        return scion_config_fail(
                                place, "the axis '%s' would undo the axis '%s': put it before that one", path,
                                group->path[a]);
        }
        return true;
}

static bool check_axis(const struct scion_matrix *matrix, const char *path, const struct scion_config *place)
{
        static const char *const fixed[] = { "name", "extends", NULL }, *const *const none[] = {
                fixed, scion_config_suite_keys
        };

        if (!scion_config_check_path(path, place))
                return false;
        for (size_t i = 0; i < 2; i++)
                for (const char *const *key = none[i]; *key; key++)
                        if (scion_config_path_inside(path, *key))
                                return scion_config_fail(
                                        place, "'%s' cannot be an axis of the matrix%s", path,
                                        strcmp(path, "seeds") == 0 ? ": the axis is 'seed'" : "");
        for (size_t g = 0; g < matrix->groups; g++)
                if (!check_against(path, &matrix->group[g], place))
                        return false;
        return true;
}

static bool read_paths(struct scion_matrix *matrix, struct scion_matrix_group *group,
                       const struct scion_config *place)
{
        const char *rest = group->key, *name;
        size_t most = 1, length;

        for (const char *c = group->key; *c; c++)
                most += *c == ',';
        if (matrix->axes + most > MOST_AXES)
                return scion_config_fail(place, "more than %d axes", MOST_AXES);
        group->path = calloc(most, sizeof *group->path);
        group->values = calloc(most, sizeof *group->values);
        group->labels = calloc(most, sizeof *group->labels);
        if (!group->path || !group->values || !group->labels)
                return scion_fail("out of memory");
        while (rest) {
                char **path = &group->path[group->axes];

                rest = scion_matrix_name(rest, &name, &length);
                *path = strndup(name, length);
                if (!*path)
                        return scion_fail("out of memory");
                group->axes++;
                if (!check_axis(matrix, *path, place))
                        return false;
        }
        matrix->axes += group->axes;
        return true;
}

/* A list of values; of lists of values, when several axes go together. */
static bool read_rows(struct scion_matrix_group *group, const struct scion_config *list)
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
                                "'%s' go together: each entry is a list of their %zu values, "
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

static bool read_group(struct scion_matrix *matrix, const char *key, const struct scion_config *place,
                       const struct scion_config *list)
{
        struct scion_matrix_group *group = &matrix->group[matrix->groups++];
        char got[64];

        group->key = key;
        if (!read_paths(matrix, group, place))
                return false;
        if (list->kind != SCION_CONFIG_LIST)
                return scion_config_fail(list, "the axis '%s' must be a list of values, got %s%s", key,
                                         scion_config_describe(list, got, sizeof got),
                                         list->kind == SCION_CONFIG_MAP
                                                 ? " (an axis has its whole path for a key, as "
                                                   "target.train.epochs)"
                                                 : "");
        if (list->count == 0)
                return scion_config_fail(list, "the axis '%s' has no values", key);
        return read_rows(group, list);
}

bool scion_matrix_wants(const struct scion_matrix *matrix, const struct scion_config *where, size_t runs)
{
        if (runs > SCION_MATRIX_MOST)
                return scion_config_fail(where, "more than %d combinations", SCION_MATRIX_MOST);
        if (runs > matrix->most)
                return scion_config_fail(where, "%zu runs: more than %zu have to be asked for with --force",
                                         runs, matrix->most);
        return true;
}

/* --- Seeds ---------------------------------------------------------------------------------------------- */

/* `seeds: 5` is the axis `seed: [1, 2, 3, 4, 5]`. */
static bool list_seeds(struct scion_matrix *matrix, const struct scion_config *seeds)
{
        int64_t count = 0;
        char text[32];

        if (seeds->kind != SCION_CONFIG_SCALAR || seeds->quoted ||
            scion_scalar_int(seeds->text, &count) != SCION_SCALAR_OK || count < 1)
                return scion_config_fail(seeds,
                                         "seeds takes their number: 5 for the seeds 1 to 5, got %s (others "
                                         "are an axis: matrix: { seed: [7, 11] })",
                                         scion_config_describe(seeds, text, sizeof text));
        if (!scion_matrix_wants(matrix, seeds, (size_t)count))
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

static bool read_seeds(struct scion_matrix *matrix, const struct scion_config *seeds)
{
        const struct scion_config *seed = scion_config_get(matrix->file, "seed");

        if (seed && !scion_config_is_null(seed)) {
                char line[16] = "";

                if (seed->line > 0)
                        snprintf(line, sizeof line, ":%d", seed->line);
                return scion_config_fail(seeds,
                                         "'seeds' and 'seed' (%s%s) are both given: take one of them away, "
                                         "`seed: null` if another file has brought it",
                                         seed->file, line);
        }
        for (size_t g = 0; g < matrix->groups; g++)
                for (size_t a = 0; a < matrix->group[g].axes; a++)
                        if (strcmp(matrix->group[g].path[a], "seed") == 0)
                                return scion_config_fail(seeds,
                                                         "'seeds' and the axis 'seed' of the matrix are both "
                                                         "given: take one of them away, `seeds: null` if "
                                                         "another file has brought it");
        return list_seeds(matrix, seeds) && read_group(matrix, "seed", seeds, matrix->seeds);
}

/* --- The whole
 * ------------------------------------------------------------------------------------------------------- */

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
                struct scion_config place = *map->entry[i].value;

                place.line = map->entry[i].line;
                place.column = map->entry[i].column;
                if (!read_group(matrix, map->entry[i].key, &place, map->entry[i].value))
                        return false;
        }
        return !seeds || scion_config_is_null(seeds) || read_seeds(matrix, seeds);
}

static void finish_group(struct scion_matrix_group *group)
{
        for (size_t i = 0; i < group->rows; i++)
                drop_row(group, i);
        for (size_t a = 0; a < group->axes; a++) {
                scion_index_finish(&group->labels[a]);
                free(group->path[a]);
        }
        scion_index_finish(&group->keys);
        free(group->labels);
        free(group->path);
        free(group->values);
        free(group->value);
        free(group->row_key);
}

void scion_matrix_finish_axes(struct scion_matrix *matrix)
{
        for (size_t g = 0; g < matrix->groups; g++)
                finish_group(&matrix->group[g]);
        free(matrix->group);
        scion_config_destroy(matrix->seeds);
}
