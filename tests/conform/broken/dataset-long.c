/*
 * Writes one value more than an input has.
 *
 * FAILED: an example is read whole, and nothing is written past its buffers
 * says: read() of train example 0 writes past the input: to byte 16, and it has 16
 */
#include <scion/dataset.h>

static bool open_data(void *self, uint64_t seed, struct scion_dataset_info *info)
{
        (void)self;
        (void)seed;
        info->shape = SCION_SHAPE(4);
        info->element = SCION_F32;
        info->classes = 3;
        info->size[SCION_TRAIN] = info->size[SCION_TEST] = 12;
        return true;
}

static bool read_data(void *self, enum scion_split split, int64_t index, void *input, void *target)
{
        float *value = input;
        int32_t *label = target;

        (void)self;
        (void)split;
        for (int64_t i = 0; value && i < 5; i++)
                value[i] = (float)(10 * index + i);
        *label = (int32_t)(index % 3);
        return true;
}

SCION_PLUGIN_DATASET("dataset-long", .summary = "data that spill over", .open = open_data, .read = read_data);
