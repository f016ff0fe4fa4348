/*
 * Where in a plugin's source something went wrong. An operation that refuses its arguments says so by
 * scion_refuse(): the message begins with the line of the plugin that asked for it, "my-strategy.c:42: add: ...",
 * when a plugin is on the calling thread's stack. That is found by walking the stack, so it costs nothing until then.
 *
 * The line comes from what the compiler wrote for debuggers: of a plugin built without it (-g) the message has the
 * function's name, as far as that is known, and says how to get the line.
 */
#ifndef SCION_BASE_REFUSE_H
#define SCION_BASE_REFUSE_H

#include <scion/api.h>

/* As scion_fail() and scion_fail_null(), with the place. */
bool scion_refuse(const char *format, ...) SCION_PRINTF(1, 2);
void *scion_refuse_null(const char *format, ...) SCION_PRINTF(1, 2);

#endif
