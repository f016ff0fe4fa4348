/*
 * Reads through a buffer that all threads share.
 *
 * FAILED: several threads may read at once
 * says: 4 threads read at once, and 
 * says: has other bytes than when one thread reads: read() must not change what threads share
 */
#include <scion/dataset.h>
#include <time.h>

struct state {
        int64_t at;
};

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
        struct state *state = self;
        float *value = input;
        int32_t *label = target;

        (void)split;
        state->at = index;
        nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
        for (int64_t i = 0; value && i < 4; i++)
                value[i] = (float)(10 * state->at + i);
        *label = (int32_t)(index % 3);
        return true;
}

SCION_PLUGIN_DATASET("dataset-threads", .summary = "data for one reader", .size = sizeof(struct state),
                     .open = open_data, .read = read_data);
