/* Expands a suite to its runs: the matrix, without what `exclude` matches, and with what `include` adds. */
#include <stdlib.h>
#include <string.h>

#include "config/matrix.h"
#include "config/tree.h"

const char *const scion_config_suite_keys[] = { "matrix", "seeds", "exclude", "include", NULL };

static bool combination_is_excluded(const struct scion_matrix *matrix, const uint32_t *row)
{
        for (size_t i = 0; i < matrix->rules; i++) {
                bool match = true;

                for (size_t g = 0; match && g < matrix->groups; g++)
                        match = !matrix->rule[i].names[g] || matrix->rule[i].names[g][row[g]];
                if (match)
                        return true;
        }
        return false;
}

/* Returns whether a combination is in the matrix, and not excluded. */
static bool combination_is_crossed(const struct scion_matrix *matrix, const uint32_t *row)
{
        for (size_t g = 0; g < matrix->groups; g++)
                if (row[g] >= matrix->group[g].crossed)
                        return false;
        return !combination_is_excluded(matrix, row);
}

/* --- Combinations --------------------------------------------------------------------------------------- */

/* A combination of rows, one of each group, within a block. */
struct combination {
        size_t *in_block; /* the index in the block's list of rows */
        uint32_t *row;    /* the row itself */
};

static bool combination_init(const struct scion_matrix *matrix, struct combination *at)
{
        at->in_block = calloc(matrix->groups + 1, sizeof *at->in_block);
        at->row = calloc(matrix->groups + 1, sizeof *at->row);
        return (at->in_block && at->row) || scion_fail("out of memory");
}

static void combination_finish(struct combination *at)
{
        free(at->in_block);
        free(at->row);
}

static void combination_set(const struct scion_matrix_block *block, size_t group, struct combination *at,
                            size_t to)
{
        at->in_block[group] = to;
        at->row[group] = block->row[group] ? block->row[group][to] : (uint32_t)to;
}

static void combination_first(const struct scion_matrix *matrix, const struct scion_matrix_block *block,
                              struct combination *at)
{
        for (size_t g = 0; g < matrix->groups; g++)
                combination_set(block, g, at, 0);
}

/* Advances to the next combination of a block, the last group fastest. Returns false after the last one. */
static bool combination_next(const struct scion_matrix *matrix, const struct scion_matrix_block *block,
                             struct combination *at)
{
        for (size_t g = matrix->groups; g-- > 0;) {
                if (at->in_block[g] + 1 < block->count[g]) {
                        combination_set(block, g, at, at->in_block[g] + 1);
                        return true;
                }
                combination_set(block, g, at, 0);
        }
        return false;
}

/* Returns the number of combinations of a block, at most SCION_MATRIX_MOST + 1. */
static size_t block_size(const struct scion_matrix *matrix, const struct scion_matrix_block *block)
{
        size_t size = 1;

        for (size_t g = 0; g < matrix->groups && size <= SCION_MATRIX_MOST; g++)
                size *= block->count[g];
        return size <= SCION_MATRIX_MOST ? size : SCION_MATRIX_MOST + 1;
}

/* Returns the number of combinations of the matrix that are not excluded. */
static size_t matrix_count_crossed(const struct scion_matrix *matrix, struct combination *at)
{
        size_t count = 0;

        combination_first(matrix, &matrix->block[0], at);
        do
                count += !combination_is_excluded(matrix, at->row);
        while (combination_next(matrix, &matrix->block[0], at));
        return count;
}

/* Sets an upper bound of the number of runs: a run that two entries of `include` add counts twice. Fails if
 * it is more than allowed. */
static bool matrix_count_runs(const struct scion_matrix *matrix, struct combination *at, size_t *count)
{
        for (size_t i = 0; i < matrix->blocks && *count <= SCION_MATRIX_MOST; i++) {
                size_t size = block_size(matrix, &matrix->block[i]);

                if (i == 0 && matrix->rules > 0 && size <= SCION_MATRIX_MOST)
                        size = matrix_count_crossed(matrix, at);
                *count += size;
        }
        return scion_matrix_check_count(matrix, matrix->block[0].where, *count);
}

/* --- Runs ----------------------------------------------------------------------------------------------- */

static void runs_add(struct scion_config_runs *runs, const struct scion_matrix *matrix, const uint32_t *row)
{
        struct scion_config_point *point = runs->point + runs->count * matrix->axes;
        uint32_t *own_row = runs->at + runs->count * matrix->groups;

        runs->run[runs->count++] = (struct scion_config_run){
                .matrix = matrix, .at = own_row, .axes = matrix->axes, .point = point
        };
        for (size_t g = 0; g < matrix->groups; g++) {
                const struct scion_matrix_group *group = &matrix->group[g];
                const struct scion_matrix_value *value = scion_matrix_row(group, row[g]);

                own_row[g] = row[g];
                for (size_t a = 0; a < group->axes; a++)
                        *point++ = (struct scion_config_point){ group->path[a], value[a].label,
                                                                value[a].number };
        }
}

static int by_rows(const void *a, const void *b)
{
        const struct scion_config_run *x = *(const struct scion_config_run *const *)a;
        const struct scion_config_run *y = *(const struct scion_config_run *const *)b;

        for (size_t g = 0; g < x->matrix->groups; g++)
                if (x->at[g] != y->at[g])
                        return x->at[g] < y->at[g] ? -1 : 1;
        return x < y ? -1 : x > y; /* stable */
}

/* Among the runs from index `first` on, marks each that repeats an earlier one, by setting its axes to
 * SIZE_MAX. */
static bool runs_mark_repeated(struct scion_config_runs *runs, size_t first)
{
        size_t count = runs->count - first;
        struct scion_config_run **sorted = malloc(count * sizeof *sorted + 1);
        const struct scion_config_run *one = NULL;

        if (!sorted)
                return scion_fail("out of memory");
        for (size_t i = 0; i < count; i++)
                sorted[i] = &runs->run[first + i];
        qsort(sorted, count, sizeof *sorted, by_rows);
        for (size_t i = 0; i < count; i++)
                if (one && memcmp(one->at, sorted[i]->at, runs->matrix->groups * sizeof *one->at) == 0)
                        sorted[i]->axes = SIZE_MAX;
                else
                        one = sorted[i];
        free(sorted);
        return true;
}

/* Adds the runs of `include`, each once. An entry that adds no run is an error. */
static bool runs_add_included(struct scion_config_runs *runs, const struct scion_matrix *matrix,
                              struct combination *at)
{
        size_t first = runs->count, from = first, kept = first;
        size_t *ends = calloc(matrix->blocks, sizeof *ends); /* the index after each block's runs */
        bool good = ends || scion_fail("out of memory");

        for (size_t i = 1; good && i < matrix->blocks; i++) {
                const struct scion_matrix_block *block = &matrix->block[i];

                combination_first(matrix, block, at);
                do
                        if (!combination_is_crossed(matrix, at->row))
                                runs_add(runs, matrix, at->row);
                while (combination_next(matrix, block, at));
                ends[i] = runs->count;
        }
        good = good && runs_mark_repeated(runs, first);
        for (size_t i = 1; good && i < matrix->blocks; i++) {
                size_t before = kept;

                for (; from < ends[i]; from++)
                        if (runs->run[from].axes != SIZE_MAX)
                                runs->run[kept++] = runs->run[from];
                if (kept == before)
                        good = scion_config_fail(matrix->block[i].where,
                                                 "include: the suite has these runs already");
        }
        if (good)
                runs->count = kept;
        free(ends);
        return good;
}

static bool runs_create(struct scion_config_runs *runs, const struct scion_matrix *matrix)
{
        struct combination at = { 0 };
        size_t count = 0;
        bool good = combination_init(matrix, &at) && matrix_count_runs(matrix, &at, &count);

        if (!good)
                goto done;
        runs->run = calloc(count + 1, sizeof *runs->run);
        runs->at = calloc(count * matrix->groups + 1, sizeof *runs->at);
        runs->point = calloc(count * matrix->axes + 1, sizeof *runs->point);
        if (!runs->run || !runs->at || !runs->point) {
                good = scion_fail("out of memory");
                goto done;
        }
        combination_first(matrix, &matrix->block[0], &at);
        do
                if (!combination_is_excluded(matrix, at.row))
                        runs_add(runs, matrix, at.row);
        while (combination_next(matrix, &matrix->block[0], &at));
        good = runs_add_included(runs, matrix, &at);
done:
        combination_finish(&at);
        return good;
}

struct scion_config *scion_config_resolve(const struct scion_config_run *run)
{
        struct scion_config *config = scion_config_copy(run->matrix->bare);

        for (size_t g = 0; config && g < run->matrix->groups; g++) {
                const struct scion_matrix_group *group = &run->matrix->group[g];
                const struct scion_matrix_value *value = scion_matrix_row(group, run->at[g]);

                for (size_t a = 0; config && a < group->axes; a++) {
                        if (scion_config_set(config, group->path[a], value[a].value))
                                continue;
                        scion_config_destroy(config);
                        config = NULL;
                }
        }
        return config;
}

size_t scion_config_values(const struct scion_config_runs *runs, size_t axis)
{
        size_t g = 0;

        for (; axis >= runs->matrix->group[g].axes; g++)
                axis -= runs->matrix->group[g].axes;
        return runs->matrix->group[g].values[axis];
}

/* --- Expanding ------------------------------------------------------------------------------------------ */

static void matrix_destroy(struct scion_matrix *matrix)
{
        if (!matrix)
                return;
        scion_matrix_finish_rules(matrix);
        scion_matrix_finish_axes(matrix);
        scion_config_destroy(matrix->bare);
        scion_config_destroy(matrix->file);
        free(matrix);
}

/* Creates the matrix with a copy of the file's tree, because runs may outlive the tree. */
static struct scion_matrix *matrix_create(const struct scion_config *config)
{
        struct scion_matrix *matrix = calloc(1, sizeof *matrix);

        if (!matrix)
                return scion_fail_null("out of memory");
        matrix->file = scion_config_copy(config);
        matrix->bare = scion_config_copy(config);
        if (!matrix->file || !matrix->bare) {
                matrix_destroy(matrix);
                return NULL;
        }
        for (size_t i = 0; scion_config_suite_keys[i]; i++) {
                const struct scion_config *given = scion_config_get(matrix->file, scion_config_suite_keys[i]);

                /* `null` removes the key of an extended file; an empty value is an error, found later. */
                if (given && scion_config_is_null(given) && *given->text)
                        scion_config_remove(matrix->file, scion_config_suite_keys[i]);
                scion_config_remove(matrix->bare, scion_config_suite_keys[i]);
        }
        return matrix;
}

bool scion_config_expand(const struct scion_config *config, bool forced, struct scion_config_runs *runs)
{
        struct scion_matrix *matrix = matrix_create(config);
        bool good = false;

        *runs = (struct scion_config_runs){ .matrix = matrix };
        if (!matrix)
                return false;
        matrix->most = forced ? SCION_MATRIX_MOST : SCION_CONFIG_MANY;
        good = scion_matrix_read_axes(matrix) && scion_matrix_read_rules(matrix) && runs_create(runs, matrix);
        if (good && runs->count == 0)
                good = scion_config_fail(scion_config_get(matrix->file, "exclude"),
                                         "exclude leaves no run of the matrix");
        if (!good)
                scion_config_runs_finish(runs);
        return good;
}

void scion_config_runs_finish(struct scion_config_runs *runs)
{
        matrix_destroy(runs->matrix);
        free(runs->run);
        free(runs->at);
        free(runs->point);
        *runs = (struct scion_config_runs){ 0 };
}
