#include "report/page.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "file/files.h"
#include "report/curves.h"
#include "report/figures.h"
#include "report/html.h"
#include "report/sections.h"
#include "table/metric.h"

#define MAX_ROWS 500                /* rows of a table */
#define MAX_CONFIGS 200             /* configurations on the page */
#define MAX_CONFIG_BYTES (64 << 10) /* bytes of a configuration */

struct page {
        const struct scion_comparison *comparison;
        const struct scion_figures *figures;
        struct scion_sections sections;
        struct scion_text text;
        size_t tables; /* number of tables so far, for their ids */
};

/* --- Tables --------------------------------------------------------------------------------------------- */

/* Adds the line and marker of the contender with that name, if it is drawn. */
static void page_add_sample(struct page *page, const char *name)
{
        const struct scion_groups *contenders = &page->comparison->contenders;

        for (size_t i = 0; i < contenders->count; i++)
                if (page->figures->style[i] != SCION_NO_COLUMN &&
                    strcmp(scion_groups_value(contenders, page->comparison->results, i, 0), name) == 0) {
                        scion_plots_add_sample(&page->text, page->figures->style[i]);
                        return;
                }
}

static void page_add_row(struct page *page, const struct scion_columns *table, size_t row)
{
        scion_html_add(&page->text, "<tr>");
        for (size_t i = 0; i < table->per_row; i++) {
                const char *cell = table->cell[row * table->per_row + i];
                bool words = i < table->numbers_from;

                if (row == 0 || words)
                        scion_html_add(&page->text, "<th scope=\"%s\"", row == 0 ? "col" : "row");
                else
                        scion_html_add(&page->text, "<td");
                scion_text_add(&page->text, words ? " class=\"w\">" : ">");
                if (row > 0 && i == 0)
                        page_add_sample(page, cell);
                scion_html_text(&page->text, cell);
                scion_text_add(&page->text, row == 0 || words ? "</th>" : "</td>");
        }
        scion_html_add(&page->text, "</tr>\n");
}

static void page_begin_table(struct page *page, const char *caption)
{
        size_t number = ++page->tables;

        scion_text_add(&page->text,
                       "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"table%zu\">"
                       "<table><caption><span id=\"table%zu\">",
                       number, number);
        scion_html_text(&page->text, caption);
        scion_text_add(&page->text, "</span></caption>\n");
}

static void page_add_table(struct page *page, const struct scion_section *section)
{
        size_t rows = section->table.count / section->table.per_row;
        size_t shown = rows > MAX_ROWS + 1 ? MAX_ROWS + 1 : rows;

        if (rows == 0)
                return;
        page_begin_table(page, section->title);
        scion_text_add(&page->text, "<thead>\n");
        page_add_row(page, &section->table, 0);
        scion_text_add(&page->text, "</thead><tbody>\n");
        for (size_t row = 1; row < shown; row++)
                page_add_row(page, &section->table, row);
        scion_text_add(&page->text, "</tbody></table></div>\n");
        if (shown < rows)
                scion_text_add(&page->text,
                               "<p class=\"note\">The first %d of %zu rows. scion compare --format csv has "
                               "all of them.</p>\n",
                               MAX_ROWS, rows - 1);
}

static void page_add_section(struct page *page, const struct scion_section *section)
{
        static const char *const headings[] = {
                [SCION_SECTION_SCORES] = "By itself", [SCION_SECTION_VERSUS] = "Against the baseline",
                [SCION_SECTION_RANKS] = "Over tasks", [SCION_SECTION_LABELS] = "Label efficiency",
                [SCION_SECTION_NOTES] = "Notes",
        };

        scion_html_add(&page->text, "<h3>%s</h3>\n", headings[section->kind]);
        page_add_table(page, section);
        for (size_t i = 0; i < section->notes.count; i++)
                scion_html_add(&page->text, "<p class=\"note\">%s</p>\n", section->notes.text[i]);
}

/* --- Figures -------------------------------------------------------------------------------------------- */

static void page_add_legend(struct page *page)
{
        const struct scion_groups *contenders = &page->comparison->contenders;

        scion_text_add(&page->text, "<ul class=\"legend\">\n");
        for (size_t i = 0; i < contenders->count; i++) {
                if (page->figures->style[i] == SCION_NO_COLUMN)
                        continue;
                scion_text_add(&page->text, "<li>");
                scion_plots_add_sample(&page->text, page->figures->style[i]);
                scion_html_add(&page->text, "%s</li>\n",
                               scion_groups_value(contenders, page->comparison->results, i, 0));
        }
        scion_text_add(&page->text, "</ul>\n");
}

static void page_add_panel(struct page *page, const struct scion_figure *figure,
                           const struct scion_panel *panel)
{
        const struct scion_plot *plot = &page->figures->plots.plot[panel->plot];
        const char *title = panel->title.text ? panel->title.text : "";

        scion_text_add(&page->text, "<div class=\"panel\">\n");
        if (*title)
                scion_html_add(&page->text, "<h4>%s</h4>\n", title);
        scion_text_add(
                &page->text,
                "<svg class=\"plot\" viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"plot%zu says%zu\">",
                plot->width, plot->height, panel->plot, panel->plot);
        scion_text_add(&page->text, "<title id=\"plot%zu\">", panel->plot);
        scion_html_add(&page->text, "%s%s%s</title>", figure->title.text, *title ? ", " : "", title);
        scion_text_add(&page->text, "<desc id=\"says%zu\">", panel->plot);
        scion_html_add(&page->text, "%s</desc>", panel->description.text ? panel->description.text : "");
        scion_text_add(&page->text, "%s", plot->body);
        scion_text_add(&page->text, "</svg>\n</div>\n");
}

static void page_add_figure(struct page *page, const struct scion_figure *figure)
{
        bool wide = figure->kind == SCION_FIGURE_RANKS;

        scion_html_add(&page->text, "<figure>\n<h3>%s</h3>\n", figure->title.text);
        if (figure->legend)
                page_add_legend(page);
        scion_text_add(&page->text, "<div class=\"%s\"%s>\n",
                       wide                  ? "scroll wide"
                       : figure->panels == 1 ? "panels one"
                                             : "panels",
                       wide ? " role=\"region\" tabindex=\"0\" aria-label=\"Critical-difference diagram\""
                            : "");
        for (size_t i = 0; i < figure->panels; i++)
                page_add_panel(page, figure, &figure->panel[i]);
        scion_html_add(&page->text, "</div>\n<figcaption>%s</figcaption>\n</figure>\n", figure->caption.text);
}

static void page_add_figures(struct page *page, enum scion_figure_kind kind, size_t metric)
{
        for (size_t i = 0; i < page->figures->count; i++)
                if (page->figures->figure[i].kind == kind && page->figures->figure[i].metric == metric)
                        page_add_figure(page, &page->figures->figure[i]);
}

/* --- Runs ----------------------------------------------------------------------------------------------- */

static size_t comparison_count_failed(const struct scion_comparison *comparison)
{
        size_t failed = 0;

        for (size_t i = 0; i < comparison->results->runs; i++)
                failed += !comparison->results->run[i].done;
        return failed;
}

static size_t results_column(const struct scion_results *results, const char *name)
{
        for (size_t i = 0; i < results->columns; i++)
                if (strcmp(results->column[i].name, name) == 0)
                        return i;
        return SCION_NO_COLUMN;
}

static void page_add_failed_runs(struct page *page)
{
        const struct scion_results *results = page->comparison->results;
        size_t error = results_column(results, "error"), failed = comparison_count_failed(page->comparison),
               shown = 0;

        if (failed == 0)
                return;
        scion_text_add(&page->text, "<section id=\"failed\">\n<h2>Failed runs</h2>\n");
        page_begin_table(page, "Failed runs, which are not part of any mean, and their errors");
        scion_text_add(&page->text, "<thead><tr><th scope=\"col\" class=\"w\">run</th>"
                                    "<th scope=\"col\" class=\"w\">error</th></tr></thead><tbody>\n");
        for (size_t i = 0; i < results->runs && shown < MAX_ROWS; i++) {
                if (results->run[i].done)
                        continue;
                scion_html_add(
                        &page->text,
                        "<tr><th scope=\"row\" class=\"w\">%s</th><td class=\"w t bad\">%s</td></tr>\n",
                        results->run[i].id,
                        error == SCION_NO_COLUMN ? "" : scion_results_value(results, i, error));
                shown++;
        }
        scion_text_add(&page->text, "</tbody></table></div>\n");
        if (shown < failed)
                scion_text_add(&page->text, "<p class=\"note\">The first %zu of %zu.</p>\n", shown, failed);
        scion_text_add(&page->text, "</section>\n");
}

/* Adds the score of a run to the summary line of its configuration. */
static void page_add_score(struct page *page, size_t run)
{
        const struct scion_compared_metric *metric = &page->comparison->metric[0];
        char text[32];

        if (page->comparison->results->run[run].done)
                scion_html_add(&page->text, " <span class=\"about\">%s %s</span>", metric->name,
                               scion_metric_text(
                                       metric->name,
                                       scion_results_number(page->comparison->results, run, metric->column),
                                       SCION_AS_VALUE, text));
        else
                scion_html_add(&page->text, " <span class=\"bad\">failed</span>");
}

struct configs {
        size_t most; /* most configurations of a contender */
        size_t shown, missing, left_out;
        struct scion_text first; /* the message for the first of the missing ones */
};

static void page_add_config(struct page *page, size_t run, struct configs *configs)
{
        char *path = scion_run_file(page->comparison->results, run, "config.yaml");
        size_t bytes;
        char *text = path ? scion_file_read(path, MAX_CONFIG_BYTES, &bytes) : NULL;

        if (text) {
                scion_html_add(&page->text, "<details><summary>%s", page->comparison->results->run[run].id);
                page_add_score(page, run);
                scion_html_add(&page->text, "</summary>\n<pre tabindex=\"0\">%s</pre></details>\n", text);
                configs->shown++;
        } else if (configs->missing++ == 0) {
                scion_text_add(&configs->first, "%s", scion_error());
        }
        free(text);
        free(path);
}

/* Adds the configurations of a contender; nothing if none can be read. */
static void page_add_contender_configs(struct page *page, size_t contender, struct configs *configs)
{
        const struct scion_comparison *comparison = page->comparison;
        const char *name = scion_groups_value(&comparison->contenders, comparison->results, contender, 0);
        struct scion_text before = page->text, outer;
        size_t shown = configs->shown, tried = 0;

        page->text = (struct scion_text){ 0 };
        for (size_t run = 0; run < comparison->results->runs; run++) {
                if (comparison->contenders.group_of[run] != contender)
                        continue;
                if (tried++ < configs->most)
                        page_add_config(page, run, configs);
                else
                        configs->left_out++;
        }
        outer = page->text;
        page->text = before;
        if (configs->shown > shown) {
                scion_text_add(&page->text, "<details><summary>");
                page_add_sample(page, name);
                scion_html_add(&page->text, "%s", name);
                scion_text_add(&page->text, " <span class=\"about\">%zu run%s</span></summary>\n",
                               configs->shown - shown, configs->shown - shown == 1 ? "" : "s");
                scion_text_add(&page->text, "%s</details>\n", outer.text);
        }
        page->text.failed = page->text.failed || outer.failed;
        free(outer.text);
}

static void page_add_configs(struct page *page)
{
        size_t contenders = page->comparison->contenders.count;
        struct configs configs = { .most = contenders < MAX_CONFIGS ? MAX_CONFIGS / contenders : 1 };

        scion_text_add(
                &page->text,
                "<section id=\"configurations\">\n<h2>Configurations</h2>\n<p>The complete configuration of "
                "each run, including all defaults: <code>scion run</code> with it repeats the run.</p>\n");
        for (size_t i = 0; i < contenders; i++)
                if (i < MAX_CONFIGS)
                        page_add_contender_configs(page, i, &configs);
        if (configs.left_out || contenders > MAX_CONFIGS)
                scion_text_add(&page->text,
                               "<p class=\"note\">%zu of %zu runs are shown; the configurations of the "
                               "others are in the runs' folders.</p>\n",
                               configs.shown, page->comparison->results->runs);
        if (configs.missing) {
                scion_text_add(&page->text,
                               "<p class=\"note\">The configurations of %zu run%s cannot be read: ",
                               configs.missing, configs.missing == 1 ? "" : "s");
                scion_html_add(&page->text, "%s%s.</p>\n", configs.first.text ? configs.first.text : "",
                               configs.missing == 1 ? "" : "; and so on");
        }
        free(configs.first.text);
        scion_text_add(&page->text, "</section>\n");
}

/* --- The page ------------------------------------------------------------------------------------------- */

static void page_add_task_names(struct page *page)
{
        const struct scion_results *results = page->comparison->results;
        size_t named = 0;

        for (size_t i = 0; i < results->files && named < 5; i++) {
                bool again = false;

                for (size_t j = 0; j < i; j++)
                        again = again || strcmp(results->file[i].task, results->file[j].task) == 0;
                if (again)
                        continue;
                scion_html_add(&page->text,
                               named == 4 ? ", \u2026"
                               : named    ? ", %s"
                                          : "%s",
                               results->file[i].task);
                named++;
        }
}

static void page_add_lead(struct page *page)
{
        const struct scion_comparison *comparison = page->comparison;
        const struct scion_results *results = comparison->results;
        size_t failed = comparison_count_failed(comparison);

        scion_text_add(&page->text, "<p class=\"lead\">%zu run%s, %zu of them failed. Compared by ",
                       results->runs, results->runs == 1 ? "" : "s", failed);
        scion_html_add(&page->text, "<b>%s</b>",
                       scion_results_heading(results, comparison->contenders.column[0]));
        scion_text_add(&page->text, ": %zu, over %zu task%s", comparison->contenders.count,
                       comparison->tasks.count, comparison->tasks.count == 1 ? "" : "s");
        if (comparison->baseline < comparison->contenders.count)
                scion_html_add(&page->text, "; the baseline is <b>%s</b>",
                               scion_groups_value(&comparison->contenders, results, comparison->baseline, 0));
        scion_text_add(&page->text, ".</p>\n<p class=\"about\">From ");
        for (size_t i = 0; i < results->files && i < 5; i++)
                scion_html_add(&page->text, i ? ", %s" : "%s", results->file[i].path);
        if (results->files > 5)
                scion_text_add(&page->text, " and %zu more", results->files - 5);
        scion_text_add(&page->text, ".</p>\n");
}

static bool page_has_curves(const struct page *page)
{
        for (size_t i = 0; i < page->figures->count; i++)
                if (page->figures->figure[i].kind == SCION_FIGURE_CURVES)
                        return true;
        return false;
}

static bool page_has_notes(const struct page *page)
{
        return page->figures->notes.count > 0 ||
               (page->sections.count > 0 &&
                page->sections.section[page->sections.count - 1].kind == SCION_SECTION_NOTES);
}

static void page_add_head(struct page *page)
{
        scion_text_add(&page->text,
                       "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                       "'unsafe-inline'\">\n<title>");
        page_add_task_names(page);
        scion_text_add(&page->text,
                       ": comparison</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<h1>",
                       scion_page_style);
        page_add_task_names(page);
        scion_text_add(&page->text, "</h1>\n");
        page_add_lead(page);
        scion_text_add(&page->text, "<nav aria-label=\"Contents\"><ul>\n");
        for (size_t i = 0; i < page->comparison->metrics; i++) {
                scion_text_add(&page->text, "<li><a href=\"#metric%zu\">", i);
                scion_html_add(&page->text, "%s</a></li>\n", page->comparison->metric[i].name);
        }
        if (page_has_curves(page))
                scion_text_add(&page->text, "<li><a href=\"#curves\">Learning curves</a></li>\n");
        if (comparison_count_failed(page->comparison))
                scion_text_add(&page->text, "<li><a href=\"#failed\">Failed runs</a></li>\n");
        if (page_has_notes(page))
                scion_text_add(&page->text, "<li><a href=\"#notes\">Notes</a></li>\n");
        scion_text_add(
                &page->text,
                "<li><a href=\"#configurations\">Configurations</a></li>\n</ul></nav>\n</header>\n<main>\n%s",
                scion_plots_markers);
}

static void page_add_metric(struct page *page, size_t metric)
{
        scion_text_add(&page->text, "<section id=\"metric%zu\">\n", metric);
        scion_html_add(&page->text, "<h2>%s</h2>\n", page->comparison->metric[metric].name);
        for (size_t i = 0; i < page->sections.count; i++) {
                const struct scion_section *section = &page->sections.section[i];

                if (section->kind == SCION_SECTION_NOTES || section->metric != metric)
                        continue;
                page_add_section(page, section);
                if (section->kind == SCION_SECTION_RANKS)
                        page_add_figures(page, SCION_FIGURE_RANKS, metric);
        }
        page_add_figures(page, SCION_FIGURE_LABELS, metric);
        page_add_figures(page, SCION_FIGURE_TIME, metric);
        scion_text_add(&page->text, "</section>\n");
}

static void page_add_notes(struct page *page)
{
        if (!page_has_notes(page))
                return;
        scion_text_add(&page->text, "<section id=\"notes\">\n<h2>Notes</h2>\n<ul>\n");
        for (size_t i = 0; i < page->sections.count; i++)
                for (size_t j = 0; page->sections.section[i].kind == SCION_SECTION_NOTES &&
                                   j < page->sections.section[i].notes.count;
                     j++)
                        scion_html_add(&page->text, "<li>%s</li>\n", page->sections.section[i].notes.text[j]);
        for (size_t i = 0; i < page->figures->notes.count; i++)
                scion_html_add(&page->text, "<li>%s.</li>\n", page->figures->notes.text[i]);
        scion_text_add(&page->text, "</ul>\n</section>\n");
}

static bool page_compose(struct page *page)
{
        page_add_head(page);
        for (size_t i = 0; i < page->comparison->metrics; i++)
                page_add_metric(page, i);
        if (page_has_curves(page)) {
                scion_text_add(&page->text, "<section id=\"curves\">\n<h2>Learning curves</h2>\n");
                page_add_figures(page, SCION_FIGURE_CURVES, SCION_NO_COLUMN);
                scion_text_add(&page->text, "</section>\n");
        }
        page_add_failed_runs(page);
        page_add_notes(page);
        page_add_configs(page);
        scion_text_add(&page->text,
                       "</main>\n<footer>Written by scion compare, version %s.</footer>\n</body>\n</html>\n",
                       SCION_VERSION);
        return !page->text.failed || scion_fail("out of memory");
}

bool scion_page_write(const struct scion_comparison *comparison, const char *path)
{
        struct scion_figures figures = { 0 };
        struct page page = { .comparison = comparison, .figures = &figures };
        bool good = scion_sections_make(comparison, &page.sections) &&
                    scion_figures_make(comparison, &figures) && page_compose(&page) &&
                    scion_file_write(path, page.text.text, page.text.length);

        scion_sections_finish(&page.sections);
        scion_figures_finish(&figures);
        free(page.text.text);
        return good;
}
