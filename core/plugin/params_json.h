/* Parameter tables as JSON. What is made is the caller's; NULL when memory is out. */
#ifndef SCION_PLUGIN_PARAMS_JSON_H
#define SCION_PLUGIN_PARAMS_JSON_H

#include <jansson.h>
#include <scion/param.h>

/* JSON is UTF-8; of texts that are not, what is no ASCII is replaced. */
json_t *scion_json_text(const char *text);

/* A number; null for what JSON cannot hold. Whole ones are integers. */
json_t *scion_json_number(double number);

/* The default: a number, a truth, a text, or a list of such; null when there is none. */
json_t *scion_param_default_json(const struct scion_param *param);

/* A list of {name, type, default, required, min, max, min_excluded, max_excluded, choices, meaning}. */
json_t *scion_params_json(const struct scion_param *params);

#endif
