/* What is known of a column of results.csv by its name, and how its values are printed. */
#ifndef SCION_REPORT_METRIC_H
#define SCION_REPORT_METRIC_H

#include <scion/api.h>

/* Less is better: names that end in loss, mae, mse, rmse, error, seconds, mib, epoch, epochs, parameters,
 * trainable. Of all others more is. */
bool scion_metric_lower_better(const char *name);

/* A share of one, printed in percent: names that end in accuracy. */
bool scion_metric_is_share(const char *name);

/* The values that a metric's errors are counted from, for ratios of errors: 1 for accuracies and r2, 0 for
 * what is better the less it is; NaN when the name does not tell. */
double scion_metric_ideal(const char *name);

/* "51.05 %" or "0.3127"; "-" for NaN. Returns `text`, of at least 32 bytes. */
const char *scion_metric_text(const char *name, double value, char *text);
/* A deviation or a difference of such values: "8.81", "+8.81" when `sign`. */
const char *scion_metric_spread_text(const char *name, double value, bool sign, char *text);

#endif
