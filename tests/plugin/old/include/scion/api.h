/* What every public header needs: visibility, format checks, and C linkage. */
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

/* Visible outside the shared object that defines it. */
#define SCION_API __attribute__((visibility("default")))

/* The argument number `text` is printf's, its values start at argument `first`. */
#define SCION_PRINTF(text, first) __attribute__((format(printf, text, first)))

#endif
