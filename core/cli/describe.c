/* The description of a plugin as text. */
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "base/width.h"
#include "cli/describe.h"
#include "data/data.h"
#include "data/transform.h"
#include "plugin/params.h"
#include "table/wrap.h"

#define INDENT 2
#define GAP 2
#define MAX_TYPE_WIDTH 14 /* a longer type, with many choices, is moved to the meaning */
/* Least width of the column `meaning`; if there is less, it goes to a line of its own. */
#define MIN_MEANING_WIDTH 24

enum { NAME, TYPE, DEFAULT, RANGE, COLUMNS };

/* A row of the table. */
struct line {
        char *cell[COLUMNS];
        char *meaning;
};

/* --- Tables of parameters ------------------------------------------------------------------------------- */

static bool line_create(const struct scion_param *param, struct line *line)
{
        struct scion_text cell[COLUMNS] = { { 0 } }, meaning = { 0 };
        bool failed = false;

        scion_text_add(&cell[NAME], "%s", param->name);
        scion_param_type_text(param, &cell[TYPE]);
        scion_param_default_text(param, &cell[DEFAULT]);
        scion_param_range_text(param, &cell[RANGE]);
        if (cell[TYPE].text && cell[TYPE].length > MAX_TYPE_WIDTH && param->type == SCION_PARAM_CHOICE) {
                scion_text_add(&meaning, "%s: %s", cell[TYPE].text, param->help);
                strcpy(cell[TYPE].text, "choice"); /* shorter than the old text */
        } else {
                scion_text_add(&meaning, "%s", param->help);
        }
        for (int i = 0; i < COLUMNS; i++) {
                line->cell[i] = cell[i].text;
                failed = failed || cell[i].failed;
        }
        line->meaning = meaning.text;
        return !failed && !meaning.failed;
}

static void line_print(const struct line *line, const int *widths, bool below, FILE *file)
{
        int at = INDENT;

        fprintf(file, "%*s", INDENT, "");
        for (int i = 0; i < COLUMNS; i++) {
                const char *cell = line->cell[i] ? line->cell[i] : "";
                bool last = below && (i == RANGE || (i == DEFAULT && widths[RANGE] == 0));

                if (widths[i] == 0)
                        continue;
                fprintf(file, "%s%*s", cell, last ? 0 : widths[i] + GAP - scion_width(cell), "");
                at += widths[i] + GAP;
        }
        if (below) {
                at = INDENT + widths[NAME] + GAP;
                fprintf(file, "\n%*s", at, "");
        }
        scion_wrap(line->meaning, strlen(line->meaning), at, at, SCION_PAGE_WIDTH, file);
}

static void lines_print(const struct line *lines, size_t count, FILE *file)
{
        int widths[COLUMNS] = { 0 }, start = INDENT;

        for (size_t i = 0; i < count; i++)
                for (int c = 0; c < COLUMNS; c++) {
                        int width = lines[i].cell[c] ? scion_width(lines[i].cell[c]) : 0;

                        widths[c] = width > widths[c] ? width : widths[c];
                }
        /* Columns that are empty except for the heading are left out. */
        for (int c = 0; c < COLUMNS; c++) {
                bool any = false;

                for (size_t i = 1; i < count; i++)
                        any = any || (lines[i].cell[c] && *lines[i].cell[c]);
                if (!any)
                        widths[c] = 0;
                else
                        start += widths[c] + GAP;
        }
        for (size_t i = 0; i < count; i++)
                line_print(&lines[i], widths, start + MIN_MEANING_WIDTH > SCION_PAGE_WIDTH, file);
}

static bool params_print(const struct scion_param *params, FILE *file)
{
        static const char *const head[COLUMNS] = { "parameter", "type", "default", "range" };
        size_t count = 1, made = 1;
        struct line *lines;
        bool good = true;

        for (const struct scion_param *param = params; param->type != SCION_PARAM_END; param++)
                count++;
        lines = calloc(count, sizeof *lines);
        if (!lines)
                return scion_fail("out of memory");
        memcpy(lines[0].cell, head, sizeof head);
        lines[0].meaning = (char *)"meaning";
        for (; good && made < count; made++)
                good = line_create(&params[made - 1], &lines[made]);
        if (good)
                lines_print(lines, count, file);
        else
                scion_fail("out of memory");
        for (size_t i = 1; i < made; i++) {
                for (int c = 0; c < COLUMNS; c++)
                        free(lines[i].cell[c]);
                free(lines[i].meaning);
        }
        free(lines);
        return good;
}

static bool data_keys_print(FILE *file)
{
        fputs("\nEvery dataset also takes:\n\n", file);
        if (!params_print(scion_data_params, file))
                return false;
        fputs("\nand transform, a list of transforms for every input: { use: NAME, ... }\n", file);
        for (const struct scion_transform_kind *kind = scion_transform_kinds; kind->name; kind++) {
                fprintf(file, "\n  %s: %s\n", kind->name, kind->summary);
                if (kind->params && !params_print(kind->params, file))
                        return false;
        }
        return true;
}

/* --- The description ------------------------------------------------------------------------------------ */

static void field_print(const char *name, const char *text, FILE *file)
{
        fprintf(file, "  %-9s  ", name);
        scion_wrap(text, strlen(text), 13, 13, SCION_PAGE_WIDTH, file);
}

static bool plugin_print_needs(const struct scion_plugin *plugin, FILE *file)
{
        bool failed = false;
        char *need;

        for (size_t i = 0; (need = scion_plugin_need(plugin, i, &failed)); i++) {
                field_print(i == 0 ? "needs" : "", need, file);
                free(need);
        }
        return !failed || scion_fail("out of memory");
}

static bool plugin_print_example(const struct scion_plugin *plugin, FILE *file)
{
        struct scion_text text = { 0 };

        scion_describe_example(plugin, &text);
        if (text.failed) {
                free(text.text);
                return scion_fail("out of memory");
        }
        fputs("\nAn experiment that uses it, which --example prints alone:\n\n", file);
        for (const char *line = text.text; *line; line += strcspn(line, "\n") + 1) {
                int length = (int)strcspn(line, "\n");

                fprintf(file, "%s%.*s\n", length ? "  " : "", length, line);
        }
        free(text.text);
        return true;
}

bool scion_describe(const struct scion_plugin *plugin, FILE *file)
{
        struct scion_text title = { 0 };

        scion_text_add(&title, "%s %s: %s", scion_kind_name(plugin->kind), plugin->name, plugin->summary);
        if (title.failed)
                return scion_fail("out of memory");
        scion_wrap(title.text, title.length, 0, 0, SCION_PAGE_WIDTH, file);
        free(title.text);
        fputc('\n', file);
        if (plugin->reference)
                field_print("reference", plugin->reference, file);
        if (!plugin_print_needs(plugin, file))
                return false;
        fprintf(file, "  file       %s\n\n", scion_plugin_path(plugin));
        if (!plugin->params || plugin->params->type == SCION_PARAM_END)
                fputs("  It has no parameters.\n", file);
        else if (!params_print(plugin->params, file))
                return false;
        return (plugin->kind != SCION_DATASET || data_keys_print(file)) && plugin_print_example(plugin, file);
}
