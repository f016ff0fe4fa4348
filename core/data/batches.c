/* Batches: examples gathered into tensors on the device. */
#include <scion/random.h>
#include <stdlib.h>
#include <string.h>

#include "data/parts.h"
#include "tensor/tensor.h"

/* Added to the number of a stream's pass, so that it draws other orders than the epochs of the same seed. */
#define STREAM_PASS ((uint64_t)1 << 63)

struct scion_batches {
        const struct scion_data *data;
        const struct scion_examples *examples;
        int64_t size;
        int64_t position; /* examples returned so far in this pass */
        int64_t last;     /* position of the last batch */
        bool labelled;
        bool shuffled;
        uint64_t seed, stream; /* the source of the order, when shuffled */
        int32_t *rows;         /* rows of the last batch's examples in the store; `index` is on the device */
        struct scion_tensor *index;
        int64_t order[]; /* rows of all examples in the store, when shuffled */
};

static struct scion_batches *batches_create(const struct scion_data *data,
                                            const struct scion_examples *examples, bool labelled,
                                            int64_t size)
{
        struct scion_batches *batches;

        if (size < 1)
                return scion_fail_null("a batch must have at least one example, got %lld", (long long)size);
        int64_t most = examples->count < size ? examples->count : size;

        batches = malloc(sizeof *batches + (size_t)examples->count * sizeof batches->order[0]);
        if (batches)
                *batches = (struct scion_batches){
                        .data = data, .examples = examples, .size = size, .labelled = labelled
                };
        if (batches && (batches->rows = malloc((size_t)most * sizeof *batches->rows + 1)))
                return batches;
        free(batches);
        return scion_fail_null("out of memory for the order of %lld examples", (long long)examples->count);
}

struct scion_batches *scion_batches_create(struct scion_data *data, enum scion_split split, int64_t size)
{
        return batches_create(data, &data->split[split], true, size);
}

struct scion_batches *scion_batches_create_unlabelled(struct scion_data *data, int64_t size)
{
        return batches_create(data, &data->unlabelled, false, size);
}

void scion_batches_destroy(struct scion_batches *batches)
{
        if (batches)
                free(batches->rows);
        free(batches);
}

/* Returns the row in the store of example i of the split, in the dataset's order. */
static int64_t examples_row(const struct scion_examples *examples, int64_t i)
{
        return examples->index ? examples->index[i] : i;
}

/* Shuffles the dataset's order, not the previous one, so that a pass's order does not depend on earlier passes. */
static void batches_shuffle_order(struct scion_batches *batches, uint64_t seed, uint64_t stream)
{
        struct scion_random random = scion_random(seed, SCION_RANDOM_SHUFFLE, stream);

        for (int64_t i = 0; i < batches->examples->count; i++)
                batches->order[i] = examples_row(batches->examples, i);
        scion_random_shuffle(&random, batches->order, (size_t)batches->examples->count);
        batches->shuffled = true;
        batches->seed = seed;
        batches->stream = stream;
}

void scion_batches_shuffle(struct scion_batches *batches, uint64_t seed, uint64_t epoch)
{
        batches_shuffle_order(batches, seed, epoch);
        batches->position = 0;
}

void scion_batches_rewind(struct scion_batches *batches)
{
        batches->shuffled = false;
        batches->position = 0;
}

int64_t scion_batches_count(const struct scion_batches *batches)
{
        int64_t count = batches->examples->count;

        return count / batches->size + (count % batches->size != 0);
}

static int64_t batches_row(const struct scion_batches *batches, int64_t position)
{
        return batches->shuffled ? batches->order[position] : examples_row(batches->examples, position);
}

struct scion_tensor *scion_batches_index(const struct scion_batches *batches)
{
        return batches->index;
}

int64_t scion_batches_row(const struct scion_batches *batches, int64_t i)
{
        return batches_row(batches, batches->last + i);
}

/* Gathers the rows of an array of the store given by `index` into a tensor of `dtype`. With `normalized`, applies each
 * channel's scale and offset. */
static struct scion_tensor *rows_gather(const struct scion_data *data, const struct scion_array *rows,
                                        const struct scion_tensor *index, enum scion_dtype dtype,
                                        bool normalized)
{
        struct scion_shape shape = rows->shape;

        shape.dim[0] = index->shape.dim[0];
        struct scion_tensor *y = scion_tensor_new(shape, dtype, NULL);

        return y && SCION_ON_DEVICE(gather, rows, &index->array, normalized ? &data->scale : NULL,
                                    normalized ? &data->offset : NULL, &y->array)
                       ? y
                       : NULL;
}

/* Fills in a batch with the next `size` examples, which must exist. Only the numbers of their rows are uploaded to the
 * device. */
static bool batch_gather(struct scion_batches *batches, int64_t size, struct scion_batch *batch)
{
        const struct scion_data *data = batches->data;
        const struct scion_store *store = batches->examples->store;

        *batch = (struct scion_batch){ .size = size, .classes = data->classes };
        for (int64_t i = 0; i < size; i++)
                batches->rows[i] = (int32_t)batches_row(batches, batches->position + i);
        struct scion_tensor *index = batches->index = scion_from_i32(SCION_SHAPE(size), batches->rows);

        if (!index)
                return false;
        batch->inputs = rows_gather(data, &store->inputs, index, SCION_F32, data->element == SCION_U8);
        if (batches->labelled && data->classes > 0)
                batch->labels = rows_gather(data, &store->labels, index, SCION_I32, false);
        else if (batches->labelled)
                batch->targets = rows_gather(data, &store->targets, index, SCION_F32, false);
        if (!batch->inputs || (batches->labelled && !batch->labels && !batch->targets))
                return false;
        batches->last = batches->position;
        batches->position += size;
        return true;
}

enum scion_next scion_batches_next(struct scion_batches *batches, struct scion_batch *batch)
{
        int64_t left = batches->examples->count - batches->position;

        if (left == 0) {
                *batch = (struct scion_batch){ .classes = batches->data->classes };
                return SCION_NEXT_END;
        }
        return batch_gather(batches, left < batches->size ? left : batches->size, batch) ? SCION_NEXT_BATCH
                                                                                         : SCION_NEXT_FAILED;
}

bool scion_batches_at(struct scion_batches *batches, uint64_t seed, uint64_t step, struct scion_batch *batch)
{
        int64_t count = batches->examples->count;
        int64_t size = count < batches->size ? count : batches->size;

        if (count == 0)
                return scion_fail("there are no examples to form batches of");
        uint64_t each = (uint64_t)(count / size); /* batches in a pass */
        uint64_t stream = STREAM_PASS + step / each;

        if (!batches->shuffled || batches->seed != seed || batches->stream != stream)
                batches_shuffle_order(batches, seed, stream);
        batches->position = (int64_t)(step % each) * size;
        return batch_gather(batches, size, batch);
}
