#include "suite/summary.h"

#include <math.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "table/columns.h"
#include "table/metric.h"

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

/* A path's last part, where no other key has the same. */
static const char *heading(const struct keys *keys, size_t key)
{
        const char *last = last_part(keys->column[key]);

        for (size_t i = 0; i < keys->count; i++)
                if (i != key && strcmp(last_part(keys->column[i]), last) == 0)
                        return keys->column[key];
        return last;
}

/* Mean and deviation; a dash when there is no test split, and no deviation of one run alone. */
static void score_text(const struct group *group, const char *metric, char *text, size_t bytes)
{
        double deviation = group->done > 1 ? sqrt(group->spread / (double)(group->done - 1)) : NAN;
        char mean[32], spread[32];

        scion_metric_text(metric, group->done > 0 ? group->mean : NAN, SCION_AS_VALUE, mean);
        scion_metric_text(metric, deviation, SCION_AS_SPREAD, spread);
        snprintf(text, bytes, isnan(deviation) ? "%s" : "%s ± %s", mean, spread);
}

/* Score and seconds of the runs that were done. */
static void add_group(struct scion_columns *columns, const struct group *group, const char *metric)
{
        char runs[32], score[80], seconds[32] = "-", failed[32] = "";

        snprintf(runs, sizeof runs, "%zu", group->done);
        score_text(group, metric, score, sizeof score);
        if (group->done > 0)
                snprintf(seconds, sizeof seconds, "%.2f", group->seconds / (double)group->done);
        if (group->failed > 0)
                snprintf(failed, sizeof failed, "%zu failed", group->failed);
        scion_columns_add(columns, runs);
        scion_columns_add(columns, score);
        scion_columns_add(columns, seconds);
        scion_columns_add(columns, failed);
}

bool scion_summary_print(const struct scion_sheet *results, const struct scion_config_run *run, FILE *file)
{
        struct keys keys = keys_of(run);
        const char *metric = metric_of(results);
        struct group *groups = calloc(scion_sheet_count(results) + 1, sizeof *groups);
        struct scion_columns columns = { .per_row = keys.count + 4, .numbers_from = keys.count };
        bool good;

        if (!groups)
                return scion_fail("out of memory");
        size_t count = make_groups(results, &keys, metric, groups);

        for (size_t k = 0; k < keys.count; k++)
                scion_columns_add(&columns, heading(&keys, k));
        scion_columns_add(&columns, "runs");
        scion_columns_add(&columns, metric);
        scion_columns_add(&columns, "seconds");
        scion_columns_add(&columns, "");
        for (size_t g = 0; g < count; g++) {
                for (size_t k = 0; k < keys.count; k++)
                        scion_columns_add(&columns, text_of(groups[g].first, keys.column[k]));
                add_group(&columns, &groups[g], metric);
        }
        good = scion_columns_print(&columns, 0, file);
        scion_columns_finish(&columns);
        free(groups);
        return good;
}
