/*
 * The messages that a child process sends to its parent over a pipe: frames, each with a kind and a length.
 * Both ends are the same program, one forked from the other, so numbers are sent in the machine's own
 * representation.
 */
#ifndef SCION_PROCESS_CHANNEL_H
#define SCION_PROCESS_CHANNEL_H

#include "base/text.h"
#include "table/sheet.h"
#include "train/observer.h"

enum scion_frame_kind {
        SCION_FRAME_PROGRESS,
        SCION_FRAME_REPORT, /* sent last, once */
};

/* --- The child's end --- */

/* Sends progress, or drops it when the pipe is full: the run never waits for its parent. */
void scion_channel_send_progress(int pipe, const struct scion_progress *progress);
/* Sends the report of a finished run, and waits until all of it is written. message and note may be NULL. */
void scion_channel_send_report(int pipe, const char *message, const char *note,
                               const struct scion_row *cells);

/* --- The parent's end. The pipe is in non-blocking mode. An inbox starts as { 0 }. --- */

/* The bytes that the parent has received and not yet consumed. */
struct scion_inbox {
        char *data;
        size_t length, capacity;
        size_t consumed; /* bytes of data that scion_inbox_next() has consumed */
        bool broken;     /* memory ran out, or the data is not a valid frame */
};

/* A complete frame, within the inbox. */
struct scion_frame {
        enum scion_frame_kind kind;
        size_t length;
        const char *data; /* valid until the next call on the inbox */
};

/*
 * Reads all bytes that are available now. Returns false at the end of the pipe, or when the inbox is broken.
 */
bool scion_inbox_read(struct scion_inbox *inbox, int pipe);
/* Gets the next complete frame. Returns false when there is none yet. */
bool scion_inbox_next(struct scion_inbox *inbox, struct scion_frame *frame);
/* Frees the inbox, and resets it to { 0 }. */
void scion_inbox_finish(struct scion_inbox *inbox);

/*
 * Decode a frame of the respective kind; return false when it is malformed. progress->stage points into the
 * frame. message and note are allocated for the caller, who frees them; the cells are added to cells.
 */
bool scion_frame_progress(const struct scion_frame *frame, struct scion_progress *progress);
bool scion_frame_report(const struct scion_frame *frame, char **message, char **note,
                        struct scion_row *cells);

#endif
