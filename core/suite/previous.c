#include "suite/previous.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/files.h"

bool scion_earlier_read(const char *path, struct scion_earlier *earlier)
{
        struct scion_csv_table *rows = &earlier->rows;

        if (access(path, F_OK) != 0)
                return true;
        if (!scion_csv_read_complete_rows(path, rows, &earlier->cut))
                return false;
        int id = scion_csv_column(rows, "run"), status = scion_csv_column(rows, "status");

        if (id < 0 || status < 0)
                return scion_fail("%s: not a file of results: no column '%s'", path,
                                  id < 0 ? "run" : "status");
        earlier->id = (size_t)id;
        earlier->status = (size_t)status;
        for (size_t i = 0; i < rows->rows; i++)
                if (!scion_name_map_add(&earlier->ids, scion_earlier_id(earlier, i), i))
                        return false;
        return true;
}

void scion_earlier_finish(struct scion_earlier *earlier)
{
        scion_csv_table_finish(&earlier->rows);
        scion_name_map_finish(&earlier->ids);
}

const char *scion_earlier_id(const struct scion_earlier *earlier, size_t row)
{
        return scion_csv_field(&earlier->rows, row, earlier->id);
}

bool scion_earlier_done(const struct scion_earlier *earlier, size_t row)
{
        return strcmp(scion_csv_field(&earlier->rows, row, earlier->status), "done") == 0;
}

bool scion_earlier_failed(const struct scion_earlier *earlier, size_t row)
{
        return strcmp(scion_csv_field(&earlier->rows, row, earlier->status), "failed") == 0;
}

bool scion_earlier_folder(const char *folder, const char *id)
{
        char *path = scion_path_join(folder, id);
        bool has = path && access(path, F_OK) == 0;

        free(path);
        return has;
}

/* What the rows say of the runs that have folders. A run can have several: what was done stays done. */
static void read_states(const struct scion_plan *plan, const struct scion_earlier *earlier,
                        enum scion_state *states)
{
        for (size_t i = 0; i < earlier->rows.rows; i++) {
                const struct scion_planned *planned = scion_plan_find(plan, scion_earlier_id(earlier, i));
                enum scion_state *state = planned ? &states[planned - plan->planned] : NULL;

                if (!state || *state == SCION_WAITING || *state == SCION_DONE)
                        continue;
                if (scion_earlier_done(earlier, i))
                        *state = SCION_DONE;
                else if (scion_earlier_failed(earlier, i))
                        *state = SCION_STATE_FAILED;
        }
}

enum scion_state *scion_plan_states(const struct scion_plan *plan, const char *out)
{
        enum scion_state *states = calloc(plan->count, sizeof *states);
        struct scion_earlier now = { 0 }, before = { 0 };
        bool good = true;

        char *folder = scion_path_join(out, plan->name);
        char *file = folder ? scion_path_join(folder, "results.csv") : NULL;
        char *old = folder ? scion_path_join(folder, "results.old.csv") : NULL;

        if (!states || !folder || !file || !old)
                good = scion_fail("out of memory");
        else if (access(folder, F_OK) == 0)
                for (size_t i = 0; i < plan->count; i++)
                        if (scion_earlier_folder(folder, plan->planned[i].id))
                                states[i] = SCION_STARTED;
        good = good && scion_earlier_read(file, &now) && scion_earlier_read(old, &before);
        if (good) {
                read_states(plan, &before, states);
                read_states(plan, &now, states);
        } else {
                free(states);
                states = NULL;
        }
        scion_earlier_finish(&now);
        scion_earlier_finish(&before);
        free(folder);
        free(file);
        free(old);
        return states;
}
