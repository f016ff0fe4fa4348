/* Sets all elements of an array to one value. */
#include <math.h>
#include <string.h>

#include "backend/backend.h"
#include "backend/cpu/cpu.h"

/* Rounds to the nearest bfloat16, ties to even. NaN stays NaN. */
static uint16_t bf16_from_float(float value)
{
        uint32_t bits;

        memcpy(&bits, &value, sizeof bits);
        if (isnan(value))
                return (uint16_t)(bits >> 16 | 0x40);
        return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void floats_fill(float *y, size_t count, float value)
{
        for (size_t i = 0; i < count; i++)
                y[i] = value;
}

static void bf16_fill(uint16_t *y, size_t count, uint16_t value)
{
        for (size_t i = 0; i < count; i++)
                y[i] = value;
}

static void integers_fill(int32_t *y, size_t count, int32_t value)
{
        for (size_t i = 0; i < count; i++)
                y[i] = value;
}

bool scion_cpu_fill(void *self, struct scion_array *y, double value)
{
        (void)self;
        if (value == 0 && !signbit(value)) { /* zero has all bits 0 in every type */
                memset(scion_cpu_data(y), 0, y->length * scion_dtype_bytes(y->dtype));
                return true;
        }
        switch (y->dtype) {
        case SCION_F32:
                floats_fill(scion_cpu_data(y), y->length, (float)value);
                return true;
        case SCION_BF16:
                bf16_fill(scion_cpu_data(y), y->length, bf16_from_float((float)value));
                return true;
        case SCION_I32:
                integers_fill(scion_cpu_data(y), y->length, (int32_t)value);
                return true;
        case SCION_U8:
                memset(scion_cpu_data(y), (uint8_t)value, y->length);
                return true;
        case SCION_DTYPES:
                break;
        }
        return scion_fail("fill: unknown element type %d", (int)y->dtype);
}
