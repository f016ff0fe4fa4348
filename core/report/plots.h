/*
 * Plots drawn by gnuplot, which is run as a program, as SVG to embed in an HTML page. Colours are CSS
 * variables of the page, so that plots follow its dark mode. The plots refer to nothing but the markers of
 * scion_plots_markers.
 *
 * The script for gnuplot has only numbers. A text is passed to scion_plots_text(), which returns a number N;
 * "@N@" in the script is replaced by the escaped text after drawing. So no name can be taken for a command,
 * and gnuplot's estimate of text widths does not matter.
 */
#ifndef SCION_REPORT_PLOTS_H
#define SCION_REPORT_PLOTS_H

#include "base/text.h"

#define SCION_PLOT_HUES 8
#define SCION_PLOT_STYLES (2 * SCION_PLOT_HUES) /* each hue once solid and once dashed */

/* Colours for a script, as in "lc rgb " SCION_PLOT_INK. */
#define SCION_PLOT_INK "\"#000001\""
#define SCION_PLOT_GRID "\"#000002\""

/* Starts as { 0 }. */
struct scion_plots {
        struct scion_text script;
        size_t count;
        struct scion_plot {
                int width, height;
                char *body; /* the content of the <svg> element, after drawing */
        } * plot;
        size_t names;
        char **name;
        bool failed; /* memory ran out */
};

/*
 * Begins a plot of the given size in pixels, with axes at the left and below, and thin horizontal lines.
 * Returns its index.
 */
size_t scion_plots_begin(struct scion_plots *plots, int width, int height);

/* Adds to the script of the current plot; at most 1023 bytes a call. */
void scion_plots_add(struct scion_plots *plots, const char *format, ...) SCION_PRINTF(2, 3);

/* Copies a text, and returns its number for "@N@". */
size_t scion_plots_text(struct scion_plots *plots, const char *text);

/*
 * Format the part of a plot command for lines, filled areas and points of a style. Return `text`, of at least
 * 80 bytes.
 */
const char *scion_plots_line(size_t style, char *text);
const char *scion_plots_area(size_t style, char *text);
const char *scion_plots_points(size_t style, bool faint, char *text);

/* Draws all plots. Returns false, with a message, when gnuplot is missing or fails. */
bool scion_plots_draw(struct scion_plots *plots);

/* The markers that all plots refer to: a hidden <svg>, to be added once to the page. */
extern const char scion_plots_markers[];

/* Adds a legend sample of the style to a page: its line and marker. */
void scion_plots_add_sample(struct scion_text *page, size_t style);

/* Frees the contents, and resets them to { 0 }. */
void scion_plots_finish(struct scion_plots *plots);

#endif
