#include "process/channel.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "file/files.h"

#define MAX_STAGE_BYTES 40
#define MAX_FRAME_BYTES (1u << 28) /* larger than any report, so a larger length is corrupt */

struct header {
        uint32_t kind, length;
};

/* A progress frame as it is sent. It is no larger than PIPE_BUF, so that a write to the pipe is atomic. */
struct progress_frame {
        struct header header;
        struct scion_progress progress;
        char stage[MAX_STAGE_BYTES];
};

_Static_assert(sizeof(struct progress_frame) <= _POSIX_PIPE_BUF, "written whole, or not at all");

void scion_channel_send_progress(int pipe, const struct scion_progress *progress)
{
        struct pollfd writable = { .fd = pipe, .events = POLLOUT };
        struct progress_frame frame;

        if (poll(&writable, 1, 0) != 1 || !(writable.revents & POLLOUT))
                return;
        memset(&frame, 0, sizeof frame);
        frame.header.kind = SCION_FRAME_PROGRESS;
        frame.header.length = sizeof frame - sizeof frame.header;
        frame.progress = *progress;
        frame.progress.stage = NULL;
        if (progress->stage)
                strncpy(frame.stage, progress->stage, sizeof frame.stage - 1);
        scion_write_all(pipe, &frame, sizeof frame);
}

static void report_add_string(struct scion_text *text, const char *string)
{
        scion_text_add(text, "%s%c", string ? string : "", '\0');
}

/*
 * The report is a sequence of strings, each with its terminating zero: message, note, then column and value
 * of every cell.
 */
void scion_channel_send_report(int pipe, const char *message, const char *note, const struct scion_row *cells)
{
        struct scion_text text = { 0 };

        report_add_string(&text, message);
        report_add_string(&text, note);
        for (size_t i = 0; i < cells->count; i++) {
                report_add_string(&text, cells->cell[i].column);
                report_add_string(&text, cells->cell[i].value);
        }

        struct header header = { SCION_FRAME_REPORT, (uint32_t)text.length };

        if (!text.failed && text.length < MAX_FRAME_BYTES && scion_write_all(pipe, &header, sizeof header))
                scion_write_all(pipe, text.text, text.length);
        free(text.text);
}

static bool inbox_reserve(struct scion_inbox *inbox)
{
        if (inbox->consumed > 0) {
                memmove(inbox->data, inbox->data + inbox->consumed, inbox->length - inbox->consumed);
                inbox->length -= inbox->consumed;
                inbox->consumed = 0;
        }
        if (inbox->length < inbox->capacity)
                return true;

        size_t capacity = inbox->capacity ? 2 * inbox->capacity : 4096;
        char *larger = realloc(inbox->data, capacity);

        if (!larger)
                return false;
        inbox->data = larger;
        inbox->capacity = capacity;
        return true;
}

bool scion_inbox_read(struct scion_inbox *inbox, int pipe)
{
        while (!inbox->broken) {
                if (!inbox_reserve(inbox)) {
                        inbox->broken = true;
                        break;
                }
                ssize_t got = read(pipe, inbox->data + inbox->length, inbox->capacity - inbox->length);

                if (got < 0 && errno == EINTR)
                        continue;
                if (got <= 0)
                        return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
                inbox->length += (size_t)got;
        }
        return false;
}

bool scion_inbox_next(struct scion_inbox *inbox, struct scion_frame *frame)
{
        struct header header;
        size_t available = inbox->length - inbox->consumed;

        if (inbox->broken || available < sizeof header)
                return false;
        memcpy(&header, inbox->data + inbox->consumed, sizeof header);
        if (header.kind > SCION_FRAME_REPORT || header.length >= MAX_FRAME_BYTES) {
                inbox->broken = true;
                return false;
        }
        if (available - sizeof header < header.length)
                return false;
        *frame = (struct scion_frame){
                .kind = (enum scion_frame_kind)header.kind,
                .length = header.length,
                .data = inbox->data + inbox->consumed + sizeof header,
        };
        inbox->consumed += sizeof header + header.length;
        return true;
}

void scion_inbox_finish(struct scion_inbox *inbox)
{
        free(inbox->data);
        *inbox = (struct scion_inbox){ 0 };
}

bool scion_frame_progress(const struct scion_frame *frame, struct scion_progress *progress)
{
        if (frame->length != sizeof(struct progress_frame) - sizeof(struct header))
                return false;
        memcpy(progress, frame->data, sizeof *progress);
        progress->stage = frame->data + offsetof(struct progress_frame, stage) - sizeof(struct header);
        return true;
}

/* Returns the string at *at and moves *at behind it, or returns NULL when no terminated string is left. */
static const char *report_next_string(const char **at, const char *end)
{
        const char *string = *at, *zero = string < end ? memchr(string, '\0', (size_t)(end - string)) : NULL;

        if (!zero)
                return NULL;
        *at = zero + 1;
        return string;
}

bool scion_frame_report(const struct scion_frame *frame, char **message, char **note, struct scion_row *cells)
{
        const char *at = frame->data, *end = at + frame->length;
        const char *first = report_next_string(&at, end), *second = report_next_string(&at, end);

        if (!first || !second)
                return false;
        *message = strdup(first);
        *note = strdup(second);
        while (at < end) {
                const char *column = report_next_string(&at, end), *value = report_next_string(&at, end);

                if (!column || !value)
                        return false;
                scion_row_text(cells, column, value);
        }
        if (*message)
                scion_text_make_printable(*message, true);
        if (*note)
                scion_text_make_printable(*note, true);
        return *message && *note && !cells->failed;
}
