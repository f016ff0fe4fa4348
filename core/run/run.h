/*
 * One run: the source is trained or loaded, the strategy transfers, the target is trained and tested.
 *
 * Preparing a run opens and checks everything and writes nothing, so that bad input is refused before anything is
 * trained.
 */
#ifndef SCION_RUN_RUN_H
#define SCION_RUN_RUN_H

#include "config/config.h"
#include "table/sheet.h"
#include "train/observer.h"

struct scion_run;

/*
 * Reads the configuration, which must outlive the run and gets all defaults filled in; opens data, builds models, loads
 * weights, and does a dry run: the strategy's setup and first losses on models that are not trained. NULL, with a
 * message, which has the place in the file where there is one.
 */
struct scion_run *scion_run_prepare(struct scion_config *config);
void scion_run_destroy(struct scion_run *run); /* takes NULL */

/*
 * Reads the configuration and builds the models, the source whenever the file has one. Without a dry run: the run is for
 * looking at the models, not for executing. NULL, as above.
 */
struct scion_run *scion_run_open(struct scion_config *config);

/* Return the models as setup() gets them, but with their initial or loaded values. The source may be NULL. */
struct scion_model *scion_run_source(struct scion_run *run);
struct scion_model *scion_run_target(struct scion_run *run);

/* Returns a line that says which weights were loaded from a file and which were not; "" when none were. Valid as long as
 * the run. */
const char *scion_run_note(const struct scion_run *run);

/* Returns the lines of the steps that SCION_TRACE asked for; "" when there are none. Valid as long as the run. */
const char *scion_run_traces(const struct scion_run *run);

/* Returns whether the target's targets are values, not classes. */
bool scion_run_has_values(const struct scion_run *run);

/*
 * Executes a prepared run, once. Creates `folder` and writes config.yaml, metrics.csv, log.txt and model.safetensors
 * into it. Resumes from what an interrupted process has left there. Adds to `results` the cells of the run's row in
 * results.csv that are known, also on failure. `interval` is the time between two checkpoints in seconds; 0: one after
 * every epoch. `observer` may be NULL. False, with a message.
 */
bool scion_run_execute(struct scion_run *run, const char *folder, double interval,
                       const struct scion_observer *observer, struct scion_row *results);

/*
 * For measuring: sets up the target's training, with a source as it was built or loaded, and calls `work` with it, with
 * its tape the current one. Writes nothing. Afterwards the run can only be destroyed. Returns what `work` returns; false,
 * with a message, when setup fails.
 */
struct scion_training;
bool scion_run_lend(struct scion_run *run, bool (*work)(void *context, struct scion_training *training),
                    void *context);

/* Returns whether the run has ended early because the observer asked for it. */
bool scion_run_stopped(const struct scion_run *run);

/* Removes the checkpoints from a run's folder. Called once its results are on the disk. */
void scion_run_forget(const char *folder);

#endif
