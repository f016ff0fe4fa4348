/* Text in columns. */
#ifndef SCION_TABLE_COLUMNS_H
#define SCION_TABLE_COLUMNS_H

#include <scion/api.h>
#include <stdio.h>

/* Starts as { .per_row = N }. */
struct scion_columns {
        size_t per_row;
        size_t numbers_from; /* this column, and those after it, end alike; 0: all begin alike */
        size_t count;        /* of cells so far, row by row */
        char **cell;
        bool failed; /* memory ran out; later additions do nothing */
};

/* Adds the next cell: a copy of `text`; NULL is empty. */
void scion_columns_add(struct scion_columns *columns, const char *text);

/*
 * Prints the rows, each column as wide as its widest cell (in UTF-8 characters), after `indent` spaces.
 * Nothing is padded at the end of a line. False, with a message, when memory had run out.
 */
bool scion_columns_print(const struct scion_columns *columns, int indent, FILE *file);

void scion_columns_finish(struct scion_columns *columns);

#endif
