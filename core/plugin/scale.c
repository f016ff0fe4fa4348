/* Multiplies the parameters that a table marks as widths. */
#include <math.h>

#include "config/scalar.h"
#include "plugin/params.h"
#include "plugin/range.h"

#define LARGEST 0x1p53 /* up to which a double represents every integer */

static bool param_fail_outside(const struct scion_param *param, double from, double to)
{
        char was[SCION_SCALAR_BYTES], is[SCION_SCALAR_BYTES];

        return scion_fail("%s: %s, multiplied, would be %s, which is out of its range", param->name,
                          scion_scalar_double_text(from, was), scion_scalar_double_text(to, is));
}

/* Fails if the value is outside the range, which means "not given". */
static bool param_check_given(const struct scion_param *param, double value)
{
        char text[SCION_SCALAR_BYTES];

        return scion_range_holds(param, (long double)value) ||
               scion_fail("%s is not given (%s): there is nothing to multiply", param->name,
                          scion_scalar_double_text(value, text));
}

static bool param_scale_int(const struct scion_param *param, double factor, int64_t *value)
{
        double scaled = fmax(1, round((double)*value * factor));

        if (!param_check_given(param, (double)*value))
                return false;
        if (!(scaled <= LARGEST) || !scion_range_holds(param, (long double)scaled))
                return param_fail_outside(param, (double)*value, scaled);
        *value = (int64_t)scaled;
        return true;
}

static bool param_scale_float(const struct scion_param *param, double factor, float *value)
{
        float scaled = (float)((double)*value * factor);

        if (!param_check_given(param, (double)*value))
                return false;
        if (!isfinite(scaled) || !scion_range_holds(param, (long double)scaled))
                return param_fail_outside(param, (double)*value, (double)*value * factor);
        *value = scaled;
        return true;
}

static bool param_scale(const struct scion_param *param, double factor, void *field)
{
        struct scion_floats *floats = field;
        struct scion_ints *ints = field;

        switch (param->type) {
        case SCION_PARAM_FLOAT:
                return param_scale_float(param, factor, field);
        case SCION_PARAM_INT:
                return param_scale_int(param, factor, field);
        case SCION_PARAM_FLOATS:
                for (size_t i = 0; i < floats->count;
                     i++) /* allocated by scion_params_fill(), so it may be changed */
                        if (!param_scale_float(param, factor, (float *)&floats->value[i]))
                                return false;
                return true;
        case SCION_PARAM_INTS:
                for (size_t i = 0; i < ints->count; i++)
                        if (!param_scale_int(param, factor, (int64_t *)&ints->value[i]))
                                return false;
                return true;
        default:
                return scion_fail("%s is not a number",
                                  param->name); /* scion_descriptor_check() rejects this earlier */
        }
}

bool scion_params_scale(const struct scion_param *table, void *state, double factor)
{
        bool any = false;

        if (!(factor > 0) || !isfinite(factor))
                return scion_fail("a width multiplier must be above 0, got %g", factor);
        if (factor == 1)
                return true;
        for (const struct scion_param *param = table; param && param->type != SCION_PARAM_END; param++) {
                if (!param->scales)
                        continue;
                if (!param_scale(param, factor, (char *)state + param->offset))
                        return false;
                any = true;
        }
        return any || scion_fail("it has no width that could be multiplied by %g", factor);
}
