#include "suite/progress_lines.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/width.h"

#define GAP 2            /* columns between two cells */
#define NAME_WIDTH 16    /* width that a run's name keeps; other cells are dropped for it */
#define MIN_NAME_WIDTH 5 /* width for which even the last two cells are dropped */

/* In display order. */
enum cell { STAGE, EPOCH, STEPS, LOSS, SCORE, VALID, LEFT, CELLS };

/* The order in which cells are dropped when there is no room. */
static const enum cell drop_order[CELLS] = { STEPS, VALID, LOSS, STAGE, SCORE, LEFT, EPOCH };

struct table {
        int width;
        int cell[CELLS]; /* width of each cell; 0 if it is not shown */
        int name;
        bool values; /* scores are squared errors rather than accuracies */
        bool colours;
};

#define CELL 48
#define RED "\033[31m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

/* --- Cells of a run ------------------------------------------------------------------------------------- */

static void score_text(double score, bool value, char *text)
{
        if (isnan(score))
                snprintf(text, CELL, "-");
        else
                snprintf(text, CELL, value ? "%.4g" : "%.1f %%", value ? score : 100 * score);
}

static void epoch_text(const struct scion_slot *slot, char *text)
{
        const struct scion_progress *last = &slot->last;

        if (!slot->has_progress || last->phase == SCION_AT_START)
                snprintf(text, CELL, "starts");
        else if (last->phase == SCION_AT_WAIT)
                snprintf(text, CELL, "waits");
        else if (last->phase == SCION_AT_TEST)
                snprintf(text, CELL, "test");
        else
                snprintf(text, CELL, "%lld/%lld", (long long)last->epoch, (long long)last->epochs);
}

static void cell_text(const struct scion_progress_lines_run *run, enum cell cell, char *text)
{
        const struct scion_progress *last = &run->slot->last;
        bool training =
                run->slot->has_progress && (last->phase == SCION_AT_STEP || last->phase == SCION_AT_EPOCH);
        char time[32];

        snprintf(text, CELL, "%s", training || cell == STAGE ? "" : "-");
        if (cell == STAGE)
                snprintf(text, CELL, "%s", run->slot->stage);
        else if (cell == EPOCH)
                epoch_text(run->slot, text);
        else if (cell == LEFT)
                snprintf(text, CELL, "%s%s", scion_time_text(run->left, time), run->more ? "+" : "");
        else if (training && cell == STEPS)
                snprintf(text, CELL, "%.0f %%", 100 * (double)last->step / (double)fmax(last->steps, 1));
        else if (training && cell == LOSS)
                snprintf(text, CELL, isnan(last->train_loss) ? "-" : "%.4g", last->train_loss);
        else if (training)
                score_text(cell == SCORE ? last->train_score : last->valid_score, last->values, text);
}

static const char *cell_heading(const struct table *table, enum cell cell)
{
        static const char *const names[CELLS] = { "stage", "epoch", "", "loss", NULL, "valid", "left" };

        return cell == SCORE ? (table->values ? "mse" : "accuracy") : names[cell];
}

/* --- Lines ---------------------------------------------------------------------------------------------- */

static void line_add_spaces(struct scion_text *text, int count)
{
        if (count > 0)
                scion_text_add(text, "%*s", count, "");
}

/* Adds a cell: the stage aligned to the left, the others to the right. */
static void line_add_cell(struct scion_text *text, const struct table *table, enum cell cell,
                          const char *content)
{
        int room = table->cell[cell];
        int pad = room - scion_width(content);

        if (room == 0)
                return;
        line_add_spaces(text, GAP);
        if (cell != STAGE)
                line_add_spaces(text, pad);
        scion_width_add(text, content, room);
        if (cell == STAGE)
                line_add_spaces(text, pad);
}

static void line_add_run(struct scion_text *text, const struct table *table,
                         const struct scion_progress_lines_run *run)
{
        line_add_spaces(text, table->name - scion_width_add(text, run->id, table->name));
        for (int i = 0; i < CELLS; i++) {
                char content[CELL];

                cell_text(run, (enum cell)i, content);
                line_add_cell(text, table, (enum cell)i, content);
        }
}

static void line_add_headings(struct scion_text *text, const struct table *table)
{
        scion_text_add(text, "%s", table->colours ? DIM : "");
        line_add_spaces(text, table->name - scion_width_add(text, "run", table->name));
        for (int i = 0; i < CELLS; i++)
                line_add_cell(text, table, (enum cell)i, cell_heading(table, (enum cell)i));
        scion_text_add(text, "%s", table->colours ? PLAIN : "");
}

/* Adds the summary line, in the longest of five forms that fits the width. */
static void line_add_counts(struct scion_text *text, const struct scion_progress_lines *block,
                            const struct table *table)
{
        const char *red = table->colours && block->failed > 0 ? RED : "", *plain = *red ? PLAIN : "";
        size_t from = text->length;
        char time[32];

        scion_time_text(block->left, time);
        for (int brevity = 0; brevity < 5; brevity++) {
                text->length = from;
                if (brevity == 0 && scion_width_add(text, block->name, table->width) > 0)
                        scion_text_add(text, ": ");
                if (brevity < 2)
                        scion_text_add(text, "%zu of %zu done, %zu running, %s%zu failed%s, %zu waiting",
                                       block->done, block->count, block->runs, red, block->failed, plain,
                                       block->waiting);
                else if (brevity == 2)
                        scion_text_add(text, "%zu/%zu done, %zu run, %s%zu fail%s, %zu wait", block->done,
                                       block->count, block->runs, red, block->failed, plain, block->waiting);
                else if (brevity == 3)
                        scion_text_add(text, "%zu/%zu, %s%zu fail%s", block->done, block->count, red,
                                       block->failed, plain);
                else
                        scion_text_add(text, "%zu/%zu", block->done, block->count);
                if (!isnan(block->left))
                        scion_text_add(text, brevity < 2 ? ", %s left" : ", %s", time);
                int marks = brevity < 4 ? (int)(strlen(red) + strlen(plain))
                                        : 0; /* bytes of escape sequences, which have no width */

                if (text->failed || scion_width(text->text + from) - marks <= table->width)
                        return;
        }
        text->length = from;
        snprintf(time, sizeof time, "%zu/%zu", block->done, block->count);
        scion_width_add(text, time, table->width);
}

/* --- The block of lines --------------------------------------------------------------------------------- */

static void width_include(int *width, const char *content)
{
        int needed = scion_width(content);

        if (needed > *width)
                *width = needed;
}

/* Computes the widths of the cells from their contents, and drops cells until the names have room. */
static void table_measure(struct table *table, const struct scion_progress_lines *block)
{
        int longest = 3, sum = 0; /* the width of the heading "run" */

        for (size_t i = 0; i < block->runs; i++)
                table->values = table->values || block->run[i].slot->last.values;
        for (int cell = 0; cell < CELLS; cell++) {
                bool wanted = cell != VALID;

                for (size_t i = 0; i < block->runs; i++) {
                        char content[CELL];

                        cell_text(&block->run[i], (enum cell)cell, content);
                        width_include(&table->cell[cell], content);
                        wanted = wanted || (*content && strcmp(content, "-") != 0);
                }
                if (wanted)
                        width_include(&table->cell[cell], cell_heading(table, (enum cell)cell));
                else
                        table->cell[cell] = 0;
                sum += table->cell[cell] > 0 ? table->cell[cell] + GAP : 0;
        }
        for (size_t i = 0; i < block->runs; i++)
                width_include(&longest, block->run[i].id);
        for (int i = 0; i < CELLS; i++) {
                int *cell = &table->cell[drop_order[i]];
                int least = i < CELLS - 2 ? NAME_WIDTH : MIN_NAME_WIDTH;

                if (*cell == 0 || table->width - sum >= (longest < least ? longest : least))
                        continue;
                sum -= *cell + GAP;
                *cell = 0;
        }
        table->name = table->width - sum < longest ? table->width - sum : longest;
}

int scion_progress_lines_add(const struct scion_progress_lines *block, int width, int height, bool colours,
                             struct scion_text *text)
{
        struct table table = { .width = width, .colours = colours };
        int runs = (int)block->runs, rows = 1, shown;
        bool headed = height > 3 && runs > 0;

        line_add_counts(text, block, &table);
        table_measure(&table, block);
        if (headed) {
                scion_text_add(text, "\n");
                line_add_headings(text, &table);
                rows++;
        }
        shown = runs <= height - rows ? runs : height - rows - 1;
        for (int i = 0; i < shown; i++, rows++) {
                scion_text_add(text, "\n");
                line_add_run(text, &table, &block->run[i]);
        }
        if (shown >= 0 && shown < runs && rows < height) {
                char rest[40];

                snprintf(rest, sizeof rest, "... and %d more", runs - shown);
                scion_text_add(text, "\n");
                scion_width_add(text, rest, width);
                rows++;
        }
        return rows;
}
