/*
 * The state that previous invocations of the command have left of a suite: rows of results, and folders of
 * runs.
 */
#ifndef SCION_SUITE_PREVIOUS_H
#define SCION_SUITE_PREVIOUS_H

#include "suite/plan.h"
#include "table/csv.h"

/* A file of results. Starts as { 0 }, which has no rows. */
struct scion_previous {
        struct scion_csv_table rows;
        size_t id, status;         /* column indexes */
        struct scion_name_map ids; /* maps a run's id to its first row */
        bool cut;                  /* an incomplete last row was left out */
};

/* Reads the file; a missing file has no rows. Returns false when the file is not a file of results. */
bool scion_previous_read(const char *path, struct scion_previous *previous);
void scion_previous_finish(struct scion_previous *previous);

/* Returns the run id of a row; whether its status is "done"; whether it is "failed". */
const char *scion_previous_id(const struct scion_previous *previous, size_t row);
bool scion_previous_done(const struct scion_previous *previous, size_t row);
bool scion_previous_failed(const struct scion_previous *previous, size_t row);

/* Whether FOLDER/ID exists. Removing a run's folder means that the run is to be done again. */
bool scion_previous_has_folder(const char *folder, const char *id);

/* The state of a run. */
enum scion_state {
        SCION_WAITING, /* not started, or its folder was removed */
        SCION_STARTED, /* interrupted, or running now */
        SCION_STATE_FAILED,
        SCION_DONE,
        SCION_CHANGED, /* done, with other plugins, weights or data than there are now */
};

/*
 * Returns an array with the state in OUT/NAME of each run of the plan, which the caller frees. Returns NULL
 * when the results cannot be read, or memory is out.
 */
enum scion_state *scion_plan_states(const struct scion_plan *plan, const char *out);

#endif
