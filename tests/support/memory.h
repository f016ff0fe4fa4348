/* The memory of storages and tensors, for tests that look at it as it lies, on any device. */
#ifndef SCION_TESTS_SUPPORT_MEMORY_H
#define SCION_TESTS_SUPPORT_MEMORY_H

#include "support/test.h"
#include "tensor/tensor.h"

/* Copies that were made for a test program; they live until it ends. */
struct memory_copy {
        struct memory_copy *next;
        _Alignas(64) char bytes[];
};

static struct memory_copy *memory_copies;

/* The floats of a storage: its memory where the host can address it, otherwise a copy of what it holds now. */
static inline const float *floats_of(struct scion_storage *storage)
{
        const float *floats = scion_storage_map(storage);

        if (floats)
                return floats;
        size_t bytes = (sizeof(struct memory_copy) + storage->bytes + 63) / 64 * 64;
        struct memory_copy *copy = aligned_alloc(64, bytes);

        assert_non_null(copy);
        copy->next = memory_copies;
        memory_copies = copy;
        assert_true(scion_storage_read(storage, 0, copy->bytes, storage->bytes));
        return (const float *)(const void *)copy->bytes;
}

/* The same of a float tensor, padding included. */
static inline const float *memory_of(const struct scion_tensor *x)
{
        return floats_of(x->storage) + x->offset / sizeof(float);
}

/* Writes float number i of the tensor's memory. */
static inline void memory_set(const struct scion_tensor *x, size_t i, float value)
{
        assert_true(scion_storage_write(x->storage, x->offset + i * sizeof value, &value, sizeof value));
}

#endif
