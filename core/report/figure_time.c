/* The metric against the duration of a run: a faint point for each run, a full one for the mean. */
#include <math.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "compare/parts.h"
#include "report/figure_parts.h"

/* The times that are drawn. Others were not measured, and an axis over them would show nothing else. */
#define LEAST_SECONDS 1e-9
#define MOST_SECONDS 1e12

struct time_plot {
        struct scion_figures *figures;
        const struct scion_comparison *comparison;
        const struct scion_compared_metric *metric;
        struct scion_figure *figure;
        size_t seconds; /* index of the column `seconds` */
        struct scion_extent extent, reach;
        size_t thinned; /* runs that are not drawn because there are too many */
};

/* Gets the coordinates of a run. Returns false if it is not drawn. */
static bool run_find_point(const struct time_plot *plot, size_t run, double *x, double *y)
{
        const struct scion_comparison *comparison = plot->comparison;

        if (plot->figures->style[comparison->contenders.group_of[run]] == SCION_NO_COLUMN ||
            comparison->tasks.group_of[run] >= SCION_FIGURE_PANELS ||
            !scion_compared_value(comparison, plot->metric, run, y))
                return false;
        *x = scion_results_number(comparison->results, run, plot->seconds);
        return *x >= LEAST_SECONDS && *x <= MOST_SECONDS;
}

static void plot_find_extents(struct time_plot *plot)
{
        double x, y;

        plot->extent = plot->reach = SCION_EXTENT_NONE;
        for (size_t run = 0; run < plot->comparison->results->runs; run++)
                if (run_find_point(plot, run, &x, &y)) {
                        scion_extent_add(&plot->reach, x);
                        scion_extent_add(&plot->extent, y);
                }
}

/* Sets a logarithmic axis with tics at 1, 2, 5, 10, 20, ...; for a wide range only at powers of ten. */
static void axis_add_logarithmic(struct scion_plots *plots, double low, double high)
{
        static const double steps[] = { 1, 2, 5 };
        bool wide = high / low > 2000;

        scion_plots_add(plots, "set logscale x\nset xrange [%.6g:%.6g]\nset xtics ()\n", low, high);
        int first = (int)floor(log10(low)), last = (int)floor(log10(high));

        for (int exponent = first; exponent <= last; exponent++) {
                double power = pow(10, exponent);

                for (int i = 0; i < (wide ? 1 : 3); i++)
                        if (steps[i] * power >= low && steps[i] * power <= high)
                                scion_plots_add(plots, "set xtics add ('%g' %.6g)\n", steps[i] * power,
                                                steps[i] * power);
        }
}

static void plot_add_x_axis(struct time_plot *plot)
{
        struct scion_plots *plots = &plot->figures->plots;
        double low = plot->reach.low, high = plot->reach.high;

        if (high / low > 5)
                axis_add_logarithmic(plots, low / 1.15, high * 1.15);
        else
                scion_plots_add(plots, "set xrange [%.6g:%.6g]\n",
                                fmax(0, low - 0.1 * (high - low) - 0.01 * low),
                                high + 0.1 * (high - low) + 0.01 * high);
        scion_plots_add(plots,
                        "set format x '%%g'\nset xlabel 'seconds' offset 0,0.4 textcolor rgb " SCION_PLOT_INK
                        "\n");
}

/* Adds the data of a contender in a task: its runs, and then their mean. Returns the number of runs. */
static size_t plot_add_data(struct time_plot *plot, size_t task, size_t contender,
                            struct scion_spread *values)
{
        const struct scion_comparison *comparison = plot->comparison;
        struct scion_plots *plots = &plot->figures->plots;
        struct scion_spread seconds = { 0 };
        double x, y;

        scion_plot_data_begin(plots, contender);
        for (size_t run = 0; run < comparison->results->runs; run++) {
                if (comparison->tasks.group_of[run] != task ||
                    comparison->contenders.group_of[run] != contender || !run_find_point(plot, run, &x, &y))
                        continue;
                scion_spread_add(&seconds, x);
                scion_spread_add(values, y);
                if (values->count <= SCION_FIGURE_RUNS)
                        scion_plots_add(plots, "%.6g %.6g\n", x, scion_plot_value(plot->metric->name, y));
                else
                        plot->thinned++;
        }
        if (values->count > 0)
                scion_plots_add(plots, "\n\n%.6g %.6g\n", seconds.mean,
                                scion_plot_value(plot->metric->name, values->mean));
        scion_plot_data_end(plots);
        return values->count;
}

static void plot_draw_panel(struct time_plot *plot, size_t task)
{
        const struct scion_comparison *comparison = plot->comparison;
        struct scion_plots *plots = &plot->figures->plots;
        struct scion_panel *panel =
                scion_figure_panel(plot->figures, plot->figure, SCION_PANEL_WIDTH, SCION_PANEL_HEIGHT);
        struct scion_text runs = { 0 }, means = { 0 };
        char style[80];

        scion_panel_title(panel, comparison, &comparison->tasks, task);
        scion_plot_y_axis(plots, plot->metric->name, &plot->extent, false);
        plot_add_x_axis(plot);
        for (size_t contender = 0; contender < comparison->contenders.count; contender++) {
                struct scion_spread values = { 0 };
                const char *name = scion_contender_name(comparison, contender);
                size_t number = plot->figures->style[contender];

                if (number == SCION_NO_COLUMN || plot_add_data(plot, task, contender, &values) == 0)
                        continue;
                size_t title = scion_plots_text(plots, name);

                if (values.count > 1)
                        scion_text_add(&runs, "$data%zu index 0 using 1:2 with points %s title '@%zu@', ",
                                       contender, scion_plots_points(number, true, style), title);
                scion_text_add(&means, "$data%zu index 1 using 1:2 with points %s title '@%zu@', ", contender,
                               scion_plots_points(number, false, style), title);
                scion_panel_describe(panel, panel->description.length > 0, name, plot->metric->name, &values);
        }
        scion_text_add(&plots->script, "plot %s%sNaN notitle\n", runs.text ? runs.text : "",
                       means.text ? means.text : "");
        plots->failed = plots->failed || runs.failed || means.failed;
        free(runs.text);
        free(means.text);
}

bool scion_figure_time(struct scion_figures *figures, const struct scion_comparison *comparison,
                       size_t metric)
{
        struct time_plot plot = { .figures = figures,
                                  .comparison = comparison,
                                  .metric = &comparison->metric[metric] };
        int seconds = -1;

        for (size_t i = 0; i < comparison->results->columns && seconds < 0; i++)
                if (strcmp(comparison->results->column[i].name, "seconds") == 0)
                        seconds = (int)i;
        if (seconds < 0 || (size_t)seconds == plot.metric->column)
                return true;
        plot.seconds = (size_t)seconds;
        plot_find_extents(&plot);
        if (!(plot.reach.low <= plot.reach.high))
                return true;
        plot.figure = scion_figure_add(figures, SCION_FIGURE_TIME, metric);
        if (!plot.figure)
                return false;
        plot.figure->legend = true;
        scion_text_add(&plot.figure->title, "%s against time", plot.metric->name);
        scion_text_add(&plot.figure->caption, "Seconds that a run took on the machine that it ran on; a "
                                              "faint point for each run, a full one for their mean.");
        for (size_t task = 0; task < comparison->tasks.count && task < SCION_FIGURE_PANELS; task++)
                plot_draw_panel(&plot, task);
        scion_figure_note_omitted(plot.figure, comparison->tasks.count, "tasks");
        if (plot.thinned)
                scion_text_add(
                        &plot.figure->caption,
                        " Of each strategy, the first %d runs of a task are drawn; the mean is of all.",
                        SCION_FIGURE_RUNS);
        return true;
}
