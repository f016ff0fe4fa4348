#include "plugin/params_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "config/scalar.h"
#include "plugin/params.h"
#include "plugin/range.h"

json_t *scion_json_text(const char *text)
{
        json_t *string = json_string(text);
        char *ascii = string ? NULL : strdup(text);

        if (!ascii)
                return string;
        for (char *c = ascii; *c; c++)
                if ((unsigned char)*c >= 0x80)
                        *c = '?';
        string = json_string(ascii);
        free(ascii);
        return string;
}

json_t *scion_json_number(double number)
{
        if (!isfinite(number))
                return json_null();
        return floor(number) == number && fabs(number) < 0x1p63 ? json_integer((json_int_t)number)
                                                                : json_real(number);
}

/* Converts a scalar of a default to the parameter's type. */
static json_t *param_scalar_json(const struct scion_param *param, const struct scion_config *value)
{
        double number = 0;

        switch (param->type) {
        case SCION_PARAM_FLOAT:
        case SCION_PARAM_INT:
        case SCION_PARAM_FLOATS:
        case SCION_PARAM_INTS:
                scion_scalar_float(value->text, &number);
                return scion_json_number(number);
        case SCION_PARAM_BOOL:
                return json_boolean(param->number != 0);
        default:
                return scion_json_text(value->text);
        }
}

json_t *scion_param_default_json(const struct scion_param *param)
{
        const struct scion_config nowhere = { 0 };
        bool failed;
        struct scion_config *value = scion_param_default(param, &nowhere, &failed);
        json_t *json;

        if (!value)
                return failed ? NULL : json_null();
        if (value->kind == SCION_CONFIG_LIST) {
                json = json_array();
                for (size_t i = 0; i < value->count; i++)
                        json_array_append_new(json, param_scalar_json(param, value->entry[i].value));
        } else {
                json = param_scalar_json(param, value);
        }
        scion_config_destroy(value);
        return json;
}

static json_t *param_choices_json(const struct scion_param *param)
{
        json_t *list = param->type == SCION_PARAM_CHOICE ? json_array() : json_null();

        for (size_t i = 0; param->type == SCION_PARAM_CHOICE && param->choices[i]; i++)
                json_array_append_new(list, scion_json_text(param->choices[i]));
        return list;
}

static const char *param_type_name(const struct scion_param *param)
{
        static const char *const names[] = {
                [SCION_PARAM_FLOAT] = "float",      [SCION_PARAM_INT] = "int",
                [SCION_PARAM_BOOL] = "bool",        [SCION_PARAM_STRING] = "string",
                [SCION_PARAM_CHOICE] = "choice",    [SCION_PARAM_FLOATS] = "list of float",
                [SCION_PARAM_INTS] = "list of int", [SCION_PARAM_STRINGS] = "list of string",
        };

        return names[param->type];
}

json_t *scion_params_json(const struct scion_param *params)
{
        json_t *list = json_array();

        for (; params && params->type != SCION_PARAM_END; params++) {
                bool min = scion_range_has_min(params), max = scion_range_has_max(params);

                json_array_append_new(
                        list,
                        json_pack("{s:o, s:s, s:o, s:b, s:o, s:o, s:b, s:b, s:o, s:o}", "name",
                                  scion_json_text(params->name), "type", param_type_name(params), "default",
                                  scion_param_default_json(params), "required", params->required, "min",
                                  min ? scion_json_number(params->min) : json_null(), "max",
                                  max ? scion_json_number(params->max) : json_null(), "min_excluded",
                                  min && params->above_min, "max_excluded", max && params->below_max,
                                  "choices", param_choices_json(params), "meaning",
                                  scion_json_text(params->help)));
        }
        return list;
}
