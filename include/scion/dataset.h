/* Dataset plugins: examples by index. Class subsets, transforms, normalisation, shuffling and batches are the
 * engine's. */
#ifndef SCION_DATASET_H
#define SCION_DATASET_H

#include <scion/plugin.h>
#include <scion/tensor.h>

SCION_BEGIN

enum scion_split {
        SCION_TRAIN,
        SCION_VALID, /* a dataset without one of its own has size 0 here; the engine can hold out part of
                        train */
        SCION_TEST,
        SCION_SPLITS /* how many there are */
};

/* What open() fills in; all zero before. */
struct scion_dataset_info {
        struct scion_shape shape; /* of one input: SCION_SHAPE(1, 28, 28) */
        enum scion_dtype
                element; /* of an input's values: SCION_U8, which the engine divides by 255, or SCION_F32 */
        int64_t classes; /* labels are 0 .. classes-1; 0: the targets are values */
        int64_t targets; /* values a target has, when classes is 0 */
        int64_t size[SCION_SPLITS]; /* examples in each split */
};

struct scion_dataset_plugin {
        SCION_PLUGIN_FIELDS
        /*
         * Opens the data and checks it whole: sizes, counts, labels. Called once, before read(), with no tape
         * to be used. What it opens or allocates is the plugin's, until finish(). `seed` is the dataset's own, for
         * synthetic data. False, with a message that names the file, when anything is wrong.
         */
        bool (*open)(void *self, uint64_t seed, struct scion_dataset_info *info);
        /*
         * Reads example `index` of `split` into the caller's buffers. `input` takes the elements, row-major;
         * NULL when only the target is wanted. `target` takes one int32_t, the label, or info->targets
         * floats; never NULL. Both are the caller's, and every element is written. Called for each example of each
         * batch, so that it is quick, and once for all targets after open(). False, with a message, ends the run.
         * The same index gives the same bytes. Unlike the other callbacks it may be called
         * from several threads at once: it changes nothing of what open() has made.
         */
        bool (*read)(void *self, enum scion_split split, int64_t index, void *input, void *target);
};

#define SCION_PLUGIN_DATASET(name, ...) SCION_PLUGIN(scion_dataset_plugin, SCION_DATASET, name, __VA_ARGS__)

SCION_END

#endif
