/* Reads and compares the files that runs write. */
#ifndef SCION_TESTS_SUPPORT_RESULTS_H
#define SCION_TESTS_SUPPORT_RESULTS_H

#include "support/folder.h"

#include "table/csv.h"

static inline void read_table(const char *path, struct scion_csv_table *table)
{
        if (!scion_csv_read(path, table))
                fail_msg("%s", scion_error());
}

/* Returns a field by the name of its column. Fails the test if there is no such column. */
static inline const char *field_of(const struct scion_csv_table *table, size_t row, const char *column)
{
        int index = scion_csv_column(table, column);

        if (index < 0)
                fail_msg("no column %s", column);
        assert_true(row < table->rows);
        return scion_csv_field(table, row, (size_t)index);
}

static inline double number_of(const struct scion_csv_table *table, size_t row, const char *column)
{
        const char *field = field_of(table, row, column);
        char *end;
        double value = strtod(field, &end);

        if (end == field || *end)
                fail_msg("%s of row %zu is not a number: '%s'", column, row, field);
        return value;
}

/* Returns the file without its column `seconds`, which must be equal for equal runs; the caller frees it. */
static inline char *without_seconds(const char *path)
{
        struct scion_csv_table table;
        size_t room = 1 << 16, length = 0;
        char *text = malloc(room);

        read_table(path, &table);
        int seconds = scion_csv_column(&table, "seconds"), peak = scion_csv_column(&table, "peak_mib");

        for (size_t row = 0; row <= table.rows; row++) {
                for (size_t i = 0; i < table.columns; i++) {
                        const char *field = row ? scion_csv_field(&table, row - 1, i) : table.name[i];

                        if (row > 0 && ((int)i == seconds || (int)i == peak))
                                continue;
                        length += (size_t)snprintf(text + length, room - length, "%s|", field);
                        assert_in_range(length, 1, room - 1);
                }
                length += (size_t)snprintf(text + length, room - length, "\n");
        }
        scion_csv_table_finish(&table);
        return text;
}

static inline void assert_same(const char *a, const char *b)
{
        char *left = without_seconds(a), *right = without_seconds(b);

        assert_string_equal(left, right);
        free(left);
        free(right);
}

/* Fails the test unless two runs have the same metrics, except times, and models that are equal byte for
 * byte. */
static inline void assert_same_folders(const char *a, const char *b)
{
        char left[2048], right[2048], command[4200];

        assert_in_range(snprintf(left, sizeof left, "%s/metrics.csv", a), 1, sizeof left - 1);
        assert_in_range(snprintf(right, sizeof right, "%s/metrics.csv", b), 1, sizeof right - 1);
        assert_same(left, right);
        assert_in_range(
                snprintf(command, sizeof command, "cmp %s/model.safetensors %s/model.safetensors", a, b), 1,
                sizeof command - 1);
        assert_int_equal(system(command), 0);
}

/* Writes the path SUITE/RUN of the run whose id begins with `start`. */
static inline void find_run(const char *folder, const char *start, char *path, size_t bytes)
{
        DIR *runs = opendir(folder);

        assert_non_null(runs);
        path[0] = '\0';
        for (struct dirent *entry; (entry = readdir(runs));)
                if (strncmp(entry->d_name, start, strlen(start)) == 0)
                        snprintf(path, bytes, "%s/%s", folder, entry->d_name);
        closedir(runs);
        if (!path[0])
                fail_msg("no run %s... in %s", start, folder);
}

#endif
