/*
 * The critical-difference diagram (Demsar, JMLR 7 (2006), 3.2.4): contenders at their average ranks; thick
 * lines join those between which Nemenyi's test finds no difference. Heights are in pixels below the axis.
 */
#include <math.h>
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/figure_parts.h"

#define WIDTH 600
#define NAME_HEIGHT 20    /* height of a row of names */
#define CLIQUE_HEIGHT 9   /* distance of thick lines */
#define AXIS_HEIGHT 64    /* height of the axis and the critical difference */
#define MARGIN 27         /* percent of the width on each side, for names */
#define MAX_NAME 20       /* most characters of a name */
#define MAX_CONTENDERS 40 /* most contenders in a readable diagram */
#define INK "lc rgb " SCION_PLOT_INK

struct diagram {
        struct scion_figures *figures;
        const struct scion_comparison *comparison;
        const struct scion_over_tasks *over;
        size_t count;
};

static double diagram_rank(const struct diagram *diagram, size_t place)
{
        return diagram->over->standing[diagram->over->order[place]].rank;
}

/*
 * Draws a line. The first point is in axis coordinates; the x of the second one is in those of `scale`:
 * "first" (axis) or "graph".
 */
static void diagram_add_line(struct diagram *diagram, double x0, double y0, const char *scale, double x1,
                             double y1, const char *style)
{
        scion_plots_add(&diagram->figures->plots,
                        "set arrow from first %.6g,first %.6g to %s %.6g,first %.6g nohead front %s\n", x0,
                        y0, scale, x1, y1, style);
}

static void diagram_add_axis(struct diagram *diagram, int height)
{
        double critical = diagram->over->critical_difference,
               end = fmax((double)diagram->count, 1 + critical);

        scion_plots_add(&diagram->figures->plots,
                        "unset grid\nunset ytics\nunset xtics\nset border 4 " INK "\n"
                        "set x2tics 1,1 nomirror in scale 0.5 textcolor rgb " SCION_PLOT_INK "\n"
                        "set xrange [1:%.6g]\nset x2range [1:%.6g]\nset yrange [%d:0]\n"
                        "set lmargin at screen %g\nset rmargin at screen %g\n"
                        "set tmargin at screen %.6g\nset bmargin at screen 0\n",
                        end, end, height - AXIS_HEIGHT, MARGIN / 100., 1 - MARGIN / 100.,
                        1 - AXIS_HEIGHT / (double)height);
        diagram_add_line(diagram, 1, -34, "first", 1 + critical, -34, "lw 2 " INK);
        diagram_add_line(diagram, 1, -38, "first", 1, -30, "lw 1 " INK);
        diagram_add_line(diagram, 1 + critical, -38, "first", 1 + critical, -30, "lw 1 " INK);
        scion_plots_add(&diagram->figures->plots,
                        "set label 'critical difference %.3g' at first 1,first -50 left front textcolor "
                        "rgb " SCION_PLOT_INK "\n",
                        critical);
}

/* Adds a name, truncated to MAX_NAME characters. */
static void name_shorten(struct scion_text *text, const char *name)
{
        size_t bytes = 0, letters = 0;

        while (name[bytes] && letters < MAX_NAME) {
                letters++;
                bytes++;
                while (((unsigned char)name[bytes] & 0xc0) == 0x80)
                        bytes++;
        }
        if (name[bytes])
                scion_text_add(text, "%.*s\u2026", (int)bytes, name);
        else
                scion_text_add(text, "%s", name);
}

/*
 * Adds a name with its line: the better half at the left, the others at the right, the outermost ranks at the
 * top.
 */
static void diagram_add_name(struct diagram *diagram, size_t place, double top)
{
        size_t contender = diagram->over->order[place], style = diagram->figures->style[contender];
        bool left = place < (diagram->count + 1) / 2;
        double rank = diagram_rank(diagram, place),
               y = top + NAME_HEIGHT * (double)(left ? place : diagram->count - 1 - place);
        struct scion_text text = { 0 };
        char line[80];

        if (style == SCION_NO_COLUMN)
                strcpy(line, "lw 1 " INK);
        else
                scion_plots_line(style, line);
        diagram_add_line(diagram, rank, 0, "first", rank, y, line);
        diagram_add_line(diagram, rank, y, "graph", left ? -0.02 : 1.02, y, line);
        if (!left)
                scion_text_add(&text, "%.2f  ", rank);
        name_shorten(&text, scion_contender_name(diagram->comparison, contender));
        if (left)
                scion_text_add(&text, "  %.2f", rank);
        scion_plots_add(&diagram->figures->plots,
                        "set label '@%zu@' at graph %g,first %.6g %s front textcolor rgb " SCION_PLOT_INK
                        "\n",
                        scion_plots_text(&diagram->figures->plots, text.text ? text.text : ""),
                        left ? -0.035 : 1.035, y, left ? "right" : "left");
        diagram->figures->plots.failed = diagram->figures->plots.failed || text.failed;
        free(text.text);
}

/*
 * Adds a thick line for each clique, a little longer than the distance of its ranks so that equal ranks are
 * visible.
 */
static void diagram_add_cliques(struct diagram *diagram)
{
        const struct scion_over_tasks *over = diagram->over;
        double room = 0.008 * (double)diagram->count;

        for (size_t i = 0; i < over->cliques; i++) {
                double y = CLIQUE_HEIGHT * (double)(i + 1);

                diagram_add_line(diagram, diagram_rank(diagram, over->clique[i].first) - room, y, "first",
                                 diagram_rank(diagram, over->clique[i].last) + room, y, "lw 4 " INK);
        }
}

static void panel_describe(const struct diagram *diagram, struct scion_panel *panel)
{
        scion_text_add(&panel->description, "Average ranks, 1 is best: ");
        for (size_t i = 0; i < diagram->count; i++)
                scion_text_add(&panel->description, "%s%s %.2f", i ? ", " : "",
                               scion_contender_name(diagram->comparison, diagram->over->order[i]),
                               diagram_rank(diagram, i));
        scion_text_add(&panel->description, ". Critical difference: %.3g.",
                       diagram->over->critical_difference);
}

bool scion_figure_ranks(struct scion_figures *figures, const struct scion_comparison *comparison,
                        size_t metric)
{
        const struct scion_compared_metric *compared = &comparison->metric[metric];
        struct diagram diagram = { figures, comparison, &compared->over_tasks, comparison->contenders.count };

        if (diagram.over->tasks < 2 || diagram.count < 2 || isnan(diagram.over->friedman.p))
                return true;
        if (diagram.count > MAX_CONTENDERS) {
                scion_notes_add(&figures->notes,
                                "There is no critical-difference diagram: it would not be readable with more "
                                "than %d contenders",
                                MAX_CONTENDERS);
                return true;
        }
        struct scion_figure *figure = scion_figure_add(figures, SCION_FIGURE_RANKS, metric);

        if (!figure)
                return false;
        scion_text_add(&figure->title, "Average ranks by %s over %zu tasks", compared->name,
                       diagram.over->tasks);
        scion_text_add(&figure->caption, "Critical-difference diagram (Dem\u0161ar 2006): 1 is best; thick "
                                         "lines join those that Nemenyi's test does not tell apart at 5 %%.");
        double top = CLIQUE_HEIGHT * (double)(diagram.over->cliques + 1) + 12;
        int height = AXIS_HEIGHT + (int)top + NAME_HEIGHT * (int)((diagram.count + 1) / 2 - 1) + 14;
        struct scion_panel *panel = scion_figure_panel(figures, figure, WIDTH, height);

        diagram_add_axis(&diagram, height);
        diagram_add_cliques(&diagram);
        for (size_t i = 0; i < diagram.count; i++)
                diagram_add_name(&diagram, i, top);
        scion_plots_add(&figures->plots, "plot NaN notitle\n");
        panel_describe(&diagram, panel);
        return true;
}
