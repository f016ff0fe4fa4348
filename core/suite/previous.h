/* What earlier calls have left of a suite: rows of results, and the runs' folders. */
#ifndef SCION_SUITE_PREVIOUS_H
#define SCION_SUITE_PREVIOUS_H

#include "suite/plan.h"
#include "table/csv.h"

/* A file of results. Starts as { 0 }, which has no rows. */
struct scion_earlier {
        struct scion_csv_table rows;
        size_t id, status;         /* their columns */
        struct scion_name_map ids; /* the first row of each run */
        bool cut;                  /* a last row that was not written to its end is left out */
};

/* No rows when there is no such file. False when it is no file of results. */
bool scion_earlier_read(const char *path, struct scion_earlier *earlier);
void scion_earlier_finish(struct scion_earlier *earlier);

/* The run that a row is of. */
const char *scion_earlier_id(const struct scion_earlier *earlier, size_t row);
bool scion_earlier_done(const struct scion_earlier *earlier, size_t row);
bool scion_earlier_failed(const struct scion_earlier *earlier, size_t row);

/* Whether FOLDER/ID is there: who removes a run's folder wants the run again. */
bool scion_earlier_folder(const char *folder, const char *id);

/* How far a run is. */
enum scion_state {
        SCION_WAITING, /* nothing was done, or its folder was removed */
        SCION_STARTED, /* it was interrupted, or is running */
        SCION_STATE_FAILED,
        SCION_DONE,
};

/* The states of the plan's runs in OUT/NAME, as many as there are; the caller frees them. NULL when what is there
 * cannot be read, or memory is out. */
enum scion_state *scion_plan_states(const struct scion_plan *plan, const char *out);

#endif
