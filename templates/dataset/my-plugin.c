/* my-plugin: points of the plane on spiral arms around the origin. Each arm is a class. */
#include <math.h>
#include <scion/scion.h>

#define PI 3.14159265358979323846

struct my_plugin {
        int64_t train_size, test_size, arms;
        float turns, noise;
        uint64_t seed; /* not a parameter; set by data_open() */
};

/* The parameters that experiment.yaml can set. The engine checks names, types and ranges by this table. */
static const struct scion_param params[] = {
        SCION_INT(struct my_plugin, train_size, 1000, "training examples", .min = 1, .max = 1e9),
        SCION_INT(struct my_plugin, test_size, 1000, "test examples", .min = 0, .max = 1e9),
        SCION_INT(struct my_plugin, arms, 3, "number of arms, which are the classes", .min = 2, .max = 1000),
        SCION_FLOAT(struct my_plugin, turns, 0.75, "turns of an arm around the origin", .min = 0, .max = 100),
        SCION_FLOAT(struct my_plugin, noise, 0.05, "standard deviation of the points around their arm",
                    .min = 0),
        SCION_PARAMS_END,
};

/* Called once: describes the data. A dataset of files opens and checks them here, and closes them in finish(). */
static bool data_open(void *self, uint64_t seed, struct scion_dataset_info *info)
{
        struct my_plugin *plugin = self;

        plugin->seed = seed;
        info->shape = SCION_SHAPE(2); /* of one input; for images SCION_SHAPE(channels, height, width) */
        info->element = SCION_F32;
        info->classes = plugin->arms;
        info->size[SCION_TRAIN] = plugin->train_size;
        info->size[SCION_TEST] = plugin->test_size;
        return true;
}

/* Reads one example. Each has its own random stream, so that the same index always gives the same bytes. */
static bool example_read(void *self, enum scion_split split, int64_t index, void *input, void *target)
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
        .summary = "points of the plane on spiral arms around the origin",
        .params  = params,
        .size    = sizeof(struct my_plugin),
        .open    = data_open,
        .read    = example_read);
