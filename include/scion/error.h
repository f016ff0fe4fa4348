/*
 * Error messages. A function that fails returns false or NULL and sets a message, which scion_error() returns, as
 * dlerror() does. Each thread has its own message. No function of the library exits or prints.
 */
#ifndef SCION_ERROR_H
#define SCION_ERROR_H

#include <scion/api.h>

SCION_BEGIN

/* Sets the message, in place of an earlier one. Always returns false: `return scion_fail(...);`. */
SCION_API bool scion_fail(const char *format, ...) SCION_PRINTF(1, 2);

/* Like scion_fail(), for functions that return a pointer. Always returns NULL. */
SCION_API void *scion_fail_null(const char *format, ...) SCION_PRINTF(1, 2);

/* Puts "PREFIX: " before the present message. Always returns false. */
SCION_API bool scion_fail_prefix(const char *format, ...) SCION_PRINTF(1, 2);

/* Returns this thread's message, or "" if there is none. Valid until the next failure on this thread. */
SCION_API const char *scion_error(void);

/* Clears this thread's message. */
SCION_API void scion_error_clear(void);

SCION_END

#endif
