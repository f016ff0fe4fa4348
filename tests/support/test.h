/* Included by every test: cmocka, the headers that it requires, and the public API. */
#ifndef SCION_TESTS_SUPPORT_TEST_H
#define SCION_TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <scion/scion.h>

#include "backend/backend.h"

/* Fails the test unless the last error's message contains each of the texts, which NULL ends. */
static inline void assert_error_has(const char *text, ...)
{
        va_list more;

        va_start(more, text);
        for (; text; text = va_arg(more, const char *))
                if (!strstr(scion_error(), text))
                        fail_msg("the message \"%s\" does not say \"%s\"", scion_error(), text);
        va_end(more);
}

/* A test program runs on the device that $SCION_DEVICE names: on the processor, or on the back end `mirror`. */
__attribute__((constructor)) static void test_open_device(void)
{
        if (!scion_device_open(scion_device_default())) {
                fprintf(stderr, "%s\n", scion_error());
                exit(1);
        }
}

#endif
