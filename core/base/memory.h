/* What the system may be told of memory. */
#ifndef SCION_BASE_MEMORY_H
#define SCION_BASE_MEMORY_H

#include <scion/api.h>

/*
 * Says of new memory that all of it will be written: large pages save most of the time that the system needs
 * to hand it out. Small blocks are left as they are. Takes NULL.
 */
void scion_memory_large(void *data, size_t bytes);

#endif
