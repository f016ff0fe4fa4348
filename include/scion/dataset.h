/*
 * Dataset plugins: they return examples by index. The engine selects classes and subsets, transforms, normalises,
 * shuffles and makes batches. It reads the examples when a run starts, copies them to the device, and ends the
 * instance.
 */
#ifndef SCION_DATASET_H
#define SCION_DATASET_H

#include <scion/plugin.h>
#include <scion/tensor.h>

SCION_BEGIN

enum scion_split {
        SCION_TRAIN,
        SCION_VALID, /* may have size 0; the engine can hold out a part of the training split instead */
        SCION_TEST,
        SCION_SPLITS /* the number of splits */
};

/* Describes the data. All fields are zero when open() is called, which fills them in. */
struct scion_dataset_info {
        struct scion_shape
                shape; /* of one input, as SCION_SHAPE(1, 28, 28); one to five axes, of which three are C, H, W */
        enum scion_dtype
                element; /* type of an input's values: SCION_U8, which the engine divides by 255, or SCION_F32 */
        int64_t classes;            /* labels are 0 .. classes-1; 0: the targets are values */
        int64_t targets;            /* number of values of a target, if classes is 0 */
        int64_t size[SCION_SPLITS]; /* number of examples in each split; SCION_TRAIN has at least 1 */
};

struct scion_dataset_plugin {
        SCION_PLUGIN_FIELDS
        /*
         * Opens the data and checks all of it: sizes, counts, labels. Called once, before read(), without a current
         * tape. Files and memory belong to the plugin, which releases them in finish(). `seed` is for synthetic data;
         * it follows from the run's seed. Returns false, with a message that names the file, if anything is wrong.
         */
        bool (*open)(void *self, uint64_t seed, struct scion_dataset_info *info);
        /*
         * Reads example `index` of `split` into the caller's buffers, and writes every element of them. `input` takes
         * the elements, row-major, of type info->element; it is NULL if only the target is wanted. `target` takes one
         * int32_t, the label, or info->targets floats; it is never NULL. The same index always gives the same bytes.
         * The engine reads the labels of all examples after open(), then the inputs of those that are used, some of
         * them more than once. Unlike the other callbacks, read() may be called from several threads at once, so it
         * must not change `self`. Returns false, with a message, if the example cannot be read; the run then fails.
         */
        bool (*read)(void *self, enum scion_split split, int64_t index, void *input, void *target);
};

#define SCION_PLUGIN_DATASET(name, ...) SCION_PLUGIN(scion_dataset_plugin, SCION_DATASET, name, __VA_ARGS__)

SCION_END

#endif
