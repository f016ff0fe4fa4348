/* Interprets plain scalars by YAML 1.2's core schema, without octal and hexadecimal numbers. Independent of
 * the locale. */
#ifndef SCION_CONFIG_SCALAR_H
#define SCION_CONFIG_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scion_scalar {
        SCION_SCALAR_OK,
        SCION_SCALAR_OTHER,   /* not of that type */
        SCION_SCALAR_OUTSIDE, /* a number outside the type's range */
};

/* Returns whether the text is "", "~", "null", "Null" or "NULL". */
bool scion_scalar_null(const char *text);

/* Parses true, True, TRUE, false, False, FALSE. */
enum scion_scalar scion_scalar_bool(const char *text, bool *value);

/* Parses decimal digits with an optional sign, without leading zeros. */
enum scion_scalar scion_scalar_int(const char *text, int64_t *value);

/* Parses numbers such as 1, -1.5, .5, 1e-3, .inf, -.inf, .nan. */
enum scion_scalar scion_scalar_float(const char *text, double *value);

/* Returns whether a YAML reader would not read the text as a string unless it is in quotes. */
bool scion_scalar_ambiguous(const char *text);

/* Write the shortest YAML number that reads back to the same value. Return text. */
#define SCION_SCALAR_BYTES 32
const char *scion_scalar_float_text(float value, char text[SCION_SCALAR_BYTES]);
const char *scion_scalar_double_text(double value, char text[SCION_SCALAR_BYTES]);

#endif
