/* The range of a parameter, by the rules of scion/param.h. */
#ifndef SCION_PLUGIN_RANGE_H
#define SCION_PLUGIN_RANGE_H

#include <math.h>
#include <scion/param.h>

static inline bool scion_range_has_min(const struct scion_param *param)
{
        return param->bounded && param->min > -(double)INFINITY;
}

static inline bool scion_range_has_max(const struct scion_param *param)
{
        return param->bounded && param->max > param->min && param->max != 0;
}

/* Returns whether the infinite value x is allowed: it must be a bound of the range itself. */
static inline bool scion_range_infinite(const struct scion_param *param, double x)
{
        return param->bounded && (x > 0 ? param->max : param->min) == x;
}

/* Returns whether x is in the range. long double represents every int64_t exactly. */
static inline bool scion_range_holds(const struct scion_param *param, long double x)
{
        long double min = (long double)param->min, max = (long double)param->max;

        return !(scion_range_has_min(param) && (param->above_min ? x <= min : x < min)) &&
               !(scion_range_has_max(param) && (param->below_max ? x >= max : x > max));
}

#endif
