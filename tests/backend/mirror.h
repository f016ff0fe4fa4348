/* The instance of the back end `mirror`, whose counters tests read. */
#ifndef TESTS_BACKEND_MIRROR_H
#define TESTS_BACKEND_MIRROR_H

#include <stddef.h>
#include <stdint.h>

struct mirror {
        int64_t uploads, downloads;  /* calls so far */
        size_t uploaded, downloaded; /* bytes */
};

#endif
