/*
 * A child process that does one piece of work, sends progress, and ends with a report. A child that dies
 * before it has reported gets a report from its parent.
 */
#ifndef SCION_PROCESS_PROCESS_H
#define SCION_PROCESS_PROCESS_H

#include <sys/resource.h>
#include <sys/types.h>

#include "base/text.h"
#include "experiment/experiment.h"
#include "process/channel.h"
#include "table/sheet.h"
#include "train/observer.h"

/* The outcome of a run. The first three values are also the exit statuses of the command. */
enum scion_status {
        SCION_GOOD = 0,
        SCION_FAILED = 1,    /* failed while running */
        SCION_BAD_INPUT = 2, /* the input or the usage was wrong; nothing was written */
        SCION_STOPPED = 3,   /* stopped on request; can be resumed */
};

/*
 * The work of a child. It returns a status, and sets scion_error() unless that is SCION_GOOD. It may add
 * result cells, and a note: lines of text about what is worth knowing but no failure, without a newline at
 * the end. The observer sends progress to the parent.
 */
typedef enum scion_status scion_work(void *context, const struct scion_observer *observer,
                                     struct scion_row *cells, struct scion_text *note);

/* The result of a process. */
struct scion_report {
        enum scion_status status;
        char *message;          /* why the work failed; "" if it did not */
        char *note;             /* "" if there is none */
        struct scion_row cells; /* the cells that the child added */
        double seconds;         /* wall-clock time of the process */
        double peak_mib;        /* peak resident memory */
};

/* A child process, as its parent sees it. */
struct scion_process {
        pid_t pid; /* 0: no process */
        int pipe;  /* the read end, in non-blocking mode */
        struct scion_limits limits;
        struct scion_inbox inbox;
        struct scion_report report; /* as far as received */
        bool reported;
        bool pipe_closed; /* the child has closed its end of the pipe */
        double started;
        /*
         * Set by scion_process_terminate(): the message and status to report, and the time at which the
         * process is killed unless it has ended by itself.
         */
        struct scion_text reason;
        enum scion_status end_status;
        double kill_at; /* 0: it is not being terminated */
};

/*
 * Forks a child that does `work`. The caller has flushed all stdio streams. Directly after the fork the child
 * calls leave(leave_context), if leave is not NULL, to close what belongs to the parent. A child is killed
 * when its parent dies. SIGINT, which a terminal sends to the parent and its children alike, only sets the
 * stop flag of the child's observer. On failure returns false with a message.
 */
bool scion_process_start(struct scion_process *process, const struct scion_limits *limits, scion_work *work,
                         void *context, void (*leave)(void *), void *leave_context);

/* Reads from the pipe up to the next progress message. Returns false when there is none yet. */
bool scion_process_receive(struct scion_process *process, struct scion_progress *progress);

/*
 * Sends SIGTERM, and arranges that the process is killed if it does not end within some seconds. The
 * formatted reason becomes the message of its report, and `end_status` its status. Does nothing when the
 * process is being terminated already.
 */
void scion_process_terminate(struct scion_process *process, enum scion_status end_status, double now,
                             const char *reason, ...) SCION_PRINTF(4, 5);

/*
 * Enforces the limits on time and memory. Returns the time of scion_clock() at which to call it again, or
 * INFINITY.
 */
double scion_process_enforce_limits(struct scion_process *process, double now);

/*
 * Moves the report of an ended process to *report, and frees the process. `status` and `used` are from
 * wait4(). A child that was killed, or ended before it reported, has failed, and the message says how.
 */
void scion_process_report(struct scion_process *process, int status, const struct rusage *used,
                          struct scion_report *report);

/* Frees the contents of a report. */
void scion_report_finish(struct scion_report *report);

#endif
