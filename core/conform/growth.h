/* Memory, tensors and kernels that steps of training allocate and keep. A steady step keeps nothing. */
#ifndef SCION_CONFORM_GROWTH_H
#define SCION_CONFORM_GROWTH_H

#include <scion/tape.h>

/* What is in use at one moment of a step. */
struct scion_usage {
        size_t memory;  /* bytes allocated by malloc() in the process; 0 where they are not counted */
        size_t tape;    /* bytes that the tape has allocated */
        size_t tensors; /* on the tape */
        size_t kernels; /* made so far */
};

struct scion_usage scion_usage_now(const struct scion_tape *tape);

/* The smallest growth from one step to the next of the same size. Starts as { 0 }. */
struct scion_growth {
        int pairs;
        struct scion_usage least;
};

/* Adds two successive steps, measured at the same moment of each. */
void scion_growth_add(struct scion_growth *growth, const struct scion_usage *before,
                      const struct scion_usage *after);

/* Returns false, with a message that says what grows and by how much, when the second step of every pair had more in use
 * than the first. */
bool scion_growth_check(const struct scion_growth *growth);

#endif
