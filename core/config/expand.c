/* Suites: the matrix crossed, less what is excluded. */
#include "config/tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define MOST_RUNS 100000

struct axis {
        const char *path;
        size_t count;
        const struct scion_config *list; /* as in the file */
        struct scion_config **value;     /* without label */
        char **label;
};

/* An entry of `exclude`: for each axis which values it names; NULL for any. */
struct rule {
        bool **names;
};

struct scion_matrix {
        struct scion_config *file;
        struct scion_config *bare; /* the file without matrix and exclude */
        size_t axes;
        struct axis *axis;
        size_t rules;
        struct rule *rule;
};

static const struct scion_config *value_at(const struct axis *axis, size_t i)
{
        return axis->list->entry[i].value;
}

/* --- Axes ----------------------------------------------------------------------------------------------- */

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

/* No two values of an axis may go by one name. */
static bool check_labels(const struct axis *axis)
{
        const struct scion_config *value;
        size_t first, again;

        if (!scion_config_twice((const char *const *)axis->label, axis->count, &first, &again))
                return false;
        if (again == axis->count)
                return true;
        value = value_at(axis, again);
        if (value->kind == SCION_CONFIG_MAP)
                return scion_config_fail(value,
                                         "two values of the axis '%s' are called '%s', this one and that at "
                                         "line %d: give one of them a `label`",
                                         axis->path, axis->label[again], value_at(axis, first)->line);
        return scion_config_fail(value, "the axis '%s' has the value %s twice", axis->path,
                                 axis->label[again]);
}

static bool read_values(struct axis *axis)
{
        size_t count = axis->list->count;

        axis->value = calloc(count, sizeof *axis->value);
        axis->label = calloc(count, sizeof *axis->label);
        if (!axis->value || !axis->label)
                return scion_fail("out of memory");
        axis->count = count;
        for (size_t i = 0; i < count; i++) {
                const struct scion_config *value = value_at(axis, i);

                if (scion_config_is_null(value))
                        return scion_config_fail(value, "the axis '%s' has an empty value", axis->path);
                axis->label[i] = label_of(value);
                axis->value[i] = axis->label[i] ? scion_config_copy(value) : NULL;
                if (!axis->value[i])
                        return false;
                scion_config_remove(axis->value[i], "label");
        }
        return check_labels(axis);
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

static bool read_axis(struct scion_matrix *suite, const struct scion_config *matrix, size_t i)
{
        static const char *const fixed[] = { "name", "extends", "matrix", "exclude" };
        const struct scion_config *list = matrix->entry[i].value;
        struct axis *axis = &suite->axis[i];
        struct scion_config place = *list;
        char got[64];

        axis->path = matrix->entry[i].key;
        axis->list = list;
        place.line = matrix->entry[i].line;
        place.column = matrix->entry[i].column;
        if (!scion_config_check_path(axis->path, &place))
                return false;
        for (size_t j = 0; j < sizeof fixed / sizeof *fixed; j++)
                if (scion_config_path_inside(axis->path, fixed[j]))
                        return scion_config_fail(&place, "'%s' cannot be an axis of the matrix", axis->path);
        for (size_t j = 0; j < i; j++)
                if (undoes(axis->path, suite->axis[j].path))
                        return scion_config_fail(
                                &place, "the axis '%s' would undo the axis '%s': put it before that one",
                                axis->path, suite->axis[j].path);
        if (list->kind != SCION_CONFIG_LIST)
                return scion_config_fail(list, "the axis '%s' must be a list of values, got %s", axis->path,
                                         scion_config_describe(list, got, sizeof got));
        if (list->count == 0)
                return scion_config_fail(list, "the axis '%s' has no values", axis->path);
        return read_values(axis);
}

static bool read_axes(struct scion_matrix *suite, const struct scion_config *matrix)
{
        size_t runs = 1;
        char got[64];

        if (matrix->kind != SCION_CONFIG_MAP)
                return scion_config_fail(matrix, "matrix must be a map of paths to lists of values, got %s",
                                         scion_config_describe(matrix, got, sizeof got));
        if (matrix->count == 0)
                return scion_config_fail(matrix, "the matrix has no axes: leave it out for a single run");
        suite->axis = calloc(matrix->count, sizeof *suite->axis);
        if (!suite->axis)
                return scion_fail("out of memory");
        for (suite->axes = 0; suite->axes < matrix->count;) {
                size_t i = suite->axes++;

                if (matrix->entry[i].value->count > MOST_RUNS)
                        return scion_config_fail(matrix, "more than %d runs", MOST_RUNS);
                if (!read_axis(suite, matrix, i))
                        return false;
                runs *= suite->axis[i].count;
                if (runs > MOST_RUNS)
                        return scion_config_fail(matrix, "more than %d runs", MOST_RUNS);
        }
        return true;
}

/* --- Excluding
 * ------------------------------------------------------------------------------------------------------- */

/* Whether an axis has this value under that name. */
static bool is_named(const struct axis *axis, size_t i, const struct scion_config *name)
{
        const struct scion_config *value = value_at(axis, i);
        const struct scion_config *use = scion_config_get(value, "use");

        if (name->kind == SCION_CONFIG_LIST)
                return scion_config_equal(value, name);
        if (name->kind == SCION_CONFIG_SCALAR)
                return strcmp(name->text, axis->label[i]) == 0 ||
                       (use && use->kind == SCION_CONFIG_SCALAR && strcmp(name->text, use->text) == 0);
        for (size_t j = 0; j < name->count; j++) {
                const struct scion_config *wanted = name->entry[j].value;
                const struct scion_config *has = scion_config_get(value, name->entry[j].key);

                /* a plugin named in short */
                if (value->kind == SCION_CONFIG_SCALAR && strcmp(name->entry[j].key, "use") == 0)
                        has = value;
                if (!has || !scion_config_equal(has, wanted))
                        return false;
        }
        return true;
}

static bool fail_value(const struct axis *axis, const struct scion_config *name)
{
        struct scion_text all = { 0 };
        const char *near = NULL;
        char got[64];

        scion_config_describe(name, got, sizeof got);
        if (name->kind == SCION_CONFIG_SCALAR)
                near = scion_nearest(name->text, (const char *const *)axis->label, axis->count);
        if (near) {
                scion_config_fail(name, "exclude: the axis '%s' has no value %s (did you mean '%s'?)",
                                  axis->path, got, near);
                return false;
        }
        for (size_t i = 0; i < axis->count && i < 20; i++)
                scion_text_add(&all, "%s%s", i ? ", " : "", axis->label[i]);
        scion_config_fail(name, "exclude: the axis '%s' has no value %s (it has %s%s)", axis->path,
                          name->kind == SCION_CONFIG_SCALAR ? got : "like this", all.text ? all.text : "",
                          axis->count > 20 ? ", ..." : "");
        free(all.text);
        return false;
}

static bool fail_axis(const struct scion_matrix *suite, const struct scion_config *rule, size_t index)
{
        const char **paths = malloc(suite->axes * sizeof *paths), *near;
        struct scion_text hint = { 0 };

        if (!paths)
                return scion_fail("out of memory");
        for (size_t i = 0; i < suite->axes; i++)
                paths[i] = suite->axis[i].path;
        near = scion_nearest(rule->entry[index].key, paths, suite->axes);
        scion_text_add(&hint, near ? "did you mean '%s'?" : "it has %s", near ? near : paths[0]);
        for (size_t i = 1; !near && i < suite->axes; i++)
                scion_text_add(&hint, ", %s", paths[i]);
        scion_config_fail_key(rule, index, "exclude: the matrix has no axis '%s' (%s)",
                              rule->entry[index].key, hint.text ? hint.text : "");
        free(hint.text);
        free(paths);
        return false;
}

static bool read_rule(const struct scion_matrix *suite, const struct scion_config *map, struct rule *rule)
{
        if (map->kind != SCION_CONFIG_MAP || map->count == 0)
                return scion_config_fail(map, "each entry of exclude must be a map of axes to values, as in "
                                              "`- { strategy: scratch, seed: 3 }`");
        rule->names = calloc(suite->axes, sizeof *rule->names);
        if (!rule->names)
                return scion_fail("out of memory");
        for (size_t i = 0; i < map->count; i++) {
                const struct scion_config *name = map->entry[i].value;
                const struct axis *axis;
                bool any = false;
                size_t a = 0;

                while (a < suite->axes && strcmp(suite->axis[a].path, map->entry[i].key) != 0)
                        a++;
                if (a == suite->axes)
                        return fail_axis(suite, map, i);
                axis = &suite->axis[a];
                rule->names[a] = calloc(axis->count, sizeof **rule->names);
                if (!rule->names[a])
                        return scion_fail("out of memory");
                for (size_t j = 0; j < axis->count; j++)
                        any |= rule->names[a][j] = is_named(axis, j, name);
                if (!any)
                        return fail_value(axis, name);
        }
        return true;
}

static bool read_rules(struct scion_matrix *suite, const struct scion_config *exclude)
{
        if (!exclude)
                return true;
        if (exclude->kind != SCION_CONFIG_LIST)
                return scion_config_fail(exclude, "exclude must be a list of maps of axes to values, as in "
                                                  "`- { strategy: scratch, seed: 3 }`");
        suite->rule = calloc(exclude->count ? exclude->count : 1, sizeof *suite->rule);
        if (!suite->rule)
                return scion_fail("out of memory");
        while (suite->rules < exclude->count) {
                size_t i = suite->rules++;

                if (!read_rule(suite, exclude->entry[i].value, &suite->rule[i]))
                        return false;
        }
        return true;
}

static bool is_excluded(const struct scion_matrix *suite, const size_t *at)
{
        for (size_t i = 0; i < suite->rules; i++) {
                bool match = true;

                for (size_t a = 0; match && a < suite->axes; a++)
                        match = !suite->rule[i].names[a] || suite->rule[i].names[a][at[a]];
                if (match)
                        return true;
        }
        return false;
}

/* --- Crossing ------------------------------------------------------------------------------------------- */

/* One more run, where `at` says. */
static void add_run(const struct scion_matrix *suite, const size_t *at, struct scion_config_runs *runs)
{
        struct scion_config_point *point = runs->point + runs->count * suite->axes;
        uint32_t *mine = runs->at + runs->count * suite->axes;

        for (size_t a = 0; a < suite->axes; a++) {
                mine[a] = (uint32_t)at[a];
                point[a].path = suite->axis[a].path;
                point[a].label = suite->axis[a].label[at[a]];
                point[a].value = at[a];
        }
        runs->run[runs->count++] =
                (struct scion_config_run){ .matrix = suite, .at = mine, .axes = suite->axes, .point = point };
}

struct scion_config *scion_config_resolve(const struct scion_config_run *run)
{
        const struct scion_matrix *suite = run->matrix;
        struct scion_config *config = scion_config_copy(suite->bare);

        for (size_t a = 0; config && a < suite->axes; a++) {
                const struct axis *axis = &suite->axis[a];

                if (scion_config_set(config, axis->path, axis->value[run->at[a]]))
                        continue;
                scion_config_destroy(config);
                config = NULL;
        }
        return config;
}

size_t scion_config_values(const struct scion_config_runs *runs, size_t axis)
{
        return runs->matrix->axis[axis].count;
}

/* The next combination, the last axis fastest; false after the last one. */
static bool step(const struct scion_matrix *suite, size_t *at)
{
        for (size_t a = suite->axes; a-- > 0;) {
                if (++at[a] < suite->axis[a].count)
                        return true;
                at[a] = 0;
        }
        return false;
}

/* How many runs are left, without making any. */
static size_t count_runs(const struct scion_matrix *suite, size_t *at)
{
        size_t count = 0;

        do
                count += !is_excluded(suite, at);
        while (step(suite, at)); /* which ends where it began */
        return count;
}

static bool cross(const struct scion_matrix *suite, struct scion_config_runs *runs)
{
        size_t *at = calloc(suite->axes ? suite->axes : 1, sizeof *at), count;
        bool good = false;

        if (!at) {
                scion_fail("out of memory");
                goto done;
        }
        count = count_runs(suite, at);
        runs->run = calloc(count + 1, sizeof *runs->run);
        runs->at = calloc(count * suite->axes + 1, sizeof *runs->at);
        runs->point = calloc(count * suite->axes + 1, sizeof *runs->point);
        if (!runs->run || !runs->at || !runs->point) {
                scion_fail("out of memory");
                goto done;
        }
        do
                if (!is_excluded(suite, at))
                        add_run(suite, at, runs);
        while (step(suite, at));
        good = true;
done:
        free(at);
        return good;
}

/* --- The whole
 * ------------------------------------------------------------------------------------------------------- */

static void matrix_destroy(struct scion_matrix *suite)
{
        if (!suite)
                return;
        for (size_t i = 0; i < suite->rules; i++) {
                for (size_t a = 0; suite->rule[i].names && a < suite->axes; a++)
                        free(suite->rule[i].names[a]);
                free(suite->rule[i].names);
        }
        free(suite->rule);
        for (size_t a = 0; a < suite->axes; a++) {
                for (size_t i = 0; i < suite->axis[a].count; i++) {
                        scion_config_destroy(suite->axis[a].value[i]);
                        free(suite->axis[a].label[i]);
                }
                free(suite->axis[a].value);
                free(suite->axis[a].label);
        }
        free(suite->axis);
        scion_config_destroy(suite->bare);
        scion_config_destroy(suite->file);
        free(suite);
}

/* The matrix of a file, which it holds a copy of: runs live longer than what they were made of. */
static struct scion_matrix *matrix_create(const struct scion_config *config)
{
        struct scion_matrix *suite = calloc(1, sizeof *suite);

        if (!suite)
                return scion_fail_null("out of memory");
        suite->file = scion_config_copy(config);
        suite->bare = scion_config_copy(config);
        if (!suite->file || !suite->bare) {
                matrix_destroy(suite);
                return NULL;
        }
        scion_config_remove(suite->bare, "matrix");
        scion_config_remove(suite->bare, "exclude");
        return suite;
}

bool scion_config_expand(const struct scion_config *config, struct scion_config_runs *runs)
{
        struct scion_matrix *suite = matrix_create(config);
        bool good = false;

        *runs = (struct scion_config_runs){ .matrix = suite };
        if (!suite)
                return false;

        const struct scion_config *matrix = scion_config_get(suite->file, "matrix");
        const struct scion_config *exclude = scion_config_get(suite->file, "exclude");

        if (exclude && !matrix)
                scion_config_fail(exclude, "exclude says what to leave out of a matrix, and there is none");
        else
                good = (!matrix || read_axes(suite, matrix)) && read_rules(suite, exclude) &&
                       cross(suite, runs);
        if (good && runs->count == 0)
                good = scion_config_fail(exclude, "exclude leaves no run of the matrix");
        if (!good)
                scion_config_runs_finish(runs);
        return good;
}

void scion_config_runs_finish(struct scion_config_runs *runs)
{
        matrix_destroy(runs->matrix);
        free(runs->run);
        free(runs->at);
        free(runs->point);
        *runs = (struct scion_config_runs){ 0 };
}
