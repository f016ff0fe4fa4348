#include "table/sheet.h"

#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "file/files.h"

#define LARGEST ((size_t)1 << 30) /* bytes of a file's text */

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
        /* The nearest such decimal, printed shortest: '.' whatever the locale. */
        double rounded = (double)(long long)(value * scale + (value < 0 ? -0.5 : 0.5)) / scale;

        scion_row_text(row, column, scion_double_text(rounded, text));
}

const char *scion_row_get(const struct scion_row *row, const char *column)
{
        for (size_t i = 0; i < row->count; i++)
                if (strcmp(row->cell[i].column, column) == 0)
                        return row->cell[i].value;
        return NULL;
}

void scion_row_take(struct scion_row *row, const struct scion_csv_table *table, size_t index)
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

static bool add_column(struct scion_sheet *table, const char *name)
{
        char **larger = realloc(table->column, (table->columns + 1) * sizeof *larger);
        char *copy = strdup(name);
        size_t at = table->columns;

        if (larger)
                table->column = larger;
        if (!larger || !copy) {
                free(copy);
                return scion_fail("out of memory");
        }
        for (size_t i = 0; table->anchor && i < table->columns; i++)
                if (strcmp(table->column[i], table->anchor) == 0)
                        at = i;
        memmove(table->column + at + 1, table->column + at, (table->columns - at) * sizeof *larger);
        table->column[at] = copy;
        table->columns++;
        return true;
}

static bool write_row(struct scion_sheet *table, const struct scion_row *row)
{
        const char **field = calloc(table->columns, sizeof *field);

        if (!field)
                return scion_fail("out of memory");
        for (size_t i = 0; i < table->columns; i++)
                field[i] = scion_row_get(row, table->column[i]);
        bool good = scion_csv_row(table->writer, field);

        free(field);
        return good;
}

/* To a file beside, which then takes the place of the old one; on the disk first, or a power failure could leave
 * neither. */
bool scion_sheet_write(struct scion_sheet *table)
{
        char *beside = scion_file_beside(table->path);

        if (!beside)
                return scion_fail("out of memory");
        scion_csv_close(table->writer);
        table->writer = scion_csv_begin(beside, (const char *const *)table->column, table->columns);
        bool good = table->writer || scion_fail_prefix("%s", table->path);

        for (size_t i = 0; good && i < table->rows; i++)
                good = write_row(table, &table->row[i]);
        good = good && (table->rows == 0 || scion_csv_sync(table->writer));
        good = good && scion_csv_move(table->writer, table->path);
        if (!good) { /* a row that was added to this file would be lost with it */
                scion_csv_close(table->writer);
                table->writer = NULL;
                remove(beside);
        }
        free(beside);
        return good;
}

struct scion_sheet *scion_sheet_plan(const char *path, const char *const *columns, size_t count,
                                     const char *anchor)
{
        struct scion_sheet *table = calloc(1, sizeof *table);
        bool good = table && (table->path = strdup(path)) != NULL;

        if (!good)
                scion_fail("out of memory");
        for (size_t i = 0; good && i < count; i++)
                good = add_column(table, columns[i]);
        if (good && anchor && !(table->anchor = strdup(anchor)))
                good = scion_fail("out of memory");
        if (good)
                return table;
        scion_sheet_close(table);
        return NULL;
}

struct scion_sheet *scion_sheet_create(const char *path, const char *const *columns, size_t count,
                                       const char *anchor)
{
        struct scion_sheet *table = scion_sheet_plan(path, columns, count, anchor);

        if (!table || scion_sheet_write(table))
                return table;
        scion_sheet_close(table);
        return NULL;
}

static bool has_column(const struct scion_sheet *table, const char *name)
{
        for (size_t i = 0; i < table->columns; i++)
                if (strcmp(table->column[i], name) == 0)
                        return true;
        return false;
}

/* Takes the row in. `grown`: it has brought a column. */
static bool hold(struct scion_sheet *table, const struct scion_row *row, bool *grown)
{
        struct scion_row *larger = realloc(table->row, (table->rows + 1) * sizeof *larger);
        struct scion_row copy = { 0 };

        *grown = false;

        if (larger)
                table->row = larger;
        for (size_t i = 0; i < row->count; i++) {
                scion_row_text(&copy, row->cell[i].column, row->cell[i].value);
                if (has_column(table, row->cell[i].column))
                        continue;
                *grown = true;
                if (!add_column(table, row->cell[i].column))
                        copy.failed = true;
        }
        if (!larger || copy.failed || row->failed) {
                scion_row_finish(&copy);
                return scion_fail("%s: out of memory", table->path);
        }
        table->row[table->rows++] = copy;
        return true;
}

char *scion_sheet_text(const struct scion_sheet *table, size_t *bytes)
{
        return scion_file_read(table->path, LARGEST, bytes);
}

/* The columns first, in the file's order: rows bring those they have values for. */
static bool restore(struct scion_sheet *table, const struct scion_csv_table *rows)
{
        bool good = true, grown;

        for (size_t i = 0; good && i < rows->columns; i++)
                good = has_column(table, rows->name[i]) || add_column(table, rows->name[i]);
        for (size_t i = 0; good && i < rows->rows; i++) {
                struct scion_row row = { 0 };

                scion_row_take(&row, rows, i);
                good = hold(table, &row, &grown);
                scion_row_finish(&row);
        }
        return good && scion_sheet_write(table);
}

bool scion_sheet_restore(struct scion_sheet *table, const char *text, size_t bytes)
{
        struct scion_csv_table rows;

        if (!scion_csv_parse(table->path, text, bytes, &rows))
                return false;
        bool good = restore(table, &rows);

        scion_csv_table_finish(&rows);
        return good;
}

bool scion_sheet_hold(struct scion_sheet *table, const struct scion_row *row)
{
        bool grown;

        return hold(table, row, &grown);
}

bool scion_sheet_add(struct scion_sheet *table, const struct scion_row *row)
{
        bool grown;

        if (!hold(table, row, &grown))
                return false;
        return grown || !table->writer ? scion_sheet_write(table) : write_row(table, row);
}

bool scion_sheet_sync(struct scion_sheet *table)
{
        return !table->writer || scion_csv_sync(table->writer);
}

struct placed {
        size_t place, before; /* where it belongs, and where it was */
        struct scion_row row;
};

static int by_place(const void *a, const void *b)
{
        const struct placed *x = a, *y = b;

        if (x->place != y->place)
                return x->place < y->place ? -1 : 1;
        return x->before < y->before ? -1 : x->before > y->before;
}

bool scion_sheet_sort(struct scion_sheet *table, size_t (*place)(void *context, const struct scion_row *row),
                      void *context)
{
        struct placed *placed = malloc(table->rows * sizeof *placed + 1);
        bool changed = false;

        if (!placed)
                return scion_fail("out of memory");
        for (size_t i = 0; i < table->rows; i++)
                placed[i] = (struct placed){ place(context, &table->row[i]), i, table->row[i] };
        qsort(placed, table->rows, sizeof *placed, by_place);
        for (size_t i = 0; i < table->rows; i++) {
                changed = changed || placed[i].before != i;
                table->row[i] = placed[i].row;
        }
        free(placed);
        return !changed || scion_sheet_write(table);
}

size_t scion_sheet_count(const struct scion_sheet *table)
{
        return table->rows;
}

const struct scion_row *scion_sheet_row(const struct scion_sheet *table, size_t index)
{
        return &table->row[index];
}

void scion_sheet_close(struct scion_sheet *table)
{
        if (!table)
                return;
        scion_csv_close(table->writer);
        for (size_t i = 0; i < table->rows; i++)
                scion_row_finish(&table->row[i]);
        for (size_t i = 0; i < table->columns; i++)
                free(table->column[i]);
        free(table->row);
        free(table->column);
        free(table->path);
        free(table->anchor);
        free(table);
}
