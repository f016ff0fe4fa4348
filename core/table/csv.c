#include "table/csv.h"

#include "base/text.h"
#include "file/files.h"

#include <scion/error.h>

#include <csv.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_BYTES ((size_t)1 << 30) /* of a file that is read */

/* --- Reading -------------------------------------------------------------------------------------------- */

/* The state while libcsv calls back with the cells of a file. */
struct parse {
        const char *path;
        char *text;  /* of all cells, each ended by a NUL; at most the file's size and 2 bytes */
        size_t used; /* of text */
        char **cell; /* of the header row and of all other rows */
        size_t cells, room;
        size_t columns;    /* in the header row; 0 until its end */
        size_t row_cells;  /* in the current row */
        size_t line;       /* number of the current line */
        size_t row_line;   /* at which the current row began */
        size_t end;        /* offset after the current line */
        size_t valid_end;  /* offset after the last valid row */
        bool repair;       /* leave out an incomplete last row */
        size_t short_line; /* of an incomplete row, with `repair`; 0 for none */
        size_t short_cells;
        bool failed;
};

/* RFC 4180 makes spaces part of a field; libcsv would strip them. */
static int character_is_no_space(unsigned char character)
{
        (void)character;
        return 0;
}

static void row_fail_length(struct parse *parse, size_t line, size_t cells)
{
        parse->failed = true;
        scion_fail("%s:%zu: %zu field%s in a row, where the header names %zu column%s", parse->path, line,
                   cells, cells == 1 ? "" : "s", parse->columns, parse->columns == 1 ? "" : "s");
}

static void cell_append(void *bytes, size_t length, void *data)
{
        struct parse *parse = data;

        if (parse->failed)
                return;
        if (parse->cells == parse->room) {
                size_t room = 2 * parse->room + 64;
                char **larger = realloc(parse->cell, room * sizeof *larger);

                if (!larger) {
                        parse->failed = true;
                        scion_fail("%s: out of memory", parse->path);
                        return;
                }
                parse->cell = larger;
                parse->room = room;
        }
        parse->cell[parse->cells++] = parse->text + parse->used;
        memcpy(parse->text + parse->used, bytes, length);
        parse->text[parse->used + length] = '\0';
        parse->used += length + 1;
        parse->row_cells++;
}

/* `character` is the one that ended the row, or -1 at the end of a file without a final line end. */
static void row_end(int character, void *data)
{
        struct parse *parse = data;
        size_t cells = parse->row_cells;

        parse->row_cells = 0;
        if (parse->failed)
                return;
        if (parse->short_line) { /* only the last row may be incomplete */
                row_fail_length(parse, parse->short_line, parse->short_cells);
        } else if (parse->repair && parse->columns && (character < 0 || cells < parse->columns)) {
                parse->short_line = parse->row_line;
                parse->short_cells = cells;
                parse->cells -= cells;
        } else if (parse->columns && cells != parse->columns) {
                row_fail_length(parse, parse->row_line, cells);
        } else {
                if (!parse->columns)
                        parse->columns = cells;
                parse->valid_end = parse->end;
        }
        parse->row_line = 0;
}

/* Returns the offset after the line that begins at `start`. */
static size_t line_end(const char *data, size_t bytes, size_t start)
{
        for (size_t i = start; i < bytes; i++) {
                if (data[i] == '\n')
                        return i + 1;
                if (data[i] == '\r')
                        return i + 1 < bytes && data[i + 1] == '\n' ? i + 2 : i + 1;
        }
        return bytes;
}

/* Passes the lines to libcsv one at a time, so that errors have a line number. */
static void parse_lines(struct parse *parse, struct csv_parser *parser, const char *data, size_t bytes)
{
        for (size_t start = 0; start < bytes && !parse->failed; start = parse->end) {
                parse->line++;
                parse->end = line_end(data, bytes, start);
                if (!parse->row_line && data[start] != '\r' && data[start] != '\n')
                        parse->row_line = parse->line;
                size_t length = parse->end - start;

                if (csv_parse(parser, data + start, length, cell_append, row_end, parse) == length ||
                    parse->failed)
                        continue;
                parse->failed = true;
                if (csv_error(parser) == CSV_EPARSE)
                        scion_fail(
                                "%s:%zu: a quote where none is allowed: a field that contains quotes must be "
                                "quoted, and the quotes in it doubled",
                                parse->path, parse->line);
                else
                        scion_fail("%s: %s", parse->path, csv_strerror(csv_error(parser)));
        }
        if (parse->failed || !csv_fini(parser, cell_append, row_end, parse) || parse->failed)
                return;
        if (parse->repair && parse->columns) { /* the last row ends within quotes: it is left out */
                if (parse->short_line)
                        row_fail_length(parse, parse->short_line, parse->short_cells);
                return;
        }
        parse->failed = true;
        scion_fail("%s:%zu: a quote is opened in this row and never closed", parse->path, parse->row_line);
}

static bool parse_all(struct parse *parse, const char *data, size_t bytes)
{
        static const char mark[] = "\xef\xbb\xbf"; /* UTF-8's byte order mark, which spreadsheets write */
        struct csv_parser parser;
        const char *nul;
        size_t skip = bytes >= 3 && !memcmp(data, mark, 3) ? 3 : 0;

        if (parse->repair) /* after a power failure, some file systems leave zeros in place of the data */
                while (bytes > 0 && data[bytes - 1] == '\0')
                        bytes--;
        nul = memchr(data, '\0', bytes);
        if (nul) {
                size_t line = 1;

                for (const char *at = data; at < nul; at++)
                        line += *at == '\n';
                return scion_fail("%s:%zu: a zero byte: this is not a text file", parse->path, line);
        }
        parse->text = malloc(bytes + 2);
        if (!parse->text || csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL))
                return scion_fail("%s: out of memory for its %zu bytes", parse->path, bytes);
        csv_set_space_func(&parser, character_is_no_space);
        parse_lines(parse, &parser, data + skip, bytes - skip);
        csv_free(&parser);
        parse->valid_end += skip;
        if (parse->failed)
                return false;
        return parse->columns || scion_fail("%s: is empty: it has no header row", parse->path);
}

static void parse_finish(struct parse *parse)
{
        free(parse->text);
        free(parse->cell);
}

/* Parses into a table, which takes over the cells. Cells of an incomplete last row that was left out lie
 * after the table's rows and are not counted. */
static bool table_parse(struct parse *parse, const char *data, size_t bytes, struct scion_csv_table *table)
{
        *table = (struct scion_csv_table){ 0 };
        if (!parse_all(parse, data, bytes)) {
                parse_finish(parse);
                return false;
        }
        table->text = parse->text;
        table->columns = parse->columns;
        table->rows = parse->cells / parse->columns - 1;
        table->name = parse->cell;
        table->field = parse->cell + parse->columns;
        return true;
}

static bool table_read(struct parse *parse, struct scion_csv_table *table, size_t *bytes)
{
        char *data = scion_file_read(parse->path, MOST_BYTES, bytes);
        bool good;

        *table = (struct scion_csv_table){ 0 };
        if (!data)
                return false;
        good = table_parse(parse, data, *bytes, table);
        free(data);
        return good;
}

bool scion_csv_parse(const char *path, const char *data, size_t bytes, struct scion_csv_table *table)
{
        struct parse parse = { .path = path };

        return table_parse(&parse, data, bytes, table);
}

bool scion_csv_read(const char *path, struct scion_csv_table *table)
{
        struct parse parse = { .path = path };
        size_t bytes = 0;

        return table_read(&parse, table, &bytes);
}

bool scion_csv_read_complete_rows(const char *path, struct scion_csv_table *table, bool *cut)
{
        struct parse parse = { .path = path, .repair = true };
        size_t bytes = 0;
        bool good = table_read(&parse, table, &bytes);

        *cut = good && parse.valid_end < bytes;
        return good;
}

void scion_csv_table_finish(struct scion_csv_table *table)
{
        free(table->name); /* the fields are in the same array, after the names */
        free(table->text);
        *table = (struct scion_csv_table){ 0 };
}

int scion_csv_column(const struct scion_csv_table *table, const char *name)
{
        for (size_t i = 0; i < table->columns; i++)
                if (!strcmp(table->name[i], name))
                        return (int)i;
        return -1;
}

const char *scion_csv_field(const struct scion_csv_table *table, size_t row, size_t column)
{
        return table->field[row * table->columns + column];
}

/* --- Writing -------------------------------------------------------------------------------------------- */

struct scion_csv_writer {
        int descriptor;
        char *path;
        size_t columns;
        char *row; /* buffer for the text of a row */
        size_t room;
};

/* Returns whether a field reads back unchanged without quotes; libcsv's writer would quote every field. */
static bool field_is_plain(const char *field, size_t length)
{
        if (length == 0)
                return true;
        return field[strcspn(field, ",\"\r\n")] == '\0' && field[0] != ' ' && field[0] != '\t' &&
               field[length - 1] != ' ' && field[length - 1] != '\t';
}

/* Formats the row into writer->row. Returns its length, or 0 if memory ran out. */
static size_t writer_format_row(struct scion_csv_writer *writer, const char *const *fields)
{
        size_t needed = 1, used = 0;

        for (size_t i = 0; i < writer->columns; i++)
                /* at most: every byte is a quote, which is doubled; two quotes around; a comma */
                needed += 2 * strlen(fields[i] ? fields[i] : "") + 3;
        if (needed > writer->room) {
                char *larger = realloc(writer->row, needed);

                if (!larger)
                        return 0;
                writer->row = larger;
                writer->room = needed;
        }
        for (size_t i = 0; i < writer->columns; i++) {
                const char *field = fields[i] ? fields[i] : "";
                size_t length = strlen(field);

                if (i > 0)
                        writer->row[used++] = ',';
                /* A single empty field is quoted, because a blank line is not a row. */
                if (field_is_plain(field, length) && (length > 0 || writer->columns > 1)) {
                        memcpy(writer->row + used, field, length);
                        used += length;
                } else {
                        used += csv_write(writer->row + used, needed - used, field, length);
                }
        }
        writer->row[used++] = '\n';
        return used;
}

char *scion_csv_row_text(const char *const *fields, size_t count)
{
        struct scion_csv_writer writer = { .columns = count };
        size_t length = writer_format_row(&writer, fields);
        char *text = length ? realloc(writer.row, length + 1) : NULL;

        if (!text) {
                free(writer.row);
                return scion_fail_null("out of memory for a row");
        }
        text[length] = '\0';
        return text;
}

static struct scion_csv_writer *writer_create(const char *path, const char *const *columns, size_t count)
{
        struct scion_csv_writer *writer;

        if (count == 0)
                return scion_fail_null("%s: a CSV file without columns cannot be written", path);
        for (size_t i = 0; i < count; i++)
                for (size_t j = 0; j < i; j++)
                        if (!strcmp(columns[i], columns[j]))
                                return scion_fail_null("%s: two columns have the name '%s'", path,
                                                       columns[i]);
        writer = calloc(1, sizeof *writer);
        if (!writer)
                return scion_fail_null("%s: out of memory", path);
        writer->descriptor = -1;
        writer->columns = count;
        writer->path = strdup(path);
        if (!writer->path) {
                free(writer);
                return scion_fail_null("%s: out of memory", path);
        }
        return writer;
}

static bool writer_open_to_append(struct scion_csv_writer *writer)
{
        writer->descriptor = scion_file_open_regular(writer->path, O_WRONLY | O_APPEND);
        return writer->descriptor >= 0;
}

/* Creates the file with its header row: atomically in place of an existing file, or as a new temporary file. */
static bool writer_write_header(struct scion_csv_writer *writer, size_t length, bool temporary)
{
        if (!temporary)
                return scion_file_write(writer->path, writer->row, length) && writer_open_to_append(writer);
        writer->descriptor = open(writer->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
        return (writer->descriptor >= 0 && scion_write_all(writer->descriptor, writer->row, length)) ||
               scion_fail("%s: cannot be written: %s", writer->path, strerror(errno));
}

static struct scion_csv_writer *writer_create_file(const char *path, const char *const *columns, size_t count,
                                                   bool temporary)
{
        struct scion_csv_writer *writer = writer_create(path, columns, count);

        if (!writer)
                return NULL;
        size_t length = writer_format_row(writer, columns);

        if (!length)
                scion_fail("%s: out of memory", path);
        if (length && writer_write_header(writer, length, temporary))
                return writer;
        scion_csv_close(writer);
        return NULL;
}

struct scion_csv_writer *scion_csv_create(const char *path, const char *const *columns, size_t count)
{
        return writer_create_file(path, columns, count, false);
}

struct scion_csv_writer *scion_csv_create_temporary(const char *path, const char *const *columns,
                                                    size_t count)
{
        return writer_create_file(path, columns, count, true);
}

/* Returns whether the file's header row has these columns; the message names both. */
static bool parse_check_header(const struct parse *parse, const char *const *columns, size_t count)
{
        struct scion_text has = { 0 }, wanted = { 0 };
        bool equal = parse->columns == count;

        for (size_t i = 0; equal && i < count; i++)
                equal = !strcmp(parse->cell[i], columns[i]);
        if (equal)
                return true;
        for (size_t i = 0; i < parse->columns; i++)
                scion_text_add(&has, "%s%s", i ? "," : "", parse->cell[i]);
        for (size_t i = 0; i < count; i++)
                scion_text_add(&wanted, "%s%s", i ? "," : "", columns[i]);
        if (has.failed || wanted.failed)
                scion_fail("%s: its header row differs from the columns to append", parse->path);
        else
                scion_fail("%s: its header row differs from the columns to append: it has %s, expected %s",
                           parse->path, has.text, wanted.text);
        free(has.text);
        free(wanted.text);
        return false;
}

struct scion_csv_writer *scion_csv_append(const char *path, const char *const *columns, size_t count)
{
        struct scion_csv_writer *writer = writer_create(path, columns, count);
        struct parse parse = { .path = path, .repair = true };
        size_t bytes = 0;
        char *data = writer ? scion_file_read(path, MOST_BYTES, &bytes) : NULL;

        if (!data || !parse_all(&parse, data, bytes) || !parse_check_header(&parse, columns, count))
                goto failed;
        if (data[parse.valid_end - 1] != '\n' && data[parse.valid_end - 1] != '\r') {
                scion_fail("%s: its header row has no line end", path);
                goto failed;
        }
        if (!writer_open_to_append(writer))
                goto failed;
        if (parse.valid_end < bytes && ftruncate(writer->descriptor, (off_t)parse.valid_end)) {
                scion_fail("%s: its incomplete last row cannot be cut off: %s", path, strerror(errno));
                goto failed;
        }
        parse_finish(&parse);
        free(data);
        return writer;
failed:
        parse_finish(&parse);
        free(data);
        scion_csv_close(writer);
        return NULL;
}

bool scion_csv_row(struct scion_csv_writer *writer, const char *const *fields)
{
        size_t length = writer_format_row(writer, fields);
        off_t size;

        if (!length)
                return scion_fail("%s: out of memory for a row", writer->path);
        size = lseek(writer->descriptor, 0, SEEK_END);
        if (size >= 0 && scion_write_all(writer->descriptor, writer->row, length))
                return true;
        scion_fail("%s: a row cannot be appended: %s", writer->path, strerror(errno));
        if (size >= 0 && ftruncate(writer->descriptor, size))
                return scion_fail("%s, and its beginning cannot be cut off again: %s", scion_error(),
                                  strerror(errno));
        return false;
}

bool scion_csv_rename(struct scion_csv_writer *writer, const char *path)
{
        char *copy = strdup(path);

        if (!copy)
                return scion_fail("%s: out of memory", path);
        if (rename(writer->path, path) != 0) {
                free(copy);
                return scion_fail("%s: cannot be replaced: %s", path, strerror(errno));
        }
        free(writer->path);
        writer->path = copy;
        return true;
}

bool scion_csv_sync(struct scion_csv_writer *writer)
{
        return !fsync(writer->descriptor) || errno == EINVAL ||
               scion_fail("%s: cannot be written: %s", writer->path, strerror(errno));
}

void scion_csv_close(struct scion_csv_writer *writer)
{
        if (!writer)
                return;
        if (writer->descriptor >= 0)
                close(writer->descriptor);
        free(writer->path);
        free(writer->row);
        free(writer);
}
