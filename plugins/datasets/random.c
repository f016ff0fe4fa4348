/*
 * Random inputs with random targets: nothing to learn but by heart. Each example comes from a stream of its
 * own, so that an index reads the same at any time, and a larger dataset begins with the smaller one.
 */
#include <scion/dataset.h>

struct random_data {
        int64_t train_size, valid_size, test_size;
        struct scion_ints shape;
        int64_t num_classes;
        int64_t targets;
        uint64_t seed;
        int64_t values; /* in one input */
};

#define MOST ((int64_t)1 << 40) /* examples in a split, and values in an input */

static const struct scion_param params[] = {
        SCION_INT(struct random_data, train_size, 1000, "training examples", .min = 1, .max = MOST),
        SCION_INT(struct random_data, valid_size, 0, "validation examples", .min = 0, .max = MOST),
        SCION_INT(struct random_data, test_size, 1000, "test examples", .min = 0, .max = MOST),
        SCION_INTS(struct random_data, shape, "[1, 28, 28]", "of one input", .min = 1, .max = MOST),
        SCION_INT(struct random_data, num_classes, 10, "labels are 0 to one less; 0: the targets are values",
                  .min = 0, .max = INT32_MAX),
        SCION_INT(struct random_data, targets, 1, "values of a target, when num_classes is 0", .min = 1,
                  .max = MOST),
        SCION_PARAMS_END
};

static bool validate(void *self)
{
        struct random_data *data = self;

        if (data->shape.count < 1 || data->shape.count >= SCION_MAX_DIMS)
                return scion_fail("shape: has %zu axes; an input has 1 to %d", data->shape.count,
                                  SCION_MAX_DIMS - 1);
        data->values = 1;
        for (size_t i = 0; i < data->shape.count; i++) {
                if (data->shape.value[i] > MOST / data->values)
                        return scion_fail("shape: more values than any memory holds");
                data->values *= data->shape.value[i];
        }
        return true;
}

static bool open_random(void *self, uint64_t seed, struct scion_dataset_info *info)
{
        struct random_data *data = self;

        data->seed = seed;
        info->shape.ndim = (int)data->shape.count;
        for (size_t i = 0; i < data->shape.count; i++)
                info->shape.dim[i] = data->shape.value[i];
        info->element = SCION_F32;
        info->classes = data->num_classes;
        info->targets = data->num_classes > 0 ? 0 : data->targets;
        info->size[SCION_TRAIN] = data->train_size;
        info->size[SCION_VALID] = data->valid_size;
        info->size[SCION_TEST] = data->test_size;
        return true;
}

/* The target is drawn first, so that it does not depend on whether the input is wanted. */
static bool read_random(void *self, enum scion_split split, int64_t index, void *input, void *target)
{
        const struct random_data *data = self;
        struct scion_random random =
                scion_random(data->seed, SCION_RANDOM_DATA, (uint64_t)split << 62 | (uint64_t)index);

        if (data->num_classes > 0)
                *(int32_t *)target = (int32_t)scion_random_below(&random, (uint64_t)data->num_classes);
        for (int64_t i = 0; data->num_classes == 0 && i < data->targets; i++)
                ((float *)target)[i] = scion_random_normal(&random);
        for (int64_t i = 0; input && i < data->values; i++)
                ((float *)input)[i] = scion_random_normal(&random);
        return true;
}

/* clang-format off */
SCION_PLUGIN_DATASET("random",
        .summary  = "inputs from a standard normal distribution, with random labels or values",
        .params   = params,
        .size     = sizeof(struct random_data),
        .validate = validate,
        .open     = open_random,
        .read     = read_random);
