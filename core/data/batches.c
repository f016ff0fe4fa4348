/* Batches: examples gathered from memory into tensors. */
#include <scion/random.h>
#include <stdlib.h>
#include <string.h>

#include "data/parts.h"
#include "tensor/tensor.h"

#define AHEAD 4         /* examples fetched before their turn */
#define PREFETCHED 4096 /* bytes of each; the rest follows in order, which the processor sees itself */

struct scion_batches {
        const struct scion_data *data;
        const struct scion_examples *examples;
        int64_t size;
        int64_t position; /* examples given out in this pass */
        bool shuffled;
        int64_t order[]; /* of all examples, when shuffled */
};

struct scion_batches *scion_batches_create(struct scion_data *data, enum scion_split split, int64_t size)
{
        const struct scion_examples *examples = &data->split[split];
        struct scion_batches *batches;

        if (size < 1)
                return scion_fail_null("a batch of %lld examples is impossible", (long long)size);
        batches = malloc(sizeof *batches + (size_t)examples->count * sizeof batches->order[0]);
        if (!batches)
                return scion_fail_null("out of memory for the order of %lld examples",
                                       (long long)examples->count);
        *batches = (struct scion_batches){ .data = data, .examples = examples, .size = size };
        return batches;
}

void scion_batches_destroy(struct scion_batches *batches)
{
        free(batches);
}

/* From the dataset's order each time: the order of an epoch does not depend on those before it. */
void scion_batches_shuffle(struct scion_batches *batches, uint64_t seed, uint64_t epoch)
{
        struct scion_random random = scion_random(seed, SCION_RANDOM_SHUFFLE, epoch);

        for (int64_t i = 0; i < batches->examples->count; i++)
                batches->order[i] = i;
        scion_random_shuffle(&random, batches->order, (size_t)batches->examples->count);
        batches->shuffled = true;
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

static void gather_input(const struct scion_data *data, const struct scion_examples *examples, int64_t index,
                         float *input)
{
        int64_t values = data->channels * data->area;

        if (data->element == SCION_REALS) {
                memcpy(input, (const float *)examples->inputs + index * values,
                       (size_t)values * sizeof *input);
                return;
        }
        for (int64_t c = 0; c < data->channels; c++)
                scion_normalize_bytes((const uint8_t *)examples->inputs + index * values + c * data->area,
                                      input + c * data->area, data->area, data->normal[c]);
}

/* Where a shuffled example lies, the processor cannot guess; it fetches this one while others are gathered. */
static void prefetch_input(const struct scion_data *data, const struct scion_examples *examples,
                           int64_t index)
{
        int64_t bytes =
                data->channels * data->area * (data->element == SCION_BYTES ? 1 : (int64_t)sizeof(float));
        const char *input = (const char *)examples->inputs + index * bytes;

        for (int64_t line = 0; line < bytes && line < PREFETCHED; line += 64)
                __builtin_prefetch(input + line);
}

enum scion_next scion_batches_next(struct scion_batches *batches, struct scion_batch *batch)
{
        const struct scion_data *data = batches->data;
        const struct scion_examples *examples = batches->examples;
        int64_t left = examples->count - batches->position;
        int64_t size = left < batches->size ? left : batches->size;
        struct scion_shape shape = { .ndim = data->shape.ndim + 1, .dim = { size } };

        *batch = (struct scion_batch){ .size = size, .classes = data->classes };
        if (size == 0)
                return SCION_NEXT_END;
        memcpy(shape.dim + 1, data->shape.dim, (size_t)data->shape.ndim * sizeof shape.dim[0]);
        batch->inputs = scion_tensor_new(shape, SCION_F32, NULL);
        if (data->classes > 0)
                batch->labels = scion_tensor_new(SCION_SHAPE(size), SCION_I32, NULL);
        else
                batch->targets = scion_tensor_new(SCION_SHAPE(size, data->targets), SCION_F32, NULL);
        if (!batch->inputs || !(batch->labels || batch->targets))
                return SCION_NEXT_FAILED;

        float *input = batch->inputs->data;
        int64_t values = data->channels * data->area;

        for (int64_t i = 0; i < size; i++) {
                int64_t at = batches->position + i;
                int64_t index = batches->shuffled ? batches->order[at] : at;

                if (batches->shuffled && at + AHEAD < examples->count)
                        prefetch_input(data, examples, batches->order[at + AHEAD]);
                gather_input(data, examples, index, input + i * values);
                if (data->classes > 0)
                        ((int32_t *)batch->labels->data)[i] = examples->labels[index];
                else
                        memcpy((float *)batch->targets->data + i * data->targets,
                               examples->targets + index * data->targets,
                               (size_t)data->targets * sizeof(float));
        }
        batches->position += size;
        return SCION_NEXT_BATCH;
}
