/*
 * Transforms of the inputs of a dataset. They are applied once, while the dataset is loaded, in the same way to all splits,
 * and make another domain of the same classes. They are not augmentation, which would differ from epoch to epoch.
 */
#ifndef SCION_DATA_TRANSFORM_H
#define SCION_DATA_TRANSFORM_H

#include <scion/dataset.h>
#include <scion/param.h>

#include "config/config.h"

/* The form of inputs before or after a transform. */
struct scion_form {
        struct scion_shape shape;
        enum scion_dtype element;
        bool unit; /* bytes, or floats converted from bytes: black is 0, white is 255 or 1 */
};

struct scion_transform;

/* Identifies an example by its split and its index in the plugin's split. */
struct scion_example {
        enum scion_split split;
        int64_t index;
};

/* A kind of transform, which a file uses as { use: NAME, ...parameters }. */
struct scion_transform_kind {
        const char *name, *summary;
        const struct scion_param *params; /* for fields of struct scion_transform; NULL: no parameters */
        /*
         * Prepares the transform for inputs of the form transform->in. `out` is preset to that form; plan() sets
         * it to the form of the outputs. If plan() sets transform->in.element to SCION_F32, inputs are converted
         * to floats before apply(). Returns false, with a message without the place in the file, on failure.
         */
        bool (*plan)(struct scion_transform *transform, struct scion_form *out);
        /* Transforms one input from the buffer `in` to the buffer `out`. */
        void (*apply)(const struct scion_transform *transform, struct scion_example example, const void *in,
                      void *out);
};

/* All kinds. The last entry has a NULL name. */
extern const struct scion_transform_kind scion_transform_kinds[];

struct scion_transform {
        const struct scion_transform_kind *kind;
        const struct scion_config *config; /* the entry in the file, for messages */
        struct scion_form in;
        int64_t values; /* of an input */
        bool converts;  /* inputs are converted from bytes to floats before apply() */
        bool no_op;     /* plan() found that it would change nothing, so it is left out */

        float degrees, fill; /* of rotate */
        float deviation;     /* of noise */
        uint64_t seed[SCION_SPLITS];
        float sigma;            /* of blur */
        struct scion_ints size; /* of resize */
        int64_t count;          /* of channels */

        int32_t *index; /* tables that plan() allocates; freed with the transform */
        float *weight;
        float *scratch;
        int64_t taps;
};

struct scion_transforms {
        size_t count;
        struct scion_transform *step;
        void *buffer[2]; /* large enough for an input before and after every transform */
        size_t bytes;    /* of an input after the last transform */
};

/* Reads the key `transform` of a dataset's map: a transform or a list of them. Without the key there are none. False, with
 * a message that gives the place in the file, on failure. The caller must finish the transforms also then. */
bool scion_transforms_read(struct scion_transforms *transforms, const struct scion_config *map);

/*
 * Prepares the transforms for inputs of the form `*form`, and sets `*form` to the form of the outputs. An input may have at
 * most `most` values at any point. `seed` determines the random numbers that transforms draw. False, with a message that
 * gives the transform's place in the file, when a transform cannot be applied.
 */
bool scion_transforms_plan(struct scion_transforms *transforms, struct scion_form *form, int64_t most,
                           uint64_t seed);

/* Returns the buffer into which the plugin must read an input; then scion_transforms_apply() writes the transformed input
 * to `out`. */
void *scion_transforms_input(struct scion_transforms *transforms);
void scion_transforms_apply(struct scion_transforms *transforms, struct scion_example example, void *out);

void scion_transforms_finish(struct scion_transforms *transforms);

/* Rewrites the map's `transform` as a list of maps that have all their parameters. False, with a message that gives the
 * place in the file, when a transform is invalid. */
bool scion_transforms_complete(struct scion_config *map);

#endif
