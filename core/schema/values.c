/* The schemas of parameters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/scalar.h"
#include "plugin/params.h"
#include "plugin/params_json.h"
#include "plugin/range.h"
#include "schema/parts.h"

const char *const scion_schema_forms[SCION_SCHEMA_FORMS] = { "whole", "part", "axis" };

json_t *scion_schema_ref(const char *name)
{
        return json_pack("{s:s+}", "$ref", "#/definitions/", name);
}

json_t *scion_schema_ref_form(const char *name, enum scion_schema_form form)
{
        return json_pack("{s:s+++}", "$ref", "#/definitions/", name, "-", scion_schema_forms[form]);
}

json_t *scion_schema_or_null(json_t *schema)
{
        json_t *either = json_pack("{s:[O, {s:s}]}", "anyOf", schema, "type", "null");

        /* editors look for the description at the top level first */
        json_object_set(either, "description", json_object_get(schema, "description"));
        json_decref(schema);
        return either;
}

static void schema_set_range(json_t *schema, const struct scion_param *param)
{
        if (scion_range_has_min(param))
                json_object_set_new(schema, param->above_min ? "exclusiveMinimum" : "minimum",
                                    scion_json_number(param->min));
        if (scion_range_has_max(param) && param->max < (double)INFINITY)
                json_object_set_new(schema, param->below_max ? "exclusiveMaximum" : "maximum",
                                    scion_json_number(param->max));
}

/* Adds a choice; also as a number or boolean if the YAML reader would take the text for one. */
static void list_add_choice(json_t *list, const char *text)
{
        double number;
        bool truth;

        json_array_append_new(list, scion_json_text(text));
        if (scion_scalar_bool(text, &truth) == SCION_SCALAR_OK)
                json_array_append_new(list, json_boolean(truth));
        else if (scion_scalar_float(text, &number) == SCION_SCALAR_OK)
                json_array_append_new(list, scion_json_number(number));
}

/* The schema of a single value, or of an entry of a list. A string may look like anything except null. */
static json_t *scalar_schema(const struct scion_param *param)
{
        json_t *schema = json_object(), *list;

        switch (param->type) {
        case SCION_PARAM_FLOAT:
        case SCION_PARAM_FLOATS:
                json_object_set_new(schema, "type", json_string("number"));
                schema_set_range(schema, param);
                break;
        case SCION_PARAM_INT:
        case SCION_PARAM_INTS:
                json_object_set_new(schema, "type", json_string("integer"));
                schema_set_range(schema, param);
                break;
        case SCION_PARAM_BOOL:
                json_object_set_new(schema, "type", json_string("boolean"));
                break;
        case SCION_PARAM_CHOICE:
                list = json_array();
                for (size_t i = 0; param->choices[i]; i++)
                        list_add_choice(list, param->choices[i]);
                json_object_set_new(schema, "enum", list);
                break;
        default:
                json_object_set_new(schema, "type", json_pack("[s, s, s]", "string", "number", "boolean"));
        }
        return schema;
}

static bool param_is_list(const struct scion_param *param)
{
        return param->type == SCION_PARAM_FLOATS || param->type == SCION_PARAM_INTS ||
               param->type == SCION_PARAM_STRINGS;
}

/* The description: "learning rate (float, x >= 0, default 0.01)". */
static json_t *param_description(const struct scion_param *param)
{
        struct scion_text text = { 0 }, type = { 0 }, range = { 0 }, fallback = { 0 };
        json_t *json;

        scion_param_type_text(param, &type);
        scion_param_range_text(param, &range);
        scion_param_default_text(param, &fallback);
        scion_text_add(&text, "%s (%s", param->help, type.text ? type.text : "");
        if (range.text)
                scion_text_add(&text, ", %s", range.text);
        if (param->required)
                scion_text_add(&text, ", required");
        else if (fallback.text && strcmp(fallback.text, "-") != 0)
                scion_text_add(&text, ", default %s", fallback.text);
        scion_text_add(&text, ")");
        json = text.text ? scion_json_text(text.text) : NULL;
        free(text.text);
        free(type.text);
        free(range.text);
        free(fallback.text);
        return json;
}

json_t *scion_schema_value(const struct scion_param *param)
{
        json_t *schema = scalar_schema(param), *fallback = scion_param_default_json(param);

        if (param_is_list(param))
                schema = json_pack("{s:[o, {s:s, s:o}]}", "anyOf", schema, "type", "array", "items",
                                   scalar_schema(param));
        json_object_set_new(schema, "description", param_description(param));
        if (fallback && !json_is_null(fallback))
                json_object_set(schema, "default", fallback);
        json_decref(fallback);
        return schema;
}

json_t *scion_schema_map(const struct scion_param *params, const char *text)
{
        json_t *properties = json_object();

        for (; params->type != SCION_PARAM_END; params++)
                json_object_set_new(properties, params->name, scion_schema_value(params));
        return json_pack("{s:s, s:s, s:o, s:b}", "type", "object", "description", text, "properties",
                         properties, "additionalProperties", 0);
}
