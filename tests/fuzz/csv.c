/*
 * Fuzzes the CSV reader, and the repair of a file that is appended to: what it takes can be appended to, and
 * then reads back with the new row at its end.
 */
#define _GNU_SOURCE    /* memfd_create: a file that is only memory */
#include "table/csv.c" /* included, so that it is instrumented for coverage */

#include <scion/error.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_reading(const char *data, size_t size)
{
        struct scion_csv_table table;

        scion_error_clear();
        if (!scion_csv_parse("fuzz", data, size, &table)) {
                if (!scion_error()[0] || table.name)
                        abort(); /* refused without a reason, or half taken */
                return;
        }
        size_t bytes = 0;

        for (size_t i = 0; i < table.columns; i++)
                bytes += strlen(table.name[i]);
        for (size_t row = 0; row < table.rows; row++)
                for (size_t column = 0; column < table.columns; column++)
                        bytes += strlen(scion_csv_field(&table, row, column));
        if (table.columns == 0 || bytes > size)
                abort();
        scion_csv_table_finish(&table);
}

/* The data as the rows of a file with a header of two columns. */
static void append_to(const uint8_t *data, size_t size)
{
        static const char *const columns[] = { "a", "b" }, *const row[] = { "one\"", NULL };
        static int memory = -1;
        static char path[64];
        struct scion_csv_writer *writer;
        struct scion_csv_table table;

        if (memory < 0) {
                memory = memfd_create("csv", MFD_CLOEXEC);
                snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
        }
        if (memory < 0 || ftruncate(memory, 0) || pwrite(memory, "a,b\n", 4, 0) != 4 ||
            pwrite(memory, data, size, 4) != (ssize_t)size)
                abort();
        writer = scion_csv_append(path, columns, 2);
        if (!writer)
                return;
        if (!scion_csv_row(writer, row) || !scion_csv_read(path, &table) || table.columns != 2 ||
            !table.rows || strcmp(scion_csv_field(&table, table.rows - 1, 0), row[0]) != 0 ||
            strcmp(scion_csv_field(&table, table.rows - 1, 1), "") != 0)
                abort();
        scion_csv_table_finish(&table);
        scion_csv_close(writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *copy = malloc(size + !size); /* no byte more, so that reading one is seen */

        if (!copy)
                abort();
        if (size)
                memcpy(copy, data, size);
        fuzz_reading(copy, size);
        append_to(data, size);
        free(copy);
        return 0;
}
