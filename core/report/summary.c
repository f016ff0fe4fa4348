#include "report/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_KEYS 16

/* The columns that tell groups apart. */
struct keys {
        size_t count;
        const char *column[MOST_KEYS];
};

struct group {
        const struct scion_row *first;
        size_t done, failed;
        double mean, spread; /* of the metric; sum of squared distances from the mean (Welford) */
        double seconds;
};

static struct keys keys_of(const struct scion_config_run *run)
{
        struct keys keys = { 1, { "strategy" } };

        for (size_t i = 0; i < run->axes && keys.count < MOST_KEYS; i++)
                if (strcmp(run->point[i].path, "strategy") != 0 && strcmp(run->point[i].path, "seed") != 0)
                        keys.column[keys.count++] = run->point[i].path;
        return keys;
}

static const char *text_of(const struct scion_row *row, const char *column)
{
        const char *text = scion_row_get(row, column);

        return text ? text : "";
}

static bool same_group(const struct keys *keys, const struct scion_row *a, const struct scion_row *b)
{
        for (size_t i = 0; i < keys->count; i++)
                if (strcmp(text_of(a, keys->column[i]), text_of(b, keys->column[i])) != 0)
                        return false;
        return true;
}

/* The first metric that a finished run has. */
static const char *metric_of(const struct scion_sheet *results)
{
        static const char *const metrics[] = { "test_accuracy", "test_mse" };

        for (size_t i = 0; i < scion_sheet_count(results); i++)
                for (size_t j = 0; j < 2; j++)
                        if (scion_row_get(scion_sheet_row(results, i), metrics[j]))
                                return metrics[j];
        return metrics[0];
}

static size_t make_groups(const struct scion_sheet *results, const struct keys *keys, const char *metric,
                          struct group *groups)
{
        size_t count = 0;

        for (size_t i = 0; i < scion_sheet_count(results); i++) {
                const struct scion_row *row = scion_sheet_row(results, i);
                const char *value = scion_row_get(row, metric);
                size_t g = 0;

                while (g < count && !same_group(keys, groups[g].first, row))
                        g++;
                if (g == count)
                        groups[count++] = (struct group){ .first = row };
                if (strcmp(text_of(row, "status"), "done") != 0) {
                        groups[g].failed++;
                        continue;
                }
                double x = value ? strtod(value, NULL) : NAN;

                groups[g].done++;
                double distance = x - groups[g].mean;

                groups[g].mean += distance / (double)groups[g].done;
                groups[g].spread += distance * (x - groups[g].mean);
                groups[g].seconds += strtod(text_of(row, "seconds"), NULL);
        }
        return count;
}

static const char *last_part(const char *path)
{
        const char *dot = strrchr(path, '.');

        return dot ? dot + 1 : path;
}

static int width_of(const struct group *groups, size_t count, const char *column)
{
        size_t width = strlen(last_part(column));

        for (size_t g = 0; g < count; g++) {
                size_t length = strlen(text_of(groups[g].first, column));

                width = length > width ? length : width;
        }
        return (int)width;
}

static void print_group(const struct group *group, bool percent, FILE *file)
{
        double deviation = group->done > 1 ? sqrt(group->spread / (double)(group->done - 1)) : 0;

        fprintf(file, "  %4zu", group->done);
        if (group->done == 0)
                fprintf(file, "  %16s  %7s", "-", "-");
        else if (percent)
                fprintf(file, "  %7.2f ± %4.2f %%", 100 * group->mean, 100 * deviation);
        else
                fprintf(file, "  %8.4g ± %5.2g", group->mean, deviation);
        if (group->done > 0)
                fprintf(file, "  %7.2f", group->seconds / (double)group->done);
        if (group->failed > 0)
                fprintf(file, "  (%zu failed)", group->failed);
        fputc('\n', file);
}

void scion_summary_print(const struct scion_sheet *results, const struct scion_config_run *run, FILE *file)
{
        struct keys keys = keys_of(run);
        const char *metric = metric_of(results);
        struct group *groups = calloc(scion_sheet_count(results) + 1, sizeof *groups);

        if (!groups)
                return;
        size_t count = make_groups(results, &keys, metric, groups);

        fputc('\n', file);
        for (size_t k = 0; k < keys.count; k++)
                fprintf(file, "%s%-*s", k ? "  " : "", width_of(groups, count, keys.column[k]),
                        last_part(keys.column[k]));
        fprintf(file, "  %4s  %16s  %7s\n", "runs", metric, "seconds");
        for (size_t g = 0; g < count; g++) {
                for (size_t k = 0; k < keys.count; k++)
                        fprintf(file, "%s%-*s", k ? "  " : "", width_of(groups, count, keys.column[k]),
                                text_of(groups[g].first, keys.column[k]));
                print_group(&groups[g], strcmp(metric, "test_accuracy") == 0, file);
        }
        free(groups);
}
