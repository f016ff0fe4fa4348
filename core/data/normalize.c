/* Computes mean and deviation of a split, and normalises values by them. */
#include <math.h>
#include <scion/simd.h>
#include <stdlib.h>
#include <string.h>

#include "data/parts.h"

#define LANES 8
#define BLOCK 65536 /* the sum of so many squares of bytes fits into 32 bits */

bool scion_moments_start(struct scion_moments *moments, enum scion_dtype element, int64_t channels,
                         int64_t area)
{
        *moments = (struct scion_moments){ .element = element, .channels = channels, .area = area };
        moments->channel = calloc((size_t)channels, sizeof *moments->channel);
        return moments->channel || scion_fail("out of memory");
}

void scion_moments_finish(struct scion_moments *moments)
{
        free(moments->channel);
        moments->channel = NULL;
}

SCION_CLONES static void moment_add_bytes(struct scion_moment *moment, const uint8_t *bytes, int64_t count)
{
        for (int64_t start = 0; start < count; start += BLOCK) {
                int64_t end = count - start < BLOCK ? count : start + BLOCK;
                uint32_t sum = 0, square = 0;

                for (int64_t i = start; i < end; i++) {
                        uint32_t v = bytes[i];

                        sum += v;
                        square += v * v;
                }
                moment->sum += sum;
                moment->square += square;
        }
}

/* Accumulates in several lanes, because the compiler can vectorise these but may not reorder a single sum. */
SCION_CLONES static void moment_add_floats(struct scion_moment *moment, const float *values, int64_t count)
{
        double shifted[LANES] = { 0 }, squared[LANES] = { 0 };
        double pivot = moment->pivot;
        int64_t i = 0;

        for (; i + LANES <= count; i += LANES)
                for (int lane = 0; lane < LANES; lane++) {
                        double x = values[i + lane] - pivot;

                        shifted[lane] += x;
                        squared[lane] += x * x;
                }
        for (; i < count; i++) {
                double x = values[i] - pivot;

                shifted[0] += x;
                squared[0] += x * x;
        }
        for (int lane = 0; lane < LANES; lane++) {
                moment->shifted += shifted[lane];
                moment->squared += squared[lane];
        }
}

void scion_moments_add(struct scion_moments *moments, const void *input)
{
        for (int64_t c = 0; c < moments->channels; c++) {
                struct scion_moment *moment = &moments->channel[c];

                if (moments->element == SCION_U8) {
                        moment_add_bytes(moment, (const uint8_t *)input + c * moments->area, moments->area);
                        continue;
                }
                const float *values = (const float *)input + c * moments->area;

                if (moments->inputs == 0)
                        moment->pivot = values[0];
                moment_add_floats(moment, values, moments->area);
        }
        moments->inputs++;
}

/* Converts sums of bytes to sums relative to the integer nearest to their mean. These are exact, too, and avoid
 * cancellation in the variance. They stay below 2^63 for up to 2^47 values. */
static void moment_center_bytes(struct scion_moment *moment, int64_t count)
{
        int64_t sum = (int64_t)moment->sum, square = (int64_t)moment->square;
        int64_t pivot = (sum + count / 2) / count;

        moment->pivot = (double)pivot;
        moment->shifted = (double)(sum - pivot * count);
        moment->squared = (double)(square - 2 * pivot * sum + pivot * pivot * count);
}

double scion_element_divisor(enum scion_dtype element)
{
        return element == SCION_U8 ? 255 : 1;
}

void scion_moments_normal(const struct scion_moments *moments, struct scion_normal *normal)
{
        int64_t count = moments->inputs * moments->area;

        for (int64_t c = 0; c < moments->channels; c++) {
                struct scion_moment moment = moments->channel[c];

                if (moments->element == SCION_U8)
                        moment_center_bytes(&moment, count);
                double mean = moment.shifted / (double)count;
                double variance = moment.squared / (double)count - mean * mean;

                normal[c].mean = moment.pivot + mean;
                normal[c].divisor = variance > 0 ? sqrt(variance) : scion_element_divisor(moments->element);
        }
}

/* In double precision, because a mean far above the deviation would leave few significant digits in float. */
SCION_CLONES static void floats_normalize(float *values, int64_t count, double mean, double divisor)
{
        for (int64_t i = 0; i < count; i++)
                values[i] = (float)((values[i] - mean) / divisor);
}

void scion_normalize_floats(float *values, int64_t count, struct scion_normal normal)
{
        floats_normalize(values, count, normal.mean, normal.divisor);
}

SCION_CLONES static void bytes_scale(const uint8_t *restrict bytes, float *restrict values, int64_t count,
                                     float scale, float offset)
{
        for (int64_t i = 0; i < count; i++)
                values[i] = (float)bytes[i] * scale + offset;
}

void scion_normalize_bytes(const uint8_t *bytes, float *values, int64_t count, struct scion_normal normal)
{
        bytes_scale(bytes, values, count, (float)(1 / normal.divisor),
                    (float)(-normal.mean / normal.divisor));
}

/* Infinity and NaN are the values whose exponent has all bits set. */
SCION_CLONES static bool floats_all_finite(const float *values, int64_t count)
{
        uint32_t bad = 0;

        for (int64_t i = 0; i < count; i++) {
                uint32_t bits;

                memcpy(&bits, &values[i], sizeof bits);
                bad |= (bits & 0x7f800000u) == 0x7f800000u;
        }
        return bad == 0;
}

bool scion_floats_finite(const float *values, int64_t count)
{
        return floats_all_finite(values, count);
}
