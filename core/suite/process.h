/* Work done in a process of its own, which reports back before it ends, or is reported on. */
#ifndef SCION_SUITE_PROCESS_H
#define SCION_SUITE_PROCESS_H

#include <sys/types.h>

#include "base/text.h"
#include "report/sheet.h"

/* How a run went; also the exit statuses of the command. */
enum scion_status {
        SCION_GOOD = 0,
        SCION_FAILED = 1,    /* something went wrong while running */
        SCION_BAD_INPUT = 2, /* the input or the usage was wrong; nothing was written */
};

/* What the child does. Returns its status, with the message in scion_error() unless good; may add cells, and a note of
 * what is worth knowing though it is no failure: lines without the last line's end. */
typedef enum scion_status scion_work(void *context, struct scion_row *cells, struct scion_text *note);

struct scion_process {
        pid_t pid; /* 0: none */
        int pipe;
};

struct scion_report {
        enum scion_status status;
        char *message;          /* why it failed; "" when good */
        char *note;             /* "" when there is none */
        struct scion_row cells; /* what the child added */
        double peak_mib;        /* the largest memory it had */
};

/* Splits off a child that does `work`. The caller has flushed its streams. */
bool scion_process_start(struct scion_process *process, scion_work *work, void *context);

/*
 * Waits for one of the processes to end and makes its report: a child that was killed, or left before it
 * reported, has failed, and the message says how. Returns its index; -1 when none is running.
 */
int scion_process_wait(struct scion_process *processes, int count, struct scion_report *report);

void scion_report_finish(struct scion_report *report);

#endif
