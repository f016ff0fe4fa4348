/*
 * Reads and writes CSV with libcsv: RFC 4180 with a header row. Each row is appended by one write() call.
 *
 * Rows end in a line feed without the carriage return of RFC 4180. CSV readers accept both, while awk, cut,
 * diff and the shell's read would find the carriage return in the last field of every row. Only fields that
 * need quotes get them: those with a comma, a quote, a line break, or a space or tab at an end.
 */
#ifndef SCION_TABLE_CSV_H
#define SCION_TABLE_CSV_H

#include <scion/api.h>

/* --- Writing -------------------------------------------------------------------------------------------- */

struct scion_csv_writer;

/* Creates a file with a header row and replaces an existing one. The names of the columns must be different. */
struct scion_csv_writer *scion_csv_create(const char *path, const char *const *columns, size_t count);
/* Creates a temporary file with a header row, for scion_csv_rename() later. Does not sync it to the disk. */
struct scion_csv_writer *scion_csv_create_temporary(const char *path, const char *const *columns,
                                                    size_t count);
/*
 * Opens a file to append rows; it must have exactly this header row. First removes a last row that a killed
 * process left incomplete (no line end, or too few fields); complete rows are never lost. Returns NULL for
 * any other damage, with the line in the message, and for another header row, with both header rows.
 */
struct scion_csv_writer *scion_csv_append(const char *path, const char *const *columns, size_t count);
/*
 * Appends a row with one field for each column; NULL is an empty field. If the disk is full, truncates the
 * file to its last complete row and returns false; a later row may succeed.
 */
bool scion_csv_row(struct scion_csv_writer *writer, const char *const *fields);
/* Renames the file to `path`, in place of an existing file. Later rows are appended to it under the new
 * name. */
bool scion_csv_rename(struct scion_csv_writer *writer, const char *path);
/* Syncs the rows to the disk. */
bool scion_csv_sync(struct scion_csv_writer *writer);
/* Closes the file and frees the writer; takes NULL. */
void scion_csv_close(struct scion_csv_writer *writer);

/* Returns the text of a row, with its line end. The caller frees it. */
char *scion_csv_row_text(const char *const *fields, size_t count);

/* --- Reading -------------------------------------------------------------------------------------------- */

struct scion_csv_table {
        size_t columns, rows;
        char **name;  /* of each column */
        char **field; /* rows x columns, row-major; never NULL */
        char *text;   /* holds the names and fields */
};

/* Reads a complete file. Accepts "\n", "\r\n" and "\r" as line ends, and skips blank lines. Returns false,
 * with the path and line, if the file does not exist or is empty, a row has another length, or a quote is
 * not closed. */
bool scion_csv_read(const char *path, struct scion_csv_table *table);
/* Reads from memory; `path` names the source in messages. */
bool scion_csv_parse(const char *path, const char *data, size_t bytes, struct scion_csv_table *table);
/* Reads a file whose writer may have been killed: leaves out an incomplete last row. `cut` tells whether
 * there was one. */
bool scion_csv_read_complete_rows(const char *path, struct scion_csv_table *table, bool *cut);
/* Frees the table's memory. */
void scion_csv_table_finish(struct scion_csv_table *table);
/* Returns the index of a column, or -1. */
int scion_csv_column(const struct scion_csv_table *table, const char *name);
/* Returns a field; the table owns it. */
const char *scion_csv_field(const struct scion_csv_table *table, size_t row, size_t column);

#endif
