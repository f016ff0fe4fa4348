/*
 * Blobs: each class is some clusters of points, each a normal distribution around a centre of its own. `layout`
 * draws the centres, whatever the run's seed: datasets of one layout are the same task, seen again; another layout is
 * another task. `shift` moves all points, which makes another domain of the same task. Each example comes from a
 * stream of its own, so that an index reads the same at any time, and a larger dataset begins with the smaller one.
 */
#include <math.h>
#include <scion/dataset.h>
#include <stdlib.h>

struct blobs {
        int64_t train_size, valid_size, test_size;
        struct scion_ints shape;
        int64_t num_classes, clusters;
        float noise, shift;
        int64_t layout;
        uint64_t seed;    /* from here on ours */
        int64_t values;   /* in one input */
        float *centre;    /* [num_classes * clusters][values] */
        float *direction; /* [values], of length 1 */
};

#define MOST ((int64_t)1 << 40) /* examples in a split */
#define MOST_VALUES (1 << 24)   /* in an input, and in all centres */

static const struct scion_param params[] = {
        SCION_INT(struct blobs, train_size, 1000, "training examples", .min = 1, .max = MOST),
        SCION_INT(struct blobs, valid_size, 0, "validation examples", .min = 0, .max = MOST),
        SCION_INT(struct blobs, test_size, 1000, "test examples", .min = 0, .max = MOST),
        SCION_INTS(struct blobs, shape, "[16]", "of one input", .min = 1, .max = MOST_VALUES),
        SCION_INT(struct blobs, num_classes, 4, "labels are 0 to one less", .min = 2, .max = MOST_VALUES),
        SCION_INT(struct blobs, clusters, 3, "of each class", .min = 1, .max = MOST_VALUES),
        SCION_FLOAT(struct blobs, noise, 1, "standard deviation around a centre; that of the centres is 1",
                    .min = 0),
        SCION_FLOAT(struct blobs, shift, 0, "how far all points are moved, in a direction of the layout's",
                    .min = 0),
        SCION_INT(struct blobs, layout, 1, "another number, other centres: another task", .min = 0,
                  .max = INT32_MAX),
        SCION_PARAMS_END
};

static bool validate(void *self)
{
        struct blobs *blobs = self;

        if (blobs->shape.count < 1 || blobs->shape.count >= SCION_MAX_DIMS)
                return scion_fail("shape: has %zu axes; an input has 1 to %d", blobs->shape.count,
                                  SCION_MAX_DIMS - 1);
        blobs->values = 1;
        for (size_t i = 0; i < blobs->shape.count; i++) {
                if (blobs->shape.value[i] > MOST_VALUES / blobs->values)
                        return scion_fail("shape: more than %d values", MOST_VALUES);
                blobs->values *= blobs->shape.value[i];
        }
        if (blobs->clusters > MOST_VALUES / blobs->values / blobs->num_classes)
                return scion_fail("%lld classes of %lld clusters: their centres have more than %d values",
                                  (long long)blobs->num_classes, (long long)blobs->clusters, MOST_VALUES);
        return true;
}

static void draw(uint64_t seed, uint64_t index, float *values, int64_t count)
{
        struct scion_random random = scion_random(seed, SCION_RANDOM_DATA, index);

        for (int64_t i = 0; i < count; i++)
                values[i] = scion_random_normal(&random);
}

static bool place(struct blobs *blobs)
{
        int64_t centres = blobs->num_classes * blobs->clusters;
        uint64_t seed = scion_seed((uint64_t)blobs->layout, "blobs");
        double square = 0;

        blobs->centre = malloc((size_t)(centres * blobs->values) * sizeof *blobs->centre);
        blobs->direction = malloc((size_t)blobs->values * sizeof *blobs->direction);
        if (!blobs->centre || !blobs->direction)
                return scion_fail("out of memory");
        draw(seed, 0, blobs->direction, blobs->values);
        for (int64_t i = 0; i < blobs->values; i++)
                square += (double)blobs->direction[i] * (double)blobs->direction[i];
        for (int64_t i = 0; i < blobs->values; i++)
                blobs->direction[i] /= (float)sqrt(square);
        for (int64_t i = 0; i < centres; i++)
                draw(seed, 1 + (uint64_t)i, blobs->centre + i * blobs->values, blobs->values);
        return true;
}

static bool open_blobs(void *self, uint64_t seed, struct scion_dataset_info *info)
{
        struct blobs *blobs = self;

        blobs->seed = seed;
        info->shape.ndim = (int)blobs->shape.count;
        for (size_t i = 0; i < blobs->shape.count; i++)
                info->shape.dim[i] = blobs->shape.value[i];
        info->element = SCION_F32;
        info->classes = blobs->num_classes;
        info->size[SCION_TRAIN] = blobs->train_size;
        info->size[SCION_VALID] = blobs->valid_size;
        info->size[SCION_TEST] = blobs->test_size;
        return place(blobs);
}

/* As many examples of each class, but for the last few. */
static bool read_blobs(void *self, enum scion_split split, int64_t index, void *input, void *target)
{
        const struct blobs *blobs = self;
        struct scion_random random =
                scion_random(blobs->seed, SCION_RANDOM_DATA, (uint64_t)split << 62 | (uint64_t)index);
        int64_t label = index % blobs->num_classes;
        int64_t cluster = (int64_t)scion_random_below(&random, (uint64_t)blobs->clusters);
        const float *centre = blobs->centre + (label * blobs->clusters + cluster) * blobs->values;
        float *point = input;

        *(int32_t *)target = (int32_t)label;
        for (int64_t i = 0; point && i < blobs->values; i++)
                point[i] = centre[i] + blobs->shift * blobs->direction[i] +
                           blobs->noise * scion_random_normal(&random);
        return true;
}

static void finish(void *self)
{
        struct blobs *blobs = self;

        free(blobs->centre);
        free(blobs->direction);
}

/* clang-format off */
SCION_PLUGIN_DATASET("blobs",
        .summary  = "classes that are clusters of points, which can be moved: a task that is always there",
        .params   = params,
        .size     = sizeof(struct blobs),
        .validate = validate,
        .open     = open_blobs,
        .read     = read_blobs,
        .finish   = finish);
