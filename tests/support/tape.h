/* A tape for tests. Pass use_tape() and drop_tape() as the group's setup and teardown, or wrap each test in
 * tape_test(). */
#ifndef SCION_TESTS_SUPPORT_TAPE_H
#define SCION_TESTS_SUPPORT_TAPE_H

#include "support/test.h"

static _Thread_local struct scion_tape *tape; /* the current tape */

static inline int use_tape(void **state)
{
        (void)state;
        scion_error_clear();
        tape = scion_tape_create();
        scion_tape_use(tape);
        return tape ? 0 : -1;
}

static inline int drop_tape(void **state)
{
        (void)state;
        scion_tape_destroy(tape);
        tape = NULL;
        return 0;
}

#define tape_test(function) cmocka_unit_test_setup_teardown(function, use_tape, drop_tape)

#endif
