/* Values from an experiment file into a struct, by its parameter table. */
#ifndef SCION_PLUGIN_PARAMS_H
#define SCION_PLUGIN_PARAMS_H

#include <scion/param.h>

#include "base/text.h"
#include "config/config.h"

/*
 * Writes every parameter of `table` into `state`: from `map` where it has the key, else the default. `map`
 * may be NULL: nothing was given. `owner` names the thing in messages: "strategy 'l2-sp'". `others` are keys
 * of the map that are not parameters ("use"), ended by NULL; NULL for none. Fails with the place, what was
 * wrong and what was meant: unknown key (with a near name), wrong type, out of range, unknown choice, missing
 * required.
 */
bool scion_params_fill(const struct scion_param *table, const struct scion_config *map, const char *owner,
                       const char *const *others, void *state);

/* Frees the strings and lists that filling made. */
void scion_params_release(const struct scion_param *table, void *state);

/* Adds the parameters that `map` leaves out, with their defaults, so that the file says all. Strings and
 * lists without a default stay out. */
bool scion_params_complete(const struct scion_param *table, struct scion_config *map);

/*
 * Multiplies, in a filled state, every number that the table marks as a width (scion/param.h), in lists too;
 * integers are rounded, and at least 1. Fails when none is marked and the factor is not 1, when a result is out of
 * its range, and on a factor that is not above 0.
 */
bool scion_params_scale(const struct scion_param *table, void *state, double factor);

/* The entry of that name; NULL when there is none. */
const struct scion_param *scion_params_find(const struct scion_param *table, const char *name);

/* "float", "list of int", "one of a, b", ... */
void scion_param_type_text(const struct scion_param *param, struct scion_text *text);
/* "0 <= x < 1"; nothing when there is no range. */
void scion_param_range_text(const struct scion_param *param, struct scion_text *text);
/* The default as a tree that stands where `place` does, to be destroyed. NULL when there is none, and with a message
 * and `*failed` when it cannot be had. */
struct scion_config *scion_param_default(const struct scion_param *param, const struct scion_config *place,
                                         bool *failed);
/* The default as it would stand in a file; "required" or "-" where there is none. */
void scion_param_default_text(const struct scion_param *param, struct scion_text *text);

#endif
