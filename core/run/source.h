/*
 * The source that a run trains. It is trained once and kept in the user's cache (file/cache.h), under the hash of its
 * fingerprint (run/fingerprint.h). Runs at the same time that need the same source wait for the one that trains it.
 *
 * An entry, sources/HASH.safetensors, is an ordinary file of a model. Its metadata have a summary, the fingerprint, the
 * rows of the metrics, the results, and a hash of all that and of the tensors.
 */
#ifndef SCION_RUN_SOURCE_H
#define SCION_RUN_SOURCE_H

#include "train/train.h"

/*
 * Trains training->transfer->target and tests it, or restores it from the cache: the model, the rows of
 * training->metrics (with the seconds of the training) and the cells added to `results` are the same in both cases. `run`
 * is the run's resolved configuration. If the cache does not work, the log says so, and the source is trained. False,
 * with a message, when the training fails or its outputs cannot be written.
 */
bool scion_source_train(const struct scion_training *training, const struct scion_config *run,
                        struct scion_row *results);

/* Returns a line that describes an entry: "lenet5 on idx, 3 epochs, seed 1; source_test_accuracy 0.91". The caller frees
 * it. NULL, with a message, when the file cannot be read. */
char *scion_source_summary(const char *path);

#endif
