/* The schema of what is written as NAME or { use: NAME, ... }. */
#include <scion/error.h>
#include <stdio.h>
#include <string.h>

#include "data/data.h"
#include "data/transform.h"
#include "experiment/schedule.h"
#include "plugin/params_json.h"
#include "plugin/plugin.h"
#include "schema/parts.h"

/* The schema of one sort of things under construction: the plugins of a kind, schedules, or transforms. */
struct sort {
        const char *name; /* name of the sort: "strategy", "schedule" */
        bool of_data;     /* they also take the parameters common to all datasets */
        json_t *definitions;
        json_t *names, *short_names, *summaries; /* short_names has those without required parameters */
        json_t *conditions[SCION_SCHEMA_FORMS];  /* for each name, the rule for objects that use it */
        json_t *keys[SCION_SCHEMA_FORMS];        /* the union of their keys, as the keys of an object */
};

static void sort_begin(struct sort *sort, json_t *definitions, const char *name, bool of_data)
{
        *sort = (struct sort){ .name = name, .of_data = of_data, .definitions = definitions };
        sort->names = json_array();
        sort->short_names = json_array();
        sort->summaries = json_array();
        for (int form = 0; form < SCION_SCHEMA_FORMS; form++) {
                sort->conditions[form] = json_array();
                sort->keys[form] = json_object();
        }
}

/* {"$ref": "#/definitions/strategy.l2-sp/properties/alpha"} */
static json_t *param_ref(const char *owner, const char *param)
{
        return json_pack("{s:s+++}", "$ref", "#/definitions/", owner, "/properties/", param);
}

static void properties_add_refs(json_t *properties, const char *owner, const struct scion_param *params)
{
        for (; params && params->type != SCION_PARAM_END; params++)
                if (!json_object_get(properties, params->name))
                        json_object_set_new(properties, params->name, param_ref(owner, params->name));
}

static void sort_add_form(struct sort *sort, enum scion_schema_form form, const char *owner, const char *name,
                          const char *summary, const struct scion_param *params)
{
        json_t *properties = json_object(), *required = json_array(), *then;

        json_object_set_new(properties, "use",
                            json_pack("{s:s, s:o}", "const", name, "description", scion_json_text(summary)));
        if (form == SCION_SCHEMA_AXIS)
                json_object_set_new(properties, "label", scion_schema_ref("label"));
        properties_add_refs(properties, owner, params);
        if (sort->of_data) {
                properties_add_refs(properties, "data", scion_data_params);
                json_object_set_new(properties, "transform", scion_schema_ref_form("transforms", form));
        }
        for (const struct scion_param *param = params; param && param->type != SCION_PARAM_END; param++)
                if (param->required && form == SCION_SCHEMA_WHOLE)
                        json_array_append_new(required, json_string(param->name));
        json_object_update(sort->keys[form], properties);
        then = json_pack("{s:o, s:b, s:o}", "properties", properties, "additionalProperties", 0, "required",
                         required);
        json_array_append_new(sort->conditions[form],
                              json_pack("{s:{s:{s:{s:s}}, s:[s]}, s:o}", "if", "properties", "use", "const",
                                        name, "required", "use", "then", then));
}

static bool params_are_optional(const struct scion_param *params)
{
        for (; params && params->type != SCION_PARAM_END; params++)
                if (params->required)
                        return false;
        return true;
}

static void sort_add(struct sort *sort, const char *name, const char *summary,
                     const struct scion_param *params)
{
        json_t *values = json_object();
        char owner[300];

        snprintf(owner, sizeof owner, "%s.%s", sort->name, name);
        for (const struct scion_param *param = params; param && param->type != SCION_PARAM_END; param++)
                json_object_set_new(values, param->name, scion_schema_value(param));
        json_object_set_new(sort->definitions, owner, json_pack("{s:o}", "properties", values));
        json_array_append_new(sort->names, json_string(name));
        json_array_append_new(sort->summaries, scion_json_text(summary));
        if (params_are_optional(params))
                json_array_append_new(sort->short_names, json_string(name));
        for (int form = 0; form < SCION_SCHEMA_FORMS; form++)
                sort_add_form(sort, (enum scion_schema_form)form, owner, name, summary, params);
}

static json_t *names_enum(json_t *names, json_t *summaries, const char *sort)
{
        return json_pack("{s:O, s:O, s:s}", "enum", names, "enumDescriptions", summaries, "description",
                         sort);
}

/*
 * Adds the definition of a form. Where `use` may be left out, because another file or axis has it, the keys
 * of all names are allowed.
 */
static void sort_finish_form(struct sort *sort, enum scion_schema_form form)
{
        json_t *map = json_pack("{s:s, s:{s:o}}", "type", "object", "properties", "use",
                                names_enum(sort->names, sort->summaries, sort->name));
        json_t *keys = json_array(), *names = form == SCION_SCHEMA_WHOLE ? sort->short_names : sort->names;
        char name[64];
        const char *key;
        json_t *value;

        if (form == SCION_SCHEMA_WHOLE) {
                json_object_set_new(map, "required", json_pack("[s]", "use"));
        } else {
                json_object_foreach(sort->keys[form], key, value)
                        json_array_append_new(keys, json_string(key));
                json_array_append_new(sort->conditions[form],
                                      json_pack("{s:{s:{s:[s]}}, s:{s:{s:O}}}", "if", "not", "required",
                                                "use", "then", "propertyNames", "enum", keys));
        }
        json_decref(keys);
        json_object_set(map, "allOf", sort->conditions[form]);
        /* short_names has no parallel list of summaries */
        json_t *word = form == SCION_SCHEMA_WHOLE
                               ? json_pack("{s:O, s:s}", "enum", names, "description", sort->name)
                               : names_enum(names, sort->summaries, sort->name);

        snprintf(name, sizeof name, "%s-%s", sort->name, scion_schema_forms[form]);
        json_object_set_new(sort->definitions, name, json_pack("{s:[o, o]}", "anyOf", map, word));
}

static void sort_finish(struct sort *sort)
{
        for (int form = 0; form < SCION_SCHEMA_FORMS; form++) {
                sort_finish_form(sort, (enum scion_schema_form)form);
                json_decref(sort->conditions[form]);
                json_decref(sort->keys[form]);
        }
        json_decref(sort->names);
        json_decref(sort->short_names);
        json_decref(sort->summaries);
}

static bool definitions_add_kind(json_t *definitions, enum scion_kind kind)
{
        struct scion_plugin_list list;
        struct sort sort;

        if (!scion_plugins_list(kind, &list))
                return false;
        sort_begin(&sort, definitions, scion_kind_name(kind), kind == SCION_DATASET);
        for (size_t i = 0; i < list.count; i++) {
                const struct scion_plugin *plugin = list.entry[i].plugin;

                if (plugin)
                        sort_add(&sort, plugin->name, plugin->summary, plugin->params);
        }
        sort_finish(&sort);
        scion_plugin_list_finish(&list);
        return true;
}

static void definitions_add_schedules(json_t *definitions)
{
        struct sort sort;

        sort_begin(&sort, definitions, "schedule", false);
        for (const struct scion_schedule_kind *kind = scion_schedule_kinds; kind->name; kind++)
                sort_add(&sort, kind->name, kind->summary, kind->params);
        sort_finish(&sort);
}

/* Adds the definitions of transforms; a dataset takes one transform or a list. */
static void definitions_add_transforms(json_t *definitions)
{
        json_t *data = json_object();
        struct sort sort;

        sort_begin(&sort, definitions, "transform", false);
        for (const struct scion_transform_kind *kind = scion_transform_kinds; kind->name; kind++)
                sort_add(&sort, kind->name, kind->summary, kind->params);
        sort_finish(&sort);
        for (int form = 0; form < SCION_SCHEMA_FORMS; form++) {
                /* labels belong to the values of an axis, not to parts of them */
                enum scion_schema_form of =
                        form == SCION_SCHEMA_WHOLE ? SCION_SCHEMA_WHOLE : SCION_SCHEMA_PART;
                char name[64];

                snprintf(name, sizeof name, "transforms-%s", scion_schema_forms[form]);
                json_object_set_new(definitions, name,
                                    json_pack("{s:s, s:[o, {s:s, s:o}]}", "description",
                                              "the transforms that are applied to every input, in order",
                                              "anyOf", scion_schema_ref_form("transform", of), "type",
                                              "array", "items", scion_schema_ref_form("transform", of)));
        }
        for (const struct scion_param *param = scion_data_params; param->type != SCION_PARAM_END; param++)
                json_object_set_new(data, param->name, scion_schema_value(param));
        json_object_set_new(definitions, "data", json_pack("{s:o}", "properties", data));
}

bool scion_schema_add_plugins(json_t *definitions)
{
        definitions_add_schedules(definitions);
        definitions_add_transforms(definitions);
        for (int kind = SCION_STRATEGY; kind <= SCION_MODEL; kind++)
                if (!definitions_add_kind(definitions, (enum scion_kind)kind))
                        return false;
        return true;
}
