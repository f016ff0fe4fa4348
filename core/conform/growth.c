#define _GNU_SOURCE /* mallinfo2(), which returns the bytes in use */
#include "conform/growth.h"

#include <malloc.h>
#include <scion/error.h>

#include "backend/backend.h"

struct scion_usage scion_usage_now(const struct scion_tape *tape)
{
        struct mallinfo2 info = mallinfo2();
        struct scion_tape_usage usage = scion_tape_usage(tape);

        return (struct scion_usage){ .memory = info.uordblks + info.hblkhd,
                                     .tape = usage.bytes,
                                     .tensors = usage.tensors,
                                     .kernels = scion_device_usage().kernels };
}

static void least_update(struct scion_growth *growth, size_t *least, size_t before, size_t after)
{
        size_t grown = after > before ? after - before : 0;

        if (growth->pairs == 0 || grown < *least)
                *least = grown;
}

void scion_growth_add(struct scion_growth *growth, const struct scion_usage *before,
                      const struct scion_usage *after)
{
        struct scion_usage *least = &growth->least;

        least_update(growth, &least->memory, before->memory, after->memory);
        least_update(growth, &least->tape, before->tape, after->tape);
        least_update(growth, &least->tensors, before->tensors, after->tensors);
        least_update(growth, &least->kernels, before->kernels, after->kernels);
        growth->pairs++;
}

/* Reports the cause rather than its effect: tensors of new shapes need kernels, and both need memory. */
bool scion_growth_check(const struct scion_growth *growth)
{
        const struct scion_usage *least = &growth->least;

        if (least->tensors > 0)
                return scion_fail("each step records at least %zu more tensors than the one before, so that "
                                  "training becomes slower and slower",
                                  least->tensors);
        if (least->kernels > 0)
                return scion_fail("each step has tensors of new shapes, for which at least %zu kernels are "
                                  "made that are kept until the end",
                                  least->kernels);
        if (least->tape > 0)
                return scion_fail(
                        "each step takes at least %zu bytes more for its tensors than the one before",
                        least->tape);
        if (least->memory > 0)
                return scion_fail("each step leaves at least %zu bytes that are not freed: a step must free "
                                  "what it allocates",
                                  least->memory);
        return true;
}
