/*
 * Transforms: what is done to every input of a dataset while it is loaded, once and to all splits alike. They
 * make another domain of the same classes; augmentation, which differs from epoch to epoch, is another thing.
 */
#ifndef SCION_DATA_TRANSFORM_H
#define SCION_DATA_TRANSFORM_H

#include <scion/dataset.h>
#include <scion/param.h>

#include "config/config.h"

/* What inputs are, before or after a transform. */
struct scion_form {
        struct scion_shape shape;
        enum scion_dtype element;
        bool unit; /* bytes, or reals that were bytes: they have a black, 0, and a white, 255 or 1 */
};

struct scion_transform;

/* One of the dataset's examples. */
struct scion_example {
        enum scion_split split;
        int64_t index;
};

/* What is written as { use: NAME, ...parameters }. */
struct scion_transform_kind {
        const char *name, *summary;
        const struct scion_param *params; /* fields of struct scion_transform; NULL: none */
        /*
         * Makes ready for inputs of the form `transform->in`, whose `element` it may change to reals: they
         * are then given as such. `out` is preset to it, and gets what comes out. A failure is told without
         * the place.
         */
        bool (*plan)(struct scion_transform *transform, struct scion_form *out);
        /* From one buffer to another. */
        void (*apply)(const struct scion_transform *transform, struct scion_example example, const void *in,
                      void *out);
};

/* All there are; the last has no name. */
extern const struct scion_transform_kind scion_transform_kinds[];

struct scion_transform {
        const struct scion_transform_kind *kind;
        const struct scion_config *config; /* the entry in the file, for messages */
        struct scion_form in;
        int64_t values; /* of an input */
        bool converts;  /* is given reals, where inputs are bytes until here */
        bool nothing;   /* with these parameters it changes nothing, and is left out */

        float degrees, fill; /* of rotate */
        float deviation;     /* of noise */
        uint64_t seed[SCION_SPLITS];
        float sigma;            /* of blur */
        struct scion_ints size; /* of resize */
        int64_t count;          /* of channels */

        int32_t *index; /* what plan() has made; freed with the transform */
        float *weight;
        float *scratch;
        int64_t taps;
};

struct scion_transforms {
        size_t count;
        struct scion_transform *step;
        void *buffer[2]; /* large enough for the inputs before, between and after */
        size_t bytes;    /* of an input after all */
};

/* Reads the key `transform` of a dataset's map: one transform or a list; no key, none. Fails with the place.
 * To be finished also after a failure. */
bool scion_transforms_read(struct scion_transforms *transforms, const struct scion_config *map);

/*
 * Makes ready for a dataset whose inputs are of the form `*form`, which becomes that of what comes out.
 * `most` values of an input are possible. Numbers are drawn by the seed. Fails with the place of the
 * transform that cannot be.
 */
bool scion_transforms_plan(struct scion_transforms *transforms, struct scion_form *form, int64_t most,
                           uint64_t seed);

/* Where the plugin's input is to be put, and what is made of it: `out` gets an input of the planned form. */
void *scion_transforms_input(struct scion_transforms *transforms);
void scion_transforms_apply(struct scion_transforms *transforms, struct scion_example example, void *out);

void scion_transforms_finish(struct scion_transforms *transforms);

/* Makes the map's `transform` a list of maps with all their parameters. Fails, with the place, on a bad one. */
bool scion_transforms_complete(struct scion_config *map);

#endif
