/*
 * What a child process tells its parent over a pipe: frames, each with a kind and a length. Both ends are the
 * same program, one forked from the other, so that numbers go as they lie in memory.
 */
#ifndef SCION_PROCESS_CHANNEL_H
#define SCION_PROCESS_CHANNEL_H

#include "base/text.h"
#include "table/sheet.h"
#include "train/observer.h"

enum scion_frame_kind {
        SCION_FRAME_PROGRESS,
        SCION_FRAME_REPORT, /* the last one */
};

/* --- The child's end --- */

/* Left out when the parent is behind with its reading: the run waits for nobody. */
void scion_channel_send_progress(int pipe, const struct scion_progress *progress);
/* Waits until all is sent. Texts may be NULL. */
void scion_channel_send_report(int pipe, const char *message, const char *note,
                               const struct scion_row *cells);

/* --- The parent's end: a pipe that does not block, and what has come of it. Starts as { 0 }. --- */

struct scion_inbox {
        char *data;
        size_t length, room;
        size_t taken; /* by frames that were looked at */
        bool broken;  /* memory ran out, or what came is no frame */
};

struct scion_frame {
        enum scion_frame_kind kind;
        size_t length;
        const char *data; /* valid until the next call */
};

/* Reads what is there. False at the end of the pipe. */
bool scion_inbox_fill(struct scion_inbox *inbox, int pipe);
/* The next whole frame; false when there is none. */
bool scion_inbox_next(struct scion_inbox *inbox, struct scion_frame *frame);
void scion_inbox_finish(struct scion_inbox *inbox);

/* Takes frames apart. The stage's name points into the frame. The report's texts are the caller's to free. */
bool scion_frame_progress(const struct scion_frame *frame, struct scion_progress *progress);
bool scion_frame_report(const struct scion_frame *frame, char **message, char **note,
                        struct scion_row *cells);

#endif
