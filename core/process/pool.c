#define _GNU_SOURCE /* wait4: what a child used, with its status; signalfd */
#include "process/pool.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <scion/error.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

struct slot {
        struct scion_process process;
        bool ended; /* the end is reported after all progress that is still in the pipe */
        int status;
        struct rusage used;
};

struct scion_pool {
        int slots, running;
        struct slot *slot;
        struct pollfd *watched; /* the signal descriptor, then the pipes */
        int signals;            /* the signalfd */
        sigset_t caught;        /* the signals that it reports */
        sigset_t old_mask;      /* the signal mask before the pool */
        struct sigaction old_sigchld;
        int next;  /* the slot to look at first, so that all slots are served in turn */
        bool reap; /* SIGCHLD came: some children may have ended */
};

static int last_signal;

/* --- Signals -------------------------------------------------------------------------------------------- */

/*
 * Signals that are ignored, as in a background job, stay ignored. SIGCHLD is reset to its default even if the
 * parent of this process ignored it, because the pool needs it.
 */
static bool pool_catch_signals(struct scion_pool *pool)
{
        static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
        struct sigaction action = { .sa_handler = SIG_DFL };
        sigset_t *set = &pool->caught;

        sigemptyset(set);
        sigaddset(set, SIGCHLD);
        sigaddset(set, SIGWINCH);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
                struct sigaction old;

                if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
                        sigaddset(set, numbers[i]);
        }
        sigaction(SIGCHLD, &action, &pool->old_sigchld);
        sigprocmask(SIG_BLOCK, set, &pool->old_mask);
        pool->signals = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (pool->signals >= 0)
                return true;
        scion_fail("cannot create a descriptor for signals: %s", strerror(errno));
        sigprocmask(SIG_SETMASK, &pool->old_mask, NULL);
        sigaction(SIGCHLD, &pool->old_sigchld, NULL);
        return false;
}

/* Returns the next signal other than SIGCHLD, or 0. Notes SIGCHLD in pool->reap. */
static int pool_next_signal(struct scion_pool *pool)
{
        struct signalfd_siginfo info;

        while (read(pool->signals, &info, sizeof info) == (ssize_t)sizeof info) {
                if (info.ssi_signo != SIGCHLD)
                        return (int)info.ssi_signo;
                pool->reap = true;
        }
        return 0;
}

/* --- Creation and destruction --------------------------------------------------------------------------- */

struct scion_pool *scion_pool_create(int slots)
{
        struct scion_pool *pool = calloc(1, sizeof *pool);

        if (!pool)
                return scion_fail_null("out of memory");
        pool->slots = slots;
        pool->slot = calloc((size_t)slots, sizeof *pool->slot);
        pool->watched = calloc((size_t)slots + 1, sizeof *pool->watched);
        if (!pool->slot || !pool->watched)
                scion_fail("out of memory");
        else if (pool_catch_signals(pool))
                return pool;
        free(pool->slot);
        free(pool->watched);
        free(pool);
        return NULL;
}

void scion_pool_destroy(struct scion_pool *pool)
{
        if (!pool)
                return;
        for (int i = 0; i < pool->slots; i++) {
                struct slot *slot = &pool->slot[i];
                struct scion_report report;

                if (slot->process.pid == 0)
                        continue;
                if (!slot->ended) {
                        kill(slot->process.pid, SIGKILL);
                        while (wait4(slot->process.pid, &slot->status, 0, &slot->used) < 0 && errno == EINTR)
                                ;
                }
                scion_process_report(&slot->process, slot->status, &slot->used, &report);
                scion_report_finish(&report);
        }
        close(pool->signals);
        sigaction(SIGCHLD, &pool->old_sigchld, NULL);
        sigprocmask(SIG_SETMASK, &pool->old_mask, NULL);
        free(pool->slot);
        free(pool->watched);
        free(pool);
}

int scion_pool_running(const struct scion_pool *pool)
{
        return pool->running;
}

int scion_pool_free_slot(const struct scion_pool *pool)
{
        for (int i = 0; i < pool->slots; i++)
                if (pool->slot[i].process.pid == 0)
                        return i;
        return -1;
}

/* Closes the descriptors that a child has inherited from the pool, and restores the handling of SIGCHLD. */
static void pool_close_in_child(void *context)
{
        struct scion_pool *pool = context;

        close(pool->signals);
        for (int i = 0; i < pool->slots; i++)
                if (pool->slot[i].process.pid != 0)
                        close(pool->slot[i].process.pipe);
        sigaction(SIGCHLD, &pool->old_sigchld, NULL);
}

bool scion_pool_start(struct scion_pool *pool, int slot, const struct scion_limits *limits, scion_work *work,
                      void *context)
{
        pool->slot[slot].ended = false;
        fflush(NULL);
        if (!scion_process_start(&pool->slot[slot].process, limits, work, context, pool_close_in_child, pool))
                return false;
        pool->running++;
        return true;
}

void scion_pool_catch_stop(struct scion_pool *pool)
{
        struct sigaction old;
        sigset_t stop;

        if (sigaction(SIGTSTP, NULL, &old) != 0 || old.sa_handler == SIG_IGN)
                return;
        sigemptyset(&stop);
        sigaddset(&stop, SIGTSTP);
        sigaddset(&pool->caught, SIGTSTP);
        if (signalfd(pool->signals, &pool->caught, 0) >= 0)
                sigprocmask(SIG_BLOCK, &stop, NULL);
}

void scion_pool_pause(void)
{
        sigset_t stop;

        sigemptyset(&stop);
        sigaddset(&stop, SIGTSTP);
        raise(SIGTSTP);
        sigprocmask(SIG_UNBLOCK, &stop, NULL); /* stopped here, until SIGCONT */
        sigprocmask(SIG_BLOCK, &stop, NULL);
}

int scion_pool_signal(void)
{
        return last_signal;
}

void scion_pool_stop(struct scion_pool *pool, bool now)
{
        for (int i = 0; i < pool->slots; i++) {
                struct slot *slot = &pool->slot[i];

                if (slot->process.pid == 0 || slot->ended)
                        continue;
                if (now)
                        scion_process_terminate(&slot->process, SCION_STOPPED, scion_clock(), "stopped");
                else
                        kill(slot->process.pid, SIGINT);
        }
}

/* --- Waiting -------------------------------------------------------------------------------------------- */

/* Waits for each pid separately, because this process may have other children. */
static void pool_reap(struct scion_pool *pool)
{
        for (int i = 0; i < pool->slots; i++) {
                struct slot *slot = &pool->slot[i];

                if (slot->process.pid == 0 || slot->ended)
                        continue;
                pid_t pid = wait4(slot->process.pid, &slot->status, WNOHANG, &slot->used);

                if (pid < 0 && errno == ECHILD) { /* another waiter has taken its status */
                        slot->status = SIGKILL;
                        memset(&slot->used, 0, sizeof slot->used);
                }
                slot->ended = pid > 0 || (pid < 0 && errno == ECHILD);
        }
        pool->reap = false;
}

/* Gets the next progress or end of any process. Returns false when there is none. */
static bool pool_take_event(struct scion_pool *pool, struct scion_event *event)
{
        for (int i = 0; i < pool->slots; i++) {
                int index = (pool->next + i) % pool->slots;
                struct slot *slot = &pool->slot[index];

                if (slot->process.pid == 0)
                        continue;
                event->slot = index;
                if (scion_process_receive(&slot->process, &event->progress)) {
                        event->kind = SCION_EVENT_PROGRESS;
                        pool->next = index + 1;
                        return true;
                }
                if (slot->ended) {
                        event->kind = SCION_EVENT_ENDED;
                        scion_process_report(&slot->process, slot->status, &slot->used, &event->report);
                        pool->running--;
                        return true;
                }
        }
        return false;
}

/* Waits until a descriptor is readable or the time is reached. */
static bool pool_sleep_until(struct scion_pool *pool, double until)
{
        double left = until - scion_clock();
        int milliseconds = left > 3600 ? 3600 * 1000 : left > 0 ? (int)ceil(left * 1000) : 0;
        nfds_t count = 0;

        pool->watched[count++] = (struct pollfd){ .fd = pool->signals, .events = POLLIN };
        for (int i = 0; i < pool->slots; i++)
                if (pool->slot[i].process.pid != 0 && !pool->slot[i].process.pipe_closed)
                        pool->watched[count++] =
                                (struct pollfd){ .fd = pool->slot[i].process.pipe, .events = POLLIN };
        return poll(pool->watched, count, milliseconds) >= 0 || errno == EINTR ||
               scion_fail("waiting for processes: %s", strerror(errno));
}

static double pool_enforce_limits(struct scion_pool *pool)
{
        double now = scion_clock(), next = INFINITY;

        for (int i = 0; i < pool->slots; i++)
                if (pool->slot[i].process.pid != 0 && !pool->slot[i].ended)
                        next = fmin(next, scion_process_enforce_limits(&pool->slot[i].process, now));
        return next;
}

bool scion_pool_next(struct scion_pool *pool, double seconds, struct scion_event *event)
{
        double end = scion_clock() + seconds;

        memset(event, 0, sizeof *event);
        for (;;) {
                event->signal = pool_next_signal(pool);
                if (event->signal) {
                        if (event->signal != SIGWINCH && event->signal != SIGTSTP)
                                last_signal = event->signal;
                        event->kind = SCION_EVENT_SIGNAL;
                        return true;
                }
                if (pool->reap)
                        pool_reap(pool);
                if (pool_take_event(pool, event))
                        return true;
                if (scion_clock() >= end) {
                        event->kind = SCION_EVENT_TIMEOUT;
                        return true;
                }
                if (!pool_sleep_until(pool, fmin(end, pool_enforce_limits(pool))))
                        return false;
        }
}
