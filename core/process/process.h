/* Work done in a process of its own, which tells how it goes and reports before it ends, or is reported on. */
#ifndef SCION_PROCESS_PROCESS_H
#define SCION_PROCESS_PROCESS_H

#include <sys/resource.h>
#include <sys/types.h>

#include "base/text.h"
#include "experiment/experiment.h"
#include "process/channel.h"
#include "table/sheet.h"
#include "train/observer.h"

/* How a run went; the first three are also the exit statuses of the command. */
enum scion_status {
        SCION_GOOD = 0,
        SCION_FAILED = 1,    /* something went wrong while running */
        SCION_BAD_INPUT = 2, /* the input or the usage was wrong; nothing was written */
        SCION_STOPPED = 3,   /* ended early, as somebody asked; to be gone on with */
};

/* What the child does. Returns its status, with the message in scion_error() unless good; may add cells, and a note of
 * what is worth knowing though it is no failure: lines without the last line's end. The observer is the parent. */
typedef enum scion_status scion_work(void *context, const struct scion_observer *observer,
                                     struct scion_row *cells, struct scion_text *note);

struct scion_report {
        enum scion_status status;
        char *message;          /* why it failed; "" when good */
        char *note;             /* "" when there is none */
        struct scion_row cells; /* what the child added */
        double seconds;         /* from start to end */
        double peak_mib;        /* the largest memory it had */
};

struct scion_process {
        pid_t pid; /* 0: none */
        int pipe;  /* of which reading does not block */
        struct scion_limits limits;
        struct scion_inbox inbox;
        struct scion_report report; /* as far as it is known */
        bool reported;
        bool silent; /* its end of the pipe is closed */
        double began;
        /* When it is to be ended: why, with the status that this gives, and when it is killed unless it went by
         * itself. */
        struct scion_text reason;
        enum scion_status verdict;
        double kill_at; /* 0: not to be ended */
};

/*
 * Splits off a child that does `work`. The caller has flushed its streams. Just after the split the child calls
 * `leave`, to close what is the parent's. A child ends with its parent. SIGINT, which a terminal sends to parent
 * and children alike, only makes the child's observer say that it is to stop.
 */
bool scion_process_start(struct scion_process *process, const struct scion_limits *limits, scion_work *work,
                         void *context, void (*leave)(void *), void *left);

/* Takes in what has come on the pipe, up to the next word of progress; false when there is none. */
bool scion_process_hear(struct scion_process *process, struct scion_progress *progress);

/* Asks it to end, or kills it after some seconds; `reason` becomes the message of its report. */
void scion_process_end(struct scion_process *process, enum scion_status verdict, double now,
                       const char *reason, ...) SCION_PRINTF(4, 5);

/* Holds it to its limits. Returns when to look again: a time of scion_clock(), or infinity. */
double scion_process_watch(struct scion_process *process, double now);

/*
 * Of one that has ended: makes its report, and frees what it had. A child that was killed, or left before it
 * reported, has failed, and the message says how.
 */
void scion_process_report(struct scion_process *process, int status, const struct rusage *used,
                          struct scion_report *report);

void scion_report_finish(struct scion_report *report);

#endif
