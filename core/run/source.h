/*
 * The source that a run trains: trained once and kept in the user's cache (base/cache.h), under the hash of all that
 * it was made from (train/key.h). Runs at the same time that want the same one wait for the first.
 *
 * An entry, sources/HASH.safetensors, is a model as any other; its metadata say what it was made from, the rows
 * of its metrics, its results, and the hash of all that.
 */
#ifndef SCION_RUN_SOURCE_H
#define SCION_RUN_SOURCE_H

#include "train/train.h"

/*
 * Trains training->transfer->target and tests it, or takes what came of that before: the model, the rows of
 * training->metrics (their seconds are those of the training) and the cells added to `results` are the same either
 * way. `run` is the run's resolved configuration. A cache that does not work is told of in the log, and the source
 * trained. False when the training failed, or its outputs could not be written.
 */
bool scion_source_train(const struct scion_training *training, const struct scion_config *run,
                        struct scion_row *results);

/* What an entry is, in a line: "lenet5 on idx, 3 epochs, seed 1; source_test_accuracy 0.91". NULL, with a message,
 * when it cannot be told. The caller frees it. */
char *scion_source_summary(const char *path);

#endif
