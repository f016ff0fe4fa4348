/*
 * The figures of a report, each with one panel, or one small panel for each task:
 *   labels   the metric against the number of labels
 *   ranks    the critical-difference diagram (Demsar, JMLR 7 (2006), 3.2.4)
 *   time     the metric against the duration of a run
 *   curves   learning curves by epoch, from the runs' metrics.csv
 * A contender has the same colour and marker in all of them.
 */
#ifndef SCION_REPORT_FIGURES_H
#define SCION_REPORT_FIGURES_H

#include "compare/compare.h"
#include "report/plots.h"

#define SCION_FIGURE_PANELS 12 /* most panels of a figure; the caption notes those left out */
#define SCION_FIGURE_RUNS 100  /* most runs of a contender in a panel */

enum scion_figure_kind {
        SCION_FIGURE_LABELS,
        SCION_FIGURE_RANKS,
        SCION_FIGURE_TIME,
        SCION_FIGURE_CURVES,
};

/* A plot of a figure. */
struct scion_panel {
        size_t plot;
        struct scion_text title;       /* the task; empty for a single panel */
        struct scion_text description; /* the content in words, for screen readers */
};

/* A figure: a title, a caption, and one or several plots. */
struct scion_figure {
        enum scion_figure_kind kind;
        size_t metric; /* index in the comparison; SCION_NO_COLUMN for curves */
        bool legend;   /* the figure needs a legend of colours */
        struct scion_text title, caption;
        size_t panels;
        struct scion_panel panel[SCION_FIGURE_PANELS];
};

/* Starts as { 0 }. */
struct scion_figures {
        size_t count;
        struct scion_figure *figure;
        size_t *style; /* style of each contender; SCION_NO_COLUMN if it is not drawn */
        struct scion_plots plots;
        struct scion_notes notes; /* what could not be drawn and why */
};

/*
 * Creates and draws all figures for which the comparison has data. Returns false with a message on failure.
 */
bool scion_figures_make(const struct scion_comparison *comparison, struct scion_figures *figures);

/* Frees the contents, and resets them to { 0 }. */
void scion_figures_finish(struct scion_figures *figures);

#endif
