/*
 * Functions that the files of this folder share. A returned schema belongs to the caller; a schema that is
 * passed to a function is consumed by it.
 */
#ifndef SCION_SCHEMA_PARTS_H
#define SCION_SCHEMA_PARTS_H

#include <jansson.h>
#include <scion/param.h>

/*
 * How complete a part of a file must be. WHOLE: in a file that stands alone, everything that is required must
 * be there. PART: a file that extends another, or has a matrix, may leave anything to those. AXIS: a value in
 * the matrix, which may also have a label.
 */
enum scion_schema_form { SCION_SCHEMA_WHOLE, SCION_SCHEMA_PART, SCION_SCHEMA_AXIS, SCION_SCHEMA_FORMS };
extern const char *const scion_schema_forms[SCION_SCHEMA_FORMS];

/* The schema of a parameter's value, with its description, range and default. */
json_t *scion_schema_value(const struct scion_param *param);

/* {"$ref": "#/definitions/NAME"}, and the same for NAME-FORM. */
json_t *scion_schema_ref(const char *name);
json_t *scion_schema_ref_form(const char *name, enum scion_schema_form form);

/* A schema that accepts what `schema` accepts, and null. */
json_t *scion_schema_or_null(json_t *schema);

/*
 * An object with the parameters of a table: {"type": "object", "description": ..., "properties": ...,
 * "additionalProperties": false}.
 */
json_t *scion_schema_map(const struct scion_param *params, const char *description);

/*
 * Adds the definitions of everything that is written as NAME or { use: NAME, ... }: plugins of each kind,
 * schedules and transforms, each in all forms. Returns false with a message on failure.
 */
bool scion_schema_add_plugins(json_t *definitions);

#endif
