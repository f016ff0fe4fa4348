#include "suite/summary.h"

#include <math.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "table/columns.h"
#include "table/metric.h"

#define MAX_KEYS 16

/* The columns whose values define a group. */
struct keys {
        size_t count;
        const char *column[MAX_KEYS];
};

struct group {
        const struct scion_row *first;
        size_t done, failed;
        double mean,
                spread; /* mean of the metric, and its sum of squared distances from the mean (Welford) */
        double seconds;
};

static struct keys run_keys(const struct scion_config_run *run)
{
        struct keys keys = { 1, { "strategy" } };

        for (size_t i = 0; i < run->axes && keys.count < MAX_KEYS; i++)
                if (strcmp(run->point[i].path, "strategy") != 0 && strcmp(run->point[i].path, "seed") != 0)
                        keys.column[keys.count++] = run->point[i].path;
        return keys;
}

static const char *row_text(const struct scion_row *row, const char *column)
{
        const char *text = scion_row_get(row, column);

        return text ? text : "";
}

static bool rows_in_one_group(const struct keys *keys, const struct scion_row *a, const struct scion_row *b)
{
        for (size_t i = 0; i < keys->count; i++)
                if (strcmp(row_text(a, keys->column[i]), row_text(b, keys->column[i])) != 0)
                        return false;
        return true;
}

/* Returns the test metric that the finished runs have. */
static const char *results_metric(const struct scion_sheet *results)
{
        static const char *const metrics[] = { "test_accuracy", "test_mse" };

        for (size_t i = 0; i < scion_sheet_count(results); i++)
                for (size_t j = 0; j < 2; j++)
                        if (scion_row_get(scion_sheet_row(results, i), metrics[j]))
                                return metrics[j];
        return metrics[0];
}

static size_t groups_collect(const struct scion_sheet *results, const struct keys *keys, const char *metric,
                             struct group *groups)
{
        size_t count = 0;

        for (size_t i = 0; i < scion_sheet_count(results); i++) {
                const struct scion_row *row = scion_sheet_row(results, i);
                const char *value = scion_row_get(row, metric);
                size_t g = 0;

                while (g < count && !rows_in_one_group(keys, groups[g].first, row))
                        g++;
                if (g == count)
                        groups[count++] = (struct group){ .first = row };
                if (strcmp(row_text(row, "status"), "done") != 0) {
                        groups[g].failed++;
                        continue;
                }
                double x = value ? strtod(value, NULL) : NAN;

                groups[g].done++;
                double distance = x - groups[g].mean;

                groups[g].mean += distance / (double)groups[g].done;
                groups[g].spread += distance * (x - groups[g].mean);
                groups[g].seconds += strtod(row_text(row, "seconds"), NULL);
        }
        return count;
}

static const char *path_last_part(const char *path)
{
        const char *dot = strrchr(path, '.');

        return dot ? dot + 1 : path;
}

/* Returns the last component of the key's path, or the whole path if another key ends the same. */
static const char *key_heading(const struct keys *keys, size_t key)
{
        const char *last = path_last_part(keys->column[key]);

        for (size_t i = 0; i < keys->count; i++)
                if (i != key && strcmp(path_last_part(keys->column[i]), last) == 0)
                        return keys->column[key];
        return last;
}

/* Formats mean and deviation; "-" when there is no test split, and no deviation for a single run. */
static void group_score_text(const struct group *group, const char *metric, char *text, size_t bytes)
{
        double deviation = group->done > 1 ? sqrt(group->spread / (double)(group->done - 1)) : NAN;
        char mean[32], spread[32];

        scion_metric_text(metric, group->done > 0 ? group->mean : NAN, SCION_AS_VALUE, mean);
        scion_metric_text(metric, deviation, SCION_AS_SPREAD, spread);
        snprintf(text, bytes, isnan(deviation) ? "%s" : "%s ± %s", mean, spread);
}

/* Adds the cells of a group after its keys. */
static void columns_add_group(struct scion_columns *columns, const struct group *group, const char *metric)
{
        char runs[32], score[80], seconds[32] = "-", failed[32] = "";

        snprintf(runs, sizeof runs, "%zu", group->done);
        group_score_text(group, metric, score, sizeof score);
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
        struct keys keys = run_keys(run);
        const char *metric = results_metric(results);
        struct group *groups = calloc(scion_sheet_count(results) + 1, sizeof *groups);
        struct scion_columns columns = { .per_row = keys.count + 4, .numbers_from = keys.count };
        bool good;

        if (!groups)
                return scion_fail("out of memory");
        size_t count = groups_collect(results, &keys, metric, groups);

        for (size_t k = 0; k < keys.count; k++)
                scion_columns_add(&columns, key_heading(&keys, k));
        scion_columns_add(&columns, "runs");
        scion_columns_add(&columns, metric);
        scion_columns_add(&columns, "seconds");
        scion_columns_add(&columns, "");
        for (size_t g = 0; g < count; g++) {
                for (size_t k = 0; k < keys.count; k++)
                        scion_columns_add(&columns, row_text(groups[g].first, keys.column[k]));
                columns_add_group(&columns, &groups[g], metric);
        }
        good = scion_columns_print(&columns, 0, file);
        scion_columns_finish(&columns);
        free(groups);
        return good;
}
