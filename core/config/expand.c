/* Suites: the matrix crossed, less what is excluded, and what is included besides. */
#include <stdlib.h>
#include <string.h>

#include "config/matrix.h"
#include "config/tree.h"

const char *const scion_config_suite_keys[] = { "matrix", "seeds", "exclude", "include", NULL };

static bool is_excluded(const struct scion_matrix *matrix, const uint32_t *row)
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

/* Whether a combination is in the matrix, and not excluded there. */
static bool is_crossed(const struct scion_matrix *matrix, const uint32_t *row)
{
        for (size_t g = 0; g < matrix->groups; g++)
                if (row[g] >= matrix->group[g].crossed)
                        return false;
        return !is_excluded(matrix, row);
}

/* --- Combinations --------------------------------------------------------------------------------------- */

/* Where one is in a block: the number of the row in the block, and the row, of each group. */
struct place {
        size_t *in_block;
        uint32_t *row;
};

static bool make_place(const struct scion_matrix *matrix, struct place *place)
{
        place->in_block = calloc(matrix->groups + 1, sizeof *place->in_block);
        place->row = calloc(matrix->groups + 1, sizeof *place->row);
        return (place->in_block && place->row) || scion_fail("out of memory");
}

static void free_place(struct place *place)
{
        free(place->in_block);
        free(place->row);
}

static void set_place(const struct scion_matrix_block *block, size_t group, struct place *place, size_t to)
{
        place->in_block[group] = to;
        place->row[group] = block->row[group] ? block->row[group][to] : (uint32_t)to;
}

static void begin(const struct scion_matrix *matrix, const struct scion_matrix_block *block,
                  struct place *place)
{
        for (size_t g = 0; g < matrix->groups; g++)
                set_place(block, g, place, 0);
}

/* The next combination of a block, the last group fastest; false after the last one. */
static bool step(const struct scion_matrix *matrix, const struct scion_matrix_block *block,
                 struct place *place)
{
        for (size_t g = matrix->groups; g-- > 0;) {
                if (place->in_block[g] + 1 < block->count[g]) {
                        set_place(block, g, place, place->in_block[g] + 1);
                        return true;
                }
                set_place(block, g, place, 0);
        }
        return false;
}

/* The combinations of a block; more than SCION_MATRIX_MOST count as one more. */
static size_t block_size(const struct scion_matrix *matrix, const struct scion_matrix_block *block)
{
        size_t size = 1;

        for (size_t g = 0; g < matrix->groups && size <= SCION_MATRIX_MOST; g++)
                size *= block->count[g];
        return size <= SCION_MATRIX_MOST ? size : SCION_MATRIX_MOST + 1;
}

/* Those of the matrix itself that are not excluded. */
static size_t count_crossed(const struct scion_matrix *matrix, struct place *place)
{
        size_t count = 0;

        begin(matrix, &matrix->block[0], place);
        do
                count += !is_excluded(matrix, place->row);
        while (step(matrix, &matrix->block[0], place));
        return count;
}

/* How many runs there are at most, without making any: one that two entries of include name counts twice. */
static bool count_runs(const struct scion_matrix *matrix, struct place *place, size_t *count)
{
        for (size_t i = 0; i < matrix->blocks && *count <= SCION_MATRIX_MOST; i++) {
                size_t size = block_size(matrix, &matrix->block[i]);

                if (i == 0 && matrix->rules > 0 && size <= SCION_MATRIX_MOST)
                        size = count_crossed(matrix, place);
                *count += size;
        }
        return scion_matrix_wants(matrix, matrix->block[0].where, *count);
}

/* --- Runs ----------------------------------------------------------------------------------------------- */

/* One more run, at a combination. */
static void add_run(const struct scion_matrix *matrix, const uint32_t *row, struct scion_config_runs *runs)
{
        struct scion_config_point *point = runs->point + runs->count * matrix->axes;
        uint32_t *mine = runs->at + runs->count * matrix->groups;

        runs->run[runs->count++] = (struct scion_config_run){
                .matrix = matrix, .at = mine, .axes = matrix->axes, .point = point
        };
        for (size_t g = 0; g < matrix->groups; g++) {
                const struct scion_matrix_group *group = &matrix->group[g];
                const struct scion_matrix_value *value = scion_matrix_row(group, row[g]);

                mine[g] = row[g];
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
        return x < y ? -1 : x > y; /* the first one first */
}

/* Of the runs from `first` on, those that are there before get no number of axes. */
static bool mark_repeated(struct scion_config_runs *runs, size_t first)
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

/* The runs that `include` adds, each once. An entry that adds none is a mistake. */
static bool include(const struct scion_matrix *matrix, struct place *place, struct scion_config_runs *runs)
{
        size_t first = runs->count, from = first, kept = first;
        size_t *ends = calloc(matrix->blocks, sizeof *ends); /* of each block's runs */
        bool good = ends || scion_fail("out of memory");

        for (size_t i = 1; good && i < matrix->blocks; i++) {
                const struct scion_matrix_block *block = &matrix->block[i];

                begin(matrix, block, place);
                do
                        if (!is_crossed(matrix, place->row))
                                add_run(matrix, place->row, runs);
                while (step(matrix, block, place));
                ends[i] = runs->count;
        }
        good = good && mark_repeated(runs, first);
        for (size_t i = 1; good && i < matrix->blocks; i++) {
                size_t before = kept;

                for (; from < ends[i]; from++)
                        if (runs->run[from].axes != SIZE_MAX)
                                runs->run[kept++] = runs->run[from];
                if (kept == before)
                        good = scion_config_fail(matrix->block[i].where, "include: this is there already");
        }
        if (good)
                runs->count = kept;
        free(ends);
        return good;
}

static bool cross(const struct scion_matrix *matrix, struct scion_config_runs *runs)
{
        struct place place = { 0 };
        size_t count = 0;
        bool good = make_place(matrix, &place) && count_runs(matrix, &place, &count);

        if (!good)
                goto done;
        runs->run = calloc(count + 1, sizeof *runs->run);
        runs->at = calloc(count * matrix->groups + 1, sizeof *runs->at);
        runs->point = calloc(count * matrix->axes + 1, sizeof *runs->point);
        if (!runs->run || !runs->at || !runs->point) {
                good = scion_fail("out of memory");
                goto done;
        }
        begin(matrix, &matrix->block[0], &place);
        do
                if (!is_excluded(matrix, place.row))
                        add_run(matrix, place.row, runs);
        while (step(matrix, &matrix->block[0], &place));
        good = include(matrix, &place, runs);
done:
        free_place(&place);
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

/* --- The whole
 * ------------------------------------------------------------------------------------------------------- */

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

/* The matrix of a file, which it holds a copy of: runs live longer than what they were made of. */
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

                /* `null` takes away what another file has brought; nothing at all was forgotten. */
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
        good = scion_matrix_read_axes(matrix) && scion_matrix_read_rules(matrix) && cross(matrix, runs);
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
