/* A dataset with a parameter that has the name of one of the engine's keys. */
#include <scion/dataset.h>

struct clash {
        int64_t transform;
};

static const struct scion_param params[] = {
        SCION_INT(struct clash, transform, 1, "not what the engine means by it"),
        SCION_PARAMS_END,
};

static bool open_clash(void *self, uint64_t seed, struct scion_dataset_info *info)
{
        (void)self;
        (void)seed;
        (void)info;
        return scion_fail("it was opened");
}

static bool read_clash(void *self, enum scion_split split, int64_t index, void *input, void *target)
{
        (void)self;
        (void)split;
        (void)index;
        (void)input;
        (void)target;
        return scion_fail("it was read");
}

/* clang-format off */
SCION_PLUGIN_DATASET("clash",
        .summary = "a parameter that cannot be",
        .params  = params,
        .size    = sizeof(struct clash),
        .open    = open_clash,
        .read    = read_clash);
