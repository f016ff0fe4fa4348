/* Batches of examples, the input of losses and strategies. */
#ifndef SCION_BATCH_H
#define SCION_BATCH_H

#include <scion/tensor.h>

SCION_BEGIN

/* A batch and its tensors are valid while the callback runs that was given it. The tensors lie on the run's device. A
 * batch of unlabelled examples has neither labels nor targets. */
struct scion_batch {
        int64_t size;                 /* number of examples, N */
        int64_t classes;              /* number of classes; 0 if the targets are values */
        struct scion_tensor *inputs;  /* float32 [N, ...] */
        struct scion_tensor *labels;  /* int32 [N], each in 0 .. classes-1; NULL if the targets are values */
        struct scion_tensor *targets; /* float32 [N, K]; NULL if the targets are labels */
};

SCION_END

#endif
