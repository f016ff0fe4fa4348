/* Copies elements between arrays that are strided differently. */
#include <string.h>

#include "backend/backend.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/walk.h"

#define TILE 16 /* rows and columns of a tile */

/* The inner two axes of a walk, whose operand 0 is the destination and operand 1 the source. Elements have `bytes`
 * bytes. */
typedef void inner_loop(const struct scion_walk *walk, char *to, const char *from, int64_t bytes);

/* Copies columns that are not contiguous tile by tile, so that each cache line is used completely while it is cached. The
 * size of an element is a constant, so that a copy is one instruction. */
#define COPY_TILES(BYTES)                                                                                \
        static void tiles_copy_##BYTES(const struct scion_walk *walk, char *to, const char *from,        \
                                       int64_t bytes)                                                    \
        {                                                                                                \
                (void)bytes;                                                                             \
                for (int64_t i = 0; i < walk->rows; i += TILE)                                           \
                        for (int64_t j = 0; j < walk->columns; j += TILE)                                \
                                for (int64_t k = i; k < walk->rows && k < i + TILE; k++)                 \
                                        for (int64_t l = j; l < walk->columns && l < j + TILE; l++)      \
                                                memcpy(to + (k * walk->row[0] + l * walk->column[0]) *   \
                                                                       BYTES,                            \
                                                       from + (k * walk->row[1] + l * walk->column[1]) * \
                                                                       BYTES,                            \
                                                       BYTES);                                           \
        }

COPY_TILES(1)
COPY_TILES(2)
COPY_TILES(4)

static void rows_copy(const struct scion_walk *walk, char *to, const char *from, int64_t bytes)
{
        for (int64_t i = 0; i < walk->rows; i++)
                memcpy(to + i * walk->row[0] * bytes, from + i * walk->row[1] * bytes,
                       (size_t)(walk->columns * bytes));
}

static void floats_add(const struct scion_walk *walk, char *to, const char *from, int64_t bytes)
{
        (void)bytes;
        for (int64_t i = 0; i < walk->rows; i++) {
                float *restrict sum = (float *)(void *)to + i * walk->row[0];
                const float *restrict x = (const float *)(const void *)from + i * walk->row[1];

                for (int64_t j = 0; j < walk->columns; j++)
                        sum[j * walk->column[0]] += x[j * walk->column[1]];
        }
}

static inner_loop *inner_of(const struct scion_walk *walk, int64_t bytes, bool add)
{
        if (add)
                return floats_add;
        if (walk->columns == 1 || (walk->column[0] == 1 && walk->column[1] == 1))
                return rows_copy;
        return bytes == 1 ? tiles_copy_1 : bytes == 2 ? tiles_copy_2 : tiles_copy_4;
}

bool scion_cpu_move(void *self, const struct scion_shape *shape, const struct scion_strided *from,
                    const struct scion_strided *to, bool add)
{
        const int64_t bytes = (int64_t)scion_dtype_bytes(from->array->dtype);
        const char *source = (const char *)scion_cpu_data(from->array) + from->first * bytes;
        char *destination = (char *)scion_cpu_data(to->array) + to->first * bytes;
        int64_t stride[2][SCION_MAX_DIMS];
        struct scion_walk walk;

        (void)self;
        memcpy(stride[0], to->stride, sizeof stride[0]);
        memcpy(stride[1], from->stride, sizeof stride[1]);
        scion_walk_start(&walk, shape, 2, stride);
        inner_loop *inner = inner_of(&walk, bytes, add);

        do
                inner(&walk, destination + walk.offset[0] * bytes, source + walk.offset[1] * bytes, bytes);
        while (scion_walk_next(&walk));
        return true;
}
