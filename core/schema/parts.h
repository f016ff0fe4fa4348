/* What the files of this folder share. All that is made is the caller's; what is given with an `o` is taken. */
#ifndef SCION_SCHEMA_PARTS_H
#define SCION_SCHEMA_PARTS_H

#include <jansson.h>
#include <scion/param.h>

/*
 * How much a place can be sure of. In a file that stands alone all that is required must be there; one that extends
 * another, or whose matrix gives values, may leave anything to those; and in the matrix a map may have a label.
 */
enum scion_schema_form { SCION_SCHEMA_WHOLE, SCION_SCHEMA_PART, SCION_SCHEMA_AXIS, SCION_SCHEMA_FORMS };
extern const char *const scion_schema_forms[SCION_SCHEMA_FORMS];

/* The schema of a parameter's value, with its meaning, range and default for whoever points at it. */
json_t *scion_schema_value(const struct scion_param *param);

/* {"$ref": "#/definitions/NAME"} or NAME-FORM */
json_t *scion_schema_ref(const char *name);
json_t *scion_schema_ref_form(const char *name, enum scion_schema_form form);

/* The same, or null. */
json_t *scion_schema_or_null(json_t *schema);

/* {"type": "object", "description": ..., "properties": ..., "additionalProperties": false} of a table's parameters. */
json_t *scion_schema_map(const struct scion_param *params, const char *description);

/* Adds to `definitions` what is written as NAME or { use: NAME, ... }: plugins of each kind in all forms, schedules,
 * transforms. False, with a message. */
bool scion_schema_add_plugins(json_t *definitions);

#endif
