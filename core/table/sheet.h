/*
 * A CSV file to which rows of named values are appended. A row is a set of (column, value) pairs in any
 * order. If a row has a column that the file does not have yet, the file is rewritten with the new column,
 * which is empty in the earlier rows.
 */
#ifndef SCION_TABLE_SHEET_H
#define SCION_TABLE_SHEET_H

#include <scion/api.h>

#include "table/csv.h"

/* --- Rows ----------------------------------------------------------------------------------------------- */

struct scion_cell {
        char *column;
        char *value;
};

/* Initialise with { 0 }. */
struct scion_row {
        size_t count;
        struct scion_cell *cell;
        bool failed; /* memory ran out */
};

/* Add a value to a row. The number is rounded to a float and written in the shortest form that reads back
 * to it; scion_row_fixed() rounds to a number of decimals. */
void scion_row_text(struct scion_row *row, const char *column, const char *value);
void scion_row_int(struct scion_row *row, const char *column, int64_t value);
void scion_row_number(struct scion_row *row, const char *column, double value);
void scion_row_fixed(struct scion_row *row, const char *column, double value, int decimals);

/* Returns the value in a column, which the row owns, or NULL if it has none. */
const char *scion_row_get(const struct scion_row *row, const char *column);

/* Adds the fields of row `index` of a table, except empty ones. */
void scion_row_copy(struct scion_row *row, const struct scion_csv_table *table, size_t index);

void scion_row_finish(struct scion_row *row);

/* --- Sheets --------------------------------------------------------------------------------------------- */

struct scion_sheet;

/* Creates a file with these columns and replaces an existing one. Columns that are added later go before
 * the column `anchor`, or to the end if it is NULL. */
struct scion_sheet *scion_sheet_create(const char *path, const char *const *columns, size_t count,
                                       const char *anchor);

/* Creates a sheet in memory. The file at `path` is unchanged until scion_sheet_add() or scion_sheet_write()
 * replaces it by all rows. scion_sheet_add_in_memory() appends a row without writing. */
struct scion_sheet *scion_sheet_create_in_memory(const char *path, const char *const *columns, size_t count,
                                                 const char *anchor);
bool scion_sheet_add_in_memory(struct scion_sheet *sheet, const struct scion_row *row);
bool scion_sheet_write(struct scion_sheet *sheet);

/* Reads the present contents of the file. The caller frees the text. */
char *scion_sheet_text(const struct scion_sheet *sheet, size_t *bytes);
/* Adds the columns and rows of a text from scion_sheet_text(), and writes the file. */
bool scion_sheet_restore(struct scion_sheet *sheet, const char *text, size_t bytes);

/* Appends a row and writes it to the file, without waiting for the disk. */
bool scion_sheet_add(struct scion_sheet *sheet, const struct scion_row *row);

/* Syncs the rows to the disk. For the file's name in its folder, call scion_folder_sync(). */
bool scion_sheet_sync(struct scion_sheet *sheet);

/* Sorts the rows by ascending rank, stably, and rewrites the file if the order changed. */
bool scion_sheet_sort(struct scion_sheet *sheet, size_t (*rank)(void *context, const struct scion_row *row),
                      void *context);

/* Return the number of rows, and a row, which the sheet owns. */
size_t scion_sheet_count(const struct scion_sheet *sheet);
const struct scion_row *scion_sheet_row(const struct scion_sheet *sheet, size_t index);

void scion_sheet_close(struct scion_sheet *sheet); /* takes NULL */

#endif
