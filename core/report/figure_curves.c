/* Learning curves: what the runs reached in each epoch on the target, mean and deviation over them. */
#include <scion/error.h>
#include <stdlib.h>

#include "report/curves.h"
#include "report/figure_parts.h"

#define MOST_POINTS 120 /* of a line */

struct plan {
        struct scion_figures *figures;
        const struct scion_comparison *comparison;
        size_t panels;
        struct scion_curves *curves; /* contender * panels + panel */
        size_t *seen;                /* runs of each of them */
        size_t thinned;              /* runs that were not read, as there are so many */
        size_t missing;              /* runs of which there is no file */
        struct scion_text first;     /* why not, of the first of them */
};

static bool read_run(struct plan *plan, size_t run)
{
        const struct scion_comparison *comparison = plan->comparison;
        size_t contender = comparison->contenders.of[run], task = comparison->tasks.of[run];
        size_t at = contender * plan->panels + task;

        if (task >= plan->panels || plan->figures->style[contender] == SCION_NO_COLUMN ||
            !comparison->results->run[run].done)
                return true;
        if (++plan->seen[at] > SCION_FIGURE_RUNS) {
                plan->thinned++;
                return true;
        }
        if (!scion_curves_add(&plan->curves[at], comparison->results, run) && plan->missing++ == 0)
                scion_text_add(&plan->first, "%s", scion_error());
        return !plan->first.failed || scion_fail("out of memory");
}

/* Those that have values, of the curves of a kind: of validation when any run has that, else of training. */
static const struct scion_curve *pick(const struct scion_curves *curves, size_t kind)
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

static size_t length_of(const struct scion_curve *curve)
{
        size_t epochs = curve->epochs;

        while (epochs > 0 && curve->epoch[epochs - 1].count == 0)
                epochs--;
        return epochs;
}

static size_t longest(const struct plan *plan, size_t kind)
{
        size_t most = 0;

        for (size_t i = 0; i < plan->panels * plan->comparison->contenders.count; i++) {
                size_t length = length_of(pick(&plan->curves[i], kind));

                most = length > most ? length : most;
        }
        return most;
}

static struct scion_extent find_extent(const struct plan *plan, size_t kind)
{
        struct scion_extent extent = SCION_EXTENT_NONE;

        for (size_t i = 0; i < plan->panels * plan->comparison->contenders.count; i++) {
                const struct scion_curve *curve = pick(&plan->curves[i], kind);

                for (size_t epoch = 0; epoch < curve->epochs; epoch++)
                        if (curve->epoch[epoch].count)
                                scion_extent_spread(&extent, names[kind], &curve->epoch[epoch]);
        }
        return extent;
}

static void add_data(struct plan *plan, size_t kind, size_t contender, const struct scion_curve *curve,
                     size_t every)
{
        struct scion_plots *plots = &plan->figures->plots;
        size_t length = length_of(curve);

        scion_plot_data(plots, contender);
        for (size_t epoch = 0; epoch < length; epoch++)
                if (curve->epoch[epoch].count && (epoch % every == 0 || epoch == length - 1))
                        scion_plot_spread(plots, (double)(epoch + 1), names[kind], &curve->epoch[epoch]);
        scion_plot_data_end(plots);
}

static void draw_panel(struct plan *plan, struct scion_figure *figure, size_t kind, size_t panel_number,
                       size_t epochs, const struct scion_extent *extent)
{
        const struct scion_comparison *comparison = plan->comparison;
        struct scion_plots *plots = &plan->figures->plots;
        struct scion_panel *panel =
                scion_figure_panel(plan->figures, figure, SCION_PANEL_WIDTH, SCION_PANEL_HEIGHT);
        struct scion_plot_lines lines = { 0 };

        scion_panel_title(panel, comparison, &comparison->tasks, panel_number);
        scion_plot_vertical(plots, names[kind], extent, kind >= 2);
        scion_plots_add(plots,
                        "set xrange [%d:%zu]\n%sset xlabel 'epoch' offset 0,0.4 textcolor rgb " SCION_PLOT_INK
                        "\n",
                        epochs > 5, epochs > 1 ? epochs : 2, epochs <= 5 ? "set xtics 1\n" : "");
        for (size_t contender = 0; contender < comparison->contenders.count; contender++) {
                const struct scion_curve *curve =
                        pick(&plan->curves[contender * plan->panels + panel_number], kind);
                const char *name = scion_contender_name(comparison, contender);
                size_t length = length_of(curve);

                if (length == 0)
                        continue;
                add_data(plan, kind, contender, curve, (epochs + MOST_POINTS - 1) / MOST_POINTS);
                scion_plot_line(&lines, plan->figures, contender, name, length == 1);
                bool more = panel->says.length > 0;

                if (!more)
                        scion_text_add(&panel->says, "After the last epoch: ");
                scion_panel_say(panel, more, name, names[kind], &curve->epoch[length - 1]);
        }
        scion_plot_lines_end(&lines, plots);
}

static bool draw(struct plan *plan, size_t kind)
{
        size_t epochs = longest(plan, kind);
        struct scion_extent extent = find_extent(plan, kind);
        struct scion_figure *figure = scion_figure_add(plan->figures, SCION_FIGURE_CURVES, SCION_NO_COLUMN);

        if (!figure)
                return false;
        figure->legend = true;
        scion_text_add(&figure->title, "%s by epoch", names[kind]);
        scion_text_add(&figure->caption,
                       "Mean over runs that were done and have the epoch; the band is one standard "
                       "deviation to each side.%s",
                       kind % 2 ? " There is no validation split: this is of the training examples." : "");
        if (epochs > MOST_POINTS)
                scion_text_add(&figure->caption, " Of %zu epochs, every %zu. is drawn.", epochs,
                               (epochs + MOST_POINTS - 1) / MOST_POINTS);
        if (plan->thinned)
                scion_text_add(&figure->caption, " Only the first %d runs of each line are in it.",
                               SCION_FIGURE_RUNS);
        scion_figure_cap(figure, plan->comparison->tasks.count, "tasks");
        for (size_t i = 0; i < plan->panels; i++)
                draw_panel(plan, figure, kind, i, epochs, &extent);
        return true;
}

/* A score and the loss, each of the best split there is. */
static bool draw_kinds(struct plan *plan)
{
        size_t kind = 0, loss = 4;

        while (kind < 4 && longest(plan, kind) == 0)
                kind++;
        while (loss < KINDS && longest(plan, loss) == 0)
                loss++;
        return (kind == 4 || draw(plan, kind)) && (loss == KINDS || draw(plan, loss));
}

bool scion_figure_curves(struct scion_figures *figures, const struct scion_comparison *comparison)
{
        size_t tasks = comparison->tasks.count;
        struct plan plan = { .figures = figures,
                             .comparison = comparison,
                             .panels = tasks < SCION_FIGURE_PANELS ? tasks : SCION_FIGURE_PANELS };
        size_t count = plan.panels * comparison->contenders.count;
        bool good;

        plan.curves = calloc(count + 1, sizeof *plan.curves);
        plan.seen = calloc(count + 1, sizeof *plan.seen);
        good = (plan.curves && plan.seen) || scion_fail("out of memory");
        for (size_t run = 0; good && run < comparison->results->runs; run++)
                good = read_run(&plan, run);
        if (good && plan.missing)
                scion_notes_add(&figures->notes, "%zu %s not in the learning curves: %s%s", plan.missing,
                                plan.missing == 1 ? "run is" : "runs are", plan.first.text,
                                plan.missing == 1 ? "" : "; and so on");
        good = good && draw_kinds(&plan);
        for (size_t i = 0; plan.curves && i < count; i++)
                scion_curves_finish(&plan.curves[i]);
        free(plan.curves);
        free(plan.seen);
        free(plan.first.text);
        return good;
}
