/*
 * Has no training examples.
 *
 * FAILED: open() succeeds, and reports a valid shape and sizes
 * says: open() reports a shape or sizes that are not valid: it has no training examples
 */
#include <scion/dataset.h>

static bool open_data(void *self, uint64_t seed, struct scion_dataset_info *info)
{
        (void)self;
        (void)seed;
        info->shape = SCION_SHAPE(4);
        info->element = SCION_F32;
        info->classes = 3;
        info->size[SCION_TEST] = 12;
        return true;
}

static bool read_data(void *self, enum scion_split split, int64_t index, void *input, void *target)
{
        float *value = input;
        int32_t *label = target;

        (void)self;
        (void)split;
        for (int64_t i = 0; value && i < 4; i++)
                value[i] = (float)(10 * index + i);
        *label = (int32_t)(index % 3);
        return true;
}

SCION_PLUGIN_DATASET("dataset-empty", .summary = "data without examples", .open = open_data,
                     .read = read_data);
