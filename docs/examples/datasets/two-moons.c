/* docs/examples/datasets/two-moons.c: two interleaving half circles, rotated by an angle. */
#include <math.h>
#include <scion/scion.h>

#define PI 3.14159265358979323846

struct two_moons {
        int64_t train_size, test_size;
        float noise, turn;
        uint64_t seed; /* not a parameter; set by moons_open() */
};

static const struct scion_param params[] = {
        SCION_INT(struct two_moons, train_size, 1000, "training examples", .min = 1, .max = 1e9),
        SCION_INT(struct two_moons, test_size, 1000, "test examples", .min = 0, .max = 1e9),
        SCION_FLOAT(struct two_moons, noise, 0.1, "standard deviation around the half circles", .min = 0),
        SCION_FLOAT(struct two_moons, turn, 0, "degrees by which the points are rotated, counterclockwise",
                    .min = -360, .max = 360),
        SCION_PARAMS_END,
};

static bool moons_open(void *self, uint64_t seed, struct scion_dataset_info *info)
{
        struct two_moons *moons = self;

        moons->seed = seed;
        info->shape = SCION_SHAPE(2);
        info->element = SCION_F32;
        info->classes = 2;
        info->size[SCION_TRAIN] = moons->train_size;
        info->size[SCION_TEST] = moons->test_size;
        return true;
}

/* Each example has its own random stream, so that the same index always gives the same bytes. */
static bool moons_read(void *self, enum scion_split split, int64_t index, void *input, void *target)
{
        const struct two_moons *moons = self;
        struct scion_random random =
                scion_random(moons->seed, SCION_RANDOM_DATA, (uint64_t)split << 62 | (uint64_t)index);
        int32_t label = (int32_t)(index % 2);

        *(int32_t *)target = label;
        if (!input)
                return true;
        double t = PI * (double)scion_random_uniform(&random);
        double x = label == 0 ? cos(t) : 1 - cos(t), y = label == 0 ? sin(t) : 0.5 - sin(t);
        double angle = PI / 180 * (double)moons->turn;
        float *point = input;

        x += (double)(moons->noise * scion_random_normal(&random)) - 0.5; /* the centre is (0.5, 0.25) */
        y += (double)(moons->noise * scion_random_normal(&random)) - 0.25;
        point[0] = (float)(cos(angle) * x - sin(angle) * y);
        point[1] = (float)(sin(angle) * x + cos(angle) * y);
        return true;
}

SCION_PLUGIN_DATASET("two-moons", .summary = "points of the plane on two half circles, two classes",
                     .params = params, .size = sizeof(struct two_moons), .open = moons_open,
                     .read = moons_read);
