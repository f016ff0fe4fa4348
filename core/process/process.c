#define _GNU_SOURCE /* sigabbrev_np, pipe2 */
#include "process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <scion/error.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "file/files.h"

#define KILL_DELAY 3.0       /* seconds between SIGTERM and SIGKILL */
#define MEMORY_INTERVAL 0.05 /* seconds between two checks of a child's memory */
#define MIB (1024.0 * 1024.0)

/* --- The child ------------------------------------------------------------------------------------------ */

static volatile sig_atomic_t stop_requested;

static void signal_note(int number)
{
        (void)number;
        stop_requested = 1;
}

static void parent_send_progress(void *context, const struct scion_progress *progress)
{
        scion_channel_send_progress(*(const int *)context, progress);
}

static bool child_is_stopping(void *context)
{
        (void)context;
        return stop_requested;
}

static void child_set_signals(void)
{
        struct sigaction action = { .sa_handler = signal_note, .sa_flags = SA_RESTART };
        sigset_t none;

        stop_requested = 0;
        sigaction(SIGINT, &action, NULL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Returns the memory of a process in bytes, from /proc: resident, or, with `data`, its writable data
 * segments.
 */
static double process_memory(pid_t pid, bool data)
{
        char path[64], text[256];
        long long pages[6];

        snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
        int file = open(path, O_RDONLY | O_CLOEXEC);

        if (file < 0)
                return 0;
        ssize_t got = scion_read_all(file, text, sizeof text - 1);

        close(file);
        text[got > 0 ? got : 0] = '\0';
        if (sscanf(text, "%lld %lld %lld %lld %lld %lld", &pages[0], &pages[1], &pages[2], &pages[3],
                   &pages[4], &pages[5]) != 6)
                return 0;
        return (double)pages[data ? 5 : 1] * (double)sysconf(_SC_PAGESIZE);
}

/*
 * Limits the data segment of this process as a backstop. The parent compares the resident memory with the
 * limit a few times a second; a process that allocates faster than that fails at twice the limit. The data
 * segment also counts memory that is reserved and not used, which is why its limit is larger. What is there
 * already (a sanitizer's shadow) is not counted.
 */
static void child_limit_memory(double mib)
{
        double bytes = process_memory(getpid(), true) + (2 * mib + 256) * MIB;
        struct rlimit limit;

        if (mib <= 0 || getrlimit(RLIMIT_DATA, &limit) != 0)
                return;
        if (limit.rlim_max == RLIM_INFINITY || bytes < (double)limit.rlim_max) {
                limit.rlim_cur = (rlim_t)bytes;
                setrlimit(RLIMIT_DATA, &limit);
        }
}

/* Makes the kernel's OOM killer choose a run rather than the suite. */
static void child_raise_oom_score(void)
{
        int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

        if (file >= 0) {
                scion_write_all(file, "500", 3);
                close(file);
        }
}

static _Noreturn void child_run(const struct scion_limits *limits, scion_work *work, void *context, int pipe)
{
        struct scion_observer observer = { &pipe, parent_send_progress, child_is_stopping, NULL };
        struct scion_row cells = { 0 };
        struct scion_text note = { 0 };

        scion_clock_restart();
        child_set_signals();
        child_raise_oom_score();
        child_limit_memory(limits->memory_mib);
        enum scion_status status = work(context, &observer, &cells, &note);

        scion_channel_send_report(pipe, status == SCION_GOOD ? "" : scion_error(), note.text, &cells);
        fflush(NULL);
        _Exit(status);
}

/* --- The parent ----------------------------------------------------------------------------------------- */

bool scion_process_start(struct scion_process *process, const struct scion_limits *limits, scion_work *work,
                         void *context, void (*leave)(void *), void *leave_context)
{
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) != 0)
                return scion_fail("cannot create a pipe to a new process: %s", strerror(errno));
        pid_t parent = getpid(), pid = fork();

        if (pid < 0) {
                scion_fail("cannot start a process: %s", strerror(errno));
                close(ends[0]);
                close(ends[1]);
                return false;
        }
        if (pid == 0) {
                /* Otherwise the run would go on in the background, unseen, after its parent was killed. */
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() != parent)
                        _Exit(SCION_FAILED);
                close(ends[0]);
                if (leave)
                        leave(leave_context);
                child_run(limits, work, context, ends[1]);
        }
        close(ends[1]);
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        *process = (struct scion_process){
                .pid = pid,
                .pipe = ends[0],
                .limits = *limits,
                .started = scion_clock(),
        };
        return true;
}

bool scion_process_receive(struct scion_process *process, struct scion_progress *progress)
{
        struct scion_frame frame;

        if (!process->pipe_closed)
                process->pipe_closed = !scion_inbox_read(&process->inbox, process->pipe);
        while (scion_inbox_next(&process->inbox, &frame)) {
                if (frame.kind == SCION_FRAME_REPORT)
                        process->reported = scion_frame_report(&frame, &process->report.message,
                                                               &process->report.note, &process->report.cells);
                else if (scion_frame_progress(&frame, progress))
                        return true;
        }
        return false;
}

void scion_process_terminate(struct scion_process *process, enum scion_status end_status, double now,
                             const char *reason, ...)
{
        char text[256];
        va_list arguments;

        if (process->kill_at > 0)
                return;
        va_start(arguments, reason);
        vsnprintf(text, sizeof text, reason, arguments);
        va_end(arguments);
        scion_text_add(&process->reason, "%s", text);
        process->end_status = end_status;
        process->kill_at = now + KILL_DELAY;
        kill(process->pid, SIGTERM);
}

double scion_process_enforce_limits(struct scion_process *process, double now)
{
        const struct scion_limits *limits = &process->limits;
        double next = INFINITY;

        if (limits->memory_mib > 0) {
                double mib = process_memory(process->pid, false) / MIB;

                if (mib > limits->memory_mib) {
                        scion_process_terminate(process, SCION_FAILED, now,
                                                "memory limit of %g MiB exceeded: it used %.0f MiB",
                                                limits->memory_mib, mib);
                        process->kill_at = now; /* it may exhaust the memory before it ends by itself */
                }
                next = now + MEMORY_INTERVAL;
        }
        if (limits->minutes > 0 && process->kill_at == 0) {
                double until = process->started + 60 * limits->minutes;

                if (now >= until)
                        scion_process_terminate(process, SCION_FAILED, now, "time limit of %g minute%s",
                                                limits->minutes, limits->minutes == 1 ? "" : "s");
                next = until < next ? until : next;
        }
        if (process->kill_at > 0) {
                if (now >= process->kill_at) {
                        kill(process->pid, SIGKILL);
                        process->kill_at = INFINITY;
                }
                next = process->kill_at < next ? process->kill_at : next;
        }
        return next;
}

/*
 * Describes the end of a process that was killed or did not report. Adds nothing if it reported and exited.
 */
static void process_explain_end(const struct scion_process *process, int status, struct scion_text *message)
{
        if (WIFSIGNALED(status)) {
                const char *name = sigabbrev_np(WTERMSIG(status));

                scion_text_add(message, "killed by SIG%s (%s)", name ? name : "?",
                               strsignal(WTERMSIG(status)));
                if (WTERMSIG(status) == SIGKILL)
                        scion_text_add(message, ", perhaps because memory ran out: it used %.0f MiB",
                                       process->report.peak_mib);
        } else if (!process->reported) {
                scion_text_add(message, "the process ended with status %d before the run was over",
                               WEXITSTATUS(status));
        }
}

void scion_process_report(struct scion_process *process, int status, const struct rusage *used,
                          struct scion_report *report)
{
        double limit = process->limits.memory_mib;
        struct scion_text message = { 0 };

        process->report.seconds = scion_clock() - process->started;
        process->report.peak_mib = (double)used->ru_maxrss / 1024;
        process->report.status = WIFEXITED(status) ? (enum scion_status)WEXITSTATUS(status) : SCION_FAILED;
        process_explain_end(process, status, &message);
        if (message.text)
                process->report.status = SCION_FAILED;
        /* A run that was over its limit has failed, whether or not the parent noticed in time. */
        if (limit > 0 && process->report.peak_mib > limit && process->report.status == SCION_GOOD)
                process->report.status = SCION_FAILED;
        if (process->report.status != SCION_GOOD && process->reason.text) {
                process->report.status = process->end_status;
                message.length = 0;
                scion_text_add(&message, "%s", process->reason.text);
        } else if (process->report.status == SCION_FAILED && limit > 0 && process->report.peak_mib > limit) {
                message.length = 0; /* the other error was a consequence */
                scion_text_add(&message, "memory limit of %g MiB exceeded: it used %.0f MiB", limit,
                               process->report.peak_mib);
        }
        if (message.text) {
                free(process->report.message);
                process->report.message = message.text;
        }
        *report = process->report;
        close(process->pipe);
        scion_inbox_finish(&process->inbox);
        free(process->reason.text);
        *process = (struct scion_process){ 0 };
}

void scion_report_finish(struct scion_report *report)
{
        free(report->message);
        free(report->note);
        scion_row_finish(&report->cells);
        *report = (struct scion_report){ 0 };
}
