/*
 * One run: the source is trained or loaded, the strategy carries over, the target is trained and tested.
 *
 * Preparing opens and checks everything and writes nothing, so that bad input is refused before anything is
 * trained.
 */
#ifndef SCION_RUN_RUN_H
#define SCION_RUN_RUN_H

#include "config/config.h"
#include "table/sheet.h"
#include "train/observer.h"

struct scion_run;

/*
 * Reads the configuration (which must outlive the run, and says all afterwards), opens data, builds models,
 * loads weights, and does a dry run: the strategy's setup and first losses on the untrained models. NULL, with
 * the place in the message where there is one.
 */
struct scion_run *scion_run_prepare(struct scion_config *config);
void scion_run_destroy(struct scion_run *run); /* takes NULL */

/*
 * Reads the configuration and builds the models, the source's whenever the file has one, to be looked at:
 * there is no dry run, and it is not for executing. NULL as above.
 */
struct scion_run *scion_run_open(struct scion_config *config);

/* As setup() gets them, but for values that are trained. The source may be NULL. */
struct scion_model *scion_run_source(struct scion_run *run);
struct scion_model *scion_run_target(struct scion_run *run);

/* What was loaded and what was not, in a line; "" when there was nothing to load. Valid as long as the run. */
const char *scion_run_note(const struct scion_run *run);

/* The steps that SCION_TRACE asked for, in lines; "" when there was none. Valid as long as the run. */
const char *scion_run_traces(const struct scion_run *run);

/* Whether the target's targets are values, not classes. */
bool scion_run_has_values(const struct scion_run *run);

/*
 * Runs, writing config.yaml, metrics.csv, log.txt and model.safetensors into `folder`, which is made.
 * `results` gets the cells of the run's row in results.csv that it knows, also when the run fails; the
 * message is not among them. What an interrupted process left in the folder is gone on from; `interval` is the time
 * between two checkpoints, in seconds, or 0 for one after every epoch. `observer` may be NULL.
 */
bool scion_run_execute(struct scion_run *run, const char *folder, double interval,
                       const struct scion_observer *observer, struct scion_row *results);

/*
 * Sets up the target's training, by a source as it was opened or loaded and not trained before, and gives it to
 * `work`, with its tape the current one. Writes nothing. For measuring; the run is for nothing else afterwards.
 */
struct scion_training;
bool scion_run_lend(struct scion_run *run, bool (*work)(void *context, struct scion_training *training),
                    void *context);

/* Whether it ended early because the observer asked for it, and not for a reason of its own. */
bool scion_run_stopped(const struct scion_run *run);

/* Removes what a run's folder holds to go on from: the results are on the disk. */
void scion_run_forget(const char *folder);

#endif
