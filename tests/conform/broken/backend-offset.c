/*
 * Downloads from the beginning of a storage, whatever the offset.
 *
 * FAILED: bytes are uploaded to and downloaded from any offset
 * says: byte 100 is 0 after upload() at byte 50 and download() at byte 100; it should be 165
 */
#include "backend.h"

#include <string.h>

static bool device_download(void *self, struct scion_storage *storage, size_t offset, void *data,
                            size_t bytes)
{
        (void)self;
        (void)offset;
        memcpy(data, storage->memory, bytes);
        return true;
}

static void table_break(struct scion_backend_plugin *table)
{
        table->name = "backend-offset";
        table->summary = "a back end that ignores an offset";
        table->download = device_download;
}
