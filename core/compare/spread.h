/* Running mean and standard deviation (Welford 1962). */
#ifndef SCION_COMPARE_SPREAD_H
#define SCION_COMPARE_SPREAD_H

#include <math.h>
#include <stddef.h>

/* Starts as { 0 }. */
struct scion_spread {
        size_t count;
        double mean, squares;
};

static inline void scion_spread_add(struct scion_spread *spread, double value)
{
        double off = value - spread->mean;

        spread->mean += off / (double)++spread->count;
        spread->squares += off * (value - spread->mean);
}

/* Returns the standard deviation of a sample (n - 1); 0 for a single value, so that its band has no width. */
static inline double scion_spread_deviation(const struct scion_spread *spread)
{
        return spread->count > 1 ? sqrt(spread->squares / (double)(spread->count - 1)) : 0;
}

#endif
