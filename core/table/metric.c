#include "table/metric.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Returns whether the name is the word, or ends in "_" and the word. */
static bool name_ends(const char *name, const char *word)
{
        size_t length = strlen(name), tail = strlen(word);

        return length >= tail && strcmp(name + length - tail, word) == 0 &&
               (length == tail || name[length - tail - 1] == '_');
}

static bool name_ends_in(const char *name, const char *const *words, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (name_ends(name, words[i]))
                        return true;
        return false;
}

bool scion_metric_lower_better(const char *name)
{
        static const char *const words[] = { "loss", "mae",   "mse",    "rmse",       "error",    "seconds",
                                             "mib",  "epoch", "epochs", "parameters", "trainable" };

        return name_ends_in(name, words, sizeof words / sizeof words[0]);
}

bool scion_metric_is_fraction(const char *name)
{
        return name_ends(name, "accuracy");
}

double scion_metric_ideal(const char *name)
{
        if (name_ends(name, "accuracy") || name_ends(name, "r2"))
                return 1;
        return scion_metric_lower_better(name) ? 0 : NAN;
}

const char *scion_metric_text(const char *name, double value, enum scion_metric_style style, char *text)
{
        static const char *const of_fraction[] = { "%.2f %%", "%.2f", "%.2f", "%+.2f" };
        static const char *const of_number[] = { "%.4g", "%.4g", "%.2g", "%+.3g" };

        if (isnan(value))
                return strcpy(text, "-");
        if (scion_metric_is_fraction(name))
                snprintf(text, 32, of_fraction[style], 100 * value);
        else
                snprintf(text, 32, of_number[style], value);
        return text;
}
