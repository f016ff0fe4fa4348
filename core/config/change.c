/* Changes to trees: short forms of plugins, merging, and values at dotted paths. */
#include "config/matrix.h"
#include "config/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Sections ------------------------------------------------------------------------------------------- */

static const char *const sides[] = { "source", "target" };

static const char *const dataset_keys[] = { "classes",   "per_class",  "limit",     "valid",
                                            "normalize", "unlabelled", "transform", NULL };
static const char *const optimizer_keys[] = { "lr", NULL };
static const char *const schedule_keys[] = { "warmup", "warmup_start", NULL };
static const char *const no_keys[] = { NULL };

/* The sections of source and target that name a plugin. The engine's keys are repeated here, because the
 * folders that read them depend on this one; tests/suite/sections.c compares both. */
static const struct section {
        const char *name;
        const char *const *keys;
} sections[] = { { "model", no_keys },
                 { "dataset", dataset_keys },
                 { "loss", no_keys },
                 { "optimizer", optimizer_keys },
                 { "schedule", schedule_keys } };

const char *const *scion_config_engine_keys(const char *side, const char *section)
{
        if (strcmp(side, sides[0]) != 0 && strcmp(side, sides[1]) != 0)
                return no_keys;
        for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
                if (strcmp(sections[i].name, section) == 0)
                        return sections[i].keys;
        return no_keys;
}

static bool key_is_among(const char *key, const char *const *keys)
{
        while (*keys && strcmp(*keys, key) != 0)
                keys++;
        return *keys != NULL;
}

/* Adds copies of the entries of `from` whose keys are among `keys`, unless the map has them. */
static bool map_add_missing(struct scion_config *map, const struct scion_config *from,
                            const char *const *keys)
{
        for (size_t i = 0; i < from->count; i++) {
                const struct scion_config_entry *entry = &from->entry[i];

                if (key_is_among(entry->key, keys) && !scion_config_find(map, entry->key) &&
                    !scion_config_add(map, entry->key, entry->line, entry->column,
                                      scion_config_copy(entry->value)))
                        return false;
        }
        return true;
}

/* --- Short forms ---------------------------------------------------------------------------------------- */

static bool key_spell_out(struct scion_config *map, const char *key)
{
        struct scion_config_entry *entry = scion_config_find(map, key);
        struct scion_config *value = entry ? entry->value : NULL, *spelled;

        if (!value || value->kind != SCION_CONFIG_SCALAR || scion_config_is_null(value))
                return true;
        spelled = scion_config_node(SCION_CONFIG_MAP, value->file, value->line, value->column);
        if (!spelled)
                return false;
        entry->value = spelled;
        return scion_config_add(spelled, "use", value->line, value->column, value);
}

bool scion_config_spell_out(struct scion_config *root)
{
        if (!key_spell_out(root, "strategy"))
                return false;
        for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
                struct scion_config_entry *side = scion_config_find(root, sides[i]);

                for (size_t j = 0; side && j < sizeof sections / sizeof *sections; j++)
                        if (!key_spell_out(side->value, sections[j].name))
                                return false;
        }
        return true;
}

/* --- Merging -------------------------------------------------------------------------------------------- */

/* Returns whether both maps name plugins, and different ones. */
static bool plugins_differ(const struct scion_config *a, const struct scion_config *b)
{
        const struct scion_config *x = scion_config_get(a, "use"), *y = scion_config_get(b, "use");

        return x && y && !scion_config_equal(x, y);
}

/* Merges `over` into `base`. `side` is the key of both if they are at the top level, "" if they are deeper,
 * and NULL if they are the whole trees. */
static bool map_merge(struct scion_config *base, const struct scion_config *over, const char *side)
{
        for (size_t i = 0; i < over->count; i++) {
                const struct scion_config_entry *entry = &over->entry[i];
                struct scion_config_entry *old = scion_config_find(base, entry->key);
                struct scion_config *copy;

                if (old && old->value->kind == SCION_CONFIG_MAP && entry->value->kind == SCION_CONFIG_MAP &&
                    !plugins_differ(old->value, entry->value)) {
                        if (!map_merge(old->value, entry->value, side ? "" : entry->key))
                                return false;
                        continue;
                }
                copy = scion_config_copy(entry->value);
                if (!copy)
                        return false;
                if (old && side && old->value->kind == SCION_CONFIG_MAP && copy->kind == SCION_CONFIG_MAP &&
                    !map_add_missing(copy, old->value, scion_config_engine_keys(side, entry->key))) {
                        scion_config_destroy(copy);
                        return false;
                }
                if (!old) {
                        if (!scion_config_add(base, entry->key, entry->line, entry->column, copy))
                                return false;
                        continue;
                }
                scion_config_replace(old, copy);
                old->line = entry->line;
                old->column = entry->column;
        }
        return true;
}

bool scion_config_merge(struct scion_config *base, const struct scion_config *over)
{
        return map_merge(base, over, NULL);
}

/* --- Values at dotted paths ----------------------------------------------------------------------------- */

/* Ends the first name of the path at its dot, unless it is an axis, which is one name with its dots.
 * Returns the rest of the path, or NULL at the end. */
static char *path_next_name(char *name, bool axis)
{
        char *dot = axis ? NULL : strchr(name, '.');

        if (!dot)
                return NULL;
        *dot = '\0';
        return dot + 1;
}

/* Returns the map at the key `name`; creates it if there is none. `path` and `value` are for messages. */
static struct scion_config *map_enter(struct scion_config *map, const char *name, const char *path,
                                      const struct scion_config *value)
{
        struct scion_config_entry *entry = scion_config_find(map, name);
        struct scion_config *inner = entry ? entry->value : NULL;
        char got[64];

        if (inner && inner->kind == SCION_CONFIG_MAP)
                return inner;
        if (inner && inner->kind == SCION_CONFIG_LIST) {
                scion_config_fail(value, "%s: '%s' is a list: set all of it, as [a, b]", path, name);
                return NULL;
        }
        if (inner && !scion_config_is_null(inner)) {
                scion_config_fail(value, "%s: '%s' is %s, not a map", path, name,
                                  scion_config_describe(inner, got, sizeof got));
                return NULL;
        }
        inner = scion_config_node(SCION_CONFIG_MAP, value->file, value->line, value->column);
        if (!inner)
                return NULL;
        if (entry) {
                scion_config_replace(entry, inner);
                return inner;
        }
        return scion_config_add(map, name, value->line, value->column, inner) ? inner : NULL;
}

static bool value_is_override(const struct scion_config *config)
{
        return config->file && strncmp(config->file, "--set", 5) == 0;
}

/* If `use` names another plugin than the map does, removes the old plugin's parameters, except overrides.
 * The engine's keys remain. */
static void map_drop_parameters(struct scion_config *map, const struct scion_config *use,
                                const char *const *engine_keys)
{
        const struct scion_config *old = scion_config_get(map, "use");

        if (!old || scion_config_equal(old, use))
                return;
        for (size_t i = map->count; i-- > 0;) {
                const struct scion_config_entry *entry = &map->entry[i];

                if (strcmp(entry->key, "use") != 0 && !value_is_override(entry->value) &&
                    !key_is_among(entry->key, engine_keys))
                        scion_config_remove(map, entry->key);
        }
}

/* Returns the map that the short form NAME of a section stands for: `use`, and the engine's keys of the
 * section's old value. */
static struct scion_config *section_spell_out(const struct scion_config *name, const struct scion_config *old,
                                              const char *const *engine_keys)
{
        struct scion_config *map = scion_config_node(SCION_CONFIG_MAP, name->file, name->line, name->column);

        if (map && scion_config_add(map, "use", name->line, name->column, scion_config_copy(name)) &&
            map_add_missing(map, old, engine_keys))
                return map;
        scion_config_destroy(map);
        return NULL;
}

/* Sets a key of the map. `own` are the engine's keys if the map is a section, and `inner` those if the key is
 * a section's. */
static bool map_set(struct scion_config *map, const char *name, const struct scion_config *value,
                    const char *const *own, const char *const *inner)
{
        struct scion_config_entry *entry = scion_config_find(map, name);
        bool short_form = *inner && entry && entry->value->kind == SCION_CONFIG_MAP &&
                          value->kind == SCION_CONFIG_SCALAR && !scion_config_is_null(value);
        struct scion_config *copy =
                short_form ? section_spell_out(value, entry->value, inner) : scion_config_copy(value);

        if (!copy)
                return false;
        if (!entry)
                return scion_config_add(map, name, value->line, value->column, copy);
        if (strcmp(name, "use") == 0) {
                map_drop_parameters(map, value, own);
                entry = scion_config_find(map, name);
        }
        scion_config_replace(entry, copy);
        return true;
}

bool scion_config_check_path(const char *path, const struct scion_config *where)
{
        int names = 1;

        for (const char *c = path; *c; c++)
                names += *c == '.';
        if (names > SCION_CONFIG_DEPTH / 2)
                return scion_config_fail(where, "too many names in the path '%.100s'", path);
        if (!*path || *path == '.' || path[strlen(path) - 1] == '.' || strstr(path, ".."))
                return scion_config_fail(where, "the path '%s' has an empty name", path);
        if (strstr(path, "<<"))
                return scion_config_fail(where, "the path '%s' has a '<<', which cannot be a key", path);
        return true;
}

bool scion_config_set(struct scion_config *map, const char *path, const struct scion_config *value)
{
        char *names, *name, *rest;
        const char *above[2] = { "", "" };
        size_t depth = 0;
        bool good = false;

        if (map->kind != SCION_CONFIG_MAP)
                return scion_config_fail(value, "%s: there is no map to set it in", path);
        if (!scion_config_check_path(path, value))
                return false;
        names = strdup(path);
        if (!names)
                return scion_fail("out of memory");
        struct scion_config *at = map;
        bool axis = false;
        for (name = names; (rest = path_next_name(name, axis)); name = rest) {
                axis = name == names && strcmp(name, "matrix") == 0;
                at = map_enter(at, name, path, value);
                if (!at)
                        goto done;
                if (depth < 2)
                        above[depth] = name;
                depth++;
        }
        good = map_set(at, name, value, depth == 2 ? scion_config_engine_keys(above[0], above[1]) : no_keys,
                       depth == 1 ? scion_config_engine_keys(above[0], name) : no_keys) &&
               scion_config_spell_out(map);
done:
        free(names);
        return good;
}

/* --- Overrides ------------------------------------------------------------------------------------------ */

/* Fails if the path is an axis of the matrix, or is inside one: the axis would silently replace the value. */
static bool map_check_axes(const struct scion_config *map, const char *path, const struct scion_config *value)
{
        const struct scion_config *matrix = scion_config_get(map, "matrix");

        for (size_t i = 0; matrix && matrix->kind == SCION_CONFIG_MAP && i < matrix->count; i++) {
                const char *rest = matrix->entry[i].key, *name;
                size_t length;

                while (rest) {
                        rest = scion_matrix_name(rest, &name, &length);
                        if (strncmp(path, name, length) == 0 && (path[length] == '\0' || path[length] == '.'))
                                return scion_config_fail(
                                        value, "'%.*s' is an axis of the matrix: set matrix.%s=[...]",
                                        (int)length, name, matrix->entry[i].key);
                }
        }
        return true;
}

bool scion_config_path_inside(const char *path, const char *above)
{
        size_t length = strlen(above);

        return strncmp(path, above, length) == 0 && (path[length] == '\0' || path[length] == '.');
}

static struct scion_config *value_read(const char *text, const struct scion_config *position)
{
        return text[strspn(text, " \t")] ? scion_config_read(text, strlen(text), position->file, false)
                                         : scion_config_scalar("", false, position);
}

bool scion_config_override(struct scion_config *map, const char *assignment)
{
        const char *equals = strchr(assignment, '=');
        struct scion_config position = { 0 }, *value = NULL;
        char *path = NULL, shown[160];
        bool good = false;

        /* Messages quote the assignment, because there may be several. */
        snprintf(shown, sizeof shown, strlen(assignment) > 120 ? "--set %.117s..." : "--set %s", assignment);
        position.file = scion_config_file_name(shown);
        if (!position.file)
                return false;
        if (!equals)
                return scion_config_fail(&position,
                                         "no '=': write PATH=VALUE, such as target.train.epochs=5");
        path = strndup(assignment, (size_t)(equals - assignment));
        if (!path)
                return scion_fail("out of memory");
        if (strcmp(path, "extends") == 0)
                scion_config_fail(&position, "extends cannot be set here: the files have been read already");
        else if (scion_config_check_path(path, &position) && (value = value_read(equals + 1, &position)))
                good = map_check_axes(map, path, value) && scion_config_set(map, path, value);
        scion_config_destroy(value);
        free(path);
        return good;
}
