#include "table/columns.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "base/width.h"

#define GAP 2 /* spaces between columns */

void scion_columns_add(struct scion_columns *columns, const char *text)
{
        char **larger = NULL;
        char *copy = columns->failed ? NULL : strdup(text ? text : "");

        if (copy)
                scion_text_make_printable(copy, false);
        if (copy)
                larger = realloc(columns->cell, (columns->count + 1) * sizeof *larger);
        if (!larger) {
                free(copy);
                columns->failed = true;
                return;
        }
        columns->cell = larger;
        larger[columns->count++] = copy;
}

static int text_width(const char *text)
{
        return scion_utf8_count(text, strlen(text));
}

static int column_width(const struct scion_columns *columns, size_t column)
{
        int widest = 0;

        for (size_t i = column; i < columns->count; i += columns->per_row)
                if (text_width(columns->cell[i]) > widest)
                        widest = text_width(columns->cell[i]);
        return widest;
}

bool scion_columns_print(const struct scion_columns *columns, int indent, FILE *file)
{
        int *widths = calloc(columns->per_row, sizeof *widths);

        if (columns->failed || !widths) {
                free(widths);
                return scion_fail("out of memory");
        }
        for (size_t column = 0; column < columns->per_row; column++)
                widths[column] = column_width(columns, column);
        for (size_t row = 0; row < columns->count; row += columns->per_row) {
                int spaces = indent; /* pending; printed only before a cell that is not empty */

                for (size_t column = 0; column < columns->per_row && row + column < columns->count;
                     column++) {
                        const char *text = columns->cell[row + column];

                        int room = widths[column] - text_width(text);
                        int before = columns->numbers_from && column >= columns->numbers_from ? room : 0;

                        if (*text) {
                                fprintf(file, "%*s%s", spaces + before, "", text);
                                spaces = -before;
                        }
                        if (widths[column] > 0)
                                spaces += room + GAP;
                }
                fputc('\n', file);
        }
        free(widths);
        return true;
}

void scion_columns_finish(struct scion_columns *columns)
{
        for (size_t i = 0; i < columns->count; i++)
                free(columns->cell[i]);
        free(columns->cell);
        *columns = (struct scion_columns){ 0 };
}
