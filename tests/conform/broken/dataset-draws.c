/*
 * Draws other values in each read().
 *
 * FAILED: the same index gives the same bytes
 * says: test example 11 is read twice, and is not the same
 */
#include <scion/dataset.h>

struct state {
        struct scion_random random;
};

static bool open_data(void *self, uint64_t seed, struct scion_dataset_info *info)
{
        ((struct state *)self)->random = scion_random(seed, SCION_RANDOM_DATA, 0);
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
                value[i] = scion_random_normal(&state->random);
        *label = (int32_t)(index % 3);
        return true;
}

SCION_PLUGIN_DATASET("dataset-draws", .summary = "data that change", .size = sizeof(struct state),
                     .open = open_data, .read = read_data);
