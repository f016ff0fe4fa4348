/*
 * What is told while a suite runs: a line an event, and on a terminal, below them, how it goes at the moment. That
 * block of lines is drawn again in its place up to ten times a second. Between two drawings the cursor is at its
 * beginning, so that it is cleared whole whatever a terminal makes of it when it is resized.
 */
#ifndef SCION_SUITE_DISPLAY_H
#define SCION_SUITE_DISPLAY_H

#include <stdio.h>

#include "suite/plan.h"
#include "train/observer.h"

struct scion_display;

/* How much is done already, and which runs therefore are not to start; how many run at a time. */
struct scion_display_start {
        const struct scion_plan *plan;
        const bool *done;
        size_t finished, failed;
        int slots;
};

/*
 * `file` gets it all, and `failures` only what is told of those when `file` is NULL; NULL too: nothing is told. Only
 * a terminal with a name in $TERM, other than "dumb", gets a block; without colours when $NO_COLOR is there. NULL
 * when memory is out.
 */
struct scion_display *scion_display_create(FILE *file, FILE *failures,
                                           const struct scion_display_start *start);
/* Takes the block away, and writes all lines before. Takes NULL. */
void scion_display_destroy(struct scion_display *display);

/* Where to print lines, or lines on a failure, whole; NULL: nowhere. */
FILE *scion_display_lines(struct scion_display *display, bool failure);

void scion_display_started(struct scion_display *display, int slot, size_t run);
/* Tells of a run that goes on after an earlier part. */
void scion_display_told(struct scion_display *display, int slot, const struct scion_progress *progress);
/* `seconds`: of all its parts. */
void scion_display_finished(struct scion_display *display, int slot, double seconds);
void scion_display_failed(struct scion_display *display, int slot);
/* It was interrupted, and is to be gone on with: tells where. */
void scion_display_stopped(struct scion_display *display, int slot);

/* Whether there is a block, now and then. */
bool scion_display_is_live(const struct scion_display *display);
/* Writes what is due. Returns in how many seconds there is something again; INFINITY: when something happens. */
double scion_display_tick(struct scion_display *display);
/* The terminal is another size, or was given back: all is drawn at the next tick. */
void scion_display_redraw(struct scion_display *display);
/* Leaves the terminal to others: takes the block away until the next tick. */
void scion_display_leave(struct scion_display *display);

#endif
