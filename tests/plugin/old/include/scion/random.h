/*
 * Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw. SC 2011). A generator is a small
 * value that is copied freely. The same seed, purpose and index give the same numbers on every machine,
 * whatever else draws numbers at the same time.
 */
#ifndef SCION_RANDOM_H
#define SCION_RANDOM_H

#include <scion/api.h>

SCION_BEGIN

/* What the numbers are for; each purpose is a stream of its own. */
enum scion_purpose {
        SCION_RANDOM_INIT = 1, /* parameters' first values */
        SCION_RANDOM_SHUFFLE,  /* order of the examples in an epoch */
        SCION_RANDOM_SUBSET,   /* which examples `per_class` and `valid` take */
        SCION_RANDOM_AUGMENT,  /* augmentation of inputs */
        SCION_RANDOM_DROPOUT,  /* dropout masks */
        SCION_RANDOM_DATA,     /* synthetic data */
        SCION_RANDOM_STRATEGY, /* whatever a strategy draws */
};

struct scion_random {
        uint32_t key[2];
        uint32_t counter[4];
        uint32_t ready[4]; /* numbers made and not yet given out */
        int left;          /* how many of them */
};

/* The generator of one stream: `index` tells streams of one purpose apart (an epoch, a step, a parameter). */
SCION_API struct scion_random scion_random(uint64_t seed, enum scion_purpose purpose, uint64_t index);

/* A seed that depends on `seed` and `name`: independent streams for the source, the target, ... of one run. */
SCION_API uint64_t scion_seed(uint64_t seed, const char *name);

/* 32 random bits; what all that follow are made of. */
SCION_API uint32_t scion_random_bits(struct scion_random *random);

/* Uniform in [0, 1), a multiple of 2^-24. */
SCION_API float scion_random_uniform(struct scion_random *random);

/* Standard normal (Box-Muller). */
SCION_API float scion_random_normal(struct scion_random *random);

/* Uniform in 0 .. n-1, without bias. n must be positive. */
SCION_API uint64_t scion_random_below(struct scion_random *random, uint64_t n);

/* Puts `values` into a uniformly random order (Fisher-Yates). */
SCION_API void scion_random_shuffle(struct scion_random *random, int64_t *values, size_t count);

SCION_END

#endif
