/*
 * Its open() fails without a reason.
 *
 * FAILED: open() succeeds, and reports a valid shape and sizes
 * says: open() fails, and gives no reason: scion_fail() leaves one
 */
#include <scion/dataset.h>

static bool open_data(void *self, uint64_t seed, struct scion_dataset_info *info)
{
        (void)self;
        (void)seed;
        info->classes = 0;
        return false;
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

SCION_PLUGIN_DATASET("dataset-silent", .summary = "data that are not there", .open = open_data,
                     .read = read_data);
