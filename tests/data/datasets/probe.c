/* A dataset of known values, which can also be configured to make the errors of a faulty plugin. */
#include <scion/dataset.h>

#include <math.h>

enum wrong {
        NOTHING,
        OPEN,
        TRAIN_SIZE,
        TEST_SIZE,
        AXES,
        NO_AXES,
        LENGTH,
        HUGE_INPUT,
        ELEMENT,
        CLASSES,
        TARGETS
};

struct probe {
        struct scion_ints shape;
        int element;
        int64_t train_size, valid_size, test_size;
        int64_t num_classes, targets;
        bool skewed;
        bool constant;
        int wrong;
        int64_t fail_at, label_at, nan_at; /* in train; -1: nowhere */
};

static const char *const elements[] = { "bytes", "floats", NULL };
static const char *const wrongs[] = { "nothing", "open",    "train-size", "test-size",
                                      "axes",    "no-axes", "length",     "huge-input",
                                      "element", "classes", "targets",    NULL };

static const struct scion_param params[] = {
        SCION_INTS(struct probe, shape, "[3]", "of one input"),
        SCION_CHOICE(struct probe, element, elements, 1, "type of the values"),
        SCION_INT(struct probe, train_size, 100, "training examples"),
        SCION_INT(struct probe, valid_size, 0, "validation examples"),
        SCION_INT(struct probe, test_size, 20, "test examples"),
        SCION_INT(struct probe, num_classes, 5, "labels are 0 to one less; 0: values"),
        SCION_INT(struct probe, targets, 2, "values of a target"),
        SCION_BOOL(struct probe, skewed, false,
                   "classes 0, 1, 2 with 7, 2, 1 of ten examples, others with none"),
        SCION_BOOL(struct probe, constant, false, "all inputs are 7"),
        SCION_CHOICE(struct probe, wrong, wrongs, NOTHING, "what to do wrong in open()"),
        SCION_INT(struct probe, fail_at, -1, "training example that cannot be read"),
        SCION_INT(struct probe, label_at, -1, "training example with a label out of range"),
        SCION_INT(struct probe, nan_at, -1, "training example with a NaN"),
        SCION_PARAMS_END
};

static bool open_probe(void *self, uint64_t seed, struct scion_dataset_info *info)
{
        const struct probe *probe = self;

        (void)seed;
        info->shape.ndim = (int)probe->shape.count;
        for (size_t i = 0; i < probe->shape.count && i < SCION_MAX_DIMS; i++)
                info->shape.dim[i] = probe->shape.value[i];
        info->element = probe->element == 0 ? SCION_U8 : SCION_F32;
        info->classes = probe->num_classes;
        info->targets = probe->num_classes > 0 ? 0 : probe->targets;
        info->size[SCION_TRAIN] = probe->train_size;
        info->size[SCION_VALID] = probe->valid_size;
        info->size[SCION_TEST] = probe->test_size;
        switch ((enum wrong)probe->wrong) {
        case NOTHING:
                break;
        case OPEN:
                return scion_fail("the disk is gone");
        case TRAIN_SIZE:
                info->size[SCION_TRAIN] = 0;
                break;
        case TEST_SIZE:
                info->size[SCION_TEST] = -1;
                break;
        case AXES:
                info->shape.ndim = SCION_MAX_DIMS;
                break;
        case NO_AXES:
                info->shape.ndim = 0;
                break;
        case LENGTH:
                info->shape.dim[0] = 0;
                break;
        case HUGE_INPUT:
                info->shape = SCION_SHAPE((int64_t)1 << 40, (int64_t)1 << 40);
                break;
        case ELEMENT:
                info->element = (enum scion_dtype)7;
                break;
        case CLASSES:
                info->classes = (int64_t)1 << 40;
                break;
        case TARGETS:
                info->classes = 0;
                info->targets = 0;
                break;
        }
        return true;
}

static int32_t label_of(const struct probe *probe, int64_t index)
{
        int64_t digit = index % 10;

        if (!probe->skewed)
                return (int32_t)(index % probe->num_classes);
        return digit < 7 ? 0 : digit < 9 ? 1 : 2;
}

/*
 * Value i of a float input is 10000 split + index + i/2; of a byte input (31 index + 7 i + 13 split) modulo
 * 256. Value k of a target is -index - k.
 */
static bool read_probe(void *self, enum scion_split split, int64_t index, void *input, void *target)
{
        const struct probe *probe = self;
        int64_t values = 1;

        if (split == SCION_TRAIN && index == probe->fail_at)
                return scion_fail("the disk is gone");
        for (size_t i = 0; i < probe->shape.count; i++)
                values *= probe->shape.value[i];
        if (probe->num_classes > 0)
                *(int32_t *)target = split == SCION_TRAIN && index == probe->label_at
                                             ? (int32_t)probe->num_classes
                                             : label_of(probe, index);
        for (int64_t k = 0; probe->num_classes == 0 && k < probe->targets; k++)
                ((float *)target)[k] = (float)(-index - k);
        for (int64_t i = 0; input && i < values; i++)
                if (probe->element == 0)
                        ((uint8_t *)input)[i] =
                                probe->constant ? 7 : (uint8_t)(31 * index + 7 * i + 13 * (int)split);
                else
                        ((float *)input)[i] =
                                probe->constant ? 7 : (float)(10000 * (int)split + index) + 0.5f * (float)i;
        if (input && probe->element != 0 && split == SCION_TRAIN && index == probe->nan_at)
                ((float *)input)[values - 1] = NAN;
        return true;
}

/* clang-format off */
SCION_PLUGIN_DATASET("probe",
        .summary = "known values, and faults on demand",
        .params  = params,
        .size    = sizeof(struct probe),
        .open    = open_probe,
        .read    = read_probe);
