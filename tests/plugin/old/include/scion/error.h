/*
 * Errors. A fallible function returns false or NULL and leaves a message behind, as dlerror does. The message
 * belongs to the calling thread. Nothing in the library exits or prints.
 */
#ifndef SCION_ERROR_H
#define SCION_ERROR_H

#include <scion/api.h>

SCION_BEGIN

/* Records the message, replacing an older one. Returns false, so that `return scion_fail(...)` reads well. */
SCION_API bool scion_fail(const char *format, ...) SCION_PRINTF(1, 2);

/* The same for functions that return a pointer: records the message and returns NULL. */
SCION_API void *scion_fail_null(const char *format, ...) SCION_PRINTF(1, 2);

/* Puts "PREFIX: " before the message recorded. Returns false. */
SCION_API bool scion_fail_prefix(const char *format, ...) SCION_PRINTF(1, 2);

/* The message recorded on this thread, or "" when there is none. Valid until the next failure on this thread. */
SCION_API const char *scion_error(void);

/* Forgets the message. */
SCION_API void scion_error_clear(void);

SCION_END

#endif
