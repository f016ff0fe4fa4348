#define _GNU_SOURCE /* wait4: what a child used, with its status; sigabbrev_np */
#include "suite/process.h"

#include <errno.h>
#include <scion/error.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"

/* The report on the pipe: message, note, then columns and values, each ended by a zero byte; then MARK. */
static const char mark[] = "\1end of report";

static bool send_text(int pipe, const char *text)
{
        return scion_write_all(pipe, text, strlen(text) + 1);
}

static void send_report(int pipe, enum scion_status status, const struct scion_row *cells, const char *note)
{
        bool good = send_text(pipe, status == SCION_GOOD ? "" : scion_error());

        good = good && send_text(pipe, note ? note : "");
        for (size_t i = 0; good && i < cells->count; i++)
                good = send_text(pipe, cells->cell[i].column) && send_text(pipe, cells->cell[i].value);
        if (good)
                send_text(pipe, mark);
}

bool scion_process_start(struct scion_process *process, scion_work *work, void *context)
{
        struct scion_row cells = { 0 };
        struct scion_text note = { 0 };
        int ends[2];

        if (pipe(ends) != 0)
                return scion_fail("no pipe to a new process: %s", strerror(errno));
        pid_t parent = getpid(), pid = fork();

        if (pid < 0) {
                close(ends[0]);
                close(ends[1]);
                return scion_fail("no new process: %s", strerror(errno));
        }
        if (pid == 0) {
                close(ends[0]);
                /* Whoever kills the parent means the run too: it would go on in the background, unseen. */
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() != parent)
                        _Exit(SCION_FAILED);
                scion_clock_restart();
                enum scion_status status = work(context, &cells, &note);

                send_report(ends[1], status, &cells, note.text);
                fflush(NULL);
                _Exit(status);
        }
        close(ends[1]);
        *process = (struct scion_process){ .pid = pid, .pipe = ends[0] };
        return true;
}

static char *read_pipe(int pipe, size_t *length)
{
        size_t room = 1 << 16;
        char *text = malloc(room);

        *length = 0;
        while (text) {
                ssize_t got = read(pipe, text + *length, room - *length);

                if (got < 0 && errno == EINTR)
                        continue;
                if (got <= 0)
                        break;
                *length += (size_t)got;
                if (*length == room) {
                        char *larger = realloc(text, room *= 2);

                        if (!larger)
                                free(text);
                        text = larger;
                }
        }
        return text;
}

/* Takes the report apart. False when it is not whole. */
static bool parse(const char *text, size_t length, struct scion_report *report)
{
        const char *end = text + length, *at = text;

        if (length < sizeof mark || memcmp(end - sizeof mark, mark, sizeof mark) != 0)
                return false;
        end -= sizeof mark;
        report->message = strdup(at);
        at += strlen(at) + 1;
        report->note = strdup(at < end ? at : "");
        at += strlen(at) + 1;
        while (at < end) {
                const char *column = at, *value = column + strlen(column) + 1;

                scion_row_text(&report->cells, column, value);
                at = value + strlen(value) + 1;
        }
        return report->message && report->note && !report->cells.failed;
}

static void make_report(struct scion_process *process, int status, const struct rusage *used,
                        struct scion_report *report)
{
        size_t length = 0;
        char *text = read_pipe(process->pipe, &length);
        bool whole = text && parse(text, length, report);
        struct scion_text message = { 0 };

        free(text);
        report->peak_mib = (double)used->ru_maxrss / 1024;
        report->status = WIFEXITED(status) ? (enum scion_status)WEXITSTATUS(status) : SCION_FAILED;
        if (WIFSIGNALED(status)) {
                const char *name = sigabbrev_np(WTERMSIG(status));

                scion_text_add(&message, "killed by SIG%s (%s)", name ? name : "?",
                               strsignal(WTERMSIG(status)));
        } else if (!whole) {
                scion_text_add(&message, "the process ended with status %d before the run was over",
                               WEXITSTATUS(status));
                report->status = SCION_FAILED;
        }
        if (message.text) {
                free(report->message);
                report->message = message.text;
        }
}

int scion_process_wait(struct scion_process *processes, int count, struct scion_report *report)
{
        struct rusage used;
        int status;

        *report = (struct scion_report){ 0 };
        for (;;) {
                pid_t pid = wait4(-1, &status, 0, &used);

                if (pid < 0 && errno == EINTR)
                        continue;
                if (pid < 0)
                        return -1;
                for (int i = 0; i < count; i++) {
                        if (processes[i].pid != pid)
                                continue;
                        make_report(&processes[i], status, &used, report);
                        close(processes[i].pipe);
                        processes[i] = (struct scion_process){ 0 };
                        return i;
                }
        }
}

void scion_report_finish(struct scion_report *report)
{
        free(report->message);
        free(report->note);
        scion_row_finish(&report->cells);
        *report = (struct scion_report){ 0 };
}
