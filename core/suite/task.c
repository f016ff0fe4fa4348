#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "suite/task.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <scion/error.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "file/files.h"
#include "process/pool.h"
#include "run/run.h"

/* Redirects stdout and stderr of the run and its plugins to its log. */
static bool output_redirect(const char *folder)
{
        struct scion_text path = { 0 };

        scion_text_add(&path, "%s/log.txt", folder);
        if (path.failed)
                return scion_fail("out of memory");
        int log = scion_file_open_regular(path.text, O_WRONLY | O_APPEND | O_CREAT);
        char opened[32];

        if (log < 0) {
                free(path.text);
                return false;
        }
        /* Only a reopened stream accepts another buffering mode after output. */
        snprintf(opened, sizeof opened, "/proc/self/fd/%d", log);
        bool good = freopen(opened, "a", stdout) && dup2(fileno(stdout), STDERR_FILENO) >= 0;

        close(log);
        if (good)
                setvbuf(stdout, NULL, _IOLBF,
                        0); /* so that a plugin's last line before a crash is in the log */
        else
                scion_fail("%s: %s", path.text, strerror(errno));
        free(path.text);
        return good;
}

static bool log_open(const char *folder)
{
        return scion_make_folders(folder) && output_redirect(folder);
}

/* A checked run opens its log first; one that may still be refused does so only after it was prepared. */
enum scion_status scion_task_work(void *context, const struct scion_observer *observer,
                                  struct scion_row *cells, struct scion_text *note)
{
        const struct scion_progress start = { .phase = SCION_AT_START };
        const struct scion_task *task = context;
        enum scion_status status = SCION_BAD_INPUT;
        char *folder;
        struct scion_config *config = NULL;
        struct scion_run *run = NULL;
        bool good;

        dup2(STDERR_FILENO, STDOUT_FILENO); /* keep stdout for the command's own output */
        scion_observer_tell(observer, &start);
        folder = scion_path_join(task->folder, task->planned->id);
        good = folder && (!task->checked || log_open(folder));
        if (good && (config = scion_planned_config(task->planned)))
                run = scion_run_prepare(config);
        if (run && (task->checked || log_open(folder)))
                status = scion_run_execute(run, folder, task->interval, observer, cells) ? SCION_GOOD
                         : scion_run_stopped(run)                                        ? SCION_STOPPED
                                                                                         : SCION_FAILED;
        if (run)
                scion_text_add(note, "%s%s%s", scion_run_note(run),
                               *scion_run_note(run) && *scion_run_traces(run) ? "\n" : "",
                               scion_run_traces(run));
        free(folder);
        scion_run_destroy(run);
        scion_config_destroy(config);
        return status;
}

/* The results of the checking process, in memory shared with its parent. */
struct checked {
        size_t at;   /* index of the run that is being checked */
        bool values; /* the task is regression */
};

struct checking {
        const struct scion_plan *plan;
        struct checked *shared;
};

/* Destroys each run only after the next one is prepared, so that data they share stays open. */
static enum scion_status checking_work(void *context, const struct scion_observer *observer,
                                       struct scion_row *cells, struct scion_text *note)
{
        const struct checking *checking = context;
        const struct scion_plan *plan = checking->plan;
        struct scion_config *config = NULL; /* belongs to `run` */
        struct scion_run *run = NULL;
        bool good = true;

        (void)cells;
        (void)observer;
        dup2(STDERR_FILENO, STDOUT_FILENO);
        for (size_t i = 0; good && i < plan->count; i++) {
                if (!plan->planned[i].first_of_its_kind)
                        continue;
                checking->shared->at = i;
                struct scion_config *next_config = scion_planned_config(&plan->planned[i]);
                struct scion_run *next = next_config ? scion_run_prepare(next_config) : NULL;

                scion_run_destroy(run);
                scion_config_destroy(config);
                config = next_config;
                run = next;
                good = run != NULL;
                checking->shared->values = good && scion_run_has_values(run);
                if (good && *scion_run_note(run))
                        scion_text_add(note, "%s: %s\n", plan->planned[i].id, scion_run_note(run));
        }
        scion_run_destroy(run);
        scion_config_destroy(config);
        return good ? SCION_GOOD : SCION_BAD_INPUT;
}

/* Waits until the process has ended. A signal terminates it, as there is nothing to resume. */
static bool checking_wait(struct scion_pool *pool, struct scion_report *report)
{
        struct scion_event event;

        while (scion_pool_next(pool, INFINITY, &event)) {
                if (event.kind == SCION_EVENT_SIGNAL && event.signal != SIGWINCH) {
                        scion_pool_stop(pool, true);
                } else if (event.kind == SCION_EVENT_ENDED) {
                        *report = event.report;
                        return true;
                }
        }
        return false;
}

/* The limits of the checking process: the largest of all runs, with memory for two runs at a time. */
static struct scion_limits plan_check_limits(const struct scion_plan *plan)
{
        struct scion_limits most = plan->planned[0].limits;

        for (size_t i = 0; i < plan->count; i++) {
                const struct scion_limits *limits = &plan->planned[i].limits;

                most.minutes =
                        limits->minutes == 0 || most.minutes == 0 ? 0 : fmax(most.minutes, limits->minutes);
                most.memory_mib = limits->memory_mib == 0 || most.memory_mib == 0
                                          ? 0
                                          : fmax(most.memory_mib, limits->memory_mib);
        }
        most.memory_mib *= 2;
        return most;
}

/*
 * Runs the check in a child process. A message about bad input already says where; for a crash, the run is
 * named.
 */
static enum scion_status checking_run(const struct checking *checking, FILE *notes)
{
        const struct scion_limits limits = plan_check_limits(checking->plan);
        struct scion_pool *pool = scion_pool_create(1);
        bool good = pool && scion_pool_start(pool, 0, &limits, checking_work, (void *)checking);
        struct scion_report report;
        enum scion_status status;

        good = good && checking_wait(pool, &report);
        scion_pool_destroy(pool);
        if (!good)
                return SCION_FAILED;
        status = report.status;
        if (status == SCION_BAD_INPUT || status == SCION_STOPPED)
                scion_fail("%s", report.message);
        else if (status != SCION_GOOD)
                scion_fail("%s: %s", checking->plan->planned[checking->shared->at].id, report.message);
        else if (notes)
                fputs(report.note, notes);
        scion_report_finish(&report);
        return status;
}

enum scion_status scion_plan_check(const struct scion_plan *plan, bool *values, FILE *notes)
{
        struct checking checking = { .plan = plan };
        enum scion_status status;

        checking.shared = mmap(NULL, sizeof *checking.shared, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (checking.shared == MAP_FAILED) {
                scion_fail("cannot allocate memory to share with the checking process: %s", strerror(errno));
                return SCION_FAILED;
        }
        status = checking_run(&checking, notes);
        *values = checking.shared->values;
        munmap(checking.shared, sizeof *checking.shared);
        return status;
}
