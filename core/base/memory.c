#define _DEFAULT_SOURCE /* madvise */
#include "base/memory.h"

#include <sys/mman.h>

#define LARGE_PAGE ((uintptr_t)2 << 20) /* bytes, on most machines */

void scion_memory_use_large_pages(void *data, size_t bytes)
{
#ifdef MADV_HUGEPAGE
        uintptr_t start = ((uintptr_t)data + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
        uintptr_t end = ((uintptr_t)data + bytes) & ~(LARGE_PAGE - 1);

        if (data && start < end)
                madvise((void *)start, end - start, MADV_HUGEPAGE); /* failure does no harm */
#else
        (void)data;
        (void)bytes;
#endif
}
