/*
 * Data: what the engine makes of a dataset plugin's examples: class subsets, a held-out validation part,
 * normalised inputs, shuffled batches.
 */
#ifndef SCION_DATA_DATA_H
#define SCION_DATA_DATA_H

#include <scion/batch.h>
#include <scion/dataset.h>

#include "base/text.h"
#include "config/config.h"

struct scion_data;

/*
 * Opens the dataset that `map` describes: { use: NAME, ... }, with the plugin's parameters and the engine's:
 *
 * - `classes: [5, 6, 7]`: only these, renumbered 0, 1, 2 in this order.
 * - `per_class: 10`: of train, the first so many of each class in an order shuffled by the seed; 0: all.
 * - `limit: 1000`: of train, at most so many, after per_class, likewise; 0: all.
 * - `valid: 0.1`: share of train, after the above, held out as the validation split, by the seed, each class
 *   in proportion. Refused when the dataset has a validation split of its own.
 * - `normalize: standard`: subtract the mean and divide by the deviation of the whole training split, before
 *   any subset and after the transforms; one of each for each channel (the first axis of an input that has three), else one for all.
 *   `none`, the default: bytes are divided by 255, floats stay as they are.
 * - `unlabelled: true`: all training examples of the classes, but for those held out, are offered without
 *   labels too: the ones that per_class and limit leave out, and the ones they take. They are in memory once.
 * - `transform: [{ use: rotate, degrees: 30 }, invert]`: what is done to every input of every split, in this
 *   order (transform.h). Inputs that it makes reals take four bytes a value where bytes take one.
 *
 * The test split, and a validation split of the dataset's own, keep all examples of the classes. NULL, with
 * the place, when anything is wrong or no example is left. All examples are in memory from then on, and the
 * plugin is done with.
 *
 * What is chosen of a class depends on the seed and the class's number in the dataset alone; a smaller
 * per_class or limit takes a part of what a larger one takes.
 */
struct scion_data *scion_data_open(const struct scion_config *map, uint64_t seed);
void scion_data_close(struct scion_data *data); /* takes NULL */

/* The keys above, ended by NULL: what a dataset's map may have besides `use` and the plugin's parameters; and
 * the table behind all of them but `transform`. */
extern const char *const scion_data_keys[];
extern const struct scion_param scion_data_params[];

/* Adds the keys above that the map leaves out, with their defaults, and the transforms' parameters. Fails,
 * with the place, on a bad transform. */
bool scion_data_complete(struct scion_config *map);

struct scion_shape scion_data_shape(const struct scion_data *data); /* of one input */
int64_t scion_data_classes(const struct scion_data *data);          /* 0: targets are values */
int64_t scion_data_outputs(const struct scion_data *data); /* a model's: classes, or values of a target */
int64_t scion_data_size(const struct scion_data *data, enum scion_split split);
int64_t scion_data_unlabelled(const struct scion_data *data); /* examples offered without labels; mostly 0 */

/* Adds lines that are the same for the same data: shapes, classes, normalisation, and hashes of all examples. False,
 * with a message, when the device's memory cannot be read. */
bool scion_data_describe(const struct scion_data *data, struct scion_text *text);

/* --- Batches -------------------------------------------------------------------------------------------- */

struct scion_batches;

/* Goes through a split in batches of `size`; the last one may be smaller. */
struct scion_batches *scion_batches_create(struct scion_data *data, enum scion_split split, int64_t size);
/* The same for the examples that `unlabelled` offers: their batches have neither labels nor targets. */
struct scion_batches *scion_batches_create_unlabelled(struct scion_data *data, int64_t size);
void scion_batches_destroy(struct scion_batches *batches); /* takes NULL */

/* Starts over: in an order that the seed and the epoch give, or in the dataset's. */
void scion_batches_shuffle(struct scion_batches *batches, uint64_t seed, uint64_t epoch);
void scion_batches_rewind(struct scion_batches *batches);

/* Batches in one pass. */
int64_t scion_batches_count(const struct scion_batches *batches);

enum scion_next { SCION_NEXT_BATCH, SCION_NEXT_END, SCION_NEXT_FAILED };

/* Fills `batch` with tensors on the current tape. They are valid until the tape is reset or the next call. */
enum scion_next scion_batches_next(struct scion_batches *batches, struct scion_batch *batch);

/* The row in the data's store of example i of the last batch: the same whenever the example is given. */
int64_t scion_batches_row(const struct scion_batches *batches, int64_t i);
/* The same of all its examples, int32 [N], on the batch's tape. */
struct scion_tensor *scion_batches_index(const struct scion_batches *batches);

/*
 * Batch number `step`, from 0, of a stream without end, for what is trained on beside something else: pass
 * after pass over the split, each in an order of its own. All batches are full, so what is left over at the
 * end of a pass is left out of it; a split of fewer examples than a batch is a batch. What comes depends on
 * the split, the size, the seed and the step, not on what was asked for before, so a stream goes on anywhere.
 * Two streams of one seed go through splits of equal size in step: give each a seed of its own. Fails, with a
 * message, when the split is empty.
 */
bool scion_batches_at(struct scion_batches *batches, uint64_t seed, uint64_t step, struct scion_batch *batch);

#endif
