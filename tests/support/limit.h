/* Simulates a full disk by a limit on the size of files: writes beyond it fail with EFBIG. */
#ifndef SCION_TESTS_SUPPORT_LIMIT_H
#define SCION_TESTS_SUPPORT_LIMIT_H

#include "support/test.h"

#include <signal.h>
#include <sys/resource.h>

static inline void limit_files_to(rlim_t bytes)
{
        struct rlimit limit;

        signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        limit.rlim_cur = bytes;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static inline void limit_files_no_more(void)
{
        struct rlimit limit;

        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        limit.rlim_cur = limit.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        signal(SIGXFSZ, SIG_DFL);
}

#endif
