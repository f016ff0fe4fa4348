/* What a training depends on. */
#ifndef SCION_RUN_FINGERPRINT_H
#define SCION_RUN_FINGERPRINT_H

#include "data/data.h"
#include "experiment/experiment.h"

/*
 * All that the source of a run (its resolved configuration) is trained from, as lines of text: the stage's own
 * configuration, whatever the order of its keys, the seed, the threads, every example, the files of its plugins,
 * the engine and the processor. Two sources with the same text come out the same, to the last bit. The caller
 * frees it. NULL, with a message, when that cannot be told here.
 */
char *scion_source_describe(const struct scion_stage *stage, const struct scion_data *data,
                            const struct scion_config *run);

/* The same of a whole run; data that it does not have are NULL. */
char *scion_run_describe(const struct scion_experiment *experiment, const struct scion_data *source,
                         const struct scion_data *target, const struct scion_config *run);

#endif
