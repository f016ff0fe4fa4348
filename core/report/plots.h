/*
 * Plots drawn by gnuplot, run as a program, as SVG to stand within a page: colours are the page's, so that
 * they follow it into the dark, and nothing is referred to but the markers of scion_plots_markers.
 *
 * gnuplot sees numbers alone. A text is given to scion_plots_name(), and its place in the script is "@N@", with
 * the number that this returned: the text is put there, escaped, when the plot is drawn. So no name can be taken
 * for a command, and gnuplot's idea of a text's width counts for nothing.
 */
#ifndef SCION_REPORT_PLOTS_H
#define SCION_REPORT_PLOTS_H

#include "base/text.h"

#define SCION_PLOT_HUES 8
#define SCION_PLOT_STYLES (2 * SCION_PLOT_HUES) /* hues, and what tells them apart when they come again */

/* Colours for a script: "lc rgb SCION_PLOT_..." */
#define SCION_PLOT_INK "\"#000001\""
#define SCION_PLOT_GRID "\"#000002\""

/* Starts as { 0 }. */
struct scion_plots {
        struct scion_text script;
        size_t count;
        struct scion_plot {
                int width, height;
                char *body; /* what is within <svg>, once drawn */
        } * plot;
        size_t names;
        char **name;
        bool failed; /* memory ran out */
};

/* Begins the next plot, of that many pixels: axes left and below, and thin horizontal lines. Returns its number. */
size_t scion_plots_begin(struct scion_plots *plots, int width, int height);

/* Adds to the plot's script. */
void scion_plots_add(struct scion_plots *plots, const char *format, ...) SCION_PRINTF(2, 3);

/* Keeps a text; returns its number. */
size_t scion_plots_name(struct scion_plots *plots, const char *text);

/* How the style's lines, areas (colour alone, of hues) and markers are asked for: part of a plot command.
 * Returns `text`, of at least 80 bytes. */
const char *scion_plots_line(size_t style, char *text);
const char *scion_plots_area(size_t style, char *text);
const char *scion_plots_points(size_t style, bool faint, char *text);

/* Draws all. False, with a message, when gnuplot is not there or refuses. */
bool scion_plots_draw(struct scion_plots *plots);

/* Markers that the plots of a page refer to: a hidden <svg>, once in it. */
extern const char scion_plots_markers[];

/* Adds a sample of the style to a page: its line and marker. */
void scion_plots_sample(struct scion_text *page, size_t style);

void scion_plots_finish(struct scion_plots *plots);

#endif
