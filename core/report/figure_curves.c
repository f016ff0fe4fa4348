/* Learning curves on the target: mean and deviation over runs, for each epoch. */
#include <scion/error.h>
#include <stdlib.h>

#include "report/curves.h"
#include "report/figure_parts.h"

#define MAX_POINTS 120 /* points of a line */

struct curves_plot {
        struct scion_figures *figures;
        const struct scion_comparison *comparison;
        size_t panels;
        struct scion_curves *curves; /* [contender * panels + panel] */
        size_t *seen;                /* number of runs of each */
        size_t thinned;              /* runs beyond SCION_FIGURE_RUNS, which are not read */
        size_t missing;              /* runs whose metrics.csv cannot be read */
        struct scion_text first;     /* the message for the first of them */
};

static bool plot_read_run(struct curves_plot *plot, size_t run)
{
        const struct scion_comparison *comparison = plot->comparison;
        size_t contender = comparison->contenders.group_of[run], task = comparison->tasks.group_of[run];
        size_t at = contender * plot->panels + task;

        if (task >= plot->panels || plot->figures->style[contender] == SCION_NO_COLUMN ||
            !comparison->results->run[run].done)
                return true;
        if (++plot->seen[at] > SCION_FIGURE_RUNS) {
                plot->thinned++;
                return true;
        }
        if (!scion_curves_add(&plot->curves[at], comparison->results, run) && plot->missing++ == 0)
                scion_text_add(&plot->first, "%s", scion_error());
        return !plot->first.failed || scion_fail("out of memory");
}

/* Returns the curve of a kind. Kinds are in the order of names[], with validation before training. */
static const struct scion_curve *curves_of_kind(const struct scion_curves *curves, size_t kind)
{
        const struct scion_curve *const all[] = {
                &curves->accuracy[1], &curves->accuracy[0], &curves->mse[1],
                &curves->mse[0],      &curves->loss[1],     &curves->loss[0]
        };

        return all[kind];
}

static const char *const names[] = { "valid_accuracy", "train_accuracy", "valid_mse",
                                     "train_mse",      "valid_loss",     "train_loss" };

#define KINDS (sizeof names / sizeof names[0])

static size_t curve_length(const struct scion_curve *curve)
{
        size_t epochs = curve->epochs;

        while (epochs > 0 && curve->epoch[epochs - 1].count == 0)
                epochs--;
        return epochs;
}

static size_t plot_longest(const struct curves_plot *plot, size_t kind)
{
        size_t most = 0;

        for (size_t i = 0; i < plot->panels * plot->comparison->contenders.count; i++) {
                size_t length = curve_length(curves_of_kind(&plot->curves[i], kind));

                most = length > most ? length : most;
        }
        return most;
}

static struct scion_extent plot_extent(const struct curves_plot *plot, size_t kind)
{
        struct scion_extent extent = SCION_EXTENT_NONE;

        for (size_t i = 0; i < plot->panels * plot->comparison->contenders.count; i++) {
                const struct scion_curve *curve = curves_of_kind(&plot->curves[i], kind);

                for (size_t epoch = 0; epoch < curve->epochs; epoch++)
                        if (curve->epoch[epoch].count)
                                scion_extent_spread(&extent, names[kind], &curve->epoch[epoch]);
        }
        return extent;
}

static void plot_add_data(struct curves_plot *plot, size_t kind, size_t contender,
                          const struct scion_curve *curve, size_t every)
{
        struct scion_plots *plots = &plot->figures->plots;
        size_t length = curve_length(curve);

        scion_plot_data_begin(plots, contender);
        for (size_t epoch = 0; epoch < length; epoch++)
                if (curve->epoch[epoch].count && (epoch % every == 0 || epoch == length - 1))
                        scion_plot_spread(plots, (double)(epoch + 1), names[kind], &curve->epoch[epoch]);
        scion_plot_data_end(plots);
}

static void plot_draw_panel(struct curves_plot *plot, struct scion_figure *figure, size_t kind,
                            size_t panel_number, size_t epochs, const struct scion_extent *extent)
{
        const struct scion_comparison *comparison = plot->comparison;
        struct scion_plots *plots = &plot->figures->plots;
        struct scion_panel *panel =
                scion_figure_panel(plot->figures, figure, SCION_PANEL_WIDTH, SCION_PANEL_HEIGHT);
        struct scion_plot_lines lines = { 0 };

        scion_panel_title(panel, comparison, &comparison->tasks, panel_number);
        scion_plot_y_axis(plots, names[kind], extent, kind >= 2);
        scion_plots_add(plots,
                        "set xrange [%d:%zu]\n%sset xlabel 'epoch' offset 0,0.4 textcolor rgb " SCION_PLOT_INK
                        "\n",
                        epochs > 5, epochs > 1 ? epochs : 2, epochs <= 5 ? "set xtics 1\n" : "");
        for (size_t contender = 0; contender < comparison->contenders.count; contender++) {
                const struct scion_curve *curve =
                        curves_of_kind(&plot->curves[contender * plot->panels + panel_number], kind);
                const char *name = scion_contender_name(comparison, contender);
                size_t length = curve_length(curve);

                if (length == 0)
                        continue;
                plot_add_data(plot, kind, contender, curve, (epochs + MAX_POINTS - 1) / MAX_POINTS);
                scion_plot_line(&lines, plot->figures, contender, name, length == 1);
                bool more = panel->description.length > 0;

                if (!more)
                        scion_text_add(&panel->description, "After the last epoch: ");
                scion_panel_describe(panel, more, name, names[kind], &curve->epoch[length - 1]);
        }
        scion_plot_lines_end(&lines, plots);
}

static bool plot_draw_figure(struct curves_plot *plot, size_t kind)
{
        size_t epochs = plot_longest(plot, kind);
        struct scion_extent extent = plot_extent(plot, kind);
        struct scion_figure *figure = scion_figure_add(plot->figures, SCION_FIGURE_CURVES, SCION_NO_COLUMN);

        if (!figure)
                return false;
        figure->legend = true;
        scion_text_add(&figure->title, "%s by epoch", names[kind]);
        scion_text_add(&figure->caption,
                       "Mean over runs that were done and have the epoch; the band is one standard deviation "
                       "to each side.%s",
                       kind % 2 ? " There is no validation split: this is of the training examples." : "");
        if (epochs > MAX_POINTS)
                scion_text_add(&figure->caption, " Of %zu epochs, every %zu. is drawn.", epochs,
                               (epochs + MAX_POINTS - 1) / MAX_POINTS);
        if (plot->thinned)
                scion_text_add(&figure->caption, " Only the first %d runs of each line are in it.",
                               SCION_FIGURE_RUNS);
        scion_figure_note_omitted(figure, plot->comparison->tasks.count, "tasks");
        for (size_t i = 0; i < plot->panels; i++)
                plot_draw_panel(plot, figure, kind, i, epochs, &extent);
        return true;
}

/* Draws a score and the loss, each for validation if any run has that, else for training. */
static bool plot_draw_kinds(struct curves_plot *plot)
{
        size_t kind = 0, loss = 4;

        while (kind < 4 && plot_longest(plot, kind) == 0)
                kind++;
        while (loss < KINDS && plot_longest(plot, loss) == 0)
                loss++;
        return (kind == 4 || plot_draw_figure(plot, kind)) && (loss == KINDS || plot_draw_figure(plot, loss));
}

bool scion_figure_curves(struct scion_figures *figures, const struct scion_comparison *comparison)
{
        size_t tasks = comparison->tasks.count;
        struct curves_plot plot = { .figures = figures,
                                    .comparison = comparison,
                                    .panels = tasks < SCION_FIGURE_PANELS ? tasks : SCION_FIGURE_PANELS };
        size_t count = plot.panels * comparison->contenders.count;
        bool good;

        plot.curves = calloc(count + 1, sizeof *plot.curves);
        plot.seen = calloc(count + 1, sizeof *plot.seen);
        good = (plot.curves && plot.seen) || scion_fail("out of memory");
        for (size_t run = 0; good && run < comparison->results->runs; run++)
                good = plot_read_run(&plot, run);
        if (good && plot.missing)
                scion_notes_add(&figures->notes, "%zu %s not in the learning curves: %s%s", plot.missing,
                                plot.missing == 1 ? "run is" : "runs are", plot.first.text,
                                plot.missing == 1 ? "" : "; and so on");
        good = good && plot_draw_kinds(&plot);
        for (size_t i = 0; plot.curves && i < count; i++)
                scion_curves_finish(&plot.curves[i]);
        free(plot.curves);
        free(plot.seen);
        free(plot.first.text);
        return good;
}
