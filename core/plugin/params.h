/* Reads the parameters of an experiment file into a struct, as a parameter table describes them. */
#ifndef SCION_PLUGIN_PARAMS_H
#define SCION_PLUGIN_PARAMS_H

#include <scion/param.h>

#include "base/text.h"
#include "config/config.h"

/*
 * Writes every parameter of `table` into `state`: the value in `map` if it has the key, else the default.
 * `map` may be NULL for an empty one. `owner` begins the messages: "strategy 'l2-sp'". `others` are keys of
 * the map that are not parameters ("use"), ended by NULL; NULL for none. Returns false, with the position
 * and the expected value in the message, for an unknown key, a wrong type, a value outside the range, an
 * unknown choice, or a missing required parameter; nothing needs to be released then.
 */
bool scion_params_fill(const struct scion_param *table, const struct scion_config *map, const char *owner,
                       const char *const *others, void *state);

/* Frees the strings and lists that scion_params_fill() allocated. */
void scion_params_release(const struct scion_param *table, void *state);

/* Adds to `map` the parameters that it lacks, with their defaults. Leaves out strings and lists without a
 * default. Marks numbers and booleans that are values of strings as quoted, so that they are written as
 * strings. */
bool scion_params_complete(const struct scion_param *table, struct scion_config *map);

/*
 * Multiplies every number that the table marks as a width (scion/param.h), also in lists, by `factor`.
 * Integers are rounded to at least 1. `state` must be filled. Returns false, with a message, if the factor
 * is not above 0, a result is outside its range, or no number is marked and the factor is not 1.
 */
bool scion_params_scale(const struct scion_param *table, void *state, double factor);

/* Returns the parameter of that name, or NULL. */
const struct scion_param *scion_params_find(const struct scion_param *table, const char *name);

/* Adds the type in words: "float", "list of int", "one of a, b", ... */
void scion_param_type_text(const struct scion_param *param, struct scion_text *text);
/* Adds the range, such as "0 <= x < 1"; nothing if there is none. */
void scion_param_range_text(const struct scion_param *param, struct scion_text *text);
/* Returns the default as a tree with the file and line of `position`, for the caller to destroy. NULL if
 * there is no default; NULL, with a message and `*failed` set, on an error. */
struct scion_config *scion_param_default(const struct scion_param *param, const struct scion_config *position,
                                         bool *failed);
/* Adds the default as it would be written in a file, or "required", or "-" if there is none. */
void scion_param_default_text(const struct scion_param *param, struct scion_text *text);

#endif
