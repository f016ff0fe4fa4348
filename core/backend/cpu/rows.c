/* Gathers rows by indices, selects elements by labels, and computes scores, which are sums over rows. */
#include <math.h>
#include <scion/simd.h>
#include <string.h>

#include "backend/backend.h"
#include "backend/cpu/cpu.h"
#include "base/refuse.h"

/* --- Gathering ------------------------------------------------------------------------------------------ */

#define AHEAD 4         /* a row is prefetched this many rows ahead */
#define PREFETCHED 4096 /* bytes of a row that are prefetched; the processor itself prefetches the rest */

/* Software prefetching is needed because the processor cannot predict the addresses of shuffled rows. */
static void row_prefetch(const char *row, int64_t bytes)
{
        for (int64_t line = 0; line < bytes && line < PREFETCHED; line += 64)
                __builtin_prefetch(row + line);
}

SCION_CLONES static void bytes_to_floats(const uint8_t *restrict bytes, float *restrict values, int64_t count,
                                         float scale, float offset)
{
        for (int64_t i = 0; i < count; i++)
                values[i] = (float)bytes[i] * scale + offset;
}

bool scion_cpu_gather(void *self, const struct scion_array *rows, const struct scion_array *index,
                      const struct scion_array *scale, const struct scion_array *offset,
                      struct scion_array *y)
{
        const int32_t *chosen = scion_cpu_data(index);
        const float *scales = scion_cpu_data_or_null(scale), *offsets = scion_cpu_data_or_null(offset);
        const int64_t count = index->shape.dim[0], values = scion_shape_size(&y->shape) / count;
        const int64_t channels = scale ? scale->shape.dim[0] : 1, area = values / channels;
        const int64_t bytes = values * (int64_t)scion_dtype_bytes(rows->dtype);
        const int64_t bytes_of_y = values * (int64_t)scion_dtype_bytes(y->dtype);
        const char *from = scion_cpu_data(rows);
        char *to = scion_cpu_data(y);

        (void)self;
        for (int64_t i = 0; i < count; i++, to += bytes_of_y) {
                const char *row = from + chosen[i] * bytes;

                if (i + AHEAD < count)
                        row_prefetch(from + chosen[i + AHEAD] * bytes, bytes);
                if (!scale)
                        memcpy(to, row, (size_t)bytes);
                for (int64_t c = 0; scale && c < channels; c++)
                        bytes_to_floats((const uint8_t *)row + c * area, (float *)to + c * area, area,
                                        scales[c], offsets[c]);
        }
        return true;
}

/* --- Labels --------------------------------------------------------------------------------------------- */

/* Checks that all labels are in 0 .. classes - 1. */
static bool labels_check(const char *operation, const struct scion_array *labels, int64_t classes)
{
        const int32_t *label = scion_cpu_data(labels);

        for (int64_t i = 0; i < labels->shape.dim[0]; i++)
                if (label[i] < 0 || label[i] >= classes)
                        return scion_refuse("%s: label %d of example %lld is not in 0 .. %lld", operation,
                                            (int)label[i], (long long)i, (long long)classes - 1);
        return true;
}

bool scion_cpu_one_hot(void *self, const struct scion_array *labels, struct scion_array *y)
{
        const int32_t *label = scion_cpu_data(labels);
        const int64_t classes = y->shape.dim[1];
        float *to = scion_cpu_data(y);

        (void)self;
        if (!labels_check("one_hot", labels, classes))
                return false;
        memset(to, 0, y->length * sizeof *to);
        for (int64_t i = 0; i < y->shape.dim[0]; i++)
                to[i * classes + label[i]] = 1;
        return true;
}

bool scion_cpu_pick(void *self, const struct scion_array *x, const struct scion_array *labels,
                    struct scion_array *y)
{
        const int32_t *label = scion_cpu_data(labels);
        const int64_t classes = x->shape.dim[1];
        const float *from = scion_cpu_data(x);
        float *to = scion_cpu_data(y);

        (void)self;
        if (!labels_check("pick", labels, classes))
                return false;
        for (int64_t i = 0; i < x->shape.dim[0]; i++)
                to[i] = from[i * classes + label[i]];
        return true;
}

bool scion_cpu_pick_gradient(void *self, const struct scion_array *g, const struct scion_array *labels,
                             struct scion_array *dx)
{
        const int32_t *label = scion_cpu_data(labels);
        const float *from = scion_cpu_data(g);
        float *to = scion_cpu_data(dx);

        (void)self;
        memset(to, 0, dx->length * sizeof *to);
        for (int64_t i = 0; i < dx->shape.dim[0]; i++)
                to[i * dx->shape.dim[1] + label[i]] = from[i];
        return true;
}

/* --- Scores --------------------------------------------------------------------------------------------- */

/* Returns the index of the largest element, the first one among equals. */
static int64_t row_largest(const float *values, int64_t count)
{
        int64_t best = 0;

        for (int64_t i = 1; i < count; i++)
                if (values[i] > values[best])
                        best = i;
        return best;
}

bool scion_cpu_correct(void *self, const struct scion_array *outputs, const struct scion_array *labels,
                       struct scion_array *count)
{
        const float *values = scion_cpu_data(outputs);
        const int32_t *label = scion_cpu_data(labels);
        const int64_t rows = outputs->shape.dim[0], width = outputs->shape.dim[1];
        int64_t correct = 0;

        (void)self;
        for (int64_t i = 0; i < rows; i++)
                correct += row_largest(values + i * width, width) == label[i];
        *(float *)scion_cpu_data(count) = (float)correct;
        return true;
}

bool scion_cpu_errors(void *self, const struct scion_array *outputs, const struct scion_array *targets,
                      struct scion_storage *sums)
{
        const float *output = scion_cpu_data(outputs), *target = scion_cpu_data(targets);
        const int64_t width = outputs->shape.dim[1];
        double *absolute = sums->memory, *squared = absolute + width, *sum = squared + width,
               *sum_squared = sum + width;

        (void)self;
        for (int64_t i = 0; i < outputs->shape.dim[0] * width; i++) {
                double error = (double)output[i] - (double)target[i], y = (double)target[i];

                absolute[i % width] += fabs(error);
                squared[i % width] += error * error;
                sum[i % width] += y;
                sum_squared[i % width] += y * y;
        }
        return true;
}
