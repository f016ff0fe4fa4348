/* What a step of training leaves behind: memory, tensors, kernels. A steady step leaves nothing. */
#ifndef SCION_CONFORM_GROWTH_H
#define SCION_CONFORM_GROWTH_H

#include <scion/tape.h>

/* What there is at one moment of a step. */
struct scion_usage {
        size_t memory;  /* bytes that the process has of malloc(); 0 where nobody counts them */
        size_t tape;    /* bytes that the tape holds of the system */
        size_t tensors; /* on the tape */
        size_t kernels; /* made so far */
};

struct scion_usage scion_usage_now(const struct scion_tape *tape);

/* The least that was left from one step to the next of the same size. Starts as { 0 }. */
struct scion_growth {
        int pairs;
        struct scion_usage least;
};

/* Two steps in a row, each seen at the same moment. */
void scion_growth_add(struct scion_growth *growth, const struct scion_usage *before,
                      const struct scion_usage *after);

/* False, with a message that says how much of what, when each step of all pairs had more than the one before. */
bool scion_growth_check(const struct scion_growth *growth);

#endif
