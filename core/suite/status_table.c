#include "suite/status_table.h"

#include <ctype.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "suite/previous.h"
#include "table/columns.h"

#define STATES 5

static const char *const names[STATES] = {
        [SCION_WAITING] = "waiting", [SCION_STARTED] = "started", [SCION_STATE_FAILED] = "failed",
        [SCION_DONE] = "done",       [SCION_CHANGED] = "changed",
};

static bool column_is_fixed(const char *path)
{
        return strcmp(path, "strategy") == 0 || strcmp(path, "seed") == 0;
}

/* Replaces control characters in a label, such as line breaks, by spaces. */
static void columns_add_label(struct scion_columns *columns, const char *label)
{
        struct scion_text text = { 0 };

        for (const char *c = label; *c; c++)
                scion_text_add(&text, "%c", iscntrl((unsigned char)*c) ? ' ' : *c);
        columns->failed = columns->failed || text.failed;
        scion_columns_add(columns, text.text);
        free(text.text);
}

static bool plan_print_table(const struct scion_plan *plan, const enum scion_state *states, FILE *file)
{
        const struct scion_config_run *first = plan->planned[0].run;
        struct scion_columns columns = { .per_row = 4 };
        bool good;

        scion_columns_add(&columns, "run");
        scion_columns_add(&columns, "strategy");
        scion_columns_add(&columns, "seed");
        for (size_t a = 0; a < first->axes; a++)
                if (!column_is_fixed(first->point[a].path)) {
                        scion_columns_add(&columns, first->point[a].path);
                        columns.per_row++;
                }
        scion_columns_add(&columns, "state");
        for (size_t i = 0; i < plan->count; i++) {
                const struct scion_planned *planned = &plan->planned[i];

                scion_columns_add(&columns, planned->id);
                columns_add_label(&columns, planned->strategy);
                columns_add_label(&columns, planned->seed);
                for (size_t a = 0; a < first->axes; a++)
                        if (!column_is_fixed(planned->run->point[a].path))
                                columns_add_label(&columns, planned->run->point[a].label);
                scion_columns_add(&columns, names[states[i]]);
        }
        fputc('\n', file);
        good = scion_columns_print(&columns, 2, file);
        fputc('\n', file);
        scion_columns_finish(&columns);
        return good;
}

bool scion_status_table_print(const struct scion_plan *plan, const char *out, bool brief, FILE *file)
{
        static const enum scion_state order[STATES] = { SCION_DONE, SCION_CHANGED, SCION_STATE_FAILED,
                                                        SCION_STARTED, SCION_WAITING };
        enum scion_state *states = scion_plan_states(plan, out);
        const char *between = ": ";
        size_t counts[STATES] = { 0 };

        if (!states)
                return false;
        for (size_t i = 0; i < plan->count; i++)
                counts[states[i]]++;
        fprintf(file, "%s, in %s/%s\n", plan->name, out, plan->name);
        bool good = brief || plan_print_table(plan, states, file);

        fprintf(file, "%zu run%s", plan->count, plan->count == 1 ? "" : "s");
        for (size_t i = 0; i < STATES; i++)
                if (counts[order[i]] > 0) {
                        fprintf(file, "%s%zu %s", between, counts[order[i]], names[order[i]]);
                        between = ", ";
                }
        fputc('\n', file);
        free(states);
        return good;
}
