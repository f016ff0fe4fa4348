/*
 * Its examples depend on how often it was opened.
 *
 * FAILED: opened twice, it has the same examples
 * says: opened again with the same seed, train example 0 has other bytes
 */
#include <scion/dataset.h>

struct state {
        float first;
};

static float times;

static bool open_data(void *self, uint64_t seed, struct scion_dataset_info *info)
{
        ((struct state *)self)->first = times++;
        (void)seed;
        info->shape = SCION_SHAPE(4);
        info->element = SCION_F32;
        info->classes = 3;
        info->size[SCION_TRAIN] = info->size[SCION_TEST] = 12;
        return true;
}

static bool read_data(void *self, enum scion_split split, int64_t index, void *input, void *target)
{
        struct state *state = self;
        float *value = input;
        int32_t *label = target;

        (void)split;
        for (int64_t i = 0; value && i < 4; i++)
                value[i] = (float)(10 * index + i) + state->first;
        *label = (int32_t)(index % 3);
        return true;
}

SCION_PLUGIN_DATASET("dataset-once", .summary = "data that depend on the past", .size = sizeof(struct state),
                     .open = open_data, .read = read_data);
