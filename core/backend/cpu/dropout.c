/* Selects elements by random numbers or by masks. */
#include <scion/simd.h>

#include "backend/cpu/cpu.h"
#include "base/random.h"

#define NUMBERS 512 /* drawn at a time */

SCION_CLONES static void numbers_compare(const uint32_t *restrict numbers, uint64_t limit,
                                         unsigned char *restrict kept, size_t count)
{
        for (size_t i = 0; i < count; i++)
                kept[i] = numbers[i] >= limit;
}

bool scion_cpu_draw(void *self, const struct scion_random *stream, uint64_t limit, struct scion_array *kept)
{
        struct scion_random random = *stream;
        unsigned char *to = scion_cpu_data(kept);
        uint32_t numbers[NUMBERS];

        (void)self;
        for (size_t count = kept->length, some; count > 0; count -= some, to += some) {
                some = count < NUMBERS ? count : NUMBERS;
                scion_random_fill(&random, numbers, some);
                numbers_compare(numbers, limit, to, some);
        }
        return true;
}

SCION_CLONES static void elements_select(const float *restrict x, const unsigned char *restrict kept,
                                         float factor, float *restrict y, size_t count)
{
        for (size_t i = 0; i < count; i++)
                y[i] = kept[i] ? x[i] * factor : 0;
}

bool scion_cpu_select(void *self, const struct scion_array *x, const struct scion_array *kept, float factor,
                      struct scion_array *y)
{
        (void)self;
        elements_select(scion_cpu_data(x), scion_cpu_data(kept), factor, scion_cpu_data(y), y->length);
        return true;
}

/* Uses a select instead of a product, so that infinities and NaN are masked to 0 as well. */
SCION_CLONES static void elements_mask(float *restrict x, const float *restrict mask, size_t count)
{
        for (size_t i = 0; i < count; i++)
                x[i] = mask[i] != 0 ? x[i] : 0;
}

bool scion_cpu_mask(void *self, const struct scion_array *mask, struct scion_array *x)
{
        (void)self;
        elements_mask(scion_cpu_data(x), scion_cpu_data(mask), x->length);
        return true;
}
