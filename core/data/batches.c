/* Batches: examples gathered from memory into tensors. */
#include <scion/random.h>
#include <stdlib.h>
#include <string.h>

#include "data/parts.h"
#include "tensor/tensor.h"

#define AHEAD 4         /* examples fetched before their turn */
#define PREFETCHED 4096 /* bytes of each; the rest follows in order, which the processor sees itself */

/* Added to the number of a stream's pass: the passes of a stream are not the epochs of the same seed. */
#define STREAM_PASS ((uint64_t)1 << 63)

struct scion_batches {
        const struct scion_data *data;
        const struct scion_examples *examples;
        int64_t size;
        int64_t position; /* examples given out in this pass */
        int64_t last;     /* the position before the last batch */
        bool labelled;
        bool shuffled;
        uint64_t seed, stream; /* that the order is from, when shuffled */
        int64_t order[];       /* of all examples, when shuffled: their places in the store */
};

static struct scion_batches *create(const struct scion_data *data, const struct scion_examples *examples,
                                    bool labelled, int64_t size)
{
        struct scion_batches *batches;

        if (size < 1)
                return scion_fail_null("a batch of %lld examples is impossible", (long long)size);
        batches = malloc(sizeof *batches + (size_t)examples->count * sizeof batches->order[0]);
        if (!batches)
                return scion_fail_null("out of memory for the order of %lld examples",
                                       (long long)examples->count);
        *batches = (struct scion_batches){
                .data = data, .examples = examples, .size = size, .labelled = labelled
        };
        return batches;
}

struct scion_batches *scion_batches_create(struct scion_data *data, enum scion_split split, int64_t size)
{
        return create(data, &data->split[split], true, size);
}

struct scion_batches *scion_batches_create_unlabelled(struct scion_data *data, int64_t size)
{
        return create(data, &data->unlabelled, false, size);
}

void scion_batches_destroy(struct scion_batches *batches)
{
        free(batches);
}

/* The place in the store of the split's example i, in the dataset's order. */
static int64_t place(const struct scion_examples *examples, int64_t i)
{
        return examples->index ? examples->index[i] : i;
}

/* From the dataset's order each time: the order of a pass does not depend on those before it. */
static void shuffle(struct scion_batches *batches, uint64_t seed, uint64_t stream)
{
        struct scion_random random = scion_random(seed, SCION_RANDOM_SHUFFLE, stream);

        for (int64_t i = 0; i < batches->examples->count; i++)
                batches->order[i] = place(batches->examples, i);
        scion_random_shuffle(&random, batches->order, (size_t)batches->examples->count);
        batches->shuffled = true;
        batches->seed = seed;
        batches->stream = stream;
}

void scion_batches_shuffle(struct scion_batches *batches, uint64_t seed, uint64_t epoch)
{
        shuffle(batches, seed, epoch);
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

static void gather_input(const struct scion_data *data, const struct scion_store *store, int64_t index,
                         float *input)
{
        int64_t values = data->channels * data->area;

        if (data->element == SCION_REALS) {
                memcpy(input, (const float *)store->inputs + index * values, (size_t)values * sizeof *input);
                return;
        }
        for (int64_t c = 0; c < data->channels; c++)
                scion_normalize_bytes((const uint8_t *)store->inputs + index * values + c * data->area,
                                      input + c * data->area, data->area, data->normal[c]);
}

/* Where a shuffled example lies, the processor cannot guess; it fetches this one while others are gathered. */
static void prefetch_input(const struct scion_data *data, const struct scion_store *store, int64_t index)
{
        int64_t bytes =
                data->channels * data->area * (data->element == SCION_BYTES ? 1 : (int64_t)sizeof(float));
        const char *input = (const char *)store->inputs + index * bytes;

        for (int64_t line = 0; line < bytes && line < PREFETCHED; line += 64)
                __builtin_prefetch(input + line);
}

/* Tensors for `size` examples, on the current tape. */
static bool make_tensors(const struct scion_batches *batches, int64_t size, struct scion_batch *batch)
{
        const struct scion_data *data = batches->data;
        struct scion_shape shape = { .ndim = data->shape.ndim + 1, .dim = { size } };

        *batch = (struct scion_batch){ .size = size, .classes = data->classes };
        memcpy(shape.dim + 1, data->shape.dim, (size_t)data->shape.ndim * sizeof shape.dim[0]);
        batch->inputs = scion_tensor_new(shape, SCION_F32, NULL);
        if (!batches->labelled)
                return batch->inputs;
        if (data->classes > 0)
                batch->labels = scion_tensor_new(SCION_SHAPE(size), SCION_I32, NULL);
        else
                batch->targets = scion_tensor_new(SCION_SHAPE(size, data->targets), SCION_F32, NULL);
        return batch->inputs && (batch->labels || batch->targets);
}

static int64_t place_at(const struct scion_batches *batches, int64_t position)
{
        return batches->shuffled ? batches->order[position] : place(batches->examples, position);
}

int64_t scion_batches_place(const struct scion_batches *batches, int64_t i)
{
        return place_at(batches, batches->last + i);
}

/* The next `size` examples, which there are. */
static bool gather(struct scion_batches *batches, int64_t size, struct scion_batch *batch)
{
        const struct scion_data *data = batches->data;
        const struct scion_examples *examples = batches->examples;
        const struct scion_store *store = examples->store;
        int64_t values = data->channels * data->area;

        if (!make_tensors(batches, size, batch))
                return false;
        for (int64_t i = 0; i < size; i++) {
                int64_t at = batches->position + i;
                int64_t index = place_at(batches, at);

                if (batches->shuffled && at + AHEAD < examples->count)
                        prefetch_input(data, store, batches->order[at + AHEAD]);
                gather_input(data, store, index, (float *)batch->inputs->data + i * values);
                if (batch->labels)
                        ((int32_t *)batch->labels->data)[i] = store->labels[index];
                if (batch->targets)
                        memcpy((float *)batch->targets->data + i * data->targets,
                               store->targets + index * data->targets, (size_t)data->targets * sizeof(float));
        }
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
        return gather(batches, left < batches->size ? left : batches->size, batch) ? SCION_NEXT_BATCH
                                                                                   : SCION_NEXT_FAILED;
}

bool scion_batches_at(struct scion_batches *batches, uint64_t seed, uint64_t step, struct scion_batch *batch)
{
        int64_t count = batches->examples->count;
        int64_t size = count < batches->size ? count : batches->size;

        if (count == 0)
                return scion_fail("there are no examples to take batches of");
        uint64_t each = (uint64_t)(count / size); /* batches in a pass */
        uint64_t stream = STREAM_PASS + step / each;

        if (!batches->shuffled || batches->seed != seed || batches->stream != stream)
                shuffle(batches, seed, stream);
        batches->position = (int64_t)(step % each) * size;
        return gather(batches, size, batch);
}
