/*
 * A CSV file that grows by named values: a row is a set of (column, value) pairs in any order. A column that
 * the file does not have yet is added, and the file is written anew, whole, with the earlier rows empty
 * there.
 */
#ifndef SCION_TABLE_SHEET_H
#define SCION_TABLE_SHEET_H

#include <scion/api.h>

#include "table/csv.h"

struct scion_cell {
        char *column;
        char *value;
};

/* Starts as { 0 }. */
struct scion_row {
        size_t count;
        struct scion_cell *cell;
        bool failed; /* memory ran out */
};

void scion_row_text(struct scion_row *row, const char *column, const char *value);
void scion_row_int(struct scion_row *row, const char *column, int64_t value);
/* As a float: the shortest text that reads back to the same one. */
void scion_row_number(struct scion_row *row, const char *column, double value);
/* With that many decimals. */
void scion_row_fixed(struct scion_row *row, const char *column, double value, int decimals);
/* The value in that column; NULL when there is none. */
const char *scion_row_get(const struct scion_row *row, const char *column);
/* Adds what a row of a table has; its empty fields are left out. */
void scion_row_take(struct scion_row *row, const struct scion_csv_table *table, size_t index);
void scion_row_finish(struct scion_row *row);

struct scion_sheet;

/* A new file with these columns, in place of an older one. New columns go before the column `anchor`, or to
 * the end when it is NULL. */
struct scion_sheet *scion_sheet_create(const char *path, const char *const *columns, size_t count,
                                       const char *anchor);

/*
 * The same in memory alone: the file stays as it is until scion_sheet_add() or scion_sheet_write() puts all
 * rows in its place at once. scion_sheet_hold() takes a row in.
 */
struct scion_sheet *scion_sheet_plan(const char *path, const char *const *columns, size_t count,
                                     const char *anchor);
bool scion_sheet_hold(struct scion_sheet *table, const struct scion_row *row);
bool scion_sheet_write(struct scion_sheet *table);

/* What the file has by now. The caller frees it. */
char *scion_sheet_text(const struct scion_sheet *table, size_t *bytes);
/* Takes in the columns and rows of such a text, and writes the file. */
bool scion_sheet_restore(struct scion_sheet *table, const char *text, size_t bytes);

/* Appends a row, which is on its way to the disk when this returns. */
bool scion_sheet_add(struct scion_sheet *table, const struct scion_row *row);

/* Waits until all that was added is on the disk; for the entry in its folder, see scion_folder_sync(). */
bool scion_sheet_sync(struct scion_sheet *table);

/* Puts the rows into the order that `place` gives (smaller first, equal ones stay), and writes the file anew
 * if that changed it. */
bool scion_sheet_sort(struct scion_sheet *table, size_t (*place)(void *context, const struct scion_row *row),
                      void *context);

/* Rows so far, and one of them. */
size_t scion_sheet_count(const struct scion_sheet *table);
const struct scion_row *scion_sheet_row(const struct scion_sheet *table, size_t index);

void scion_sheet_close(struct scion_sheet *table); /* takes NULL */

#endif
