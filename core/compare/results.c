#define _XOPEN_SOURCE 700 /* realpath */
#include "compare/results.h"

#include <math.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/text.h"
#include "file/files.h"

#define OF_FILE 4 /* columns that every file of results must have */

static const char *const of_file[OF_FILE] = { "run", "status", "strategy", "seed" };

/* The measured columns besides the test metrics, whose names begin with test_ or source_test_. */
static const char *const measures[] = { "best_epoch", "epochs",  "parameters",
                                        "trainable",  "seconds", "peak_mib" };

static bool text_starts_with(const char *text, const char *start)
{
        return strncmp(text, start, strlen(start)) == 0;
}

static bool column_ends_axes(const char *name)
{
        for (size_t i = 0; i < sizeof measures / sizeof measures[0]; i++)
                if (strcmp(name, measures[i]) == 0)
                        return true;
        return text_starts_with(name, "test_") || text_starts_with(name, "source_test_");
}

/* --- Reading a file ------------------------------------------------------------------------------------- */

/* Sets path, folder and task: quickstart/results.csv has the task "quickstart", best.csv the task "best". */
static bool file_set_names(const char *path, struct scion_results_file *file)
{
        struct stat status;

        file->path = stat(path, &status) == 0 && S_ISDIR(status.st_mode)
                             ? scion_path_join(path, "results.csv")
                             : strdup(path);
        if (!file->path)
                return scion_fail("out of memory");
        char *real = realpath(file->path, NULL); /* gives "results.csv" alone a folder name too */

        if (!real)
                real = strdup(file->path);
        if (!real)
                return scion_fail("out of memory");
        char *slash = strrchr(real, '/'), *name = slash ? slash + 1 : real;

        if (strcmp(name, "results.csv") == 0 && slash && slash > real) {
                *slash = '\0';
                name = strrchr(real, '/') ? strrchr(real, '/') + 1 : real;
        } else if (strlen(name) > 4 && strcmp(name + strlen(name) - 4, ".csv") == 0) {
                name[strlen(name) - 4] = '\0';
        }
        file->task = strdup(name);
        free(real);
        slash = strrchr(file->path, '/');
        file->folder = slash ? strndup(file->path, slash == file->path ? 1 : (size_t)(slash - file->path))
                             : strdup(".");
        return (file->task && file->folder) || scion_fail("out of memory");
}

static bool file_check_columns(const struct scion_results_file *file)
{
        const struct scion_csv_table *table = &file->table;

        for (size_t i = 0; i < table->columns; i++)
                for (size_t j = 0; j < i; j++)
                        if (strcmp(table->name[i], table->name[j]) == 0)
                                return scion_fail("%s:1: two columns have the name '%s'", file->path,
                                                  table->name[i]);
        if (scion_csv_column(table, "stage") >= 0 && scion_csv_column(table, "epoch") >= 0)
                return scion_fail("%s: this is the metrics.csv of one run; compare the results.csv of whole "
                                  "suites, in the folder above",
                                  file->path);
        for (size_t i = 0; i < OF_FILE; i++) {
                if (scion_csv_column(table, of_file[i]) >= 0)
                        continue;
                const char *near =
                        scion_nearest(of_file[i], (const char *const *)table->name, table->columns);

                return scion_fail("%s:1: not a file of results: it has no column '%s'%s%s%s", file->path,
                                  of_file[i], near ? " (but '" : "", near ? near : "", near ? "')" : "");
        }
        return true;
}

static bool results_read_file(struct scion_results *results, const char *path)
{
        struct scion_results_file *file = &results->file[results->files++];
        bool cut;

        if (!file_set_names(path, file) || !scion_csv_read_complete_rows(file->path, &file->table, &cut) ||
            !file_check_columns(file))
                return false;
        if (cut)
                scion_notes_add(&results->notes, "%s: its last row is incomplete, and left out", file->path);
        if (file->table.rows == 0)
                scion_notes_add(&results->notes, "%s: has no run yet", file->path);
        return true;
}

/* --- Columns of all files ------------------------------------------------------------------------------- */

static size_t results_find_column(const struct scion_results *results, const char *name)
{
        for (size_t i = 0; i < results->columns; i++)
                if (strcmp(results->column[i].name, name) == 0)
                        return i;
        return SCION_NO_COLUMN;
}

static size_t results_add_column(struct scion_results *results, const char *name, enum scion_column_kind kind)
{
        size_t column = results_find_column(results, name);

        if (column != SCION_NO_COLUMN)
                return column;
        results->column[results->columns] = (struct scion_results_column){ name, kind };
        return results->columns++;
}

static enum scion_column_kind column_kind(const struct scion_csv_table *table, size_t column)
{
        const char *name = table->name[column];
        size_t after = (size_t)scion_csv_column(table, "seed");

        if (strcmp(name, "strategy") == 0 || strcmp(name, "seed") == 0)
                return SCION_COLUMN_AXIS;
        if (strcmp(name, "run") == 0 || strcmp(name, "status") == 0 || strcmp(name, "error") == 0)
                return SCION_COLUMN_ABOUT;
        while (++after < table->columns && !column_ends_axes(table->name[after]))
                if (after == column)
                        return SCION_COLUMN_AXIS;
        return SCION_COLUMN_MEASURE;
}

static void results_add_columns(struct scion_results *results, enum scion_column_kind kind)
{
        for (size_t i = 0; i < results->files; i++) {
                const struct scion_csv_table *table = &results->file[i].table;

                for (size_t j = 0; j < table->columns; j++)
                        if (column_kind(table, j) == kind && strcmp(table->name[j], "seed") != 0)
                                results_add_column(results, table->name[j], kind);
        }
}

static bool results_join_columns(struct scion_results *results)
{
        size_t room = 2;
        bool tasks = false;

        for (size_t i = 0; i < results->files; i++) {
                room += results->file[i].table.columns;
                tasks = tasks || strcmp(results->file[i].task, results->file[0].task) != 0;
        }
        results->column = malloc(room * sizeof *results->column);
        if (!results->column)
                return scion_fail("out of memory");
        results->strategy = results_add_column(results, "strategy", SCION_COLUMN_AXIS);
        results->task = tasks ? results_add_column(results, "task", SCION_COLUMN_AXIS) : SCION_NO_COLUMN;
        results_add_columns(results, SCION_COLUMN_AXIS);
        results->seed = results_add_column(results, "seed", SCION_COLUMN_AXIS);
        results_add_columns(results, SCION_COLUMN_MEASURE);
        results_add_columns(results, SCION_COLUMN_ABOUT);
        for (size_t i = 0; i < results->files; i++) {
                struct scion_results_file *file = &results->file[i];

                file->place = malloc(results->columns * sizeof *file->place);
                if (!file->place)
                        return scion_fail("out of memory");
                for (size_t j = 0; j < results->columns; j++) {
                        int place = scion_csv_column(&file->table, results->column[j].name);

                        file->place[j] = place < 0 ? SCION_NO_COLUMN : (size_t)place;
                }
        }
        return true;
}

/* --- Runs of all files ---------------------------------------------------------------------------------- */

static const char *file_field(const struct scion_results_file *file, size_t row, const char *name)
{
        return scion_csv_field(&file->table, row, (size_t)scion_csv_column(&file->table, name));
}

static bool run_is_same(const struct scion_results *results, const struct scion_result *a,
                        const struct scion_result *b)
{
        return strcmp(a->id, b->id) == 0 &&
               strcmp(results->file[a->file].task, results->file[b->file].task) == 0;
}

/*
 * Returns a measured column in which two rows of one run differ, other than time and memory, which always do.
 */
static size_t runs_contradiction(const struct scion_results *results, size_t a, size_t b)
{
        for (size_t i = 0; i < results->columns; i++) {
                const struct scion_results_column *column = &results->column[i];
                const char *left = scion_results_value(results, a, i),
                           *right = scion_results_value(results, b, i);

                if (column->kind == SCION_COLUMN_MEASURE && *left && *right && strcmp(left, right) != 0 &&
                    strcmp(column->name, "seconds") != 0 && strcmp(column->name, "peak_mib") != 0)
                        return i;
        }
        return SCION_NO_COLUMN;
}

/* Merges the last run of the list into the earlier row of the same run. */
static bool results_merge_run(struct scion_results *results, size_t earlier, size_t *same)
{
        size_t last = results->runs - 1;
        struct scion_result *a = &results->run[earlier], *b = &results->run[last];
        size_t column = a->done && b->done ? runs_contradiction(results, earlier, last) : SCION_NO_COLUMN;

        if (column != SCION_NO_COLUMN)
                return scion_fail("run %s is in %s (row %zu) and in %s (row %zu), with different values of "
                                  "%s, %s and %s: leave out one of the two",
                                  a->id, results->file[a->file].path, a->row + 1, results->file[b->file].path,
                                  b->row + 1, results->column[column].name,
                                  scion_results_value(results, earlier, column),
                                  scion_results_value(results, last, column));
        if (a->done == b->done)
                ++*same;
        else
                scion_notes_add(&results->notes, "run %s failed in %s and was done in %s: it counts as done",
                                a->id, results->file[a->done ? b->file : a->file].path,
                                results->file[a->done ? a->file : b->file].path);
        if (!a->done && b->done)
                *a = *b;
        results->runs--;
        return true;
}

/* `slot` is a hash table with open addressing: the number of a run plus 1, or 0 for an empty slot. */
static bool results_add_run(struct scion_results *results, size_t *slot, size_t slots, size_t file,
                            size_t row, size_t *same)
{
        const struct scion_results_file *from = &results->file[file];
        struct scion_result *run = &results->run[results->runs];

        *run = (struct scion_result){ file, row, file_field(from, row, "run"),
                                      strcmp(file_field(from, row, "status"), "done") == 0 };
        size_t at = XXH3_64bits(run->id, strlen(run->id)) & (slots - 1);

        while (slot[at] && !run_is_same(results, &results->run[slot[at] - 1], run))
                at = (at + 1) & (slots - 1);
        results->runs++;
        if (slot[at])
                return results_merge_run(results, slot[at] - 1, same);
        slot[at] = results->runs;
        return true;
}

static bool results_add_runs(struct scion_results *results, size_t *slot, size_t slots)
{
        for (size_t file = 0; file < results->files; file++) {
                const char *path = results->file[file].path;
                size_t rows = results->file[file].table.rows, same = 0;

                for (size_t row = 0; row < rows; row++)
                        if (!results_add_run(results, slot, slots, file, row, &same))
                                return false;
                if (same > 0)
                        scion_notes_add(&results->notes,
                                        "%s: %zu of its %zu runs %s given before, and count%s only once",
                                        path, same, rows, same == 1 ? "was" : "were", same == 1 ? "s" : "");
        }
        return results->runs > 0 || scion_fail("%s%s: no run yet: nothing to compare", results->file[0].path,
                                               results->files > 1 ? " and the others" : "");
}

static bool results_join_runs(struct scion_results *results)
{
        size_t rows = 0, slots = 16;

        for (size_t i = 0; i < results->files; i++)
                rows += results->file[i].table.rows;
        while (slots < 2 * rows)
                slots *= 2;
        size_t *slot = calloc(slots, sizeof *slot);

        results->run = malloc((rows + 1) * sizeof *results->run);
        bool good = (slot && results->run) || scion_fail("out of memory for %zu runs", rows);

        good = good && results_add_runs(results, slot, slots);
        free(slot);
        return good;
}

bool scion_results_read(const char *const *paths, size_t count, struct scion_results *results)
{
        bool good = true;

        *results = (struct scion_results){ 0 };
        results->file = calloc(count + 1, sizeof *results->file);
        if (!results->file)
                return scion_fail("out of memory");
        for (size_t i = 0; good && i < count; i++)
                good = results_read_file(results, paths[i]);
        good = good && results_join_columns(results) && results_join_runs(results);
        if (good && results->notes.failed)
                good = scion_fail("out of memory");
        if (!good)
                scion_results_finish(results);
        return good;
}

void scion_results_finish(struct scion_results *results)
{
        for (size_t i = 0; i < results->files; i++) {
                free(results->file[i].path);
                free(results->file[i].folder);
                free(results->file[i].task);
                free(results->file[i].place);
                scion_csv_table_finish(&results->file[i].table);
        }
        free(results->file);
        free(results->column);
        free(results->run);
        scion_notes_finish(&results->notes);
        *results = (struct scion_results){ 0 };
}

/* --- Access --------------------------------------------------------------------------------------------- */

const char *scion_results_value(const struct scion_results *results, size_t run, size_t column)
{
        const struct scion_results_file *file = &results->file[results->run[run].file];
        size_t place = file->place[column];

        if (place != SCION_NO_COLUMN)
                return scion_csv_field(&file->table, results->run[run].row, place);
        return column == results->task ? file->task : "";
}

double scion_results_number(const struct scion_results *results, size_t run, size_t column)
{
        const char *text = scion_results_value(results, run, column);
        char *end;
        double value = strtod(text, &end);

        return end == text || *end ? NAN : value;
}

static const char *path_last_part(const char *path)
{
        const char *dot = strrchr(path, '.');

        return dot ? dot + 1 : path;
}

const char *scion_results_heading(const struct scion_results *results, size_t column)
{
        const char *last = path_last_part(results->column[column].name);

        for (size_t i = 0; i < results->columns; i++)
                if (i != column && results->column[i].kind == SCION_COLUMN_AXIS &&
                    strcmp(path_last_part(results->column[i].name), last) == 0)
                        return results->column[column].name;
        return last;
}

/*
 * Whether `end` is a suffix of the path in whole components, as "dataset.per_class" of
 * "target.dataset.per_class".
 */
static bool path_ends_with(const char *path, const char *end)
{
        size_t length = strlen(path), tail = strlen(end);

        return length > tail && path[length - tail - 1] == '.' && strcmp(path + length - tail, end) == 0;
}

bool scion_results_fail_unknown(const char *what, const char *kind, const char *name,
                                const char *const *names, size_t listed, size_t count)
{
        const char *near = scion_nearest(name, names, count);
        struct scion_text list = { 0 };

        for (size_t i = 0; i < listed; i++)
                scion_text_add(&list, "%s%s", i ? ", " : "", names[i]);
        scion_fail("%s: no %s '%s'%s%s%s; there %s %s", what, kind, name, near ? " (did you mean '" : "",
                   near ? near : "", near ? "'?)" : "", listed == 1 ? "is" : "are",
                   list.failed   ? "others"
                   : listed == 0 ? "none"
                                 : list.text);
        free(list.text);
        return false;
}

/* Suggests a column by its whole path or by the last component of it. */
static size_t column_fail(const struct scion_results *results, const char *name, enum scion_column_kind kind,
                          const char *what)
{
        const char **names = malloc((2 * results->columns + 1) * sizeof *names);
        size_t count = 0;

        for (size_t i = 0; names && i < results->columns; i++)
                if (results->column[i].kind == kind)
                        names[count++] = results->column[i].name;
        for (size_t i = 0; i < count; i++)
                names[count + i] = path_last_part(names[i]);
        if (names)
                scion_results_fail_unknown(what, kind == SCION_COLUMN_AXIS ? "axis" : "column of results",
                                           name, names, count, 2 * count);
        else
                scion_fail("out of memory");
        free(names);
        return SCION_NO_COLUMN;
}

size_t scion_results_find(const struct scion_results *results, const char *name, enum scion_column_kind kind,
                          const char *what)
{
        size_t found = SCION_NO_COLUMN;

        for (size_t i = 0; i < results->columns; i++) {
                if (results->column[i].kind != kind)
                        continue;
                if (strcmp(results->column[i].name, name) == 0)
                        return i;
                if (!path_ends_with(results->column[i].name, name))
                        continue;
                if (found != SCION_NO_COLUMN) {
                        scion_fail("%s: '%s' is ambiguous: it may be %s or %s", what, name,
                                   results->column[found].name, results->column[i].name);
                        return SCION_NO_COLUMN;
                }
                found = i;
        }
        return found != SCION_NO_COLUMN ? found : column_fail(results, name, kind, what);
}
