/*
 * CSV both ways, by libcsv: RFC 4180, a header row, '.' decimals whatever the locale. Rows are appended
 * whole: one write() each.
 *
 * Rows end in a plain line feed, where RFC 4180 has a carriage return before it: CSV readers take both, while
 * awk, cut, diff and a shell's read would find the carriage return in the last field of every row. Only
 * fields that need it are quoted: those with a comma, a quote, a line break, or a space at an end.
 */
#ifndef SCION_TABLE_CSV_H
#define SCION_TABLE_CSV_H

#include <scion/api.h>

struct scion_csv_writer;

/* Creates the file, in place of an older one, with its header row. The columns' names are all different. */
struct scion_csv_writer *scion_csv_create(const char *path, const char *const *columns, size_t count);
/* The same of a new file that scion_csv_move() is to put in the place of another: nothing is on the disk yet. */
struct scion_csv_writer *scion_csv_begin(const char *path, const char *const *columns, size_t count);
/*
 * Opens a file that has this very header row, to append. A last row that a killed process left incomplete (no
 * line end, or too few fields) is cut off first; whole rows are never lost. NULL for any other damage, with
 * the line, and for another header row, with both.
 */
struct scion_csv_writer *scion_csv_append(const char *path, const char *const *columns, size_t count);
/*
 * Appends a row, one field a column; NULL is an empty field. Nothing is left half written: on a full disk the
 * file is cut back to its last whole row, and a later row may succeed.
 */
bool scion_csv_row(struct scion_csv_writer *writer, const char *const *fields);
/* Puts the file in another's place; rows go on being appended to it. */
bool scion_csv_move(struct scion_csv_writer *writer, const char *path);
/* Waits until the rows are on the disk. */
bool scion_csv_sync(struct scion_csv_writer *writer);
/* A row's text, with its line end, for what is no file. The caller frees it. */
char *scion_csv_row_text(const char *const *fields, size_t count);
/* Closes; takes NULL. */
void scion_csv_close(struct scion_csv_writer *writer);

struct scion_csv_table {
        size_t columns, rows;
        char **name;  /* of columns */
        char **field; /* rows * columns, row-major; never NULL */
        char *text;   /* what they point into */
};

/* Reads a file whole. False, with the file and line: not there, empty, a row of another length, a quote left
 * open. Rows may end in "\n", "\r\n" or "\r"; blank lines do not count. */
bool scion_csv_read(const char *path, struct scion_csv_table *table);
/* The same from memory; `path` stands for the file in messages. */
bool scion_csv_parse(const char *path, const char *data, size_t bytes, struct scion_csv_table *table);
/* The same for a file whose writer may have been killed: an incomplete last row is left out, and `cut` says so. */
bool scion_csv_read_whole_rows(const char *path, struct scion_csv_table *table, bool *cut);
/* Frees what the table holds. */
void scion_csv_table_finish(struct scion_csv_table *table);
/* The column of that name, or -1. */
int scion_csv_column(const struct scion_csv_table *table, const char *name);
const char *scion_csv_field(const struct scion_csv_table *table, size_t row, size_t column);

#endif
