/* Included by every public header: visibility, checks of format strings, and C linkage. */
#ifndef SCION_API_H
#define SCION_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define SCION_BEGIN extern "C" {
#define SCION_END }
#else
#define SCION_BEGIN
#define SCION_END
#endif

/* Makes a symbol visible outside the shared object that defines it. */
#define SCION_API __attribute__((visibility("default")))

/* Lets the compiler check a function like printf(): argument `text` is the format, the values start at argument
 * `first`; both count from 1. */
#define SCION_PRINTF(text, first) __attribute__((format(printf, text, first)))

#endif
