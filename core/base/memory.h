/* Hints to the operating system about memory. */
#ifndef SCION_BASE_MEMORY_H
#define SCION_BASE_MEMORY_H

#include <scion/api.h>

/*
 * Asks the system to back newly allocated memory by large pages, which makes the first write to it much
 * cheaper. Worth it only for memory that will be written completely. Does nothing for blocks smaller than a
 * large page, for NULL, and on systems without large pages.
 */
void scion_memory_use_large_pages(void *data, size_t bytes);

#endif
