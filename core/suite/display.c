#define _DEFAULT_SOURCE /* TIOCGWINSZ */
#include "suite/display.h"

#include <math.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "file/files.h"
#include "suite/progress_lines.h"

#define REDRAW_INTERVAL 0.1 /* least seconds between two drawings after an event */
#define IDLE_INTERVAL 1.0   /* and between two drawings without an event */

#define NO_WRAP "\033[?7l"
#define WRAP "\033[?7h"
/*
 * Clears from the cursor's line to the end of the screen. It enables line wrap as well: a terminal drops
 * pending output when a key sends a signal, and that may have been the sequence that enables it.
 */
#define CLEAR "\r" WRAP "\033[J"

struct scion_display {
        FILE *file, *failures;
        const struct scion_plan *plan;
        struct scion_forecast forecast;
        struct scion_slot *slot;               /* one for each slot */
        struct scion_progress_lines_run *rows; /* one for each slot, for drawing */
        int slots;
        size_t finished, failed;
        /* On a terminal: */
        bool live, colours;
        bool shown;    /* the block is on the screen, with the cursor at its beginning */
        bool changed;  /* an event has happened since the last drawing */
        double drawn;  /* time of the last drawing */
        FILE *lines;   /* pending lines, to be written above the block */
        char *written; /* the buffer of `lines` */
        size_t length;
};

/* --- The terminal --------------------------------------------------------------------------------------- */

static bool file_is_terminal(FILE *file)
{
        const char *name = getenv("TERM");

        return isatty(fileno(file)) && name && *name && strcmp(name, "dumb") != 0;
}

/*
 * A size of 0 means that the terminal does not know it: falls back to the environment variable, then to
 * `usual`.
 */
static int terminal_size_or(unsigned short size, const char *variable, int usual)
{
        const char *text = getenv(variable);
        long number = size > 0 ? size : text ? strtol(text, NULL, 10) : 0;

        return number > 0 && number < 10000 ? (int)number : usual;
}

static void terminal_size(FILE *file, int *width, int *height)
{
        struct winsize size = { 0 };

        if (ioctl(fileno(file), TIOCGWINSZ, &size) != 0)
                size.ws_col = size.ws_row = 0;
        *width = terminal_size_or(size.ws_col, "COLUMNS", 80);
        *height = terminal_size_or(size.ws_row, "LINES", 24);
}

/*
 * Whether this process is in the foreground of the terminal, and may draw. A terminal that is not the
 * controlling one has no foreground process group, and counts as foreground.
 */
static bool terminal_is_foreground(FILE *file)
{
        pid_t group = tcgetpgrp(fileno(file));

        return group < 0 || group == getpgrp();
}

/* --- Creation and destruction --------------------------------------------------------------------------- */

/* Falls back to plain lines when there is no memory for buffering them. */
static void display_go_live(struct scion_display *display)
{
        const char *no_colour = getenv("NO_COLOR");

        display->live = display->file && file_is_terminal(display->file);
        display->colours = !no_colour || !*no_colour;
        display->drawn = -INFINITY;
        display->changed = true;
        if (display->live)
                display->lines = open_memstream(&display->written, &display->length);
        display->live = display->lines != NULL;
}

struct scion_display *scion_display_create(FILE *file, FILE *failures,
                                           const struct scion_display_start *start)
{
        struct scion_display *display = calloc(1, sizeof *display);

        if (!display)
                return scion_fail_null("out of memory");
        display->file = file;
        display->failures = failures;
        display->plan = start->plan;
        display->slots = start->slots;
        display->finished = start->finished;
        display->failed = start->failed;
        display->slot = calloc((size_t)start->slots, sizeof *display->slot);
        display->rows = calloc((size_t)start->slots, sizeof *display->rows);
        if (!display->slot || !display->rows)
                scion_fail("out of memory");
        else if (scion_forecast_start(&display->forecast, start->plan, start->done)) {
                display_go_live(display);
                return display;
        }
        scion_display_destroy(display);
        return NULL;
}

/*
 * Writes the pending lines, then the block unless it is NULL. A write error is ignored, as for any terminal
 * output.
 */
static void display_draw(struct scion_display *display, const struct scion_progress_lines *block)
{
        struct scion_text text = { 0 };

        fflush(display->lines);
        if (display->shown || block)
                scion_text_add(&text, CLEAR);
        if (display->length > 0)
                scion_text_add(&text, "%.*s", (int)display->length, display->written);
        if (block) {
                int width, height, rows;

                terminal_size(display->file, &width, &height);
                scion_text_add(&text, NO_WRAP);
                rows = scion_progress_lines_add(block, width, height > 1 ? height - 1 : 1, display->colours,
                                                &text);
                scion_text_add(&text, WRAP "\r");
                if (rows > 1)
                        scion_text_add(&text, "\033[%dA", rows - 1);
        }
        if (!text.failed && text.length > 0) {
                fflush(display->file);
                scion_write_all(fileno(display->file), text.text, text.length);
                rewind(display->lines);
                display->length = 0;
        }
        display->shown = block && !text.failed;
        free(text.text);
}

void scion_display_destroy(struct scion_display *display)
{
        if (!display)
                return;
        if (display->live)
                display_draw(display, NULL);
        if (display->lines)
                fclose(display->lines);
        free(display->written);
        scion_forecast_finish(&display->forecast);
        free(display->slot);
        free(display->rows);
        free(display);
}

/* --- Events --------------------------------------------------------------------------------------------- */

FILE *scion_display_lines(struct scion_display *display, bool failure)
{
        display->changed = true;
        if (display->live)
                return display->lines;
        return display->file ? display->file : failure ? display->failures : NULL;
}

void scion_display_started(struct scion_display *display, int slot, size_t run)
{
        scion_forecast_started(&display->forecast, run);
        scion_slot_start(&display->slot[slot], run, scion_clock());
        display->changed = true;
}

static const char *display_run_id(const struct scion_display *display, int slot)
{
        return display->plan->planned[display->slot[slot].run].id;
}

void scion_display_progress(struct scion_display *display, int slot, const struct scion_progress *progress)
{
        struct scion_slot *state = &display->slot[slot];
        bool resumed = state->resumed;

        scion_slot_update(state, progress, scion_clock());
        display->changed = true;
        FILE *file = state->resumed && !resumed ? scion_display_lines(display, false) : NULL;

        if (!file)
                return;
        fprintf(file, "%s: resumes after epoch %lld of the %s's %lld\n", display_run_id(display, slot),
                (long long)progress->epochs_before, state->stage, (long long)progress->epochs);
        fflush(file);
}

void scion_display_finished(struct scion_display *display, int slot, double seconds)
{
        scion_forecast_finished(&display->forecast, display->slot[slot].run, seconds);
        display->slot[slot].busy = false;
        display->finished++;
        display->changed = true;
}

void scion_display_failed(struct scion_display *display, int slot)
{
        display->slot[slot].busy = false;
        display->failed++;
        display->changed = true;
}

void scion_display_stopped(struct scion_display *display, int slot)
{
        struct scion_slot *state = &display->slot[slot];
        FILE *file = scion_display_lines(display, false);
        bool after = state->last.phase == SCION_AT_EPOCH;

        state->busy = false;
        if (!file)
                return;
        fprintf(file, "%s: stopped", display_run_id(display, slot));
        if (state->has_progress && (after || state->last.phase == SCION_AT_STEP))
                fprintf(file, " %s epoch %lld of the %s's %lld", after ? "after" : "in",
                        (long long)state->last.epoch, state->stage, (long long)state->last.epochs);
        fputc('\n', file);
        fflush(file);
}

/* --- Drawing -------------------------------------------------------------------------------------------- */

static void display_draw_block(struct scion_display *display, double now)
{
        struct scion_progress_lines block = {
                .name = display->plan->name,
                .count = display->plan->count,
                .done = display->finished,
                .failed = display->failed,
                .waiting = display->forecast.waiting,
                .left = scion_forecast_suite_left(&display->forecast, display->slot, display->slots, now),
                .run = display->rows,
        };

        for (int i = 0; i < display->slots; i++) {
                const struct scion_slot *state = &display->slot[i];
                struct scion_progress_lines_run *row = &display->rows[block.runs];

                if (!state->busy)
                        continue;
                row->id = display_run_id(display, i);
                row->slot = state;
                row->left = scion_forecast_run_left(&display->forecast, state, now, &row->more);
                block.runs++;
        }
        display_draw(display, &block);
}

bool scion_display_is_live(const struct scion_display *display)
{
        return display->live;
}

double scion_display_tick(struct scion_display *display)
{
        double now = scion_clock(), due;

        if (!display->live)
                return INFINITY;
        due = display->drawn + (display->changed ? REDRAW_INTERVAL : IDLE_INTERVAL);
        if (now < due)
                return due - now;
        if (terminal_is_foreground(display->file)) {
                display_draw_block(display, now);
        } else {
                display->shown = false; /* another program has written to the terminal since */
                display_draw(display, NULL);
        }
        display->changed = false;
        display->drawn = now;
        return IDLE_INTERVAL;
}

void scion_display_redraw(struct scion_display *display)
{
        display->drawn = -INFINITY;
}

void scion_display_hide(struct scion_display *display)
{
        if (display->live)
                display_draw(display, NULL);
        scion_display_redraw(display);
}
