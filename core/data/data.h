/*
 * Datasets as the engine uses them: it selects a subset of a dataset plugin's examples, holds out a validation split,
 * transforms and normalises the inputs, and forms batches.
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
 * - `classes: [5, 6, 7]`: uses only these classes, renumbered 0, 1, 2 in this order.
 * - `per_class: 10`: uses that many training examples of each class, drawn by the seed; 0: all.
 * - `limit: 1000`: uses at most that many of the training examples left by per_class, drawn by the seed; 0: all.
 * - `valid: 0.1`: holds out this share of the training examples left by the above as the validation split, drawn by the
 *   seed, from each class in proportion. Fails when the dataset has a validation split.
 * - `normalize: standard`: subtracts the mean and divides by the standard deviation of the transformed inputs of the
 *   whole training split, whatever subset is used. There is one mean and one deviation for each channel (the first axis
 *   of inputs of three axes), or one for all values of other inputs. `none`, the default, divides bytes by 255 and leaves
 *   floats unchanged.
 * - `unlabelled: true`: also offers, without labels, all training examples of the classes that are not held out, whether
 *   or not per_class and limit use them. Each example is stored once.
 * - `transform: [{ use: rotate, degrees: 30 }, invert]`: transforms every input of every split, in this order
 *   (transform.h). Some transforms convert inputs from bytes to floats, which take four times the memory.
 *
 * The test split, and the dataset's own validation split, keep all examples of the classes. The examples are loaded into
 * the device's memory, and the plugin's instance is destroyed. NULL, with a message that gives the place in the file,
 * when an option is invalid, when the plugin fails, and when a split has no example left.
 *
 * The examples drawn from a class depend only on the seed and the class's number in the dataset. Those of a smaller
 * per_class or limit are a subset of those of a larger one.
 */
struct scion_data *scion_data_open(const struct scion_config *map, uint64_t seed);
void scion_data_close(struct scion_data *data); /* accepts NULL */

/* The engine's keys, described above, in a list that ends with NULL; and the parameter table of all of them except
 * `transform`. A dataset's map may have them in addition to `use` and the plugin's parameters. */
extern const char *const scion_data_keys[];
extern const struct scion_param scion_data_params[];

/* Adds to the map the engine's keys that it lacks, with their defaults, and the default parameters of transforms. False,
 * with a message that gives the place in the file, when a transform is invalid. */
bool scion_data_complete(struct scion_config *map);

struct scion_shape scion_data_shape(const struct scion_data *data); /* of one input, without the batch axis */
int64_t scion_data_classes(const struct scion_data *data);          /* 0: targets are floats, not labels */
int64_t scion_data_outputs(const struct scion_data *data);          /* classes, or floats of a target */
int64_t scion_data_size(const struct scion_data *data, enum scion_split split);
int64_t scion_data_unlabelled(const struct scion_data *data); /* examples offered without labels */

/* Adds lines that identify the data: shapes, classes, and hashes of the normalisation and of all examples. False, with a
 * message, when the device's memory cannot be read. */
bool scion_data_describe(const struct scion_data *data, struct scion_text *text);

/* --- Batches -------------------------------------------------------------------------------------------- */

struct scion_batches;

/* Creates an iterator over a split in batches of `size` examples, of which the last may be smaller. The data must outlive
 * it. NULL, with a message, when size is below 1 or memory is out. */
struct scion_batches *scion_batches_create(struct scion_data *data, enum scion_split split, int64_t size);
/* The same over the examples that `unlabelled` offers. Their batches have neither labels nor targets. */
struct scion_batches *scion_batches_create_unlabelled(struct scion_data *data, int64_t size);
void scion_batches_destroy(struct scion_batches *batches); /* accepts NULL */

/* Start a new pass: in an order that the seed and the epoch determine, or in the dataset's order. */
void scion_batches_shuffle(struct scion_batches *batches, uint64_t seed, uint64_t epoch);
void scion_batches_rewind(struct scion_batches *batches);

/* Returns the number of batches in one pass. */
int64_t scion_batches_count(const struct scion_batches *batches);

enum scion_next { SCION_NEXT_BATCH, SCION_NEXT_END, SCION_NEXT_FAILED };

/* Fills in `batch` with the next batch of the pass, as tensors on the current tape. They are valid until the tape is
 * reset. SCION_NEXT_FAILED comes with a message. */
enum scion_next scion_batches_next(struct scion_batches *batches, struct scion_batch *batch);

/* Returns the row in the store of example i of the last batch. An example has the same row in every pass. */
int64_t scion_batches_row(const struct scion_batches *batches, int64_t i);
/* Returns the rows of all examples of the last batch, int32 [N], on the batch's tape. */
struct scion_tensor *scion_batches_index(const struct scion_batches *batches);

/*
 * Fills in batch number `step`, counted from 0, of an endless stream, for an auxiliary dataset that is used together with
 * the training split. The stream passes over the split again and again, each time in another order. All batches have the
 * same size: the examples left over at the end of a pass are dropped, and a split smaller than `size` is one batch. The
 * batch depends only on the split, the size, the seed and the step, not on earlier calls. Streams with the same seed over
 * splits of equal size use the same orders, so give each stream another seed. Fails, with a message, when the split is
 * empty.
 */
bool scion_batches_at(struct scion_batches *batches, uint64_t seed, uint64_t step, struct scion_batch *batch);

#endif
