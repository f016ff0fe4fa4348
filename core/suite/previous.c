#include "suite/previous.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/files.h"
#include "suite/inputs.h"

bool scion_previous_read(const char *path, struct scion_previous *previous)
{
        struct scion_csv_table *rows = &previous->rows;
        struct stat status;

        if (stat(path, &status) != 0)
                return true;
        if (!S_ISREG(status.st_mode)) /* reading a pipe would wait for its writer */
                return scion_fail("%s: is not a regular file", path);
        if (!scion_csv_read_complete_rows(path, rows, &previous->cut))
                return false;
        int id = scion_csv_column(rows, "run"), state = scion_csv_column(rows, "status");

        if (id < 0 || state < 0)
                return scion_fail("%s: not a file of results: no column '%s'", path,
                                  id < 0 ? "run" : "status");
        previous->id = (size_t)id;
        previous->status = (size_t)state;
        for (size_t i = 0; i < rows->rows; i++)
                if (!scion_name_map_add(&previous->ids, scion_previous_id(previous, i), i))
                        return false;
        return true;
}

void scion_previous_finish(struct scion_previous *previous)
{
        scion_csv_table_finish(&previous->rows);
        scion_name_map_finish(&previous->ids);
}

const char *scion_previous_id(const struct scion_previous *previous, size_t row)
{
        return scion_csv_field(&previous->rows, row, previous->id);
}

bool scion_previous_done(const struct scion_previous *previous, size_t row)
{
        return strcmp(scion_csv_field(&previous->rows, row, previous->status), "done") == 0;
}

bool scion_previous_failed(const struct scion_previous *previous, size_t row)
{
        return strcmp(scion_csv_field(&previous->rows, row, previous->status), "failed") == 0;
}

bool scion_previous_has_folder(const char *folder, const char *id)
{
        char *path = scion_path_join(folder, id);
        bool has = path && access(path, F_OK) == 0;

        free(path);
        return has;
}

/*
 * Sets the states of runs that have a folder from the rows. A run may have several rows; once done, it stays
 * done.
 */
static void states_read_rows(const struct scion_plan *plan, const struct scion_previous *previous,
                             enum scion_state *states)
{
        for (size_t i = 0; i < previous->rows.rows; i++) {
                const struct scion_planned *planned = scion_plan_find(plan, scion_previous_id(previous, i));
                enum scion_state *state = planned ? &states[planned - plan->planned] : NULL;

                if (!state || *state == SCION_WAITING || *state == SCION_DONE)
                        continue;
                if (scion_previous_done(previous, i))
                        *state = SCION_DONE;
                else if (scion_previous_failed(previous, i))
                        *state = SCION_STATE_FAILED;
        }
}

/* Marks the runs whose inputs have changed since they were done. */
static void states_mark_changed(const struct scion_plan *plan, const char *folder, enum scion_state *states)
{
        struct scion_inputs inputs = { 0 };

        for (size_t i = 0; i < plan->count; i++) {
                char *run = NULL, *text = NULL;

                if (states[i] == SCION_DONE && (run = scion_path_join(folder, plan->planned[i].id)) &&
                    (text = scion_inputs_describe(&inputs, &plan->planned[i])) &&
                    scion_inputs_changed(run, text))
                        states[i] = SCION_CHANGED;
                free(text);
                free(run);
        }
        scion_inputs_finish(&inputs);
}

enum scion_state *scion_plan_states(const struct scion_plan *plan, const char *out)
{
        enum scion_state *states = calloc(plan->count, sizeof *states);
        char *folder = scion_path_join(out, plan->name);
        char *file = folder ? scion_path_join(folder, "results.csv") : NULL;
        char *old_file = folder ? scion_path_join(folder, "results.old.csv") : NULL;
        struct scion_previous current = { 0 }, old = { 0 };
        bool good = true;

        if (!states || !folder || !file || !old_file)
                good = scion_fail("out of memory");
        else if (access(folder, F_OK) == 0)
                for (size_t i = 0; i < plan->count; i++)
                        if (scion_previous_has_folder(folder, plan->planned[i].id))
                                states[i] = SCION_STARTED;
        good = good && scion_previous_read(file, &current) && scion_previous_read(old_file, &old);
        if (good) {
                states_read_rows(plan, &old, states);
                states_read_rows(plan, &current, states);
                states_mark_changed(plan, folder, states);
        } else {
                free(states);
                states = NULL;
        }
        scion_previous_finish(&current);
        scion_previous_finish(&old);
        free(folder);
        free(file);
        free(old_file);
        return states;
}
