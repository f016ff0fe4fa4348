/* Batches: what the engine feeds to losses and strategies. */
#ifndef SCION_BATCH_H
#define SCION_BATCH_H

#include <scion/tensor.h>

SCION_BEGIN

/* Valid while the callback runs that was given it. A batch of unlabelled examples has neither labels nor
 * targets. */
struct scion_batch {
        int64_t size;                /* examples, N */
        int64_t classes;             /* number of classes; 0 when the targets are values */
        struct scion_tensor *inputs; /* float [N, ...] */
        struct scion_tensor *labels; /* int32 [N], each in 0 .. classes-1; NULL when the targets are values */
        struct scion_tensor *targets; /* float [N, K]; NULL when the targets are labels */
};

SCION_END

#endif
