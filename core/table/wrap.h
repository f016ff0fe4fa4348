/* Breaks text into lines. */
#ifndef SCION_TABLE_WRAP_H
#define SCION_TABLE_WRAP_H

#include <scion/api.h>
#include <stdio.h>

/* The width of terminal output, in columns. */
#define SCION_PAGE_WIDTH 79

/*
 * Prints `length` bytes of text in lines that are broken at spaces, so that they end before column `width`
 * unless a single word is wider. The first line begins at `column`, the present position of the cursor; the
 * others begin after `indent` spaces. Prints a line end after the last line.
 */
void scion_wrap(const char *text, size_t length, int column, int indent, int width, FILE *file);

#endif
