/* Parameter tables as text: for help pages, and for the complete configuration of a run. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/scalar.h"
#include "config/tree.h"
#include "plugin/params.h"
#include "plugin/range.h"

void scion_param_type_text(const struct scion_param *param, struct scion_text *text)
{
        static const char *const names[] = {
                [SCION_PARAM_FLOAT] = "float",      [SCION_PARAM_INT] = "int",
                [SCION_PARAM_BOOL] = "bool",        [SCION_PARAM_STRING] = "string",
                [SCION_PARAM_CHOICE] = "one of ",   [SCION_PARAM_FLOATS] = "list of float",
                [SCION_PARAM_INTS] = "list of int", [SCION_PARAM_STRINGS] = "list of string",
        };

        scion_text_add(text, "%s", names[param->type]);
        for (size_t i = 0; param->type == SCION_PARAM_CHOICE && param->choices[i]; i++)
                scion_text_add(text, "%s%s", i ? ", " : "", param->choices[i]);
}

static bool param_is_number(const struct scion_param *param)
{
        return param->type == SCION_PARAM_FLOAT || param->type == SCION_PARAM_INT ||
               param->type == SCION_PARAM_FLOATS || param->type == SCION_PARAM_INTS;
}

void scion_param_range_text(const struct scion_param *param, struct scion_text *text)
{
        char min[SCION_SCALAR_BYTES], max[SCION_SCALAR_BYTES];
        bool has_min = param_is_number(param) && scion_range_has_min(param);
        bool has_max = param_is_number(param) && scion_range_has_max(param);

        scion_scalar_double_text(param->min, min);
        scion_scalar_double_text(param->max, max);
        if (has_min && has_max)
                scion_text_add(text, "%s %s x %s %s", min,
                               param->above_min ? "<" : "<=", param->below_max ? "<" : "<=", max);
        else if (has_min)
                scion_text_add(text, "x %s %s", param->above_min ? ">" : ">=", min);
        else if (has_max)
                scion_text_add(text, "x %s %s", param->below_max ? "<" : "<=", max);
}

/* Formats a default that the table holds as a number. */
static void param_number_text(const struct scion_param *param, char text[SCION_SCALAR_BYTES])
{
        if (param->type == SCION_PARAM_FLOAT)
                scion_scalar_float_text((float)param->number, text);
        else if (param->type == SCION_PARAM_BOOL)
                snprintf(text, SCION_SCALAR_BYTES, "%s", param->number != 0 ? "true" : "false");
        else
                snprintf(text, SCION_SCALAR_BYTES, "%" PRId64,
                         param->number >= 0x1p63 ? INT64_MAX : (int64_t)param->number);
}

/* Returns whether the default lies outside the range: it means "not given" and cannot be written in a file. */
static bool param_default_is_sentinel(const struct scion_param *param)
{
        if (param->type != SCION_PARAM_FLOAT && param->type != SCION_PARAM_INT)
                return false;
        if (!isfinite(param->number))
                return isnan(param->number) || !scion_range_infinite(param, param->number);
        return !scion_range_holds(param, (long double)param->number);
}

struct scion_config *scion_param_default(const struct scion_param *param, const struct scion_config *position,
                                         bool *failed)
{
        char text[SCION_SCALAR_BYTES];
        struct scion_config *value = NULL;

        *failed = false;
        if (param->required || param_default_is_sentinel(param))
                return NULL;
        switch (param->type) {
        case SCION_PARAM_FLOAT:
        case SCION_PARAM_INT:
        case SCION_PARAM_BOOL:
                param_number_text(param, text);
                value = scion_config_scalar(text, false, position);
                break;
        case SCION_PARAM_CHOICE:
                value = scion_config_scalar(param->choices[(int)param->number], true, position);
                break;
        case SCION_PARAM_STRING:
                if (!param->text)
                        return NULL;
                value = scion_config_scalar(param->text, true, position);
                break;
        default:
                if (!param->text || !*param->text)
                        return NULL;
                value = scion_config_read(param->text, strlen(param->text),
                                          position->file ? position->file : "the default", false);
                break;
        }
        *failed = !value;
        return value;
}

void scion_param_default_text(const struct scion_param *param, struct scion_text *text)
{
        struct scion_config nowhere = { 0 };
        struct scion_config *value;
        char *line;
        bool failed;

        if (param->required) {
                scion_text_add(text, "required");
                return;
        }
        value = scion_param_default(param, &nowhere, &failed);
        line = value ? scion_config_line(value) : NULL;
        if (line || !value)
                scion_text_add(text, "%s", line ? line : failed && param->text ? param->text : "-");
        else
                text->failed = true;
        free(line);
        scion_config_destroy(value);
}

/* Marks numbers and booleans as quoted, because they are the value of a string. */
static void value_quote(struct scion_config *value)
{
        if (value->kind == SCION_CONFIG_SCALAR && !scion_config_is_null(value))
                value->quoted = value->quoted || scion_scalar_typed(value->text);
        for (size_t i = 0; i < value->count; i++)
                value_quote(value->entry[i].value);
}

bool scion_params_complete(const struct scion_param *table, struct scion_config *map)
{
        for (; table && table->type != SCION_PARAM_END; table++) {
                struct scion_config_entry *entry = scion_config_find(map, table->name);
                struct scion_config *value;
                bool failed;

                if (entry && (table->type == SCION_PARAM_STRING || table->type == SCION_PARAM_STRINGS ||
                              table->type == SCION_PARAM_CHOICE))
                        value_quote(entry->value);
                if (entry)
                        continue;
                value = scion_param_default(table, map, &failed);
                if (failed || (value && !scion_config_add(map, table->name, map->line, map->column, value)))
                        return false;
        }
        return true;
}
