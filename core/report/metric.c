#include "report/metric.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The name, or its last word: "loss" ends "test_loss". */
static bool ends(const char *name, const char *word)
{
        size_t length = strlen(name), tail = strlen(word);

        return length >= tail && strcmp(name + length - tail, word) == 0 &&
               (length == tail || name[length - tail - 1] == '_');
}

static bool ends_in(const char *name, const char *const *words, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (ends(name, words[i]))
                        return true;
        return false;
}

bool scion_metric_lower_better(const char *name)
{
        static const char *const words[] = { "loss", "mae",   "mse",    "rmse",       "error",    "seconds",
                                             "mib",  "epoch", "epochs", "parameters", "trainable" };

        return ends_in(name, words, sizeof words / sizeof words[0]);
}

bool scion_metric_is_share(const char *name)
{
        return ends(name, "accuracy");
}

double scion_metric_ideal(const char *name)
{
        if (ends(name, "accuracy") || ends(name, "r2"))
                return 1;
        return scion_metric_lower_better(name) ? 0 : NAN;
}

const char *scion_metric_text(const char *name, double value, char *text)
{
        if (isnan(value))
                return strcpy(text, "-");
        snprintf(text, 32, scion_metric_is_share(name) ? "%.2f %%" : "%.4g",
                 scion_metric_is_share(name) ? 100 * value : value);
        return text;
}

const char *scion_metric_spread_text(const char *name, double value, bool sign, char *text)
{
        if (isnan(value))
                return strcpy(text, "-");
        if (scion_metric_is_share(name))
                snprintf(text, 32, sign ? "%+.2f" : "%.2f", 100 * value);
        else
                snprintf(text, 32, sign ? "%+.3g" : "%.2g", value);
        return text;
}
