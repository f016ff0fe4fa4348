/* Fingerprints: texts that list everything a training depends on. Checkpoints and the cache of sources use their hashes. */
#ifndef SCION_RUN_FINGERPRINT_H
#define SCION_RUN_FINGERPRINT_H

#include "data/data.h"
#include "experiment/experiment.h"

/*
 * Returns everything that the training of a source depends on, as lines of text: the stage's configuration, whatever the
 * order of its keys; the seed, the threads, every example, the files of its plugins, the engine and the processor. `run`
 * is the run's resolved configuration. Two sources with the same text are bitwise equal. The caller frees it. NULL, with
 * a message.
 */
char *scion_fingerprint_source(const struct scion_stage *stage, const struct scion_data *data,
                               const struct scion_config *run);

/* Returns the same for a whole run. Data that it does not use are NULL. */
char *scion_fingerprint_run(const struct scion_experiment *experiment, const struct scion_data *source,
                            const struct scion_data *target, const struct scion_config *run);

#endif
