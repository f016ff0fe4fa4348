/* The memory of tensors in tests. */
#ifndef SCION_TESTS_SUPPORT_ELEMENTS_H
#define SCION_TESTS_SUPPORT_ELEMENTS_H

#include "support/tensors.h"

/* A copy of the float32 elements of x as they lie in memory, padding included; x->length of them, on the tape. */
static inline const float *elements_of(const struct scion_tensor *x)
{
        float *copy = x ? scion_tape_alloc(x->length * sizeof *copy) : NULL;

        if (!copy || !scion_storage_read(x->storage, x->offset, copy, x->length * sizeof *copy))
                fail_msg("%s", scion_error());
        return copy;
}

#endif
