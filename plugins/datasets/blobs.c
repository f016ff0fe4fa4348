/*
 * Blobs: each class consists of clusters of points, normal distributions around random centres. The centres depend on
 * `layout` only, not on the run's seed: datasets with the same layout are samples of the same task. `shift` moves all
 * points, which makes another domain of the same task. Each example has its own random stream, so that reading does
 * not depend on the order, and a larger dataset begins with the examples of a smaller one.
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
        uint64_t seed;    /* set by open(), as the fields below */
        int64_t values;   /* of one input */
        float *centre;    /* [num_classes * clusters][values] */
        float *direction; /* [values], of length 1 */
};

#define MOST ((int64_t)1 << 40) /* limit for the examples of a split */
#define MOST_VALUES (1 << 24)   /* limit for the values of an input, and of all centres */

static const struct scion_param params[] = {
        SCION_INT(struct blobs, train_size, 1000, "training examples", .min = 1, .max = MOST),
        SCION_INT(struct blobs, valid_size, 0, "validation examples", .min = 0, .max = MOST),
        SCION_INT(struct blobs, test_size, 1000, "test examples", .min = 0, .max = MOST),
        SCION_INTS(struct blobs, shape, "[16]", "shape of one input", .min = 1, .max = MOST_VALUES),
        SCION_INT(struct blobs, num_classes, 4, "number of classes; labels are 0 to num_classes - 1",
                  .min = 2, .max = MOST_VALUES),
        SCION_INT(struct blobs, clusters, 3, "clusters of each class", .min = 1, .max = MOST_VALUES),
        SCION_FLOAT(struct blobs, noise, 1,
                    "standard deviation of the points around their centre; that of the centres is 1",
                    .min = 0),
        SCION_FLOAT(struct blobs, shift, 0,
                    "distance by which all points are moved, in a direction that the layout gives", .min = 0),
        SCION_INT(struct blobs, layout, 1, "seed of the centres: each number is another task", .min = 0,
                  .max = INT32_MAX),
        SCION_PARAMS_END
};

static bool blobs_validate(void *self)
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

static void values_draw(uint64_t seed, uint64_t index, float *values, int64_t count)
{
        struct scion_random random = scion_random(seed, SCION_RANDOM_DATA, index);

        for (int64_t i = 0; i < count; i++)
                values[i] = scion_random_normal(&random);
}

static bool centres_place(struct blobs *blobs)
{
        int64_t centres = blobs->num_classes * blobs->clusters;
        uint64_t seed = scion_seed((uint64_t)blobs->layout, "blobs");
        double square = 0;

        blobs->centre = malloc((size_t)(centres * blobs->values) * sizeof *blobs->centre);
        blobs->direction = malloc((size_t)blobs->values * sizeof *blobs->direction);
        if (!blobs->centre || !blobs->direction)
                return scion_fail("out of memory");
        values_draw(seed, 0, blobs->direction, blobs->values);
        for (int64_t i = 0; i < blobs->values; i++)
                square += (double)blobs->direction[i] * (double)blobs->direction[i];
        for (int64_t i = 0; i < blobs->values; i++)
                blobs->direction[i] /= (float)sqrt(square);
        for (int64_t i = 0; i < centres; i++)
                values_draw(seed, 1 + (uint64_t)i, blobs->centre + i * blobs->values, blobs->values);
        return true;
}

static bool blobs_open(void *self, uint64_t seed, struct scion_dataset_info *info)
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
        return centres_place(blobs);
}

/* Classes take turns, so their numbers of examples differ by at most one. */
static bool blobs_read(void *self, enum scion_split split, int64_t index, void *input, void *target)
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

static void blobs_finish(void *self)
{
        struct blobs *blobs = self;

        free(blobs->centre);
        free(blobs->direction);
}

/* clang-format off */
SCION_PLUGIN_DATASET("blobs",
        .summary  = "synthetic classification: each class is some clusters of points, which can be moved",
        .params   = params,
        .size     = sizeof(struct blobs),
        .validate = blobs_validate,
        .open     = blobs_open,
        .read     = blobs_read,
        .finish   = blobs_finish);
