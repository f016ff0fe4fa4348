/* The width of texts on a terminal. Texts are UTF-8, whatever the locale. */
#ifndef SCION_BASE_WIDTH_H
#define SCION_BASE_WIDTH_H

#include "base/text.h"

/* Returns the number of columns that the text occupies. Invalid UTF-8 and control characters count as the
 * `?` that is printed for each. */
int scion_width(const char *text);

/* Returns the number of UTF-8 characters in `length` bytes, also of combining ones. */
int scion_utf8_count(const char *text, size_t length);

/* Adds the text to line, cut to at most `columns` columns; a cut text ends in `…`. Returns the columns used. */
int scion_width_add(struct scion_text *line, const char *text, int columns);

#endif
