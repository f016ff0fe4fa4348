/* Parameter tables as JSON. The caller owns the results; NULL when memory runs out. */
#ifndef SCION_PLUGIN_PARAMS_JSON_H
#define SCION_PLUGIN_PARAMS_JSON_H

#include <jansson.h>
#include <scion/param.h>

/* Returns a string. If the text is not valid UTF-8, each byte that is not ASCII becomes '?'. */
json_t *scion_json_text(const char *text);

/* Returns a number, as an integer if it is one; null for infinity and NaN, which JSON does not have. */
json_t *scion_json_number(double number);

/* Returns the default: a number, a boolean, a string, or a list; null if there is none. */
json_t *scion_param_default_json(const struct scion_param *param);

/* Returns a list of {name, type, default, required, min, max, min_excluded, max_excluded, choices, meaning}. */
json_t *scion_params_json(const struct scion_param *params);

#endif
