/* How wide texts are on a terminal. Texts are UTF-8, whatever the locale is. */
#ifndef SCION_BASE_WIDTH_H
#define SCION_BASE_WIDTH_H

#include "base/text.h"

/* Columns that the text takes. What is no UTF-8, or moves the cursor, counts as the `?` that stands for it. */
int scion_width(const char *text);

/* Adds as much of the text as fits so many columns, with `…` at its end when it is cut. Returns the columns it took. */
int scion_width_add(struct scion_text *line, const char *text, int columns);

#endif
