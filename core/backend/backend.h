/*
 * The device that the process computes on, and memory on it. A process has one device at a time: the processor unless
 * scion_device_open() was called.
 */
#ifndef SCION_BACKEND_BACKEND_H
#define SCION_BACKEND_BACKEND_H

#include <scion/backend.h>

#include "base/text.h"

/* The device in use: a back end, its instance and the settings. */
struct scion_device {
        const struct scion_backend_plugin *plugin;
        void *self;
        struct scion_device_settings settings;
};

extern struct scion_device scion_device;

/* Calls a function of the device's table: SCION_ON_DEVICE(fill, &y->array, 0). */
#define SCION_ON_DEVICE(function, ...) (scion_device.plugin->function(scion_device.self, __VA_ARGS__))

/* Returns the name of the default device: $SCION_DEVICE, or "cpu". */
const char *scion_device_default(void);

/*
 * Makes the back end of that name the process's device. Does nothing if it is the device already. False, with a message,
 * when there is no such back end, when it cannot be opened, or while storages exist on another device.
 */
bool scion_device_open(const char *name);
/* Closes the device and makes the processor the device again. Only tests call it. No storage may exist. */
void scion_device_close(void);
const char *scion_device_name(void);

/* Sets the number of threads and the arithmetic of all kernels that are made afterwards. False, with a message, when the
 * device does not support the settings. */
bool scion_device_configure(const struct scion_device_settings *settings);
/* Sets whether factors are rounded to bfloat16. False, with a message, when the device does not support it. */
bool scion_device_set_bf16(bool bf16);

/* Returns counts of the device's work and memory so far. */
struct scion_device_usage scion_device_usage(void);

/* Adds lines that describe what results depend on: the device's kernels, and the hash of the back end's file. */
void scion_device_describe(struct scion_text *text);

/* --- Storages ------------------------------------------------------------------------------------------- */

/* Allocates memory of `bytes` bytes for `storage`. Its contents are undefined. False, with a message, when memory is
 * out. */
bool scion_storage_allocate(struct scion_storage *storage, size_t bytes);
void scion_storage_release(struct scion_storage *storage);

/* Allocates a storage filled with zeros. The caller destroys it. NULL, with a message, when memory is out. */
struct scion_storage *scion_storage_create(size_t bytes);
void scion_storage_destroy(struct scion_storage *storage); /* takes NULL */

/* Returns the host address of the storage's memory; NULL, without a message, if the host cannot address it. */
void *scion_storage_map(struct scion_storage *storage);

/* Copy `bytes` bytes between `data` on the host and the storage. False, with a message, on failure. */
bool scion_storage_write(struct scion_storage *storage, size_t offset, const void *data, size_t bytes);
bool scion_storage_read(struct scion_storage *storage, size_t offset, void *data, size_t bytes);

/*
 * Returns the storage's contents for the host to read: its mapped memory, with *copy set to NULL, or else a copy, which
 * is also stored in *copy and which the caller frees. NULL, with a message, on failure.
 */
const void *scion_storage_view(struct scion_storage *storage, void **copy);

/*
 * Returns host memory into which the caller writes the storage's complete contents: its mapped memory, with *copy set to
 * NULL, or else new memory, which is also stored in *copy. scion_storage_finish_write() uploads the copy and frees it.
 * NULL, with a message, when memory is out.
 */
void *scion_storage_begin_write(struct scion_storage *storage, void **copy);
bool scion_storage_finish_write(struct scion_storage *storage, void *copy);

/* Copies `bytes` bytes within the device. Offsets are in bytes. False, with a message, on failure. */
bool scion_storage_copy(struct scion_storage *from, size_t from_offset, struct scion_storage *to,
                        size_t to_offset, size_t bytes);

/* Returns how many storages exist. */
size_t scion_storages_alive(void);

/* --- Arrays --------------------------------------------------------------------------------------------- */

/* Returns the bytes of one element. */
size_t scion_dtype_bytes(enum scion_dtype dtype);
/* Returns "float32", "bfloat16", "int32" or "uint8". */
const char *scion_dtype_name(enum scion_dtype dtype);

/* Returns a row-major array over a storage, from the byte `offset` on. */
struct scion_array scion_array_over(struct scion_storage *storage, size_t offset, struct scion_shape shape,
                                    enum scion_dtype dtype);

/* Returns how many elements, including padding, an array of this shape has in this layout (NULL: row-major). */
size_t scion_layout_length(const struct scion_layout *layout, const struct scion_shape *shape);

/* Writes the layout's name, "row-major" for NULL. Text that does not fit is cut off. Returns `text`. */
const char *scion_layout_text(const struct scion_layout *layout, char *text, size_t bytes);

#endif
