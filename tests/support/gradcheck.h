/* Compares the gradients of operations with finite differences of their values. */
#ifndef SCION_TESTS_SUPPORT_GRADCHECK_H
#define SCION_TESTS_SUPPORT_GRADCHECK_H

#include "support/test.h"

#define GRADCHECK_LEAVES 6

struct gradcheck {
        const char *name; /* for messages */
        /* Computes a float tensor of any shape from the leaves; must be deterministic. */
        struct scion_tensor *(*build)(struct scion_tensor *const *leaf, const void *context);
        const void *context;
        int leaves;
        struct scion_shape shape[GRADCHECK_LEAVES];
        float low, high; /* the range of the leaves' values; both 0 for -1 .. 1 */
        bool distinct;   /* instead: multiples of 0.1, shifted by 0.05, no two alike: for maxima, and for what
                            has a kink at 0 */
        bool training;   /* the tape is in training mode; dropout uses the same mask in each evaluation */
        double tolerance; /* of |gradient - difference| / (1 + |difference|); 0 for 1e-3 */
};

/*
 * Fails the test unless the gradient of sum(weights * build(leaves)), for random weights, agrees with
 * finite differences of fourth order, for every element of every leaf (400 random elements of a larger
 * leaf). Also checks that the gradients are the same - if only one leaf requires a gradient, and that the
 * others get none; - if the leaves are parameters, whose gradients accumulate over two passes.
 */
void gradcheck(const struct gradcheck *check);

#endif
