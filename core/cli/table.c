#include "cli/table.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2 /* spaces between columns */

void scion_table_add(struct scion_table *table, const char *text)
{
        char **larger = NULL;
        char *copy = table->failed ? NULL : strdup(text ? text : "");

        if (copy)
                larger = realloc(table->cell, (table->count + 1) * sizeof *larger);
        if (!larger) {
                free(copy);
                table->failed = true;
                return;
        }
        table->cell = larger;
        larger[table->count++] = copy;
}

/* Characters of UTF-8: its bytes but for those that continue one. */
static int width(const char *text)
{
        int count = 0;

        for (; *text; text++)
                count += ((unsigned char)*text & 0xC0) != 0x80;
        return count;
}

static int column_width(const struct scion_table *table, size_t column)
{
        int widest = 0;

        for (size_t i = column; i < table->count; i += table->columns)
                if (width(table->cell[i]) > widest)
                        widest = width(table->cell[i]);
        return widest;
}

bool scion_table_print(const struct scion_table *table, int indent, FILE *file)
{
        int *widths = calloc(table->columns, sizeof *widths);

        if (table->failed || !widths) {
                free(widths);
                return scion_fail("out of memory");
        }
        for (size_t column = 0; column < table->columns; column++)
                widths[column] = column_width(table, column);
        for (size_t row = 0; row < table->count; row += table->columns) {
                int spaces = indent; /* still to be printed, once something follows */

                for (size_t column = 0; column < table->columns && row + column < table->count; column++) {
                        const char *text = table->cell[row + column];

                        if (*text) {
                                fprintf(file, "%*s%s", spaces, "", text);
                                spaces = 0;
                        }
                        if (widths[column] > 0)
                                spaces += widths[column] - width(text) + GAP;
                }
                fputc('\n', file);
        }
        free(widths);
        return true;
}

void scion_table_finish(struct scion_table *table)
{
        for (size_t i = 0; i < table->count; i++)
                free(table->cell[i]);
        free(table->cell);
        *table = (struct scion_table){ 0 };
}
