/*
 * Random inputs with random targets: a model can only memorise them. Each example has its own random stream, so that
 * reading does not depend on the order, and a larger dataset begins with the examples of a smaller one.
 */
#include <scion/dataset.h>

struct random_data {
        int64_t train_size, valid_size, test_size;
        struct scion_ints shape;
        int64_t num_classes;
        int64_t targets;
        uint64_t seed;
        int64_t values; /* of one input */
};

#define MOST ((int64_t)1 << 40) /* limit for the examples of a split, and the values of an input */

static const struct scion_param params[] = {
        SCION_INT(struct random_data, train_size, 1000, "training examples", .min = 1, .max = MOST),
        SCION_INT(struct random_data, valid_size, 0, "validation examples", .min = 0, .max = MOST),
        SCION_INT(struct random_data, test_size, 1000, "test examples", .min = 0, .max = MOST),
        SCION_INTS(struct random_data, shape, "[1, 28, 28]", "shape of one input", .min = 1, .max = MOST),
        SCION_INT(struct random_data, num_classes, 10,
                  "number of classes; labels are 0 to num_classes - 1; 0: the targets are values", .min = 0,
                  .max = INT32_MAX),
        SCION_INT(struct random_data, targets, 1, "number of values of a target, if num_classes is 0",
                  .min = 1, .max = MOST),
        SCION_PARAMS_END
};

static bool random_data_validate(void *self)
{
        struct random_data *data = self;

        if (data->shape.count < 1 || data->shape.count >= SCION_MAX_DIMS)
                return scion_fail("shape: has %zu axes; an input has 1 to %d", data->shape.count,
                                  SCION_MAX_DIMS - 1);
        data->values = 1;
        for (size_t i = 0; i < data->shape.count; i++) {
                if (data->shape.value[i] > MOST / data->values)
                        return scion_fail("shape: more values than fit into memory");
                data->values *= data->shape.value[i];
        }
        return true;
}

static bool random_data_open(void *self, uint64_t seed, struct scion_dataset_info *info)
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

/* Draws the target first, so that it does not depend on whether the input is read. */
static bool random_data_read(void *self, enum scion_split split, int64_t index, void *input, void *target)
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
        .validate = random_data_validate,
        .open     = random_data_open,
        .read     = random_data_read);
