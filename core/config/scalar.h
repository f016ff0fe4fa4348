/* What the text of a plain scalar means, by YAML 1.2's core schema without octal and hexadecimal; whatever
 * the locale is. */
#ifndef SCION_CONFIG_SCALAR_H
#define SCION_CONFIG_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scion_scalar {
        SCION_SCALAR_OK,
        SCION_SCALAR_OTHER,   /* not of that type */
        SCION_SCALAR_OUTSIDE, /* a number, but beyond what the type holds */
};

/* "", "~", "null" */
bool scion_scalar_null(const char *text);

/* true, True, TRUE, false, ... */
enum scion_scalar scion_scalar_bool(const char *text, bool *value);

/* Decimal digits with a sign, without leading zeros. */
enum scion_scalar scion_scalar_int(const char *text, int64_t *value);

/* 1, -1.5, .5, 1e-3, .inf, -.inf, .nan */
enum scion_scalar scion_scalar_float(const char *text, double *value);

/* Written plain, the text would be taken for something else than a string. */
bool scion_scalar_ambiguous(const char *text);

/* The shortest text that reads back to the same value, with a point for decimals. Returns `text`. */
#define SCION_SCALAR_BYTES 32
const char *scion_scalar_float_text(float value, char text[SCION_SCALAR_BYTES]);
const char *scion_scalar_double_text(double value, char text[SCION_SCALAR_BYTES]);

#endif
