/*
 * Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw. SC 2011). A generator is a small struct
 * that may be copied. The same seed, purpose and index give the same numbers on every machine, independently of other
 * generators; the last bits of normal numbers depend on the C library's log() and cos().
 */
#ifndef SCION_RANDOM_H
#define SCION_RANDOM_H

#include <scion/api.h>

SCION_BEGIN

/* What the numbers are used for. Generators with different purposes are independent. */
enum scion_purpose {
        SCION_RANDOM_INIT = 1, /* initial values of parameters */
        SCION_RANDOM_SHUFFLE,  /* order of the examples in an epoch */
        SCION_RANDOM_SUBSET,   /* selection of examples by `per_class`, `limit` and `valid` */
        SCION_RANDOM_AUGMENT,  /* augmentation of inputs */
        SCION_RANDOM_DROPOUT,  /* dropout masks */
        SCION_RANDOM_DATA,     /* synthetic data */
        SCION_RANDOM_STRATEGY, /* for strategies */
};

struct scion_random {
        uint32_t key[2];
        uint32_t counter[4];
        uint32_t ready[4]; /* numbers that were generated and not returned yet */
        int left;          /* the number of these */
};

/* Returns a generator. `index` distinguishes the streams of one purpose: an epoch, a step, a parameter. */
SCION_API struct scion_random scion_random(uint64_t seed, enum scion_purpose purpose, uint64_t index);

/* Returns a seed that depends on `seed` and `name`, for independent streams: of the source and the target of a run. */
SCION_API uint64_t scion_seed(uint64_t seed, const char *name);

/* Returns 32 random bits. The functions below consume these. */
SCION_API uint32_t scion_random_bits(struct scion_random *random);

/* Returns a uniform number in [0, 1), a multiple of 2^-24. */
SCION_API float scion_random_uniform(struct scion_random *random);

/* Returns a standard normal number (Box-Muller). */
SCION_API float scion_random_normal(struct scion_random *random);

/* Returns a uniform integer in 0 .. n-1, without bias. n must be positive. */
SCION_API uint64_t scion_random_below(struct scion_random *random, uint64_t n);

/* Shuffles `values` uniformly, in place (Fisher-Yates). */
SCION_API void scion_random_shuffle(struct scion_random *random, int64_t *values, size_t count);

SCION_END

#endif
