/* Interprets plain scalars by YAML 1.2's core schema, without octal and hexadecimal numbers. Independent of
 * the locale. */
#ifndef SCION_CONFIG_SCALAR_H
#define SCION_CONFIG_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

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

/* Returns whether the text without quotes is null, a boolean or a number. */
bool scion_scalar_typed(const char *text);

/* Returns whether a reader of YAML 1.1 or 1.2 might not read the text as a string unless it is in quotes.
 * YAML 1.1 has more booleans (yes, off), numbers (0x1F, 1_000, 12:30) and dates (2001-01-31). */
bool scion_scalar_ambiguous(const char *text);

/* Adds a number in a form that readers of YAML 1.1 and 1.2 both read as that number: 1e-8 as 1.0e-8, -.5 as
 * -0.5, 010 as 10. Returns false, and adds nothing, if the text is no decimal number. */
bool scion_scalar_add_number(struct scion_text *out, const char *text);

/* Write the shortest YAML number that reads back to the same value. Return text. */
#define SCION_SCALAR_BYTES 32
const char *scion_scalar_float_text(float value, char text[SCION_SCALAR_BYTES]);
const char *scion_scalar_double_text(double value, char text[SCION_SCALAR_BYTES]);

/* Returns one text for all plain scalars of the same value: "0.1" for 0.10 and 1e-1, "1" for +1 and 1.0,
 * "true" for True. Returns other texts unchanged. The result may be in buffer. */
const char *scion_scalar_meaning(const char *text, char buffer[SCION_SCALAR_BYTES]);

#endif
