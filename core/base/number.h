/* Numbers as texts, whatever the locale is. */
#ifndef SCION_BASE_NUMBER_H
#define SCION_BASE_NUMBER_H

/*
 * The fewest digits that read back to the same value; with an exponent below 1e-4 and from 1e16 on, as Python
 * prints them. "nan", "inf", "-inf". Returns `text`, of at least 32 bytes.
 */
const char *scion_float_text(float value, char *text);
const char *scion_double_text(double value, char *text);

#endif
