/*
 * CSV both ways, by libcsv: RFC 4180, a header row, '.' decimals whatever the locale. A field with a comma,
 * quote or line break is quoted. Rows are appended whole: one write() each.
 */
#ifndef SCION_REPORT_CSV_H
#define SCION_REPORT_CSV_H

#include <scion/api.h>

/* The shortest text that reads back to the same value; "nan", "inf", "-inf". Returns `text`, of at least 32
 * bytes. */
const char *scion_float_text(float value, char *text);
const char *scion_double_text(double value, char *text);

struct scion_csv_writer;

/* Creates the file, in place of an older one, with its header row. */
struct scion_csv_writer *scion_csv_create(const char *path, const char *const *columns, size_t count);
/* Opens a file that has this very header row, to append. */
struct scion_csv_writer *scion_csv_append(const char *path, const char *const *columns, size_t count);
/* Appends a row, one field a column; NULL is an empty field. Nothing is left half written: on a full disk the
 * file is cut back to its last whole row. */
bool scion_csv_row(struct scion_csv_writer *writer, const char *const *fields);
/* Closes; takes NULL. */
void scion_csv_close(struct scion_csv_writer *writer);

struct scion_csv_table {
        size_t columns, rows;
        char **name;  /* of columns */
        char **field; /* rows * columns, row-major; never NULL */
};

/* Reads a file whole. False, with the file and line: not there, empty, a row of another length, a quote left
 * open. */
bool scion_csv_read(const char *path, struct scion_csv_table *table);
void scion_csv_table_finish(struct scion_csv_table *table);
/* The column of that name, or -1. */
int scion_csv_column(const struct scion_csv_table *table, const char *name);
const char *scion_csv_field(const struct scion_csv_table *table, size_t row, size_t column);

#endif
