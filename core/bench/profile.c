#include "bench/profile.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "table/columns.h"
#include "table/csv.h"

const char *const scion_profile_passes[SCION_TRACE_PASSES] = {
        [SCION_TRACE_FORWARD] = "forward",
        [SCION_TRACE_BACKWARD] = "backward",
        [SCION_TRACE_OTHER] = "",
};

/* --- Collecting ------------------------------------------------------------------------------------------- */

static struct scion_profile_line *line_find(struct scion_profile *profile, const char *name,
                                            enum scion_trace_pass pass, const char *shapes)
{
        for (size_t i = 0; i < profile->count; i++) {
                struct scion_profile_line *line = &profile->line[i];

                if (line->pass == pass && strcmp(line->name, name) == 0 && strcmp(line->shapes, shapes) == 0)
                        return line;
        }
        if (profile->count == profile->room) {
                size_t room = profile->room ? 2 * profile->room : 64;
                struct scion_profile_line *longer = realloc(profile->line, room * sizeof *longer);

                if (!longer) {
                        profile->failed = true;
                        return NULL;
                }
                profile->line = longer;
                profile->room = room;
        }
        struct scion_profile_line *line = &profile->line[profile->count++];

        *line = (struct scion_profile_line){ .pass = pass };
        snprintf(line->name, sizeof line->name, "%s", name);
        snprintf(line->shapes, sizeof line->shapes, "%s", shapes);
        return line;
}

static void event_record(struct scion_tracer *tracer, const struct scion_trace_event *event)
{
        struct scion_profile *profile =
                (struct scion_profile *)((char *)tracer - offsetof(struct scion_profile, tracer));
        double operations = scion_device_usage().operations;
        char shapes[192] = "";

        if (profile->by == SCION_PROFILE_SHAPES)
                scion_trace_text(event, shapes, sizeof shapes);
        struct scion_profile_line *line = line_find(profile, event->name, event->pass, shapes);

        if (line) {
                line->calls++;
                line->seconds += event->seconds;
                line->operations += operations - profile->operations;
        }
        profile->operations = operations;
}

void scion_profile_begin(struct scion_profile *profile)
{
        profile->tracer.event = event_record;
        profile->operations = scion_device_usage().operations;
        scion_trace_use(&profile->tracer);
}

void scion_profile_end(struct scion_profile *profile)
{
        (void)profile;
        scion_trace_use(NULL);
}

static int line_compare(const void *a, const void *b)
{
        const struct scion_profile_line *x = a, *y = b;

        return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

bool scion_profile_close(struct scion_profile *profile, int64_t steps)
{
        struct scion_profile_line *between =
                line_find(profile, "(between operations)", SCION_TRACE_OTHER, "");

        if (!between || profile->failed)
                return scion_fail("out of memory");
        between->seconds = profile->tracer.between;
        profile->steps = steps;
        profile->seconds = 0;
        for (size_t i = 0; i < profile->count; i++)
                profile->seconds += profile->line[i].seconds;
        qsort(profile->line, profile->count, sizeof *profile->line, line_compare);
        return true;
}

void scion_profile_finish(struct scion_profile *profile)
{
        free(profile->line);
        profile->line = NULL;
        profile->count = profile->room = 0;
}

/* --- Printing --------------------------------------------------------------------------------------------- */

#define CELLS 7
#define WIDTH 200

/* Writes the cells of a line. Cells without a value are empty. */
static void line_write_cells(const struct scion_profile *profile, const struct scion_profile_line *line,
                             const char *percent, char (*cell)[WIDTH])
{
        double steps = (double)profile->steps;

        snprintf(cell[0], WIDTH, "%s", line->name);
        snprintf(cell[1], WIDTH, "%s", scion_profile_passes[line->pass]);
        cell[2][0] = cell[5][0] = '\0';
        if (line->calls > 0)
                snprintf(cell[2], WIDTH, "%.6g", (double)line->calls / steps);
        snprintf(cell[3], WIDTH, "%.5f", line->seconds / steps * 1e3);
        snprintf(cell[4], WIDTH, "%.1f%s", profile->seconds > 0 ? line->seconds / profile->seconds * 100 : 0,
                 percent);
        if (line->operations > 0 && line->seconds > 0)
                snprintf(cell[5], WIDTH, "%.1f", line->operations / line->seconds * 1e-9);
        snprintf(cell[6], WIDTH, "%s", line->shapes);
}

bool scion_profile_print(const struct scion_profile *profile, FILE *file)
{
        static const char *const head[CELLS] = { "operation", "pass",    "calls/step", "ms/step",
                                                 "share",     "GFLOP/s", "shapes" };
        static const int order[CELLS] = { 0, 1, 6, 2, 3, 4, 5 };
        bool shapes = profile->by == SCION_PROFILE_SHAPES;
        struct scion_columns columns = { .per_row = CELLS, .numbers_from = 3 };
        char cell[CELLS][WIDTH];

        for (int i = 0; i < CELLS; i++)
                scion_columns_add(&columns, order[i] == 6 && !shapes ? "" : head[order[i]]);
        for (size_t row = 0; row < profile->count; row++) {
                line_write_cells(profile, &profile->line[row], " %", cell);
                for (int i = 0; i < CELLS; i++)
                        scion_columns_add(&columns, cell[order[i]]);
        }
        bool good = scion_columns_print(&columns, 0, file);

        scion_columns_finish(&columns);
        return good;
}

static bool row_print(const char *const *fields, FILE *file)
{
        char *text = scion_csv_row_text(fields, CELLS);

        if (!text)
                return scion_fail("out of memory");
        fputs(text, file);
        free(text);
        return true;
}

bool scion_profile_print_csv(const struct scion_profile *profile, FILE *file)
{
        static const char *const head[CELLS] = { "operation", "pass",   "calls", "ms",
                                                 "percent",   "gflops", "shapes" };
        char cell[CELLS][WIDTH];
        const char *fields[CELLS];
        bool good = row_print(head, file);

        for (size_t row = 0; good && row < profile->count; row++) {
                line_write_cells(profile, &profile->line[row], "", cell);
                for (int i = 0; i < CELLS; i++)
                        fields[i] = cell[i];
                good = row_print(fields, file);
        }
        return good;
}
