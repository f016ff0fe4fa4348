/*
 * Errors that name the line of the plugin's source. An operation that gets invalid arguments calls
 * scion_refuse(). If a plugin is on the calling thread's stack, the message begins with the line of the
 * plugin's innermost call: "my-strategy.c:42: add: ...". The stack is walked only when an error occurs, so
 * successful calls cost nothing.
 *
 * The line comes from the debugging information. For a plugin compiled without -g, the message names the
 * function or the address instead, and says how to get the line.
 */
#ifndef SCION_BASE_REFUSE_H
#define SCION_BASE_REFUSE_H

#include <scion/api.h>

/* Like scion_fail() and scion_fail_null(), with the source location before the message. */
bool scion_refuse(const char *format, ...) SCION_PRINTF(1, 2);
void *scion_refuse_null(const char *format, ...) SCION_PRINTF(1, 2);

#endif
