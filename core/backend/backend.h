/*
 * The device that the process computes on, and memory on it. A process has one device at a time: the processor unless
 * scion_device_open() was called.
 */
#ifndef SCION_BACKEND_BACKEND_H
#define SCION_BACKEND_BACKEND_H

#include <scion/backend.h>

#include "base/text.h"

/* An opened back end. */
struct scion_device {
        const struct scion_backend_plugin *plugin;
        void *self;
        struct scion_device_settings settings;
};

extern struct scion_device scion_device;

/* Calls a function of the device's table: SCION_ON_DEVICE(fill, &y->array, 0). */
#define SCION_ON_DEVICE(function, ...) (scion_device.plugin->function(scion_device.self, __VA_ARGS__))

/* The name of the default device: $SCION_DEVICE, or "cpu". */
const char *scion_device_default(void);

/*
 * Makes the back end of that name the process's device; nothing changes when it is already. False, with a message, when
 * there is no such back end, when it cannot be opened, or while storages exist on another device.
 */
bool scion_device_open(const char *name);
/* Closes the device; the processor is the device again. For tests; no storage may exist. */
void scion_device_close(void);
const char *scion_device_name(void);

/* Sets threads and arithmetic for kernels made from now on. False, with a message, when the device does not have them. */
bool scion_device_configure(const struct scion_device_settings *settings);
/* Sets one of the settings; returns its value before. */
bool scion_device_set_bf16(bool bf16);
bool scion_device_set_winograd(bool winograd);
int scion_device_set_threads(int threads);

/* What the device has used so far. */
struct scion_device_usage scion_device_usage(void);

/* Adds a line that says what the device's results depend on besides the file: its name, its settings, its kernels. */
void scion_device_describe(struct scion_text *text);

/* --- Storages ------------------------------------------------------------------------------------------- */

/* Allocates `storage` for `bytes` bytes, undefined. False, with a message, when memory is out. */
bool scion_storage_allocate(struct scion_storage *storage, size_t bytes);
void scion_storage_release(struct scion_storage *storage);

/* A storage of its own, filled with zeros. NULL, with a message, when memory is out. */
struct scion_storage *scion_storage_create(size_t bytes);
void scion_storage_destroy(struct scion_storage *storage); /* takes NULL */

/* The host address of the storage's memory; NULL when the host may not use it directly. */
void *scion_storage_map(struct scion_storage *storage);

/* Copies between the host and the device. False with a message. */
bool scion_storage_write(struct scion_storage *storage, size_t offset, const void *data, size_t bytes);
bool scion_storage_read(struct scion_storage *storage, size_t offset, void *data, size_t bytes);

/*
 * The storage's bytes for the host to read: its mapped memory, or a copy, which is `*copy` then and is for free().
 * NULL with a message.
 */
const void *scion_storage_view(struct scion_storage *storage, void **copy);

/*
 * Memory of the host to prepare a storage's contents in: its mapped memory, or memory that scion_storage_finish_write()
 * uploads and frees. The contents are undefined. NULL with a message.
 */
void *scion_storage_begin_write(struct scion_storage *storage);
bool scion_storage_finish_write(struct scion_storage *storage, void *memory);

/* Copies within the device. */
bool scion_storage_copy(struct scion_storage *from, size_t from_offset, struct scion_storage *to,
                        size_t to_offset, size_t bytes);

/* How many storages exist. */
size_t scion_storages_alive(void);

/* --- Arrays --------------------------------------------------------------------------------------------- */

/* Bytes of one element. */
size_t scion_dtype_bytes(enum scion_dtype dtype);
/* "float32", "bfloat16", "int32", "uint8". */
const char *scion_dtype_name(enum scion_dtype dtype);

/* A row-major array over a storage, from that byte on. */
struct scion_array scion_array_over(struct scion_storage *storage, size_t offset, struct scion_shape shape,
                                    enum scion_dtype dtype);

/* Elements, padding included, that an array of this shape takes in this layout (NULL: row-major). */
size_t scion_layout_length(const struct scion_layout *layout, const struct scion_shape *shape);

/* The layout's name; "row-major" for NULL. Cut to fit. Returns `text`. */
const char *scion_layout_text(const struct scion_layout *layout, char *text, size_t bytes);

#endif
