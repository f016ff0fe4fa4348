/* Text broken into lines. */
#ifndef SCION_TABLE_WRAP_H
#define SCION_TABLE_WRAP_H

#include <scion/api.h>
#include <stdio.h>

/* The page that tables and texts for a terminal are made for. */
#define SCION_PAGE_WIDTH 79

/*
 * Prints `length` bytes of text, broken at spaces into lines that end before column `width` where words allow it.
 * The first line goes on at `column`, where the cursor is; the others begin after `indent` spaces. The last one is ended.
 */
void scion_wrap(const char *text, size_t length, int column, int indent, int width, FILE *file);

#endif
