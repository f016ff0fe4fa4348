/* my-plugin: points of the plane on arms that wind around the middle. Each arm is a class. */
#include <math.h>
#include <scion/scion.h>

#define PI 3.14159265358979323846

struct my_plugin {
        int64_t train_size, test_size, arms;
        float turns, noise;
        uint64_t seed; /* no parameter: open() fills it in */
};

/* What experiment.yaml may set. Types, ranges and names are checked by this table. */
static const struct scion_param params[] = {
        SCION_INT(struct my_plugin, train_size, 1000, "training examples", .min = 1, .max = 1e9),
        SCION_INT(struct my_plugin, test_size, 1000, "test examples", .min = 0, .max = 1e9),
        SCION_INT(struct my_plugin, arms, 3, "one for each class", .min = 2, .max = 1000),
        SCION_FLOAT(struct my_plugin, turns, 0.75, "that an arm makes", .min = 0, .max = 100),
        SCION_FLOAT(struct my_plugin, noise, 0.05, "standard deviation around an arm", .min = 0),
        SCION_PARAMS_END,
};

/* Once: says what there is. A dataset of files would open them here, check them whole, and close in finish(). */
static bool open_data(void *self, uint64_t seed, struct scion_dataset_info *info)
{
        struct my_plugin *plugin = self;

        plugin->seed = seed;
        info->shape = SCION_SHAPE(2); /* of one input; of an image SCION_SHAPE(channels, height, width) */
        info->element = SCION_F32;
        info->classes = plugin->arms;
        info->size[SCION_TRAIN] = plugin->train_size;
        info->size[SCION_TEST] = plugin->test_size;
        return true;
}

/* One example, the same whenever it is asked for: each has its own stream of random numbers. */
static bool read_example(void *self, enum scion_split split, int64_t index, void *input, void *target)
{
        const struct my_plugin *plugin = self;
        uint64_t stream = (uint64_t)split << 62 | (uint64_t)index;
        struct scion_random random = scion_random(plugin->seed, SCION_RANDOM_DATA, stream);
        int64_t arm = index % plugin->arms;

        *(int32_t *)target = (int32_t)arm;
        if (!input) /* only the label is wanted */
                return true;
        double radius = (double)scion_random_uniform(&random);
        double angle = 2 * PI * ((double)arm / (double)plugin->arms + (double)plugin->turns * radius);
        float *point = input;

        point[0] = (float)(radius * cos(angle)) + plugin->noise * scion_random_normal(&random);
        point[1] = (float)(radius * sin(angle)) + plugin->noise * scion_random_normal(&random);
        return true;
}

/* clang-format off */
SCION_PLUGIN_DATASET("my-plugin",
        .summary = "points of the plane on arms that wind around the middle",
        .params  = params,
        .size    = sizeof(struct my_plugin),
        .open    = open_data,
        .read    = read_example);
