/* Reads the rules of a suite: `exclude` and `include`. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/matrix.h"
#include "config/tree.h"

#define MOST_SHOWN 20 /* names in a message */

/* --- Names ---------------------------------------------------------------------------------------------- */

/* Adds " (it has a, b, c)". */
static void hint_list(struct scion_text *hint, const char *const *names, size_t count)
{
        scion_text_add(hint, " (it has ");
        scion_text_add_names(hint, names, count < MOST_SHOWN ? count : MOST_SHOWN);
        scion_text_add(hint, count > MOST_SHOWN ? ", ...)" : ")");
}

static bool matrix_fail_axis(const struct scion_matrix *matrix, const struct scion_config *rule, size_t entry,
                             const char *what)
{
        const char **paths = calloc(matrix->axes + 1, sizeof *paths);
        struct scion_text hint = { 0 };
        size_t count = 0;

        if (!paths)
                return scion_fail("out of memory");
        for (size_t g = 0; g < matrix->groups; g++)
                for (size_t a = 0; a < matrix->group[g].axes; a++)
                        paths[count++] = matrix->group[g].path[a];
        if (!scion_suggest(&hint, rule->entry[entry].key, paths, count))
                hint_list(&hint, paths, count);
        scion_config_fail_key(rule, entry, "%s: the matrix has no axis '%s'%s", what, rule->entry[entry].key,
                              hint.text ? hint.text : "");
        free(hint.text);
        free(paths);
        return false;
}

bool scion_matrix_find_axis(const struct scion_matrix *matrix, const struct scion_config *rule, size_t entry,
                            const char *what, size_t *group, size_t *axis)
{
        for (*group = 0; *group < matrix->groups; ++*group)
                for (*axis = 0; *axis < matrix->group[*group].axes; ++*axis)
                        if (strcmp(matrix->group[*group].path[*axis], rule->entry[entry].key) == 0)
                                return true;
        return matrix_fail_axis(matrix, rule, entry, what);
}

/* --- Excluding ------------------------------------------------------------------------------------------ */

/* Returns whether `name`, given in a rule, matches the value: a scalar by label or `use`, a map by its
 * entries. */
static bool value_matches(const struct scion_matrix_value *value, const struct scion_config *name)
{
        const struct scion_config *given = value->given, *use = scion_config_get(given, "use");

        if (name->kind == SCION_CONFIG_LIST)
                return scion_config_equal(given, name);
        if (name->kind == SCION_CONFIG_SCALAR)
                return strcmp(name->text, value->label) == 0 || scion_matrix_same(name, value->value) ||
                       (use && use->kind == SCION_CONFIG_SCALAR && strcmp(name->text, use->text) == 0);
        for (size_t j = 0; j < name->count; j++) {
                const struct scion_config *wanted = name->entry[j].value;
                const struct scion_config *has = scion_config_get(given, name->entry[j].key);

                /* the short form of a plugin */
                if (given->kind == SCION_CONFIG_SCALAR && strcmp(name->entry[j].key, "use") == 0)
                        has = given;
                if (!has || !scion_config_equal(has, wanted))
                        return false;
        }
        return true;
}

static bool group_fail_value(const struct scion_matrix_group *group, size_t axis,
                             const struct scion_config *name)
{
        const char **labels = calloc(group->values[axis], sizeof *labels);
        struct scion_text hint = { 0 };
        bool scalar = name->kind == SCION_CONFIG_SCALAR;
        size_t count = group->values[axis];
        char got[64];

        if (!labels)
                return scion_fail("out of memory");
        for (size_t row = 0; row < group->rows; row++)
                labels[scion_matrix_row(group, row)[axis].number] = scion_matrix_row(group, row)[axis].label;
        if (!scalar || !scion_suggest(&hint, name->text, labels, count))
                hint_list(&hint, labels, count);
        scion_config_fail(name, "exclude: the axis '%s' has no value %s%s", group->path[axis],
                          scalar ? scion_config_describe(name, got, sizeof got) : "like this",
                          hint.text ? hint.text : "");
        free(hint.text);
        free(labels);
        return false;
}

/* Clears named[row] for the rows whose value on the axis `name` does not match. Fails if no row is left. */
static bool group_match_rows(const struct scion_matrix_group *group, size_t axis,
                             const struct scion_config *name, bool *named)
{
        bool any = false, all = false;

        for (size_t row = 0; row < group->rows; row++) {
                bool is = value_matches(&scion_matrix_row(group, row)[axis], name);

                any = any || is;
                named[row] = named[row] && is;
                all = all || named[row];
        }
        if (!any)
                return group_fail_value(group, axis, name);
        return all ||
               scion_config_fail(name, "exclude: no entry of '%s' has these values together", group->key);
}

static bool matrix_read_exclude(const struct scion_matrix *matrix, const struct scion_config *map,
                                struct scion_matrix_rule *rule)
{
        if (map->kind != SCION_CONFIG_MAP || map->count == 0)
                return scion_config_fail(map, "each entry of exclude must be a map of axes to values, as in "
                                              "`- { strategy: scratch, seed: 3 }`");
        rule->names = calloc(matrix->groups, sizeof *rule->names);
        if (!rule->names)
                return scion_fail("out of memory");
        for (size_t i = 0; i < map->count; i++) {
                size_t g, axis;

                if (!scion_matrix_find_axis(matrix, map, i, "exclude", &g, &axis))
                        return false;
                if (!rule->names[g]) {
                        rule->names[g] = malloc(matrix->group[g].rows * sizeof **rule->names);
                        if (!rule->names[g])
                                return scion_fail("out of memory");
                        for (size_t row = 0; row < matrix->group[g].rows; row++)
                                rule->names[g][row] = true;
                }
                if (!group_match_rows(&matrix->group[g], axis, map->entry[i].value, rule->names[g]))
                        return false;
        }
        return true;
}

/* --- Including ------------------------------------------------------------------------------------------ */

/* Sets `row` to the first row that has the value on the axis, or to SCION_NAME_NONE if the value is new. */
static bool group_find_value(const struct scion_matrix_group *group, size_t axis,
                             const struct scion_config *value, size_t *row)
{
        const struct scion_config *label = scion_config_get(value, "label");
        struct scion_config *bare;

        *row = SCION_NAME_NONE;
        if (value->kind == SCION_CONFIG_SCALAR) {
                *row = scion_name_map_find(&group->labels[axis], value->text);
                if (*row == SCION_NAME_NONE)
                        *row = scion_matrix_find_value(group, axis, value);
                return true;
        }
        bare = scion_config_copy(value);
        if (!bare)
                return false;
        scion_config_remove(bare, "label");
        for (size_t i = 0; i < group->rows && *row == SCION_NAME_NONE; i++) {
                const struct scion_matrix_value *other = &scion_matrix_row(group, i)[axis];

                if (scion_matrix_same(bare, other->value) &&
                    (!label || (label->text && strcmp(label->text, other->label) == 0)))
                        *row = i;
        }
        scion_config_destroy(bare);
        return true;
}

/* Returns whether the row has the given values: on each axis with given[axis], the value of row found[axis]. */
static bool group_row_has_values(const struct scion_matrix_group *group, size_t row,
                                 const struct scion_config *const *given, const size_t *found)
{
        for (size_t a = 0; a < group->axes; a++)
                if (given[a] &&
                    scion_matrix_row(group, row)[a].number != scion_matrix_row(group, found[a])[a].number)
                        return false;
        return true;
}

static bool block_add_row(struct scion_matrix_block *block, size_t g, size_t row)
{
        uint32_t *larger = realloc(block->row[g], (block->count[g] + 1) * sizeof *larger);

        if (!larger)
                return scion_fail("out of memory");
        block->row[g] = larger;
        larger[block->count[g]++] = (uint32_t)row;
        return true;
}

/* Adds the rows that have the given values to the block. If there are none, adds a new row to the group,
 * for which all axes must be given. */
static bool group_choose_rows(struct scion_matrix_group *group, const struct scion_config **given,
                              const struct scion_config *where, struct scion_matrix_block *block, size_t g)
{
        size_t *found = calloc(group->axes, sizeof *found);
        bool all_given = true, known = true, good = found || scion_fail("out of memory");

        for (size_t a = 0; good && a < group->axes; a++) {
                all_given = all_given && given[a];
                if (given[a])
                        good = group_find_value(group, a, given[a], &found[a]);
                known = known && found[a] != SCION_NAME_NONE;
        }
        if (good && known && group->axes == 1)
                good = block_add_row(block, g, found[0]);
        for (size_t row = 0; good && known && group->axes > 1 && row < group->rows; row++)
                if (group_row_has_values(group, row, given, found))
                        good = block_add_row(block, g, row);
        if (!good || block->count[g] > 0)
                goto done;
        if (!all_given) {
                good = scion_config_fail(
                        where, "include: no entry of '%s' has these values: give the values of all its axes",
                        group->key);
                goto done;
        }
        for (size_t a = 0; a < group->axes; a++)
                if (found[a] != SCION_NAME_NONE)
                        given[a] = scion_matrix_row(group, found[a])[a].given;
        good = scion_matrix_add_row(group, given, where) && block_add_row(block, g, group->rows - 1);
done:
        free(found);
        return good;
}

/* An axis that the entry does not give takes all its values in the matrix. */
static bool matrix_read_include(struct scion_matrix *matrix, const struct scion_config *map,
                                struct scion_matrix_block *block)
{
        const struct scion_config **given;
        size_t first = 0; /* index of the group's first axis in `given` */
        bool good = true;

        if (map->kind != SCION_CONFIG_MAP || map->count == 0)
                return scion_config_fail(map, "each entry of include must be a map of axes to values, as in "
                                              "`- { strategy: scratch, seed: 4 }`");
        given = calloc(matrix->axes, sizeof *given);
        if (!given)
                return scion_fail("out of memory");
        for (size_t i = 0; good && i < map->count; i++) {
                size_t g, axis, before = 0;

                good = scion_matrix_find_axis(matrix, map, i, "include", &g, &axis);
                for (size_t j = 0; good && j < g; j++)
                        before += matrix->group[j].axes;
                if (good)
                        given[before + axis] = map->entry[i].value;
        }
        for (size_t g = 0; good && g < matrix->groups; g++) {
                struct scion_matrix_group *group = &matrix->group[g];
                bool named = false;

                for (size_t a = 0; a < group->axes; a++)
                        named = named || given[first + a];
                if (named)
                        good = group_choose_rows(group, given + first, map, block, g);
                else
                        block->count[g] = group->crossed;
                first += group->axes;
        }
        free(given);
        return good;
}

/* --- Both ----------------------------------------------------------------------------------------------- */

static bool block_init(const struct scion_matrix *matrix, const struct scion_config *where,
                       struct scion_matrix_block *block)
{
        block->where = where;
        block->count = calloc(matrix->groups + 1, sizeof *block->count);
        block->row = calloc(matrix->groups + 1, sizeof *block->row);
        return (block->count && block->row) || scion_fail("out of memory");
}

static bool rule_check_list(const struct scion_matrix *matrix, const struct scion_config *list,
                            const char *what, const char *does)
{
        if (!list)
                return true;
        if (matrix->groups == 0)
                return scion_config_fail(list, "%s needs a matrix to %s, and there is none", what, does);
        return list->kind == SCION_CONFIG_LIST ||
               scion_config_fail(list,
                                 "%s must be a list of maps of axes to values, as in "
                                 "`- { strategy: scratch, seed: 3 }`",
                                 what);
}

/* Reads `exclude` first, because it applies only to the rows of the matrix, not to those that `include`
 * adds. */
bool scion_matrix_read_rules(struct scion_matrix *matrix)
{
        const struct scion_config *exclude = scion_config_get(matrix->file, "exclude");
        const struct scion_config *include = scion_config_get(matrix->file, "include");
        size_t rules = exclude ? exclude->count : 0, blocks = 1 + (include ? include->count : 0);

        if (!rule_check_list(matrix, exclude, "exclude", "leave runs out of") ||
            !rule_check_list(matrix, include, "include", "add runs to"))
                return false;
        matrix->rule = calloc(rules + 1, sizeof *matrix->rule);
        matrix->block = calloc(blocks, sizeof *matrix->block);
        if (!matrix->rule || !matrix->block)
                return scion_fail("out of memory");
        while (matrix->rules < rules) {
                size_t i = matrix->rules++;

                if (!matrix_read_exclude(matrix, exclude->entry[i].value, &matrix->rule[i]))
                        return false;
        }
        while (matrix->blocks < blocks) {
                size_t i = matrix->blocks++;
                const struct scion_config *where =
                        i ? include->entry[i - 1].value
                          : scion_config_get(matrix->file,
                                             matrix->seeds && matrix->groups == 1 ? "seeds" : "matrix");

                if (!block_init(matrix, where, &matrix->block[i]))
                        return false;
                for (size_t g = 0; i == 0 && g < matrix->groups; g++)
                        matrix->block[i].count[g] = matrix->group[g].crossed;
                if (i > 0 && !matrix_read_include(matrix, where, &matrix->block[i]))
                        return false;
        }
        return true;
}

void scion_matrix_finish_rules(struct scion_matrix *matrix)
{
        for (size_t i = 0; i < matrix->rules; i++) {
                for (size_t g = 0; matrix->rule[i].names && g < matrix->groups; g++)
                        free(matrix->rule[i].names[g]);
                free(matrix->rule[i].names);
        }
        for (size_t i = 0; i < matrix->blocks; i++) {
                for (size_t g = 0; matrix->block[i].row && g < matrix->groups; g++)
                        free(matrix->block[i].row[g]);
                free(matrix->block[i].row);
                free(matrix->block[i].count);
        }
        free(matrix->rule);
        free(matrix->block);
}
