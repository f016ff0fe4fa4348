/*
 * Has parameters with names of the engine, and one with a name that the command line cannot set.
 *
 * FAILED: parameters have names that an experiment file can say
 * says: parameter 'limit' has the name of a key that works on every dataset
 * says: parameter 'label' has the name of a key that works on every plugin in a matrix
 * says: parameter 'noise.level': a name is made of letters, digits, '_' and '-'
 */
#include <scion/scion.h>

struct state {
        int64_t limit, label;
        float noise;
};

static const struct scion_param params[] = {
        SCION_INT(struct state, limit, 10, "examples"),
        SCION_INT(struct state, label, 0, "of all"),
        { .name = "noise.level",
          .type = SCION_PARAM_FLOAT,
          .offset = offsetof(struct state, noise),
          .help = "added to the inputs" },
        SCION_PARAMS_END,
};

static bool open_data(void *self, uint64_t seed, struct scion_dataset_info *info)
{
        (void)self;
        (void)seed;
        (void)info;
        return scion_fail("is not there");
}

static bool read_data(void *self, enum scion_split split, int64_t index, void *input, void *target)
{
        (void)self;
        (void)split;
        (void)index;
        (void)input;
        (void)target;
        return scion_fail("is not there");
}

SCION_PLUGIN_DATASET("shadows", .summary = "a dataset in the way of the engine", .params = params,
                     .size = sizeof(struct state), .open = open_data, .read = read_data);
