#include "schema/schema.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "experiment/experiment.h"
#include "schema/parts.h"

/* --- Descriptions of keys that are not parameters ------------------------------------------------------- */

static const struct {
        const char *name, *help;
} words[] = {
        { "extends",
          "another file, relative to this one, that this file extends; keys here override its keys" },
        { "limits", "the limits on time and memory of a run" },
        { "source", "the task and model that knowledge is transferred from; optional" },
        { "strategy", "how knowledge is transferred from the source to the target" },
        { "target", "the task to learn" },
        { "dataset", "the data" },
        { "model", "the network; if left out of the target: the source's, with a new head" },
        { "loss", "the loss function; cross-entropy if left out" },
        { "optimizer", "the optimizer" },
        { "schedule", "the learning-rate schedule; constant if left out" },
        { "train", "the length of training, its batches, and other settings" },
        { "matrix", "the axes of a suite: paths, each with its list of values; every combination is a run" },
        { "seeds", "the number of seeds: short for the axis seed: [1, 2, ...]" },
        { "exclude", "combinations to leave out: maps from axes to values" },
        { "include", "combinations to add: maps from axes to values" },
        { "label", "the name of the value in results" },
};

static const char *key_help(const char *key)
{
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
                if (strcmp(words[i].name, key) == 0)
                        return words[i].help;
        return "";
}

/*
 * Adds the description of a key to a schema. It is wrapped in allOf because a description next to $ref is
 * ignored.
 */
static json_t *schema_with_help(const char *key, json_t *schema)
{
        return json_pack("{s:s, s:[o]}", "description", key_help(key), "allOf", schema);
}

/* --- Source and target ---------------------------------------------------------------------------------- */

static json_t *stage_part(const char *part, enum scion_schema_form form)
{
        return strcmp(part, "train") == 0 ? scion_schema_ref("train") : scion_schema_ref_form(part, form);
}

static bool part_needs_training(const char *part)
{
        return strcmp(part, "dataset") != 0 && strcmp(part, "model") != 0;
}

/*
 * The schema of `source` or `target`. The keys for training, such as the loss, are not checked in a source
 * with `weights`, which is loaded. Null means the same as leaving a key out, so that a required key must not
 * be null.
 */
static json_t *stage_schema(bool source, enum scion_schema_form form)
{
        json_t *properties = json_object(), *training = json_object(), *map, *required = json_array(),
               *trained = json_array();
        bool whole = form == SCION_SCHEMA_WHOLE;

        for (const char *const *part = scion_stage_parts; *part; part++) {
                const char *must = source ? "model" : "dataset";
                bool needed = whole && strcmp(*part, must) == 0;
                bool to_train = whole && (strcmp(*part, "optimizer") == 0 ||
                                          (source && strcmp(*part, "dataset") == 0));
                json_t *value = schema_with_help(*part, stage_part(*part, form));

                if (needed)
                        json_array_append_new(required, json_string(*part));
                if (to_train)
                        json_array_append_new(trained, json_string(*part));
                if (!needed && !to_train)
                        value = scion_schema_or_null(value);
                if (part_needs_training(*part) || to_train) {
                        json_object_set_new(training, *part, value);
                        /* with weights, the dataset is optional but checked */
                        json_object_set_new(properties, *part,
                                            part_needs_training(*part)
                                                    ? json_pack("{s:s}", "description", key_help(*part))
                                                    : scion_schema_or_null(schema_with_help(
                                                              *part, stage_part(*part, form))));
                } else {
                        json_object_set_new(properties, *part, value);
                }
        }
        for (const struct scion_param *param = scion_source_params; source && param->type != SCION_PARAM_END;
             param++)
                json_object_set_new(properties, param->name, scion_schema_value(param));
        map = json_pack("{s:s, s:o, s:b, s:o}", "type", "object", "properties", properties,
                        "additionalProperties", 0, "required", required);
        json_object_set_new(map, "if", json_pack("{s:{s:[s]}}", "not", "required", "weights"));
        json_object_set_new(map, "then",
                            json_pack("{s:o, s:o}", "properties", training, "required", trained));
        return map;
}

/* --- The matrix ----------------------------------------------------------------------------------------- */

/* Adds a regular expression for paths that begin with a key of a run. */
static void pattern_add_path(struct scion_text *pattern)
{
        const char *between = "";

        scion_text_add(pattern, "(");
        for (const struct scion_param *param = scion_run_params; param->type != SCION_PARAM_END; param++) {
                if (strcmp(param->name, "name") == 0)
                        continue;
                scion_text_add(pattern, "%s%s", between, param->name);
                between = "|";
        }
        scion_text_add(pattern, "|(");
        for (size_t i = 0; scion_run_parts[i]; i++)
                scion_text_add(pattern, "%s%s", i ? "|" : "", scion_run_parts[i]);
        scion_text_add(pattern, ")(\\.[^.,]+)*)");
}

/* A non-empty list of values, none of which is null. */
static json_t *axis_schema(json_t *value)
{
        return json_pack("{s:s, s:i, s:{s:[o, {s:{s:s}}]}}", "type", "array", "minItems", 1, "items", "allOf",
                         value, "not", "type", "null");
}

static void properties_add_axis(json_t *properties, const char *path, const char *key, json_t *value)
{
        json_t *schema = axis_schema(value);

        json_object_set_new(schema, "description", json_string(key_help(key)));
        json_object_set_new(properties, path, schema);
}

static void properties_add_stage_axes(json_t *properties, const char *side)
{
        char path[256];

        for (const char *const *part = scion_stage_parts; *part; part++) {
                if (strcmp(*part, "train") == 0)
                        continue;
                snprintf(path, sizeof path, "%s.%s", side, *part);
                properties_add_axis(properties, path, *part, scion_schema_ref_form(*part, SCION_SCHEMA_AXIS));
        }
        for (const struct scion_param *param = scion_train_params; param->type != SCION_PARAM_END; param++) {
                snprintf(path, sizeof path, "%s.train.%s", side, param->name);
                json_object_set_new(properties, path, axis_schema(scion_schema_value(param)));
        }
}

static json_t *matrix_schema(const struct scion_text *path)
{
        json_t *properties = json_object(), *any = axis_schema(json_object());
        struct scion_text names = { 0 };

        properties_add_axis(properties, "strategy", "strategy",
                            scion_schema_ref_form("strategy", SCION_SCHEMA_AXIS));
        for (const struct scion_param *param = scion_run_params; param->type != SCION_PARAM_END; param++)
                if (strcmp(param->name, "name") != 0)
                        json_object_set_new(properties, param->name, axis_schema(scion_schema_value(param)));
        properties_add_stage_axes(properties, "source");
        properties_add_stage_axes(properties, "target");
        scion_text_add(&names, "^ *%s *(, *%s *)*$", path->text, path->text);
        json_t *schema = json_pack(
                "{s:s, s:i, s:i, s:{s:s}, s:o, s:{s:{s:s, s:i, s:{s:s, s:i, s:{s:{s:s}}}}}, s:o}", "type",
                "object", "minProperties", 1, "maxProperties", 100, "propertyNames", "pattern",
                names.text ? names.text : "", "properties", properties, "patternProperties", ",", "type",
                "array", "minItems", 1, "items", "type", "array", "minItems", 2, "items", "not", "type",
                "null", "additionalProperties", json_object());

        /*
         * The values of several joint axes are lists of anything; those of a single axis are anything except
         * null.
         */
        json_object_set_new(schema, "allOf", json_pack("[{s:{s:o}}]", "patternProperties", "^[^,]*$", any));
        free(names.text);
        return schema;
}

static json_t *rules_schema(const struct scion_text *path, const char *key)
{
        struct scion_text name = { 0 };

        scion_text_add(&name, "^%s$", path->text);
        json_t *schema =
                json_pack("{s:s, s:{s:s, s:i, s:{s:s}}}", "type", "array", "items", "type", "object",
                          "minProperties", 1, "propertyNames", "pattern", name.text ? name.text : "");

        free(name.text);
        return scion_schema_or_null(schema_with_help(key, schema));
}

/* --- The schema ----------------------------------------------------------------------------------------- */

/* The keys with the same schema in every form of file. */
static json_t *common_properties(void)
{
        json_t *properties = json_object();
        struct scion_text path = { 0 };

        for (const struct scion_param *param = scion_run_params; param->type != SCION_PARAM_END; param++)
                json_object_set_new(properties, param->name, scion_schema_value(param));
        json_object_set_new(json_object_get(properties, "name"), "pattern", json_string("^[^./][^/]*$"));
        json_object_set_new(properties, "seed",
                            scion_schema_or_null(json_incref(json_object_get(properties, "seed"))));
        for (const char *const *part = scion_run_parts; *part; part++)
                json_object_set_new(properties, *part, json_pack("{s:s}", "description", key_help(*part)));
        json_object_set_new(properties, "limits",
                            scion_schema_or_null(schema_with_help("limits", scion_schema_ref("limits"))));
        json_object_set_new(properties, "extends",
                            json_pack("{s:s, s:[s, s, s], s:i}", "description", key_help("extends"), "type",
                                      "string", "number", "boolean", "minLength", 1));
        pattern_add_path(&path);
        json_object_set_new(properties, "matrix",
                            scion_schema_or_null(schema_with_help("matrix", matrix_schema(&path))));
        json_object_set_new(properties, "seeds",
                            json_pack("{s:s, s:[s, s], s:i}", "description", key_help("seeds"), "type",
                                      "integer", "null", "minimum", 1));
        json_object_set_new(properties, "exclude", rules_schema(&path, "exclude"));
        json_object_set_new(properties, "include", rules_schema(&path, "include"));
        free(path.text);
        return properties;
}

static json_t *run_schema(enum scion_schema_form form)
{
        json_t *source = schema_with_help("source", scion_schema_ref_form("source", form)),
               *target = schema_with_help("target", scion_schema_ref_form("target", form)),
               *strategy = schema_with_help("strategy", scion_schema_ref_form("strategy", form));
        bool whole = form == SCION_SCHEMA_WHOLE;

        return json_pack("{s:{s:o, s:o, s:o}, s:o}", "properties", "source", scion_schema_or_null(source),
                         "target", whole ? target : scion_schema_or_null(target), "strategy",
                         whole ? strategy : scion_schema_or_null(strategy), "required",
                         whole ? json_pack("[s, s, s]", "name", "strategy", "target") : json_array());
}

/* `seed: null` means that an axis sets the seed, in this file or in the one that it extends. */
static json_t *null_seed_rule(void)
{
        return json_pack("[{s:{s:[{s:[s]}, {s:[s]}, {s:[s]}]}, s:{}, s:{s:{s:{s:{s:s}}}}}]", "if", "anyOf",
                         "required", "seeds", "required", "matrix", "required", "extends", "then", "else",
                         "properties", "seed", "not", "type", "null");
}

static void definitions_add(json_t *definitions)
{
        for (int form = 0; form < SCION_SCHEMA_FORMS; form++) {
                char name[32];

                snprintf(name, sizeof name, "source-%s", scion_schema_forms[form]);
                json_object_set_new(definitions, name, stage_schema(true, (enum scion_schema_form)form));
                snprintf(name, sizeof name, "target-%s", scion_schema_forms[form]);
                json_object_set_new(definitions, name, stage_schema(false, (enum scion_schema_form)form));
        }
        json_object_set_new(definitions, "limits", scion_schema_map(scion_limits_params, key_help("limits")));
        json_object_set_new(definitions, "train", scion_schema_map(scion_train_params, key_help("train")));
        json_object_set_new(definitions, "label",
                            json_pack("{s:s, s:[s, s, s, s], s:i}", "description", key_help("label"), "type",
                                      "string", "number", "boolean", "null", "minLength", 1));
}

bool scion_schema_write(FILE *file)
{
        json_t *definitions = json_object(), *schema;
        bool good;

        if (!scion_schema_add_plugins(definitions)) {
                json_decref(definitions);
                return false;
        }
        definitions_add(definitions);
        /* A file with `extends` or a matrix may leave out any key. */
        schema = json_pack(
                "{s:s, s:s, s:s, s:o, s:b, s:{s:[{s:[s]}, {s:[s], s:{s:{s:s}}}]}, s:o, s:o, s:o, s:o}",
                "$schema", "http://json-schema.org/draft-07/schema#", "title", "Scion experiment", "type",
                "object", "properties", common_properties(), "additionalProperties", 0, "if", "anyOf",
                "required", "extends", "required", "matrix", "properties", "matrix", "type", "object", "then",
                run_schema(SCION_SCHEMA_PART), "else", run_schema(SCION_SCHEMA_WHOLE), "allOf",
                null_seed_rule(), "definitions", definitions);
        good = schema && json_dumpf(schema, file, JSON_INDENT(1)) == 0;
        json_decref(schema);
        if (good)
                fputc('\n', file);
        return good || ferror(file) || scion_fail("out of memory"); /* the caller reports write errors */
}
