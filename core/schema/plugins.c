/* What is written as NAME or { use: NAME, ... }. */
#include <scion/error.h>
#include <stdio.h>
#include <string.h>

#include "data/data.h"
#include "data/transform.h"
#include "experiment/schedule.h"
#include "plugin/params_json.h"
#include "plugin/plugin.h"
#include "schema/parts.h"

/* Things of one sort, while the schema of their sort is made. */
struct sort {
        const char *name; /* of the sort: "strategy", "schedule" */
        bool of_data;     /* they also take what every dataset takes */
        json_t *definitions;
        json_t *names, *short_names, *summaries; /* those that go without parameters in short_names */
        json_t *conditions[SCION_SCHEMA_FORMS];  /* by use */
        json_t *keys[SCION_SCHEMA_FORMS];        /* that any of them takes, as an object's */
};

static void begin(struct sort *sort, json_t *definitions, const char *name, bool of_data)
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

/* "#/definitions/strategy.l2-sp/properties/alpha" */
static json_t *ref_to(const char *owner, const char *param)
{
        return json_pack("{s:s+++}", "$ref", "#/definitions/", owner, "/properties/", param);
}

static void refer(json_t *properties, const char *owner, const struct scion_param *params)
{
        for (; params && params->type != SCION_PARAM_END; params++)
                if (!json_object_get(properties, params->name))
                        json_object_set_new(properties, params->name, ref_to(owner, params->name));
}

static void add_form(struct sort *sort, enum scion_schema_form form, const char *owner, const char *name,
                     const char *summary, const struct scion_param *params)
{
        json_t *properties = json_object(), *required = json_array(), *then;

        json_object_set_new(properties, "use",
                            json_pack("{s:s, s:o}", "const", name, "description", scion_json_text(summary)));
        if (form == SCION_SCHEMA_AXIS)
                json_object_set_new(properties, "label", scion_schema_ref("label"));
        refer(properties, owner, params);
        if (sort->of_data) {
                refer(properties, "data", scion_data_params);
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

static bool goes_alone(const struct scion_param *params)
{
        for (; params && params->type != SCION_PARAM_END; params++)
                if (params->required)
                        return false;
        return true;
}

static void add(struct sort *sort, const char *name, const char *summary, const struct scion_param *params)
{
        json_t *values = json_object();
        char owner[300];

        snprintf(owner, sizeof owner, "%s.%s", sort->name, name);
        for (const struct scion_param *param = params; param && param->type != SCION_PARAM_END; param++)
                json_object_set_new(values, param->name, scion_schema_value(param));
        json_object_set_new(sort->definitions, owner, json_pack("{s:o}", "properties", values));
        json_array_append_new(sort->names, json_string(name));
        json_array_append_new(sort->summaries, scion_json_text(summary));
        if (goes_alone(params))
                json_array_append_new(sort->short_names, json_string(name));
        for (int form = 0; form < SCION_SCHEMA_FORMS; form++)
                add_form(sort, (enum scion_schema_form)form, owner, name, summary, params);
}

static json_t *enumeration(json_t *names, json_t *summaries, const char *sort)
{
        return json_pack("{s:O, s:O, s:s}", "enum", names, "enumDescriptions", summaries, "description",
                         sort);
}

/* Without a `use`, which another file has, or another axis, any key of any of them may stand. */
static void close_form(struct sort *sort, enum scion_schema_form form)
{
        json_t *map = json_pack("{s:s, s:{s:o}}", "type", "object", "properties", "use",
                                enumeration(sort->names, sort->summaries, sort->name));
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
        /* jansson would have the summaries of names that do not go alone beside the others' */
        json_t *word = form == SCION_SCHEMA_WHOLE
                               ? json_pack("{s:O, s:s}", "enum", names, "description", sort->name)
                               : enumeration(names, sort->summaries, sort->name);

        snprintf(name, sizeof name, "%s-%s", sort->name, scion_schema_forms[form]);
        json_object_set_new(sort->definitions, name, json_pack("{s:[o, o]}", "anyOf", map, word));
}

static void finish(struct sort *sort)
{
        for (int form = 0; form < SCION_SCHEMA_FORMS; form++) {
                close_form(sort, (enum scion_schema_form)form);
                json_decref(sort->conditions[form]);
                json_decref(sort->keys[form]);
        }
        json_decref(sort->names);
        json_decref(sort->short_names);
        json_decref(sort->summaries);
}

static bool add_kind(json_t *definitions, enum scion_kind kind)
{
        struct scion_plugin_list list;
        struct sort sort;

        if (!scion_plugins_list(kind, &list))
                return false;
        begin(&sort, definitions, scion_kind_name(kind), kind == SCION_DATASET);
        for (size_t i = 0; i < list.count; i++) {
                const struct scion_plugin *plugin = list.entry[i].plugin;

                if (plugin)
                        add(&sort, plugin->name, plugin->summary, plugin->params);
        }
        finish(&sort);
        scion_plugin_list_finish(&list);
        return true;
}

static void add_schedules(json_t *definitions)
{
        struct sort sort;

        begin(&sort, definitions, "schedule", false);
        for (const struct scion_schedule_kind *kind = scion_schedule_kinds; kind->name; kind++)
                add(&sort, kind->name, kind->summary, kind->params);
        finish(&sort);
}

/* One, or a list of them. */
static void add_transforms(json_t *definitions)
{
        json_t *data = json_object();
        struct sort sort;

        begin(&sort, definitions, "transform", false);
        for (const struct scion_transform_kind *kind = scion_transform_kinds; kind->name; kind++)
                add(&sort, kind->name, kind->summary, kind->params);
        finish(&sort);
        for (int form = 0; form < SCION_SCHEMA_FORMS; form++) {
                /* no labels: those are of an axis's values, not of what is in them */
                enum scion_schema_form of =
                        form == SCION_SCHEMA_WHOLE ? SCION_SCHEMA_WHOLE : SCION_SCHEMA_PART;
                char name[64];

                snprintf(name, sizeof name, "transforms-%s", scion_schema_forms[form]);
                json_object_set_new(definitions, name,
                                    json_pack("{s:s, s:[o, {s:s, s:o}]}", "description",
                                              "what is done to every input, in order", "anyOf",
                                              scion_schema_ref_form("transform", of), "type", "array",
                                              "items", scion_schema_ref_form("transform", of)));
        }
        for (const struct scion_param *param = scion_data_params; param->type != SCION_PARAM_END; param++)
                json_object_set_new(data, param->name, scion_schema_value(param));
        json_object_set_new(definitions, "data", json_pack("{s:o}", "properties", data));
}

bool scion_schema_add_plugins(json_t *definitions)
{
        add_schedules(definitions);
        add_transforms(definitions);
        for (int kind = SCION_STRATEGY; kind <= SCION_MODEL; kind++)
                if (!add_kind(definitions, (enum scion_kind)kind))
                        return false;
        return true;
}
