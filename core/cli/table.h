/* Text in columns. */
#ifndef SCION_CLI_TABLE_H
#define SCION_CLI_TABLE_H

#include <scion/api.h>
#include <stdio.h>

/* Starts as { .columns = N }. */
struct scion_table {
        size_t columns;
        size_t count; /* of cells so far, row by row */
        char **cell;
        bool failed; /* memory ran out; later additions do nothing */
};

/* Adds the next cell: a copy of `text`; NULL is empty. */
void scion_table_add(struct scion_table *table, const char *text);

/*
 * Prints the rows, each column as wide as its widest cell (in UTF-8 characters), after `indent` spaces.
 * Nothing is padded at the end of a line. False, with a message, when memory had run out.
 */
bool scion_table_print(const struct scion_table *table, int indent, FILE *file);

void scion_table_finish(struct scion_table *table);

#endif
