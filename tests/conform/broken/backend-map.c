/*
 * Returns memory that is not the storage's.
 *
 * FAILED: map() returns the memory of a storage, or NULL
 * says: the memory at the address that map() returns does not hold the bytes that were uploaded
 */
#include "backend.h"

static void *device_map(void *self, struct scion_storage *storage)
{
        static char memory[4096];

        (void)self;
        (void)storage;
        return memory;
}

static void table_break(struct scion_backend_plugin *table)
{
        table->name = "backend-map";
        table->summary = "a back end that maps other memory";
        table->map = device_map;
}
