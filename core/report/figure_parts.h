/* Functions that the figures share. */
#ifndef SCION_REPORT_FIGURE_PARTS_H
#define SCION_REPORT_FIGURE_PARTS_H

#include <math.h>

#include "compare/spread.h"
#include "report/figures.h"

#define SCION_PANEL_WIDTH 360
#define SCION_PANEL_HEIGHT 250

/*
 * Adds a figure. The pointer is valid until the next call. Returns NULL, with a message, when memory is out.
 */
struct scion_figure *scion_figure_add(struct scion_figures *figures, enum scion_figure_kind kind,
                                      size_t metric);

/*
 * Adds a panel to the figure and begins its plot. Returns NULL when the figure has SCION_FIGURE_PANELS panels
 * already.
 */
struct scion_panel *scion_figure_panel(struct scion_figures *figures, struct scion_figure *figure, int width,
                                       int height);

/*
 * Sets the title to those values of the group that are not the same in all groups, as "model mlp, per_class
 * 10".
 */
void scion_panel_title(struct scion_panel *panel, const struct scion_comparison *comparison,
                       const struct scion_groups *groups, size_t group);

/* Returns the name of a contender, which belongs to the results. */
const char *scion_contender_name(const struct scion_comparison *comparison, size_t contender);

/* Adds "scratch 81.2 % (sd 1.3)" to a panel's description; with `more`, after a comma. */
void scion_panel_describe(struct scion_panel *panel, bool more, const char *contender, const char *metric,
                          const struct scion_spread *spread);

/*
 * Notes in the caption that only the first of `panels` panels are drawn, if there are too many. `what` names
 * what the panels stand for: "tasks".
 */
void scion_figure_note_omitted(struct scion_figure *figure, size_t panels, const char *what);

/* The range of values on an axis. Starts as SCION_EXTENT_NONE. */
struct scion_extent {
        double low, high;
};
#define SCION_EXTENT_NONE ((struct scion_extent){ INFINITY, -INFINITY })

/* Extends the range to include a value. */
void scion_extent_add(struct scion_extent *extent, double value);

/* Adds both ends of the band of mean and deviation. */
void scion_extent_spread(struct scion_extent *extent, const char *metric, const struct scion_spread *spread);

/* Adds a row of data: x, mean, mean - deviation, mean + deviation. */
void scion_plot_spread(struct scion_plots *plots, double x, const char *metric,
                       const struct scion_spread *spread);

/* Sets the vertical axis: in percent for shares; logarithmic if `log` is set and the values permit it. */
void scion_plot_y_axis(struct scion_plots *plots, const char *metric, const struct scion_extent *extent,
                       bool log);
/* Returns a metric's value as it is drawn: in percent for shares. */
double scion_plot_value(const char *metric, double value);

/* Begin and end the data block of a contender. */
void scion_plot_data_begin(struct scion_plots *plots, size_t contender);
void scion_plot_data_end(struct scion_plots *plots);

/* The plot command for lines with bands. Starts as { 0 }. */
struct scion_plot_lines {
        struct scion_text bands, lines;
};

/* Adds the line of a contender whose data block has rows of scion_plot_spread(). */
void scion_plot_line(struct scion_plot_lines *lines, struct scion_figures *figures, size_t contender,
                     const char *name, bool markers);

/* Ends the panel's script with the plot command, and frees it. */
void scion_plot_lines_end(struct scion_plot_lines *lines, struct scion_plots *plots);

/*
 * Add the figures of each kind, with their plots. A figure without data is left out. Return false, with a
 * message, on failure.
 */
bool scion_figure_labels(struct scion_figures *figures, const struct scion_comparison *comparison,
                         size_t metric);
bool scion_figure_ranks(struct scion_figures *figures, const struct scion_comparison *comparison,
                        size_t metric);
bool scion_figure_time(struct scion_figures *figures, const struct scion_comparison *comparison,
                       size_t metric);
bool scion_figure_curves(struct scion_figures *figures, const struct scion_comparison *comparison);

#endif
