#include "plugin/params.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/scalar.h"
#include "config/tree.h"
#include "plugin/range.h"

/* The parameter that is being filled. */
struct filling {
        const char *owner; /* begins messages */
        const struct scion_param *param;
};

static void *param_field(const struct scion_param *param, void *state)
{
        return (char *)state + param->offset;
}

const struct scion_param *scion_params_find(const struct scion_param *table, const char *name)
{
        for (; table && table->type != SCION_PARAM_END; table++)
                if (strcmp(table->name, name) == 0)
                        return table;
        return NULL;
}

static bool param_is_list(const struct scion_param *param)
{
        return param->type == SCION_PARAM_FLOATS || param->type == SCION_PARAM_INTS ||
               param->type == SCION_PARAM_STRINGS;
}

/* Fails with "OWNER: NAME must be WHAT, got VALUE", followed by `ending`. */
static bool value_fail_ending(const struct filling *to, const struct scion_config *value, const char *what,
                              const char *ending)
{
        char got[64];

        return scion_config_fail(value, "%s: %s%s must be %s, got %s%s", to->owner,
                                 param_is_list(to->param) ? "each of " : "", to->param->name, what,
                                 scion_config_describe(value, got, sizeof got), ending);
}

/* Fails with "OWNER: NAME must be WHAT, got VALUE (HINT)"; `hint` may be NULL. */
static bool value_fail(const struct filling *to, const struct scion_config *value, const char *what,
                       const char *hint)
{
        char ending[128] = "";

        if (hint)
                snprintf(ending, sizeof ending, " (%s)", hint);
        return value_fail_ending(to, value, what, ending);
}

/* --- Numbers -------------------------------------------------------------------------------------------- */

static bool value_fail_range(const struct filling *to, const struct scion_config *value)
{
        const struct scion_param *param = to->param;
        char min[SCION_SCALAR_BYTES], max[SCION_SCALAR_BYTES], words[128] = "";

        if (scion_range_has_min(param))
                snprintf(words, sizeof words, "%s %s%s", param->above_min ? "above" : "at least",
                         scion_scalar_double_text(param->min, min),
                         scion_range_has_max(param) ? " and " : "");
        if (scion_range_has_max(param))
                snprintf(words + strlen(words), sizeof words - strlen(words), "%s %s",
                         param->below_max ? "below" : "at most", scion_scalar_double_text(param->max, max));
        return scion_config_fail(value, "%s: %s%s must be %s, got %s", to->owner,
                                 param_is_list(param) ? "each of " : "", param->name, words, value->text);
}

/* Returns a hint if the value is a number in quotes, else NULL. */
static const char *value_quotes_hint(const struct scion_config *value)
{
        double number;

        if (value->kind != SCION_CONFIG_SCALAR || !value->quoted ||
            scion_scalar_float(value->text, &number) == SCION_SCALAR_OTHER)
                return NULL;
        return "in quotes it is a text";
}

static bool value_is_plain(const struct scion_config *value)
{
        return value->kind == SCION_CONFIG_SCALAR && !value->quoted;
}

static bool filling_set_infinity(const struct filling *to, const struct scion_config *value, double number,
                                 float *result)
{
        const struct scion_param *param = to->param;

        *result = (float)number;
        if (isnan(number))
                return value_fail(to, value, "a number", NULL);
        return scion_range_infinite(param, number) || value_fail(to, value, "finite", NULL);
}

static bool filling_set_float(const struct filling *to, const struct scion_config *value, float *result)
{
        const struct scion_param *param = to->param;
        double number = 0;
        enum scion_scalar is =
                value_is_plain(value) ? scion_scalar_float(value->text, &number) : SCION_SCALAR_OTHER;

        if (is == SCION_SCALAR_OTHER)
                return value_fail(to, value, "a number", value_quotes_hint(value));
        if (is == SCION_SCALAR_OK && !isfinite(number))
                return filling_set_infinity(to, value, number, result);
        if (is == SCION_SCALAR_OUTSIDE || isinf((float)number))
                return value_fail(to, value, "a number that a 32-bit float can hold", NULL);
        *result = (float)number;
        if (*result == 0 && number != 0)
                return value_fail(to, value, "a number that a 32-bit float can hold", "it would become 0");
        /* A value inside the range must not become an excluded bound by rounding to float. */
        if (!scion_range_holds(param, (long double)number) ||
            (scion_range_has_min(param) && param->above_min && *result <= (float)param->min) ||
            (scion_range_has_max(param) && param->below_max && *result >= (float)param->max))
                return value_fail_range(to, value);
        return true;
}

/* Returns a hint how to write an integer that was written as 1e3, 5.0 or 1_000; NULL if the value is none. */
static const char *value_int_hint(const struct scion_config *value, char *text, size_t bytes)
{
        double number = 0;
        size_t digits = 0, zeros;

        if (!value_is_plain(value))
                return value_quotes_hint(value);
        if (scion_scalar_float(value->text, &number) == SCION_SCALAR_OK) {
                if (floor(number) != number || fabs(number) > 9007199254740992.0)
                        return NULL;
                snprintf(text, bytes, "write %.0f", number);
                return text;
        }
        /* underscores between digits */
        snprintf(text, bytes, "write ");
        for (const char *c = value->text; *c && digits < 20; c++) {
                if (*c >= '0' && *c <= '9') {
                        size_t length = strlen(text);

                        digits++;
                        snprintf(text + length, bytes - length, "%c", *c);
                } else if (*c != '_') {
                        return NULL;
                }
        }
        zeros = strspn(value->text, "0_");
        return digits && !zeros ? text : NULL;
}

static bool filling_set_int(const struct filling *to, const struct scion_config *value, int64_t *result)
{
        char hint[64];
        enum scion_scalar is =
                value_is_plain(value) ? scion_scalar_int(value->text, result) : SCION_SCALAR_OTHER;

        if (is == SCION_SCALAR_OTHER)
                return value_fail(to, value, "an integer", value_int_hint(value, hint, sizeof hint));
        if (is == SCION_SCALAR_OUTSIDE)
                return value_fail(to, value, "an integer of 64 bits", NULL);
        return scion_range_holds(to->param, (long double)*result) || value_fail_range(to, value);
}

/* --- Booleans, strings and choices ---------------------------------------------------------------------- */

static bool filling_set_bool(const struct filling *to, const struct scion_config *value, bool *result)
{
        static const char *const yes[] = { "yes", "on", "y", "1" }, *const no[] = { "no", "off", "n", "0" };

        if (value_is_plain(value) && scion_scalar_bool(value->text, result) == SCION_SCALAR_OK)
                return true;
        if (value->kind != SCION_CONFIG_SCALAR)
                return value_fail(to, value, "true or false", NULL);
        if (value->quoted && scion_scalar_bool(value->text, result) == SCION_SCALAR_OK)
                return value_fail(to, value, "true or false", "in quotes it is a text");
        for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
                if (strcasecmp(value->text, yes[i]) == 0)
                        return value_fail(to, value, "true or false", "write true");
                if (strcasecmp(value->text, no[i]) == 0)
                        return value_fail(to, value, "true or false", "write false");
        }
        return value_fail(to, value, "true or false", NULL);
}

/* Accepts any scalar. The tree still owns the text. */
static bool filling_set_text(const struct filling *to, const struct scion_config *value, const char **result)
{
        if (value->kind != SCION_CONFIG_SCALAR)
                return value_fail(to, value, "a text", NULL);
        if (scion_config_is_null(value))
                return value_fail(to, value, "a text", "an empty text is written ''");
        *result = value->text;
        return true;
}

static size_t param_count_choices(const struct scion_param *param)
{
        size_t count = 0;

        while (param->choices[count])
                count++;
        return count;
}

static bool filling_set_choice(const struct filling *to, const struct scion_config *value, int *result)
{
        const struct scion_param *param = to->param;
        struct scion_text what = { 0 }, ending = { 0 };
        size_t count = param_count_choices(param);

        if (value->kind == SCION_CONFIG_SCALAR) {
                for (int i = 0; param->choices[i]; i++) {
                        if (strcmp(param->choices[i], value->text) != 0)
                                continue;
                        *result = i;
                        return true;
                }
                scion_suggest(&ending, value->text, param->choices, count);
        }
        scion_text_add(&what, "one of ");
        scion_text_add_names(&what, param->choices, count);
        value_fail_ending(to, value, what.text ? what.text : "one of its choices",
                          ending.text ? ending.text : "");
        free(what.text);
        free(ending.text);
        return false;
}

static bool field_copy_text(const char **field, const char *text)
{
        *field = strdup(text);
        return *field || scion_fail("out of memory");
}

/* --- Lists ---------------------------------------------------------------------------------------------- */

/* Returns the number of entries; a scalar counts as a list of one. */
static size_t value_count(const struct scion_config *value)
{
        return value->kind == SCION_CONFIG_LIST ? value->count : 1;
}

static const struct scion_config *value_entry(const struct scion_config *value, size_t i)
{
        return value->kind == SCION_CONFIG_LIST ? value->entry[i].value : value;
}

static bool filling_set_floats(const struct filling *to, const struct scion_config *value,
                               struct scion_floats *list)
{
        size_t count = value_count(value);
        float *values = malloc((count ? count : 1) * sizeof *values);

        if (!values)
                return scion_fail("out of memory");
        *list = (struct scion_floats){ .count = count, .value = values };
        for (size_t i = 0; i < count; i++)
                if (!filling_set_float(to, value_entry(value, i), &values[i]))
                        return false;
        return true;
}

static bool filling_set_ints(const struct filling *to, const struct scion_config *value,
                             struct scion_ints *list)
{
        size_t count = value_count(value);
        int64_t *values = malloc((count ? count : 1) * sizeof *values);

        if (!values)
                return scion_fail("out of memory");
        *list = (struct scion_ints){ .count = count, .value = values };
        for (size_t i = 0; i < count; i++)
                if (!filling_set_int(to, value_entry(value, i), &values[i]))
                        return false;
        return true;
}

/* Allocates one block for the pointers and the strings after them. */
static bool filling_set_texts(const struct filling *to, const struct scion_config *value,
                              struct scion_strings *list)
{
        size_t count = value_count(value), bytes = (count ? count : 1) * sizeof(char *);
        const char **texts, *text = "";
        char *end;

        for (size_t i = 0; i < count; i++) {
                if (!filling_set_text(to, value_entry(value, i), &text))
                        return false;
                bytes += strlen(text) + 1;
        }
        texts = malloc(bytes);
        if (!texts)
                return scion_fail("out of memory");
        end = (char *)(texts + count);
        for (size_t i = 0; i < count; i++) {
                text = value_entry(value, i)->text;
                texts[i] = end;
                memcpy(end, text, strlen(text) + 1);
                end += strlen(text) + 1;
        }
        *list = (struct scion_strings){ .count = count, .value = texts };
        return true;
}

/* --- Filling -------------------------------------------------------------------------------------------- */

static bool filling_set(const struct filling *to, const struct scion_config *value, void *field)
{
        const char *text = "";

        switch (to->param->type) {
        case SCION_PARAM_FLOAT:
                return filling_set_float(to, value, field);
        case SCION_PARAM_INT:
                return filling_set_int(to, value, field);
        case SCION_PARAM_BOOL:
                return filling_set_bool(to, value, field);
        case SCION_PARAM_STRING:
                return filling_set_text(to, value, &text) && field_copy_text(field, text);
        case SCION_PARAM_CHOICE:
                return filling_set_choice(to, value, field);
        case SCION_PARAM_FLOATS:
                return filling_set_floats(to, value, field);
        case SCION_PARAM_INTS:
                return filling_set_ints(to, value, field);
        case SCION_PARAM_STRINGS:
                return filling_set_texts(to, value, field);
        case SCION_PARAM_END:
                break;
        }
        return scion_fail("%s: %s is of a type that this version does not know", to->owner, to->param->name);
}

/* Parses the default of a list, which is YAML in the table. Returns NULL, with a message, if it is invalid. */
static struct scion_config *param_default_list(const struct scion_param *param, const char *name)
{
        return scion_config_read(param->text, strlen(param->text), name, false);
}

static bool filling_set_default(const struct filling *to, void *field)
{
        const struct scion_param *param = to->param;
        struct scion_config *list;
        bool good;

        switch (param->type) {
        case SCION_PARAM_FLOAT:
                *(float *)field = (float)param->number;
                return true;
        case SCION_PARAM_INT:
                *(int64_t *)field = param->number >= 0x1p63 ? INT64_MAX : (int64_t)param->number;
                return true;
        case SCION_PARAM_BOOL:
                *(bool *)field = param->number != 0;
                return true;
        case SCION_PARAM_CHOICE:
                *(int *)field = (int)param->number;
                return true;
        case SCION_PARAM_STRING:
                return !param->text || field_copy_text(field, param->text);
        default:
                if (!param->text || !*param->text)
                        return true;
                list = param_default_list(param, "the default");
                good = list && filling_set(to, list, field);
                scion_config_destroy(list);
                return good;
        }
}

/* Sets pointers to NULL, so that a state can be released before all its fields are filled. */
static void param_clear_field(const struct scion_param *param, void *state)
{
        void *field = param_field(param, state);

        switch (param->type) {
        case SCION_PARAM_STRING:
                *(const char **)field = NULL;
                break;
        case SCION_PARAM_FLOATS:
                *(struct scion_floats *)field = (struct scion_floats){ 0 };
                break;
        case SCION_PARAM_INTS:
                *(struct scion_ints *)field = (struct scion_ints){ 0 };
                break;
        case SCION_PARAM_STRINGS:
                *(struct scion_strings *)field = (struct scion_strings){ 0 };
                break;
        default:
                break;
        }
}

void scion_params_release(const struct scion_param *table, void *state)
{
        for (; table && table->type != SCION_PARAM_END; table++) {
                void *field = param_field(table, state);

                switch (table->type) {
                case SCION_PARAM_STRING:
                        free(*(char **)field);
                        break;
                case SCION_PARAM_FLOATS:
                        free((float *)((struct scion_floats *)field)->value);
                        break;
                case SCION_PARAM_INTS:
                        free((int64_t *)((struct scion_ints *)field)->value);
                        break;
                case SCION_PARAM_STRINGS:
                        free((char **)((struct scion_strings *)field)->value);
                        break;
                default:
                        continue;
                }
                param_clear_field(table, state);
        }
}

static bool name_is_among(const char *name, const char *const *names)
{
        for (; names && *names; names++)
                if (strcmp(name, *names) == 0)
                        return true;
        return false;
}

/* Fails for entry `index` of the map, whose key is neither a parameter nor in `others`. */
static bool map_fail_unknown(const struct scion_config *map, size_t index, const struct scion_param *table,
                             const char *owner, const char *const *others)
{
        const char *key = map->entry[index].key;
        const char **names;
        struct scion_text hint = { 0 };
        size_t count = 0, room = 1;

        for (const struct scion_param *p = table; p && p->type != SCION_PARAM_END; p++)
                room++;
        for (const char *const *name = others; name && *name; name++)
                room++;
        names = malloc(room * sizeof *names);
        if (!names)
                return scion_fail("out of memory");
        for (const struct scion_param *p = table; p && p->type != SCION_PARAM_END; p++)
                names[count++] = p->name;
        for (const char *const *name = others; name && *name; name++)
                if (strcmp(*name, "use") != 0)
                        names[count++] = *name;
        if (!scion_suggest(&hint, key, names, count)) {
                scion_text_add(&hint, " (it takes %s", count ? "" : "none");
                scion_text_add_names(&hint, names, count);
                scion_text_add(&hint, ")");
        }
        scion_config_fail_key(map, index, "%s: unknown parameter '%s'%s", owner, key,
                              hint.text ? hint.text : "");
        free(hint.text);
        free(names);
        return false;
}

static bool map_fail_required(const struct scion_config *map, const struct filling *to)
{
        return scion_config_fail(map, "%s: %s is required%s%s%s", to->owner, to->param->name,
                                 to->param->help ? " (" : "", to->param->help ? to->param->help : "",
                                 to->param->help ? ")" : "");
}

bool scion_params_fill(const struct scion_param *table, const struct scion_config *map, const char *owner,
                       const char *const *others, void *state)
{
        char got[64];

        for (const struct scion_param *p = table; p && p->type != SCION_PARAM_END; p++)
                param_clear_field(p, state);
        if (map && map->kind != SCION_CONFIG_MAP)
                return scion_config_fail(map, "%s: parameters must be a map, got %s", owner,
                                         scion_config_describe(map, got, sizeof got));
        for (size_t i = 0; map && i < map->count; i++)
                if (!scion_params_find(table, map->entry[i].key) && !name_is_among(map->entry[i].key, others))
                        return map_fail_unknown(map, i, table, owner, others);
        for (const struct scion_param *p = table; p && p->type != SCION_PARAM_END; p++) {
                struct filling to = { .owner = owner, .param = p };
                const struct scion_config *value = scion_config_get(map, p->name);
                void *field = param_field(p, state);
                bool good = value         ? filling_set(&to, value, field)
                            : p->required ? map_fail_required(map, &to)
                                          : filling_set_default(&to, field);

                if (!good) {
                        scion_params_release(table, state);
                        return false;
                }
        }
        return true;
}
