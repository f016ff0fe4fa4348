/* Declarations shared by the files of data. */
#ifndef SCION_DATA_PARTS_H
#define SCION_DATA_PARTS_H

#include <scion/param.h>

#include "backend/backend.h"
#include "data/data.h"

/* "train", "valid", "test". */
extern const char *const scion_split_names[SCION_SPLITS];

/* Checks what a plugin's open() reported. Returns the number of values of one input; -1, with a message, when the info is
 * invalid. */
int64_t scion_data_check_info(const struct scion_dataset_info *info);

/* The engine's options of a dataset (scion_data_params), which data.h describes. */
struct scion_data_options {
        struct scion_ints classes;
        int64_t per_class, limit; /* 0: all */
        float valid;
        int normalize; /* enum scion_normalize */
        bool unlabelled;
};

enum scion_normalize { SCION_NORMALIZE_NONE, SCION_NORMALIZE_STANDARD };

/* --- Choosing examples (subset.c) -------------------------------------------------------------------------- */

/* Examples chosen from one of the plugin's splits, in increasing order of their indices. */
struct scion_chosen {
        enum scion_split from;
        int64_t count;
        int64_t *index;
};

struct scion_subset {
        struct scion_chosen split[SCION_SPLITS];
        struct scion_chosen pool; /* with `unlabelled`: the training examples and those left out of them */
        int64_t classes;          /* after renumbering; 0: targets are floats */
        int32_t *number;          /* the new number of each class, or -1; NULL when targets are floats */
};

/*
 * Chooses the examples of each split. `labels` has one array of valid labels for each of the plugin's splits, or NULLs when
 * targets are floats. `map` is the dataset's map, for the places in messages. False, with a message, on failure; the
 * caller must finish the subset also then.
 */
bool scion_subset_choose(struct scion_subset *subset, const struct scion_data_options *wishes,
                         const struct scion_config *map, const struct scion_dataset_info *info,
                         int32_t *const labels[SCION_SPLITS], uint64_t seed);
void scion_subset_finish(struct scion_subset *subset);

/* --- Normalising (normalize.c) -------------------------------------------------------------------------- */

/* Sums over the values of a channel. Bytes are summed exactly, in `sum` and `square`. Floats are summed relative to
 * `pivot`, the first value, in `shifted` and `squared`, to avoid cancellation. */
struct scion_moment {
        uint64_t sum, square;
        double pivot, shifted, squared;
};

struct scion_moments {
        enum scion_dtype element;
        int64_t channels, area; /* an input is `channels` times `area` values */
        int64_t inputs;         /* number of inputs added so far */
        struct scion_moment *channel;
};

/* The normalisation of a channel: v becomes (v - mean) / divisor. */
struct scion_normal {
        double mean, divisor;
};

/* Starts sums for inputs of `channels` times `area` values. False, with a message, when memory is out. */
bool scion_moments_start(struct scion_moments *moments, enum scion_dtype element, int64_t channels,
                         int64_t area);
/* Adds one input. */
void scion_moments_add(struct scion_moments *moments, const void *input);
/* Computes the normalisation of each channel into `normal`, after at least one input. A channel of constant value is
 * divided as if it were not normalised. */
void scion_moments_normal(const struct scion_moments *moments, struct scion_normal *normal);
void scion_moments_finish(struct scion_moments *moments);

/* Returns the divisor of values that are not normalised: 255 for bytes, 1 for floats. */
double scion_element_divisor(enum scion_dtype element);

/* Normalise `count` values of one channel: floats in place, and bytes into floats. */
void scion_normalize_floats(float *values, int64_t count, struct scion_normal normal);
void scion_normalize_bytes(const uint8_t *bytes, float *values, int64_t count, struct scion_normal normal);

/* Returns whether all values are finite. */
bool scion_floats_finite(const float *values, int64_t count);

/* --- The examples on the device ----------------------------------------------------------------------------- */

/* The examples loaded for a split. Row i of each array is example i. Arrays that are not used have no storage. */
struct scion_store {
        struct scion_array inputs;  /* [count, ...], uint8, or float32 already normalised */
        struct scion_array labels;  /* int32 [count]; used when there are classes */
        struct scion_array targets; /* float32 [count, targets]; used when there are none */
};

/* The examples of a split: all rows of a store, or some of them. */
struct scion_examples {
        int64_t count;
        const struct scion_store *store;
        int64_t *index; /* the row of each example; NULL: all rows, in order */
};

struct scion_data {
        struct scion_shape shape; /* of one input */
        enum scion_dtype element;
        int64_t classes, targets;
        int64_t channels, area;
        struct scion_normal
                *normal; /* one for each channel; uint8 inputs are normalised when a batch is gathered */
        struct scion_array scale, offset; /* [channels]: `normal` on the device, for uint8 inputs */
        struct scion_store store[SCION_SPLITS];
        struct scion_examples split[SCION_SPLITS];
        struct scion_examples unlabelled; /* all rows of the training split's store */
};

#endif
