/* Formats floating-point numbers, independently of the locale. */
#ifndef SCION_BASE_NUMBER_H
#define SCION_BASE_NUMBER_H

/*
 * Writes the fewest digits that read back to the same value, in Python's format: with an exponent below
 * 1e-4 and from 1e16 on; "nan", "inf" and "-inf". `text` has room for at least 32 bytes. Returns text.
 */
const char *scion_float_text(float value, char *text);
const char *scion_double_text(double value, char *text);

#endif
