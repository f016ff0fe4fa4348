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

#define OFTEN 0.1 /* seconds between two drawings, while things happen */
#define TICK 1.0  /* and while only time goes by */

#define NO_WRAP "\033[?7l"
#define WRAP "\033[?7h"
/* From the line's beginning to the screen's end. A terminal drops what is on its way to it when a key sends a signal,
 * and that may have been what lets lines wrap again. */
#define CLEAR "\r" WRAP "\033[J"

struct scion_display {
        FILE *file, *failures;
        const struct scion_plan *plan;
        struct scion_forecast forecast;
        struct scion_work *work;      /* a slot each */
        struct scion_block_run *rows; /* room for drawing them */
        int slots;
        size_t finished, failed;
        /* On a terminal: */
        bool live, colours;
        bool shown;    /* there is a block, with the cursor at its beginning */
        bool changed;  /* something is to be drawn */
        double drawn;  /* when */
        FILE *lines;   /* to be written above the block */
        char *written; /* what is in them */
        size_t length;
};

/* --- The terminal --------------------------------------------------------------------------------------- */

static bool is_terminal(FILE *file)
{
        const char *name = getenv("TERM");

        return isatty(fileno(file)) && name && *name && strcmp(name, "dumb") != 0;
}

/* One that says it is 0 wide does not know. */
static int size_or(unsigned short size, const char *variable, int usual)
{
        const char *text = getenv(variable);
        long number = size > 0 ? size : text ? strtol(text, NULL, 10) : 0;

        return number > 0 && number < 10000 ? (int)number : usual;
}

static void size_of(FILE *file, int *width, int *height)
{
        struct winsize size = { 0 };

        if (ioctl(fileno(file), TIOCGWINSZ, &size) != 0)
                size.ws_col = size.ws_row = 0;
        *width = size_or(size.ws_col, "COLUMNS", 80);
        *height = size_or(size.ws_row, "LINES", 24);
}

/* In the background the terminal is somebody else's. One that does not control us has no foreground. */
static bool in_front(FILE *file)
{
        pid_t group = tcgetpgrp(fileno(file));

        return group < 0 || group == getpgrp();
}

/* --- Making and ending ---------------------------------------------------------------------------------- */

/* Without memory for the lines, it does without the block. */
static void go_live(struct scion_display *display)
{
        const char *no_colour = getenv("NO_COLOR");

        display->live = display->file && is_terminal(display->file);
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
        display->work = calloc((size_t)start->slots, sizeof *display->work);
        display->rows = calloc((size_t)start->slots, sizeof *display->rows);
        if (!display->work || !display->rows)
                scion_fail("out of memory");
        else if (scion_forecast_start(&display->forecast, start->plan, start->done)) {
                go_live(display);
                return display;
        }
        scion_display_destroy(display);
        return NULL;
}

/* The lines, before the block if that is to be there again. What cannot be written is lost, as on any terminal. */
static void draw(struct scion_display *display, const struct scion_block *block)
{
        struct scion_text text = { 0 };

        fflush(display->lines);
        if (display->shown || block)
                scion_text_add(&text, CLEAR);
        if (display->length > 0)
                scion_text_add(&text, "%.*s", (int)display->length, display->written);
        if (block) {
                int width, height, rows;

                size_of(display->file, &width, &height);
                scion_text_add(&text, NO_WRAP);
                rows = scion_block_add(block, width, height > 1 ? height - 1 : 1, display->colours, &text);
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
                draw(display, NULL);
        if (display->lines)
                fclose(display->lines);
        free(display->written);
        scion_forecast_finish(&display->forecast);
        free(display->work);
        free(display->rows);
        free(display);
}

/* --- What happens --------------------------------------------------------------------------------------- */

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
        scion_work_start(&display->work[slot], run, scion_clock());
        display->changed = true;
}

static const char *id_of(const struct scion_display *display, int slot)
{
        return display->plan->planned[display->work[slot].run].id;
}

void scion_display_told(struct scion_display *display, int slot, const struct scion_progress *progress)
{
        struct scion_work *work = &display->work[slot];
        bool resumed = work->resumed;

        scion_work_told(work, progress, scion_clock());
        display->changed = true;
        FILE *file = work->resumed && !resumed ? scion_display_lines(display, false) : NULL;

        if (!file)
                return;
        fprintf(file, "%s: goes on after epoch %lld of the %s's %lld\n", id_of(display, slot),
                (long long)progress->epochs_before, work->stage, (long long)progress->epochs);
        fflush(file);
}

void scion_display_finished(struct scion_display *display, int slot, double seconds)
{
        scion_forecast_finished(&display->forecast, display->work[slot].run, seconds);
        display->work[slot].busy = false;
        display->finished++;
        display->changed = true;
}

void scion_display_failed(struct scion_display *display, int slot)
{
        display->work[slot].busy = false;
        display->failed++;
        display->changed = true;
}

void scion_display_stopped(struct scion_display *display, int slot)
{
        struct scion_work *work = &display->work[slot];
        FILE *file = scion_display_lines(display, false);
        bool after = work->last.phase == SCION_AT_EPOCH;

        work->busy = false;
        if (!file)
                return;
        fprintf(file, "%s: stopped", id_of(display, slot));
        if (work->told && (after || work->last.phase == SCION_AT_STEP))
                fprintf(file, " %s epoch %lld of the %s's %lld", after ? "after" : "in",
                        (long long)work->last.epoch, work->stage, (long long)work->last.epochs);
        fputc('\n', file);
        fflush(file);
}

/* --- Drawing -------------------------------------------------------------------------------------------- */

static void draw_block(struct scion_display *display, double now)
{
        struct scion_block block = {
                .name = display->plan->name,
                .count = display->plan->count,
                .done = display->finished,
                .failed = display->failed,
                .waiting = display->forecast.waiting,
                .left = scion_forecast_all(&display->forecast, display->work, display->slots, now),
                .run = display->rows,
        };

        for (int i = 0; i < display->slots; i++) {
                const struct scion_work *work = &display->work[i];
                struct scion_block_run *row = &display->rows[block.runs];

                if (!work->busy)
                        continue;
                row->id = id_of(display, i);
                row->work = work;
                row->left = scion_forecast_run(&display->forecast, work, now, &row->more);
                block.runs++;
        }
        draw(display, &block);
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
        due = display->drawn + (display->changed ? OFTEN : TICK);
        if (now < due)
                return due - now;
        if (in_front(display->file)) {
                draw_block(display, now);
        } else {
                display->shown = false; /* whatever is there now, it is not ours to take away */
                draw(display, NULL);
        }
        display->changed = false;
        display->drawn = now;
        return TICK;
}

void scion_display_redraw(struct scion_display *display)
{
        display->drawn = -INFINITY;
}

void scion_display_leave(struct scion_display *display)
{
        if (display->live)
                draw(display, NULL);
        scion_display_redraw(display);
}
