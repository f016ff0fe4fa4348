/*
 * The metric against the number of labels: a line for each contender, a panel for each combination of other
 * settings.
 */
#include <math.h>
#include <scion/error.h>
#include <stdlib.h>

#include "compare/parts.h"
#include "report/figure_parts.h"

#define MAX_TICS 7

struct place {
        size_t task;
        double labels;
};

struct labels {
        struct scion_figures *figures;
        const struct scion_comparison *comparison;
        const struct scion_compared_metric *metric;
        struct scion_figure *figure;
        struct scion_spread *cell; /* [contender * tasks + task] */
        struct place *place;       /* the tasks on the axis, sorted by the number of labels */
        size_t places;
        struct scion_extent extent;
};

static int place_by_labels(const void *a, const void *b)
{
        const struct place *left = a, *right = b;

        if (left->labels < right->labels || left->labels > right->labels)
                return left->labels < right->labels ? -1 : 1;
        return (left->task > right->task) - (left->task < right->task);
}

/* Collects the tasks whose number of labels is positive, for the logarithmic axis. */
static void labels_find_places(struct labels *labels)
{
        const struct scion_comparison *comparison = labels->comparison;

        for (size_t task = 0; task < comparison->tasks.count; task++) {
                double value = scion_results_number(comparison->results, comparison->tasks.first[task],
                                                    comparison->labels);

                if (value > 0 && isfinite(value))
                        labels->place[labels->places++] = (struct place){ task, value };
                else
                        scion_notes_add(
                                &labels->figures->notes,
                                "Runs with %s %s are not in the plots against it, whose axis is logarithmic",
                                scion_results_heading(comparison->results, comparison->labels),
                                scion_results_value(comparison->results, comparison->tasks.first[task],
                                                    comparison->labels));
        }
        qsort(labels->place, labels->places, sizeof *labels->place, place_by_labels);
}

static void labels_add_runs(struct labels *labels)
{
        const struct scion_comparison *comparison = labels->comparison;
        double value;

        for (size_t run = 0; run < comparison->results->runs; run++)
                if (scion_compared_value(comparison, labels->metric, run, &value))
                        scion_spread_add(
                                &labels->cell[comparison->contenders.group_of[run] * comparison->tasks.count +
                                              comparison->tasks.group_of[run]],
                                value);
}

static const struct scion_spread *labels_cell(const struct labels *labels, size_t contender,
                                              const struct place *place)
{
        return &labels->cell[contender * labels->comparison->tasks.count + place->task];
}

static bool contender_is_drawn(const struct labels *labels, size_t contender)
{
        return labels->figures->style[contender] != SCION_NO_COLUMN;
}

static size_t place_setting(const struct labels *labels, const struct place *place)
{
        return labels->comparison->settings.group_of[labels->comparison->tasks.first[place->task]];
}

static void labels_find_extent(struct labels *labels)
{
        labels->extent = SCION_EXTENT_NONE;
        for (size_t contender = 0; contender < labels->comparison->contenders.count; contender++)
                for (size_t i = 0; contender_is_drawn(labels, contender) && i < labels->places; i++) {
                        const struct scion_spread *spread = labels_cell(labels, contender, &labels->place[i]);

                        if (spread->count && place_setting(labels, &labels->place[i]) < SCION_FIGURE_PANELS)
                                scion_extent_spread(&labels->extent, labels->metric->name, spread);
                }
}

/* Sets the horizontal axis, with at most MAX_TICS tics, at numbers of labels that were run. */
static void labels_add_x_axis(const struct labels *labels)
{
        const struct place *place = labels->place;
        size_t different = 1, every, seen = 0, marks = 0;

        for (size_t i = 1; i < labels->places; i++)
                different += place[i].labels > place[i - 1].labels;
        every = (different + MAX_TICS - 1) / MAX_TICS;
        scion_plots_add(&labels->figures->plots, "set logscale x\nset xrange [%.8g:%.8g]\nset xtics (",
                        place[0].labels / 1.08, place[labels->places - 1].labels * 1.08);
        for (size_t i = 0; i < labels->places; i++)
                if ((i == 0 || place[i].labels > place[i - 1].labels) && seen++ % every == 0)
                        scion_plots_add(&labels->figures->plots, "%s\"%g\" %.8g", marks++ ? ", " : "",
                                        place[i].labels, place[i].labels);
        scion_plots_add(
                &labels->figures->plots,
                ")\nset xlabel \"@%zu@\" offset 0,0.4 textcolor rgb " SCION_PLOT_INK "\n",
                scion_plots_text(&labels->figures->plots, scion_results_heading(labels->comparison->results,
                                                                                labels->comparison->labels)));
}

/* Adds the data of a contender. Returns the number of points. */
static size_t labels_add_data(const struct labels *labels, size_t setting, size_t contender)
{
        struct scion_plots *plots = &labels->figures->plots;
        size_t count = 0;

        scion_plot_data_begin(plots, contender);
        for (size_t i = 0; i < labels->places; i++) {
                const struct scion_spread *spread = labels_cell(labels, contender, &labels->place[i]);

                if (place_setting(labels, &labels->place[i]) != setting || spread->count == 0)
                        continue;
                scion_plot_spread(plots, labels->place[i].labels, labels->metric->name, spread);
                count++;
        }
        scion_plot_data_end(plots);
        return count;
}

/* Describes the panel: "With per_class 10: scratch 81.2 % (sd 1.3), ... With per_class 100: ..." */
static void panel_describe(const struct labels *labels, size_t setting, struct scion_panel *panel)
{
        const char *heading = scion_results_heading(labels->comparison->results, labels->comparison->labels);

        for (size_t i = 0; i < labels->places; i++) {
                bool more = false;

                if (place_setting(labels, &labels->place[i]) != setting)
                        continue;
                scion_text_add(&panel->description, "%sWith %s %g: ", panel->description.length ? ". " : "",
                               heading, labels->place[i].labels);
                for (size_t contender = 0; contender < labels->comparison->contenders.count; contender++) {
                        const struct scion_spread *spread = labels_cell(labels, contender, &labels->place[i]);

                        if (!contender_is_drawn(labels, contender) || spread->count == 0)
                                continue;
                        scion_panel_describe(panel, more, scion_contender_name(labels->comparison, contender),
                                             labels->metric->name, spread);
                        more = true;
                }
        }
}

static void labels_draw_panel(struct labels *labels, size_t setting)
{
        struct scion_figures *figures = labels->figures;
        struct scion_panel *panel =
                scion_figure_panel(figures, labels->figure, SCION_PANEL_WIDTH, SCION_PANEL_HEIGHT);
        size_t count = labels->comparison->contenders.count;

        scion_panel_title(panel, labels->comparison, &labels->comparison->settings, setting);
        scion_plot_y_axis(&figures->plots, labels->metric->name, &labels->extent, false);
        labels_add_x_axis(labels);
        struct scion_plot_lines lines = { 0 };

        for (size_t contender = 0; contender < count; contender++)
                if (contender_is_drawn(labels, contender) && labels_add_data(labels, setting, contender) > 0)
                        scion_plot_line(&lines, figures, contender,
                                        scion_contender_name(labels->comparison, contender), true);
        scion_plot_lines_end(&lines, &figures->plots);
        panel_describe(labels, setting, panel);
}

static bool labels_draw(struct labels *labels)
{
        const struct scion_comparison *comparison = labels->comparison;
        size_t settings = comparison->settings.count;

        labels_find_extent(labels);
        if (!(labels->extent.low <= labels->extent.high))
                return true;
        labels->figure = scion_figure_add(labels->figures, SCION_FIGURE_LABELS,
                                          (size_t)(labels->metric - comparison->metric));
        if (!labels->figure)
                return false;
        labels->figure->legend = true;
        scion_text_add(&labels->figure->title, "%s against %s", labels->metric->name,
                       scion_results_heading(comparison->results, comparison->labels));
        scion_text_add(&labels->figure->caption,
                       "Mean over runs; the band is one standard deviation to each side.");
        scion_figure_note_omitted(labels->figure, settings, "settings");
        for (size_t setting = 0; setting < settings && setting < SCION_FIGURE_PANELS; setting++)
                labels_draw_panel(labels, setting);
        return true;
}

bool scion_figure_labels(struct scion_figures *figures, const struct scion_comparison *comparison,
                         size_t metric)
{
        struct labels labels = { .figures = figures,
                                 .comparison = comparison,
                                 .metric = &comparison->metric[metric] };
        size_t tasks = comparison->tasks.count;

        if (comparison->labels == SCION_NO_COLUMN)
                return true;
        labels.cell = calloc(tasks * comparison->contenders.count + 1, sizeof *labels.cell);
        labels.place = malloc((tasks + 1) * sizeof *labels.place);
        bool good = (labels.cell && labels.place) || scion_fail("out of memory");

        if (good) {
                labels_find_places(&labels);
                labels_add_runs(&labels);
        }
        if (good && labels.places > 0 && labels.place[labels.places - 1].labels > labels.place[0].labels)
                good = labels_draw(&labels);
        free(labels.cell);
        free(labels.place);
        return good;
}
