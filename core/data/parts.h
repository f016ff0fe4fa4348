/* Inside the data: what its files share. */
#ifndef SCION_DATA_PARTS_H
#define SCION_DATA_PARTS_H

#include <scion/param.h>

#include "backend/backend.h"
#include "data/data.h"

/* "train", "valid", "test". */
extern const char *const scion_split_names[SCION_SPLITS];

/* The values of an input, or -1, with a message, when what open() told cannot be. */
int64_t scion_data_check_info(const struct scion_dataset_info *info);

/* What an experiment file may ask of any dataset: the state of scion_data_params. */
struct scion_data_options {
        struct scion_ints classes;
        int64_t per_class, limit; /* 0: all */
        float valid;
        int normalize; /* of enum scion_normalize */
        bool unlabelled;
};

enum scion_normalize { SCION_NORMALIZE_NONE, SCION_NORMALIZE_STANDARD };

/* --- Which examples (subset.c) -------------------------------------------------------------------------- */

/* Examples of one of the plugin's splits, in its order. */
struct scion_chosen {
        enum scion_split from;
        int64_t count;
        int64_t *index;
};

struct scion_subset {
        struct scion_chosen split[SCION_SPLITS];
        struct scion_chosen pool; /* when unlabelled examples are wanted: train's, and what it leaves out */
        int64_t classes;          /* after renumbering; 0: the targets are values */
        int32_t *number;          /* a class's new number, or -1; NULL when the targets are values */
};

/*
 * Chooses the examples. `labels` are the plugin's, checked, one array a split; NULL when the targets are
 * values. `map` gives the places of messages. The subset is to be finished also after a failure.
 */
bool scion_subset_choose(struct scion_subset *subset, const struct scion_data_options *wishes,
                         const struct scion_config *map, const struct scion_dataset_info *info,
                         int32_t *const labels[SCION_SPLITS], uint64_t seed);
void scion_subset_finish(struct scion_subset *subset);

/* --- Normalising (normalize.c) -------------------------------------------------------------------------- */

/* Sums over a channel: of bytes exactly, of floats about the first value, so that no digits cancel. */
struct scion_moment {
        uint64_t sum, square;
        double pivot, shifted, squared;
};

struct scion_moments {
        enum scion_dtype element;
        int64_t channels, area; /* an input is `channels` times `area` values */
        int64_t inputs;         /* added so far */
        struct scion_moment *channel;
};

/* An element v of a channel becomes (v - mean) / divisor. */
struct scion_normal {
        double mean, divisor;
};

bool scion_moments_start(struct scion_moments *moments, enum scion_dtype element, int64_t channels,
                         int64_t area);
void scion_moments_add(struct scion_moments *moments, const void *input);
/* One entry a channel, after at least one input. What never changes is only shifted to 0. */
void scion_moments_normal(const struct scion_moments *moments, struct scion_normal *normal);
void scion_moments_finish(struct scion_moments *moments);

/* What an element's value is divided by when it is not normalised: bytes are to become 0 .. 1. */
double scion_element_divisor(enum scion_dtype element);

void scion_normalize_floats(float *values, int64_t count, struct scion_normal normal);
void scion_normalize_bytes(const uint8_t *bytes, float *values, int64_t count, struct scion_normal normal);

/* Is none of them infinite or not a number? */
bool scion_floats_finite(const float *values, int64_t count);

/* --- The examples on the device ----------------------------------------------------------------------------- */

/* Row i of each array is example i. An array without a storage is not there. */
struct scion_store {
        struct scion_array inputs;  /* [count, ...], uint8, or float32 already normalised */
        struct scion_array labels;  /* int32 [count]; or */
        struct scion_array targets; /* float32 [count, targets] */
};

/* A split: a store, or part of one. */
struct scion_examples {
        int64_t count;
        const struct scion_store *store;
        int64_t *index; /* of each in the store; NULL: all of it, as it stands */
};

struct scion_data {
        struct scion_shape shape; /* of one input */
        enum scion_dtype element;
        int64_t classes, targets;
        int64_t channels, area;
        struct scion_normal
                *normal; /* one a channel; applied while a batch is gathered when inputs are uint8 */
        struct scion_array scale, offset; /* [channels]: the same for the device, when inputs are uint8 */
        struct scion_store store[SCION_SPLITS];
        struct scion_examples split[SCION_SPLITS];
        struct scion_examples unlabelled; /* what is stored of train */
};

#endif
