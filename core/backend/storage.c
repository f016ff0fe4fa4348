/* Storages, which are memory of the device, and arrays in them. */
#include "backend/backend.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static _Atomic size_t alive;

size_t scion_storages_alive(void)
{
        return alive;
}

bool scion_storage_allocate(struct scion_storage *storage, size_t bytes)
{
        *storage = (struct scion_storage){ .bytes = bytes };
        if (!SCION_ON_DEVICE(allocate, storage))
                return false;
        alive++;
        return true;
}

void scion_storage_release(struct scion_storage *storage)
{
        SCION_ON_DEVICE(release, storage);
        alive--;
}

static struct scion_array storage_bytes(struct scion_storage *storage, size_t offset, size_t bytes)
{
        return scion_array_over(storage, offset, SCION_SHAPE((int64_t)bytes), SCION_U8);
}

struct scion_storage *scion_storage_create(size_t bytes)
{
        struct scion_storage *storage = malloc(sizeof *storage);

        if (!storage)
                return scion_fail_null("out of memory");
        if (!scion_storage_allocate(storage, bytes)) {
                free(storage);
                return NULL;
        }
        struct scion_array all = storage_bytes(storage, 0, bytes);

        if (bytes == 0 || SCION_ON_DEVICE(fill, &all, 0))
                return storage;
        scion_storage_destroy(storage);
        return NULL;
}

void scion_storage_destroy(struct scion_storage *storage)
{
        if (!storage)
                return;
        scion_storage_release(storage);
        free(storage);
}

void *scion_storage_map(struct scion_storage *storage)
{
        return scion_device.plugin->map ? SCION_ON_DEVICE(map, storage) : NULL;
}

bool scion_storage_write(struct scion_storage *storage, size_t offset, const void *data, size_t bytes)
{
        return bytes == 0 || SCION_ON_DEVICE(upload, storage, offset, data, bytes);
}

bool scion_storage_read(struct scion_storage *storage, size_t offset, void *data, size_t bytes)
{
        return bytes == 0 || SCION_ON_DEVICE(download, storage, offset, data, bytes);
}

const void *scion_storage_view(struct scion_storage *storage, void **copy)
{
        void *mapped = scion_storage_map(storage);

        *copy = NULL;
        if (mapped)
                return mapped;
        *copy = malloc(storage->bytes + 1);
        if (!*copy)
                return scion_fail_null("out of memory: %zu bytes", storage->bytes);
        if (scion_storage_read(storage, 0, *copy, storage->bytes))
                return *copy;
        free(*copy);
        *copy = NULL;
        return NULL;
}

void *scion_storage_begin_write(struct scion_storage *storage, void **copy)
{
        void *mapped = scion_storage_map(storage);

        *copy = NULL;
        if (mapped)
                return mapped;
        *copy = malloc(storage->bytes + 1);
        return *copy ? *copy : scion_fail_null("out of memory: %zu bytes", storage->bytes);
}

bool scion_storage_finish_write(struct scion_storage *storage, void *copy)
{
        bool good = !copy || scion_storage_write(storage, 0, copy, storage->bytes);

        free(copy);
        return good;
}

bool scion_storage_copy(struct scion_storage *from, size_t from_offset, struct scion_storage *to,
                        size_t to_offset, size_t bytes)
{
        const struct scion_array x = storage_bytes(from, from_offset, bytes);
        struct scion_array y = storage_bytes(to, to_offset, bytes);

        return bytes == 0 || SCION_ON_DEVICE(reorder, &x, &y);
}

size_t scion_dtype_bytes(enum scion_dtype dtype)
{
        static const size_t bytes[SCION_DTYPES] = {
                [SCION_F32] = 4, [SCION_BF16] = 2, [SCION_I32] = 4, [SCION_U8] = 1
        };

        return bytes[dtype];
}

const char *scion_dtype_name(enum scion_dtype dtype)
{
        static const char *const names[SCION_DTYPES] = { [SCION_F32] = "float32",
                                                         [SCION_BF16] = "bfloat16",
                                                         [SCION_I32] = "int32",
                                                         [SCION_U8] = "uint8" };

        return names[dtype];
}

struct scion_array scion_array_over(struct scion_storage *storage, size_t offset, struct scion_shape shape,
                                    enum scion_dtype dtype)
{
        return (struct scion_array){ .storage = storage,
                                     .offset = offset,
                                     .shape = shape,
                                     .dtype = dtype,
                                     .length = (size_t)scion_shape_size(&shape) };
}

size_t scion_layout_length(const struct scion_layout *layout, const struct scion_shape *shape)
{
        return layout ? scion_device.plugin->layout_length(layout, shape) : (size_t)scion_shape_size(shape);
}

const char *scion_layout_text(const struct scion_layout *layout, char *text, size_t bytes)
{
        if (layout)
                return scion_device.plugin->layout_text(layout, text, bytes);
        snprintf(text, bytes, "row-major");
        return text;
}
