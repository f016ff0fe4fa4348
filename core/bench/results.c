#include "bench/results.h"

#include <jansson.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "table/columns.h"

#define TEXTS 6 /* the first columns are texts; the others are numbers */
#define MIB 1048576.0

static const char *const part_names[SCION_PARTS] = {
        [SCION_PART_BATCH] = "batch",   [SCION_PART_FORWARD] = "forward",   [SCION_PART_LOSS] = "loss",
        [SCION_PART_SCORES] = "scores", [SCION_PART_BACKWARD] = "backward", [SCION_PART_UPDATE] = "optimizer",
};

static double times_samples_per_second(const struct scion_bench_times *times)
{
        return (double)times->examples / times->seconds.median;
}

static double times_flops(const struct scion_bench_times *times)
{
        return times->operations / times->seconds.median;
}

/* --- For programs ----------------------------------------------------------------------------------------- */

static void row_add(struct scion_row *row, const char *prefix, const char *name, double value, int decimals)
{
        char column[64];

        snprintf(column, sizeof column, "%s%s", prefix, name);
        scion_row_fixed(row, column, value, decimals);
}

static void row_add_times(struct scion_row *row, const char *prefix, const struct scion_bench_times *times,
                          double peak)
{
        row_add(row, prefix, "batch_size", (double)times->examples, 0);
        row_add(row, prefix, "steps", (double)times->steps, 0);
        row_add(row, prefix, "ms", times->seconds.median * 1e3, 6);
        row_add(row, prefix, "ms_p10", times->seconds.low * 1e3, 6);
        row_add(row, prefix, "ms_p90", times->seconds.high * 1e3, 6);
        row_add(row, prefix, "cpu_ms", times->cpu_seconds * 1e3, 6);
        row_add(row, prefix, "samples_per_second", times_samples_per_second(times), 1);
        row_add(row, prefix, "gflop", times->operations * 1e-9, 9);
        row_add(row, prefix, "gflops", times_flops(times) * 1e-9, 3);
        row_add(row, prefix, "of_peak", times_flops(times) / peak, 4);
        for (int part = 0; part < SCION_PARTS; part++) {
                char name[32];

                snprintf(name, sizeof name, "%s_ms", part_names[part] ? part_names[part] : "");
                if (part_names[part] && (times->part[part] > 0 || !*prefix))
                        row_add(row, prefix, name, times->part[part] * 1e3, 6);
        }
        row_add(row, prefix, "allocated_bytes", times->allocated, 0);
        row_add(row, prefix, "faulted_bytes", times->faulted, 0);
        row_add(row, prefix, "tape_allocations", times->tape_allocations, 3);
}

static void row_create(const struct scion_bench_subject *subject, const struct scion_bench *bench,
                       struct scion_row *row)
{
        scion_row_text(row, "file", subject->file);
        scion_row_text(row, "run", subject->run);
        scion_row_text(row, "strategy", subject->strategy);
        scion_row_text(row, "model", subject->model);
        scion_row_text(row, "stage", bench->stage);
        scion_row_text(row, "precision", bench->bf16 ? "bf16" : "fp32");
        scion_row_int(row, "threads", subject->threads);
        row_add_times(row, "", &bench->training, bench->peak_flops);
        row_add_times(row, "evaluation_", &bench->evaluation, bench->peak_flops);
        row_add(row, "", "peak_gflops", bench->peak_flops * 1e-9, 3);
        row_add(row, "", "tape_mib", (double)bench->tape_bytes / MIB, 3);
        row_add(row, "", "peak_mib", bench->peak_mib, 3);
}

static bool row_print(const struct scion_row *row, bool names, FILE *file)
{
        const char **fields = malloc((row->count + 1) * sizeof *fields);
        char *text = NULL;

        for (size_t i = 0; fields && i < row->count; i++)
                fields[i] = names ? row->cell[i].column : row->cell[i].value;
        if (fields)
                text = scion_csv_row_text(fields, row->count);
        if (text)
                fputs(text, file);
        free(fields);
        free(text);
        return text || scion_fail("out of memory");
}

bool scion_bench_print_csv(const struct scion_bench_subject *subject, const struct scion_bench *bench,
                           FILE *file)
{
        struct scion_row row = { 0 };

        if (bench->profile.count > 0)
                return scion_profile_print_csv(&bench->profile, file);

        row_create(subject, bench, &row);
        bool good = !row.failed ? row_print(&row, true, file) && row_print(&row, false, file)
                                : scion_fail("out of memory");

        scion_row_finish(&row);
        return good;
}

/* A list of objects, or NULL. */
static json_t *profile_json(const struct scion_profile *profile)
{
        json_t *list = json_array();
        double steps = (double)profile->steps;

        for (size_t i = 0; list && i < profile->count; i++) {
                const struct scion_profile_line *line = &profile->line[i];
                json_t *object = json_pack("{ss ss ss sf sf sf}", "operation", line->name, "pass",
                                           scion_profile_passes[line->pass], "shapes", line->shapes, "calls",
                                           (double)line->calls / steps, "ms", line->seconds / steps * 1e3,
                                           "gflop", line->operations / steps * 1e-9);

                if (json_array_append_new(list, object) != 0) {
                        json_decref(list);
                        return NULL;
                }
        }
        return list;
}

bool scion_bench_print_json(const struct scion_bench_subject *subject, const struct scion_bench *bench,
                            FILE *file)
{
        struct scion_row row = { 0 };
        json_t *object = json_object();

        row_create(subject, bench, &row);
        bool good = object && !row.failed;

        for (size_t i = 0; good && i < row.count; i++) {
                const char *value = row.cell[i].value;

                good = json_object_set_new(object, row.cell[i].column,
                                           i < TEXTS
                                                   ? json_string(value)
                                                   : (strpbrk(value, ".e")
                                                              ? json_real(strtod(value, NULL))
                                                              : json_integer(strtoll(value, NULL, 10)))) == 0;
        }
        if (good && bench->profile.count > 0)
                good = json_object_set_new(object, "profile", profile_json(&bench->profile)) == 0;
        good = good && json_dumpf(object, file, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) == 0;
        if (good)
                fputc('\n', file);
        json_decref(object);
        scion_row_finish(&row);
        return good || scion_fail("out of memory");
}

/* --- For people ------------------------------------------------------------------------------------------- */

static void columns_add_number(struct scion_columns *columns, const char *format, double value)
{
        char text[64];

        snprintf(text, sizeof text, format, value);
        scion_columns_add(columns, text);
}

static void columns_add_line(struct scion_columns *columns, const char *name,
                             const struct scion_bench_times *times, double peak)
{
        scion_columns_add(columns, name);
        columns_add_number(columns, "%.0f", (double)times->examples);
        columns_add_number(columns, "%.0f", (double)times->steps);
        columns_add_number(columns, "%.4g", times->seconds.median * 1e3);
        columns_add_number(columns, "%.4g", times->seconds.low * 1e3);
        columns_add_number(columns, "%.4g", times->seconds.high * 1e3);
        columns_add_number(columns, "%.0f", times_samples_per_second(times));
        columns_add_number(columns, "%.1f", times_flops(times) * 1e-9);
        columns_add_number(columns, "%.0f %%", times_flops(times) / peak * 100);
}

/* Prints the share of each part of a training step. The parts are means that add up to the step. */
static void parts_print(const struct scion_bench_times *times, FILE *file)
{
        double all = 0;

        for (int part = SCION_PART_OUTSIDE + 1; part < SCION_PARTS; part++)
                all += times->part[part];
        fputs("of a training step:", file);
        for (int part = SCION_PART_OUTSIDE + 1; part < SCION_PARTS; part++)
                fprintf(file, "%s %s %.1f %%", part > SCION_PART_OUTSIDE + 1 ? "," : "", part_names[part],
                        all > 0 ? times->part[part] / all * 100 : 0);
        fputc('\n', file);
}

bool scion_bench_print(const struct scion_bench_subject *subject, const struct scion_bench *bench, FILE *file)
{
        static const char *const head[] = { "",     "batch",     "steps",   "ms/step", "10 %",
                                            "90 %", "samples/s", "GFLOP/s", "of peak" };
        struct scion_columns columns = { .per_row = sizeof head / sizeof *head, .numbers_from = 1 };

        fprintf(file, "%s: strategy %s, model %s, stage %s, %lld thread%s\n\n", subject->run,
                subject->strategy, subject->model, bench->stage, (long long)subject->threads,
                subject->threads == 1 ? "" : "s");
        for (size_t i = 0; i < columns.per_row; i++)
                scion_columns_add(&columns, head[i]);
        columns_add_line(&columns, "training", &bench->training, bench->peak_flops);
        columns_add_line(&columns, "evaluation", &bench->evaluation, bench->peak_flops);
        bool good = scion_columns_print(&columns, 0, file);

        scion_columns_finish(&columns);
        fputc('\n', file);
        parts_print(&bench->training, file);
        fprintf(file, "peak: %.0f GFLOP/s, in products of large matrices%s\n", bench->peak_flops * 1e-9,
                bench->bf16 ? ", rounded to bfloat16" : "");
        fprintf(file,
                "memory: %.0f bytes a step from the system; %.1f MiB kept for the steps, %.1f MiB resident "
                "at most\n",
                bench->training.allocated, (double)bench->tape_bytes / MIB, bench->peak_mib);
        if (good && bench->profile.count > 0) {
                fputc('\n', file);
                good = scion_profile_print(&bench->profile, file);
        }
        return good;
}
