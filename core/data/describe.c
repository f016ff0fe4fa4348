/* Describes data by a text that differs from that of any other data. */
#include <stdlib.h>

#include "data/parts.h"
#include "file/hash.h"

/* Adds the hash of `bytes` bytes, unless data is NULL. */
static void text_add_hash(struct scion_text *text, const char *what, const void *data, size_t bytes)
{
        char hash[SCION_HASH_TEXT];

        if (data)
                scion_text_add(text, " %s %s", what, scion_hash_bytes(data, bytes, hash));
}

/* Adds the hash of the first `bytes` bytes of an array, unless it has no storage. False, with a message, when the device's
 * memory cannot be read. */
static bool text_add_array_hash(struct scion_text *text, const char *what, const struct scion_array *array,
                                size_t bytes)
{
        void *copy = NULL;

        if (!array->storage)
                return true;
        const char *data = scion_storage_view(array->storage, &copy);

        if (data)
                text_add_hash(text, what, data + array->offset, bytes);
        free(copy);
        return data != NULL;
}

bool scion_data_describe(const struct scion_data *data, struct scion_text *text)
{
        size_t bytes = (size_t)(data->channels * data->area) * scion_dtype_bytes(data->element);
        char shape[160];

        scion_text_add(text, "data %s of %d, %lld classes, %lld targets",
                       scion_shape_text(&data->shape, shape, sizeof shape), (int)data->element,
                       (long long)data->classes, (long long)data->targets);
        text_add_hash(text, "normal", data->normal, (size_t)data->channels * sizeof *data->normal);
        scion_text_add(text, "\n");
        for (int split = 0; split < SCION_SPLITS; split++) {
                const struct scion_examples *examples = &data->split[split];
                const struct scion_store *store = &data->store[split];
                size_t count = (size_t)examples->count;
                size_t stored = examples->index ? (size_t)data->unlabelled.count : count;

                scion_text_add(text, "%s %zu of %zu", scion_split_names[split], count, stored);
                text_add_hash(text, "index", examples->index, count * sizeof *examples->index);
                if (!text_add_array_hash(text, "inputs", &store->inputs, stored * bytes) ||
                    !text_add_array_hash(text, "labels", &store->labels, stored * sizeof(int32_t)) ||
                    !text_add_array_hash(text, "targets", &store->targets,
                                         stored * (size_t)data->targets * sizeof(float)))
                        return false;
                scion_text_add(text, "\n");
        }
        return true;
}
