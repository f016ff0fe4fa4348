/*
 * The figures of a report, each of one panel or of a small one for each task:
 *   labels   the metric against the number of labels
 *   ranks    the critical-difference diagram (Demsar, JMLR 7 (2006), 3.2.4)
 *   time     the metric against the seconds that a run took
 *   curves   what each epoch reached, from the runs' metrics.csv
 * A contender has one colour and marker in all of them.
 */
#ifndef SCION_REPORT_FIGURES_H
#define SCION_REPORT_FIGURES_H

#include "compare/compare.h"
#include "report/plots.h"

#define SCION_FIGURE_PANELS 12 /* those after it are not drawn, and the caption says so */
#define SCION_FIGURE_RUNS 100  /* of a contender in a panel */

enum scion_figure_kind {
        SCION_FIGURE_LABELS,
        SCION_FIGURE_RANKS,
        SCION_FIGURE_TIME,
        SCION_FIGURE_CURVES,
};

struct scion_panel {
        size_t plot;
        struct scion_text title; /* which task; nothing when there is one alone */
        struct scion_text says;  /* in words what is to be seen */
};

struct scion_figure {
        enum scion_figure_kind kind;
        size_t metric; /* of the comparison; SCION_NO_COLUMN of curves */
        bool legend;   /* colours need to be told */
        struct scion_text title, caption;
        size_t panels;
        struct scion_panel panel[SCION_FIGURE_PANELS];
};

/* Starts as { 0 }. */
struct scion_figures {
        size_t count;
        struct scion_figure *figure;
        size_t *style; /* of each contender; SCION_NO_COLUMN: it is not drawn */
        struct scion_plots plots;
        struct scion_notes notes; /* what could not be drawn, and why */
};

/* Makes and draws all that the comparison has something for. False, with a message. */
bool scion_figures_make(const struct scion_comparison *comparison, struct scion_figures *figures);

void scion_figures_finish(struct scion_figures *figures);

#endif
