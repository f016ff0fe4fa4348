/* Gradients of operations against differences of their values. */
#ifndef SCION_TESTS_SUPPORT_GRADCHECK_H
#define SCION_TESTS_SUPPORT_GRADCHECK_H

#include "support/test.h"

#define GRADCHECK_LEAVES 6

struct gradcheck {
        const char *name; /* for messages */
        /* Makes a float tensor of any shape from the leaves, by operations; the same for the same leaves. */
        struct scion_tensor *(*build)(struct scion_tensor *const *leaf, const void *context);
        const void *context;
        int leaves;
        struct scion_shape shape[GRADCHECK_LEAVES];
        float low, high; /* the leaves' values are drawn from here; both 0: -1 .. 1 */
        bool distinct;   /* instead: multiples of 0.1, shifted by 0.05, no two alike: for maxima, and for what
                            has a kink at 0 */
        bool training;   /* the tape is in training: dropout drops, the same in each evaluation */
        double tolerance; /* of |gradient - difference| / (1 + |difference|); 0: 1e-3 */
};

/*
 * Fails the test unless the gradient of sum(weights * build(leaves)), for random weights, is what differences
 * of fourth order say, for every element of every leaf (a sample of 400 of a larger leaf), and the same
 * - when only one of the leaves wants a gradient, the others getting none;
 * - when the leaves are parameters, whose gradients are memory of their own, and add up over two passes.
 */
void gradcheck(const struct gradcheck *check);

#endif
