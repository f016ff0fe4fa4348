/*
 * The output while a suite runs: one line for each event and, on a terminal, a block of progress lines below
 * them. The block is redrawn in place up to ten times a second. Between two drawings the cursor stands at the
 * beginning of the block, so that the whole block is cleared even if the terminal has rewrapped it after a
 * resize.
 */
#ifndef SCION_SUITE_DISPLAY_H
#define SCION_SUITE_DISPLAY_H

#include <stdio.h>

#include "suite/plan.h"
#include "train/observer.h"

struct scion_display;

/*
 * The state of the suite when the display is created. `done` marks the runs that will not start; `slots` is
 * the number of runs at a time.
 */
struct scion_display_start {
        const struct scion_plan *plan;
        const bool *done;
        size_t finished, failed;
        int slots;
};

/*
 * Creates a display that prints to `file`. If file is NULL, only failures are printed, to `failures`; if that
 * is NULL as well, nothing is. The block of progress lines is shown only on a terminal whose $TERM is set and
 * not "dumb"; it has no colours if $NO_COLOR is set. Returns NULL when memory is out.
 */
struct scion_display *scion_display_create(FILE *file, FILE *failures,
                                           const struct scion_display_start *start);
/* Writes all pending lines and removes the block. Accepts NULL. */
void scion_display_destroy(struct scion_display *display);

/* Returns the stream for lines about events, or about a failure; NULL if such lines are not printed. */
FILE *scion_display_lines(struct scion_display *display, bool failure);

/* The run with that index in the plan has started in the slot. */
void scion_display_started(struct scion_display *display, int slot, size_t run);
/* Updates the slot. Prints a line when the run resumes from a checkpoint. */
void scion_display_progress(struct scion_display *display, int slot, const struct scion_progress *progress);
/* `seconds` is the time of the run, with those of the processes that it was interrupted in. */
void scion_display_finished(struct scion_display *display, int slot, double seconds);
void scion_display_failed(struct scion_display *display, int slot);
/* The run was interrupted and can be resumed. Prints where it stopped. */
void scion_display_stopped(struct scion_display *display, int slot);

/* Whether the display shows a block of progress lines. */
bool scion_display_is_live(const struct scion_display *display);
/*
 * Draws the block if it is due. Returns the seconds until it is due again, or INFINITY if only an event can
 * change it.
 */
double scion_display_tick(struct scion_display *display);
/* Forces a full redraw at the next tick, after the terminal was resized or the process continued. */
void scion_display_redraw(struct scion_display *display);
/* Removes the block until the next tick, so that other programs can use the terminal. */
void scion_display_hide(struct scion_display *display);

#endif
