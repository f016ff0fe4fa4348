/* What is known of a column of results.csv by its name, and how its values are printed. */
#ifndef SCION_TABLE_METRIC_H
#define SCION_TABLE_METRIC_H

#include <scion/api.h>

/* Less is better: names that end in loss, mae, mse, rmse, error, seconds, mib, epoch, epochs, parameters,
 * trainable. Of all others more is. */
bool scion_metric_lower_better(const char *name);

/* A share of one, printed in percent: names that end in accuracy. */
bool scion_metric_is_share(const char *name);

/* The values that a metric's errors are counted from, for ratios of errors: 1 for accuracies and r2, 0 for
 * what is better the less it is; NaN when the name does not tell. */
double scion_metric_ideal(const char *name);

enum scion_metric_style {
        SCION_AS_VALUE,  /* "51.05 %", "0.3127" */
        SCION_AS_BARE,   /* "51.05", "0.3127": beside one that has the unit */
        SCION_AS_SPREAD, /* of a deviation: "8.81", "0.021" */
        SCION_AS_CHANGE, /* of a difference: "+8.81", "+0.021" */
};

/* The value for people; "-" for NaN. Returns `text`, of at least 32 bytes. */
const char *scion_metric_text(const char *name, double value, enum scion_metric_style style, char *text);

#endif
