/*
 * The progress lines that a terminal shows while a suite runs. They show more detail the more room there is.
 */
#ifndef SCION_SUITE_PROGRESS_LINES_H
#define SCION_SUITE_PROGRESS_LINES_H

#include "base/text.h"
#include "suite/forecast.h"

/* A running run. */
struct scion_progress_lines_run {
        const char *id;
        const struct scion_slot *slot;
        double left; /* seconds; NaN if not known */
        bool more;   /* other stages follow, and `left` is for the current one only */
};

/* The state of a suite that the lines show. */
struct scion_progress_lines {
        const char *name; /* name of the suite */
        size_t count, done, failed, waiting;
        double left;
        const struct scion_progress_lines_run *run;
        size_t runs;
};

/*
 * Adds at least one and at most `height` lines, each at most `width` columns wide, separated by "\n". With
 * `colours`, uses escape sequences for a few of them. Returns the number of lines.
 */
int scion_progress_lines_add(const struct scion_progress_lines *block, int width, int height, bool colours,
                             struct scion_text *text);

#endif
