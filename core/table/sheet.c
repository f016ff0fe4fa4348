#include "table/sheet.h"

#include <math.h>
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "file/files.h"

#define MOST_BYTES ((size_t)1 << 30) /* of a file that is read */

/* --- Rows ----------------------------------------------------------------------------------------------- */

void scion_row_text(struct scion_row *row, const char *column, const char *value)
{
        struct scion_cell *larger = realloc(row->cell, (row->count + 1) * sizeof *larger);
        struct scion_cell cell = { strdup(column), strdup(value) };

        if (larger)
                row->cell = larger;
        if (!larger || !cell.column || !cell.value) {
                free(cell.column);
                free(cell.value);
                row->failed = true;
                return;
        }
        row->cell[row->count++] = cell;
}

void scion_row_int(struct scion_row *row, const char *column, int64_t value)
{
        char text[32];

        snprintf(text, sizeof text, "%lld", (long long)value);
        scion_row_text(row, column, text);
}

void scion_row_number(struct scion_row *row, const char *column, double value)
{
        char text[32];

        scion_row_text(row, column, scion_float_text((float)value, text));
}

void scion_row_fixed(struct scion_row *row, const char *column, double value, int decimals)
{
        double scale = 1;
        char text[32];

        for (int i = 0; i < decimals; i++)
                scale *= 10;
        /* Rounds first and then prints the shortest text, because printf's decimal separator depends on the
         * locale. */
        double scaled = value * scale + (value < 0 ? -0.5 : 0.5);
        /* A larger number has no decimals, and may not fit into an integer. */
        double rounded = fabs(scaled) < 0x1p53 ? (double)(long long)scaled / scale : value;

        scion_row_text(row, column, scion_double_text(rounded, text));
}

const char *scion_row_get(const struct scion_row *row, const char *column)
{
        for (size_t i = 0; i < row->count; i++)
                if (strcmp(row->cell[i].column, column) == 0)
                        return row->cell[i].value;
        return NULL;
}

void scion_row_copy(struct scion_row *row, const struct scion_csv_table *table, size_t index)
{
        for (size_t i = 0; i < table->columns; i++)
                if (scion_csv_field(table, index, i)[0] != '\0')
                        scion_row_text(row, table->name[i], scion_csv_field(table, index, i));
}

void scion_row_finish(struct scion_row *row)
{
        for (size_t i = 0; i < row->count; i++) {
                free(row->cell[i].column);
                free(row->cell[i].value);
        }
        free(row->cell);
        *row = (struct scion_row){ 0 };
}

/* --- Tables --------------------------------------------------------------------------------------------- */

struct scion_sheet {
        char *path, *anchor;
        size_t columns;
        char **column;
        size_t rows;
        struct scion_row *row;
        struct scion_csv_writer *writer;
};

static bool sheet_add_column(struct scion_sheet *sheet, const char *name)
{
        char **larger = realloc(sheet->column, (sheet->columns + 1) * sizeof *larger);
        char *copy = strdup(name);
        size_t at = sheet->columns;

        if (larger)
                sheet->column = larger;
        if (!larger || !copy) {
                free(copy);
                return scion_fail("out of memory");
        }
        for (size_t i = 0; sheet->anchor && i < sheet->columns; i++)
                if (strcmp(sheet->column[i], sheet->anchor) == 0)
                        at = i;
        memmove(sheet->column + at + 1, sheet->column + at, (sheet->columns - at) * sizeof *larger);
        sheet->column[at] = copy;
        sheet->columns++;
        return true;
}

static bool sheet_write_row(struct scion_sheet *sheet, const struct scion_row *row)
{
        const char **field = calloc(sheet->columns, sizeof *field);

        if (!field)
                return scion_fail("out of memory");
        for (size_t i = 0; i < sheet->columns; i++)
                field[i] = scion_row_get(row, sheet->column[i]);
        bool good = scion_csv_row(sheet->writer, field);

        free(field);
        return good;
}

/* Writes a temporary file, which then replaces the old one. It is synced before, or a power failure could
 * leave neither. */
bool scion_sheet_write(struct scion_sheet *sheet)
{
        char *temporary = scion_file_temporary_name(sheet->path);

        if (!temporary)
                return scion_fail("out of memory");
        scion_csv_close(sheet->writer);
        sheet->writer =
                scion_csv_create_temporary(temporary, (const char *const *)sheet->column, sheet->columns);
        bool good = sheet->writer || scion_fail_prefix("%s", sheet->path);

        for (size_t i = 0; good && i < sheet->rows; i++)
                good = sheet_write_row(sheet, &sheet->row[i]);
        good = good && (sheet->rows == 0 || scion_csv_sync(sheet->writer));
        good = good && scion_csv_rename(sheet->writer, sheet->path);
        if (!good) { /* the writer's file is deleted, so no row may be added to it */
                scion_csv_close(sheet->writer);
                sheet->writer = NULL;
                remove(temporary);
        }
        free(temporary);
        return good;
}

struct scion_sheet *scion_sheet_create_in_memory(const char *path, const char *const *columns, size_t count,
                                                 const char *anchor)
{
        struct scion_sheet *sheet = calloc(1, sizeof *sheet);
        bool good = sheet && (sheet->path = strdup(path)) != NULL;

        if (!good)
                scion_fail("out of memory");
        for (size_t i = 0; good && i < count; i++)
                good = sheet_add_column(sheet, columns[i]);
        if (good && anchor && !(sheet->anchor = strdup(anchor)))
                good = scion_fail("out of memory");
        if (good)
                return sheet;
        scion_sheet_close(sheet);
        return NULL;
}

struct scion_sheet *scion_sheet_create(const char *path, const char *const *columns, size_t count,
                                       const char *anchor)
{
        struct scion_sheet *sheet = scion_sheet_create_in_memory(path, columns, count, anchor);

        if (!sheet || scion_sheet_write(sheet))
                return sheet;
        scion_sheet_close(sheet);
        return NULL;
}

static bool sheet_has_column(const struct scion_sheet *sheet, const char *name)
{
        for (size_t i = 0; i < sheet->columns; i++)
                if (strcmp(sheet->column[i], name) == 0)
                        return true;
        return false;
}

/* Appends a copy of the row in memory, and sets `grown` if it added a column. */
static bool sheet_append_row(struct scion_sheet *sheet, const struct scion_row *row, bool *grown)
{
        struct scion_row *larger = realloc(sheet->row, (sheet->rows + 1) * sizeof *larger);
        struct scion_row copy = { 0 };

        *grown = false;

        if (larger)
                sheet->row = larger;
        for (size_t i = 0; i < row->count; i++) {
                scion_row_text(&copy, row->cell[i].column, row->cell[i].value);
                if (sheet_has_column(sheet, row->cell[i].column))
                        continue;
                *grown = true;
                if (!sheet_add_column(sheet, row->cell[i].column))
                        copy.failed = true;
        }
        if (!larger || copy.failed || row->failed) {
                scion_row_finish(&copy);
                return scion_fail("%s: out of memory", sheet->path);
        }
        sheet->row[sheet->rows++] = copy;
        return true;
}

char *scion_sheet_text(const struct scion_sheet *sheet, size_t *bytes)
{
        return scion_file_read(sheet->path, MOST_BYTES, bytes);
}

/* Adds the columns before the rows, to keep the file's order of columns: a row has only cells with values. */
static bool sheet_restore_rows(struct scion_sheet *sheet, const struct scion_csv_table *rows)
{
        bool good = true, grown;

        for (size_t i = 0; good && i < rows->columns; i++)
                good = sheet_has_column(sheet, rows->name[i]) || sheet_add_column(sheet, rows->name[i]);
        for (size_t i = 0; good && i < rows->rows; i++) {
                struct scion_row row = { 0 };

                scion_row_copy(&row, rows, i);
                good = sheet_append_row(sheet, &row, &grown);
                scion_row_finish(&row);
        }
        return good && scion_sheet_write(sheet);
}

bool scion_sheet_restore(struct scion_sheet *sheet, const char *text, size_t bytes)
{
        struct scion_csv_table rows;

        if (!scion_csv_parse(sheet->path, text, bytes, &rows))
                return false;
        bool good = sheet_restore_rows(sheet, &rows);

        scion_csv_table_finish(&rows);
        return good;
}

bool scion_sheet_add_in_memory(struct scion_sheet *sheet, const struct scion_row *row)
{
        bool grown;

        return sheet_append_row(sheet, row, &grown);
}

bool scion_sheet_add(struct scion_sheet *sheet, const struct scion_row *row)
{
        bool grown;

        if (!sheet_append_row(sheet, row, &grown))
                return false;
        return grown || !sheet->writer ? scion_sheet_write(sheet) : sheet_write_row(sheet, row);
}

bool scion_sheet_sync(struct scion_sheet *sheet)
{
        return !sheet->writer || scion_csv_sync(sheet->writer);
}

struct ranked {
        size_t rank;   /* sort key */
        size_t before; /* index before sorting */
        struct scion_row row;
};

static int by_rank(const void *a, const void *b)
{
        const struct ranked *x = a, *y = b;

        if (x->rank != y->rank)
                return x->rank < y->rank ? -1 : 1;
        return x->before < y->before ? -1 : x->before > y->before;
}

bool scion_sheet_sort(struct scion_sheet *sheet, size_t (*rank)(void *context, const struct scion_row *row),
                      void *context)
{
        struct ranked *ranked = malloc(sheet->rows * sizeof *ranked + 1);
        bool changed = false;

        if (!ranked)
                return scion_fail("out of memory");
        for (size_t i = 0; i < sheet->rows; i++)
                ranked[i] = (struct ranked){ rank(context, &sheet->row[i]), i, sheet->row[i] };
        qsort(ranked, sheet->rows, sizeof *ranked, by_rank);
        for (size_t i = 0; i < sheet->rows; i++) {
                changed = changed || ranked[i].before != i;
                sheet->row[i] = ranked[i].row;
        }
        free(ranked);
        return !changed || scion_sheet_write(sheet);
}

size_t scion_sheet_count(const struct scion_sheet *sheet)
{
        return sheet->rows;
}

const struct scion_row *scion_sheet_row(const struct scion_sheet *sheet, size_t index)
{
        return &sheet->row[index];
}

void scion_sheet_close(struct scion_sheet *sheet)
{
        if (!sheet)
                return;
        scion_csv_close(sheet->writer);
        for (size_t i = 0; i < sheet->rows; i++)
                scion_row_finish(&sheet->row[i]);
        for (size_t i = 0; i < sheet->columns; i++)
                free(sheet->column[i]);
        free(sheet->row);
        free(sheet->column);
        free(sheet->path);
        free(sheet->anchor);
        free(sheet);
}
