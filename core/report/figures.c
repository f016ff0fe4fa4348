#include "report/figures.h"

#include <math.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "compare/parts.h"
#include "report/figure_parts.h"
#include "table/metric.h"

/* --- A figure and its panels ---------------------------------------------------------------------------- */

struct scion_figure *scion_figure_add(struct scion_figures *figures, enum scion_figure_kind kind,
                                      size_t metric)
{
        struct scion_figure *larger = realloc(figures->figure, (figures->count + 1) * sizeof *larger);

        if (!larger)
                return scion_fail_null("out of memory");
        figures->figure = larger;
        larger[figures->count] = (struct scion_figure){ .kind = kind, .metric = metric };
        return &larger[figures->count++];
}

struct scion_panel *scion_figure_panel(struct scion_figures *figures, struct scion_figure *figure, int width,
                                       int height)
{
        if (figure->panels == SCION_FIGURE_PANELS)
                return NULL;
        struct scion_panel *panel = &figure->panel[figure->panels++];

        *panel = (struct scion_panel){ .plot = scion_plots_begin(&figures->plots, width, height) };
        return panel;
}

void scion_panel_title(struct scion_panel *panel, const struct scion_comparison *comparison,
                       const struct scion_groups *groups, size_t group)
{
        for (size_t i = 0; i < groups->columns; i++)
                if (scion_groups_vary(groups, comparison->results, i))
                        scion_text_add(&panel->title, "%s%s %s", panel->title.length ? ", " : "",
                                       scion_results_heading(comparison->results, groups->column[i]),
                                       scion_groups_value(groups, comparison->results, group, i));
}

const char *scion_contender_name(const struct scion_comparison *comparison, size_t contender)
{
        return scion_groups_value(&comparison->contenders, comparison->results, contender, 0);
}

void scion_panel_describe(struct scion_panel *panel, bool more, const char *contender, const char *metric,
                          const struct scion_spread *spread)
{
        char mean[32], deviation[32];

        scion_text_add(&panel->description, "%s%s %s", more ? ", " : "", contender,
                       scion_metric_text(metric, spread->mean, SCION_AS_VALUE, mean));
        if (spread->count > 1)
                scion_text_add(&panel->description, " (sd %s)",
                               scion_metric_text(metric, scion_spread_deviation(spread), SCION_AS_SPREAD,
                                                 deviation));
}

void scion_figure_note_omitted(struct scion_figure *figure, size_t panels, const char *what)
{
        if (panels > SCION_FIGURE_PANELS)
                scion_text_add(&figure->caption, " The first %d of %zu %s are drawn.", SCION_FIGURE_PANELS,
                               panels, what);
}

/* --- Axes and data -------------------------------------------------------------------------------------- */

/* The largest value that an axis covers, and the inverse of the smallest one above 0: the differences and
 * quotients of such values are finite. */
#define MOST_DRAWN 1e150

void scion_extent_add(struct scion_extent *extent, double value)
{
        if (!(fabs(value) <= MOST_DRAWN))
                return;
        if (fabs(value) < 1 / MOST_DRAWN)
                value = 0;
        extent->low = fmin(extent->low, value);
        extent->high = fmax(extent->high, value);
}

/* Computes the band of mean and deviation, clipped to 0 and 1 for shares. */
static void spread_band(const char *metric, const struct scion_spread *spread, double *low, double *high)
{
        double deviation = scion_spread_deviation(spread);

        *low = spread->mean - deviation;
        *high = spread->mean + deviation;
        if (scion_metric_is_fraction(metric)) {
                *low = fmax(*low, fmin(0, spread->mean));
                *high = fmin(*high, fmax(1, spread->mean));
        }
}

void scion_extent_spread(struct scion_extent *extent, const char *metric, const struct scion_spread *spread)
{
        double low, high;

        spread_band(metric, spread, &low, &high);
        scion_extent_add(extent, low);
        scion_extent_add(extent, high);
}

double scion_plot_value(const char *metric, double value)
{
        return scion_metric_is_fraction(metric) ? 100 * value : value;
}

void scion_plot_spread(struct scion_plots *plots, double x, const char *metric,
                       const struct scion_spread *spread)
{
        double low, high;

        spread_band(metric, spread, &low, &high);
        scion_plots_add(plots, "%.8g %.6g %.6g %.6g\n", x, scion_plot_value(metric, spread->mean),
                        scion_plot_value(metric, low), scion_plot_value(metric, high));
}

void scion_plot_y_axis(struct scion_plots *plots, const char *metric, const struct scion_extent *extent,
                       bool log)
{
        double low = scion_plot_value(metric, extent->low), high = scion_plot_value(metric, extent->high);
        double room;

        if (!(low <= high)) { /* no value can be drawn */
                low = 0;
                high = 1;
        }
        room = 0.04 * (high - low);
        if (log && low > 0 && high / low > 20) {
                scion_plots_add(plots, "set logscale y\nset yrange [%.6g:%.6g]\nset format y '%%g'\n",
                                low / 1.1, high * 1.1);
                return;
        }
        if (!(room > 1e-6 * fabs(high)))
                room = fabs(high) > 0 ? 0.05 * fabs(high) : 1;
        low = low >= 0 ? fmax(0, low - room) : low - room;
        high = scion_metric_is_fraction(metric) && high <= 100 ? fmin(100, high + room) : high + room;
        scion_plots_add(plots, "set yrange [%.6g:%.6g]\nset format y '%s'\n", low, high,
                        scion_metric_is_fraction(metric) ? "%g %%" : "%g");
}

void scion_plot_data_begin(struct scion_plots *plots, size_t contender)
{
        scion_plots_add(plots, "$data%zu << END\n", contender);
}

void scion_plot_data_end(struct scion_plots *plots)
{
        scion_plots_add(plots, "END\n");
}

void scion_plot_line(struct scion_plot_lines *lines, struct scion_figures *figures, size_t contender,
                     const char *name, bool markers)
{
        size_t style = figures->style[contender], title = scion_plots_text(&figures->plots, name);
        char text[80];

        scion_text_add(&lines->bands, "$data%zu using 1:3:4 with filledcurves %s title '@%zu@', ", contender,
                       scion_plots_area(style, text), title);
        scion_text_add(&lines->lines, "$data%zu using 1:2 with lines %s title '@%zu@', ", contender,
                       scion_plots_line(style, text), title);
        if (markers)
                scion_text_add(&lines->lines, "$data%zu using 1:2 with points %s title '@%zu@', ", contender,
                               scion_plots_points(style, false, text), title);
}

void scion_plot_lines_end(struct scion_plot_lines *lines, struct scion_plots *plots)
{
        plots->failed = plots->failed || lines->bands.failed || lines->lines.failed;
        scion_text_add(&plots->script, "plot %s%sNaN notitle\n", lines->bands.text ? lines->bands.text : "",
                       lines->lines.text ? lines->lines.text : "");
        free(lines->bands.text);
        free(lines->lines.text);
        *lines = (struct scion_plot_lines){ 0 };
}

/* --- The contenders that are drawn ---------------------------------------------------------------------- */

struct standing {
        size_t contender;
        bool baseline;
        double mean; /* mean over all runs, where less is better; INFINITY without runs */
};

static int standing_compare(const void *a, const void *b)
{
        const struct standing *left = a, *right = b;

        if (left->baseline != right->baseline)
                return left->baseline ? -1 : 1;
        if (left->mean < right->mean || left->mean > right->mean)
                return left->mean < right->mean ? -1 : 1;
        return (left->contender > right->contender) - (left->contender < right->contender);
}

/*
 * Chooses the contenders to draw when there are more than distinct styles: the baseline and those with the
 * best means.
 */
static bool contenders_choose(const struct scion_comparison *comparison, struct standing *standing,
                              size_t *style)
{
        const struct scion_compared_metric *metric = &comparison->metric[0];
        size_t count = comparison->contenders.count;
        struct scion_spread *spread = calloc(count, sizeof *spread);
        double value;

        if (!spread)
                return scion_fail("out of memory");
        for (size_t i = 0; i < comparison->results->runs; i++)
                if (scion_compared_value(comparison, metric, i, &value))
                        scion_spread_add(&spread[comparison->contenders.group_of[i]], value);
        for (size_t i = 0; i < count; i++) {
                standing[i] = (struct standing){ i, i == comparison->baseline, INFINITY };
                if (spread[i].count)
                        standing[i].mean = metric->lower_better ? spread[i].mean : -spread[i].mean;
        }
        free(spread);
        qsort(standing, count, sizeof *standing, standing_compare);
        for (size_t i = 0; i < count; i++)
                style[standing[i].contender] = i < SCION_PLOT_STYLES ? 0 : SCION_NO_COLUMN;
        for (size_t i = 0, next = 0; i < count; i++)
                if (style[i] == 0)
                        style[i] = next++;
        return true;
}

static bool figures_set_styles(struct scion_figures *figures, const struct scion_comparison *comparison)
{
        size_t count = comparison->contenders.count;
        struct standing *standing = malloc((count + 1) * sizeof *standing);

        figures->style = malloc((count + 1) * sizeof *figures->style);
        bool good = (standing && figures->style) || scion_fail("out of memory");

        good = good && contenders_choose(comparison, standing, figures->style);
        free(standing);
        if (good && count > SCION_PLOT_STYLES)
                scion_notes_add(&figures->notes,
                                "%d of %zu are drawn: those with the best mean %s%s. The tables have all",
                                SCION_PLOT_STYLES, count, comparison->metric[0].name,
                                comparison->baseline < count ? ", and the baseline" : "");
        return good;
}

/* --- All figures ---------------------------------------------------------------------------------------- */

static bool figures_check_memory(const struct scion_figures *figures)
{
        bool failed = figures->notes.failed;

        for (size_t i = 0; i < figures->count; i++) {
                const struct scion_figure *figure = &figures->figure[i];

                failed = failed || figure->title.failed || figure->caption.failed;
                for (size_t j = 0; j < figure->panels; j++)
                        failed = failed || figure->panel[j].title.failed ||
                                 figure->panel[j].description.failed;
        }
        return !failed || scion_fail("out of memory");
}

bool scion_figures_make(const struct scion_comparison *comparison, struct scion_figures *figures)
{
        *figures = (struct scion_figures){ 0 };
        bool good = figures_set_styles(figures, comparison);

        for (size_t i = 0; good && i < comparison->metrics; i++)
                good = scion_figure_labels(figures, comparison, i) &&
                       scion_figure_ranks(figures, comparison, i) &&
                       scion_figure_time(figures, comparison, i);
        good = good && scion_figure_curves(figures, comparison) && figures_check_memory(figures) &&
               scion_plots_draw(&figures->plots);
        if (!good)
                scion_figures_finish(figures);
        return good;
}

void scion_figures_finish(struct scion_figures *figures)
{
        for (size_t i = 0; i < figures->count; i++) {
                struct scion_figure *figure = &figures->figure[i];

                free(figure->title.text);
                free(figure->caption.text);
                for (size_t j = 0; j < figure->panels; j++) {
                        free(figure->panel[j].title.text);
                        free(figure->panel[j].description.text);
                }
        }
        free(figures->figure);
        free(figures->style);
        scion_plots_finish(&figures->plots);
        scion_notes_finish(&figures->notes);
        *figures = (struct scion_figures){ 0 };
}
