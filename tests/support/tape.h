/* A tape for all tests of a program: cmocka_run_group_tests(tests, use_tape, drop_tape). */
#ifndef SCION_TESTS_SUPPORT_TAPE_H
#define SCION_TESTS_SUPPORT_TAPE_H

#include "support/test.h"

static inline int use_tape(void **state)
{
        *state = scion_tape_create();
        scion_tape_use(*state);
        return *state ? 0 : -1;
}

static inline int drop_tape(void **state)
{
        scion_tape_destroy(*state);
        return 0;
}

#endif
