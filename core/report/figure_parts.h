/* What the figures share. */
#ifndef SCION_REPORT_FIGURE_PARTS_H
#define SCION_REPORT_FIGURE_PARTS_H

#include <math.h>

#include "compare/spread.h"
#include "report/figures.h"

#define SCION_PANEL_WIDTH 360
#define SCION_PANEL_HEIGHT 250

/* The next figure; NULL, with a message, when memory is out. It stays in place until the next call. */
struct scion_figure *scion_figure_add(struct scion_figures *figures, enum scion_figure_kind kind,
                                      size_t metric);

/* The figure's next panel, with a plot begun. NULL when it has as many as are drawn. */
struct scion_panel *scion_figure_panel(struct scion_figures *figures, struct scion_figure *figure, int width,
                                       int height);

/* "model mlp, per_class 10": what of the groups' values is not the same in all of them. */
void scion_panel_title(struct scion_panel *panel, const struct scion_comparison *comparison,
                       const struct scion_groups *groups, size_t group);

const char *scion_contender_name(const struct scion_comparison *comparison, size_t contender);

/* Adds to what a panel says: "scratch 81.2 % (sd 1.3)", after a comma when there is one before it. */
void scion_panel_say(struct scion_panel *panel, bool more, const char *contender, const char *metric,
                     const struct scion_spread *spread);

/* Says in the caption how many panels there are, when that is more than are drawn. */
void scion_figure_cap(struct scion_figure *figure, size_t panels, const char *what);

/* What an axis must hold. Starts as SCION_EXTENT_NONE. */
struct scion_extent {
        double low, high;
};
#define SCION_EXTENT_NONE ((struct scion_extent){ INFINITY, -INFINITY })

void scion_extent_add(struct scion_extent *extent, double value);

/* Both ends of mean and deviation, as they are drawn. */
void scion_extent_spread(struct scion_extent *extent, const char *metric, const struct scion_spread *spread);

/* Adds a row of data: x, the mean, and the mean without and with the deviation. */
void scion_plot_spread(struct scion_plots *plots, double x, const char *metric,
                       const struct scion_spread *spread);

/* The vertical axis: in percent for shares, with logarithms when `log` says so and the values allow. */
void scion_plot_vertical(struct scion_plots *plots, const char *metric, const struct scion_extent *extent,
                         bool log);
/* Value of a metric as it is drawn: in percent for shares. */
double scion_plot_value(const char *metric, double value);

/* Begins the data of a contender, and ends it. */
void scion_plot_data(struct scion_plots *plots, size_t contender);
void scion_plot_data_end(struct scion_plots *plots);

/* The plot command of a panel of lines with bands; starts as { 0 }. */
struct scion_plot_lines {
        struct scion_text bands, lines;
};

/* Adds a contender whose data are rows of scion_plot_spread(). */
void scion_plot_line(struct scion_plot_lines *lines, struct scion_figures *figures, size_t contender,
                     const char *name, bool markers);

/* Ends the panel's script with it; frees it. */
void scion_plot_lines_end(struct scion_plot_lines *lines, struct scion_plots *plots);

bool scion_figure_labels(struct scion_figures *figures, const struct scion_comparison *comparison,
                         size_t metric);
bool scion_figure_ranks(struct scion_figures *figures, const struct scion_comparison *comparison,
                        size_t metric);
bool scion_figure_time(struct scion_figures *figures, const struct scion_comparison *comparison,
                       size_t metric);
bool scion_figure_curves(struct scion_figures *figures, const struct scion_comparison *comparison);

#endif
