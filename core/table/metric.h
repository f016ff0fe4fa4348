/* What the name of a column of results.csv says about the metric, and how its values are printed. */
#ifndef SCION_TABLE_METRIC_H
#define SCION_TABLE_METRIC_H

#include <scion/api.h>

/* Returns whether smaller values are better: for names that end in loss, mae, mse, rmse, error, seconds,
 * mib, epoch, epochs, parameters or trainable. For all other names larger values are better. */
bool scion_metric_lower_better(const char *name);

/* Returns whether the metric is a fraction of one that is printed in percent: for names that end in
 * accuracy. */
bool scion_metric_is_fraction(const char *name);

/* Returns the best possible value, from which errors are measured for ratios of errors: 1 for accuracies
 * and r2, 0 if smaller values are better, and NaN if the name does not tell. */
double scion_metric_ideal(const char *name);

enum scion_metric_style {
        SCION_AS_VALUE,  /* "51.05 %", "0.3127" */
        SCION_AS_BARE,   /* "51.05", "0.3127": without the unit */
        SCION_AS_SPREAD, /* a standard deviation: "8.81", "0.021" */
        SCION_AS_CHANGE, /* a difference: "+8.81", "+0.021" */
};

/* Formats a value for display; NaN becomes "-". `text` has room for at least 32 bytes. Returns text. */
const char *scion_metric_text(const char *name, double value, enum scion_metric_style style, char *text);

#endif
