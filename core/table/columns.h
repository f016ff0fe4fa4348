/* Prints text in aligned columns. */
#ifndef SCION_TABLE_COLUMNS_H
#define SCION_TABLE_COLUMNS_H

#include <scion/api.h>
#include <stdio.h>

/* Initialise with { .per_row = N }. */
struct scion_columns {
        size_t per_row;
        size_t numbers_from; /* columns from this one on are aligned to the right; 0: all to the left */
        size_t count;        /* cells so far, row by row */
        char **cell;
        bool failed; /* memory ran out; later additions do nothing */
};

/* Appends a cell with a copy of `text`; NULL is an empty cell. */
void scion_columns_add(struct scion_columns *columns, const char *text);

/*
 * Prints the rows after `indent` spaces, each column as wide as its widest cell (in UTF-8 characters),
 * without trailing spaces. Returns false, with a message, if memory ran out.
 */
bool scion_columns_print(const struct scion_columns *columns, int indent, FILE *file);

void scion_columns_finish(struct scion_columns *columns);

#endif
