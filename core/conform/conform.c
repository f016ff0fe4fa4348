#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "conform/conform.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <scion/error.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "conform/tests.h"
#include "file/files.h"
#include "plugin/params.h"
#include "process/pool.h"

#define MOST_FINDINGS 6 /* printed for one test */

enum ending { HELD, WRONG, SKIPPED, UNUSABLE, TROUBLE };

/* Memory shared by a test's process and this one, which can read it after a crash as well. */
struct scion_conform_shared {
        enum ending ending;
        char doing[256];  /* the last call of the plugin */
        char folder[256]; /* the test's folder; "" when it has none */
};

/* --- Results of a test ----------------------------------------------------------------------------------- */

static void text_add_line(struct scion_conform *conform, const char *format, va_list arguments)
{
        char line[4096];

        vsnprintf(line, sizeof line, format, arguments);
        if (conform->text.text && strstr(conform->text.text, line))
                return; /* the same finding from another place is printed once */
        scion_text_add(&conform->text, "%s%s", conform->text.length ? "\n" : "", line);
}

/* Sets the ending unless a worse one is set. */
static void ending_set(struct scion_conform *conform, enum ending ending)
{
        if (ending > conform->shared->ending || ending == WRONG)
                conform->shared->ending = ending;
}

bool scion_conform_wrong(struct scion_conform *conform, const char *format, ...)
{
        va_list arguments;

        ending_set(conform, WRONG);
        if (++conform->findings > MOST_FINDINGS)
                return false;
        va_start(arguments, format);
        text_add_line(conform, format, arguments);
        va_end(arguments);
        return false;
}

bool scion_conform_skip(struct scion_conform *conform, const char *format, ...)
{
        va_list arguments;

        ending_set(conform, SKIPPED);
        va_start(arguments, format);
        text_add_line(conform, format, arguments);
        va_end(arguments);
        return false;
}

bool scion_conform_note(struct scion_conform *conform, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        text_add_line(conform, format, arguments);
        va_end(arguments);
        return false;
}

bool scion_conform_unusable(struct scion_conform *conform)
{
        ending_set(conform, UNUSABLE);
        return false;
}

bool scion_conform_trouble(struct scion_conform *conform)
{
        ending_set(conform, TROUBLE);
        return false;
}

void scion_conform_doing(struct scion_conform *conform, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(conform->shared->doing, sizeof conform->shared->doing, format, arguments);
        va_end(arguments);
}

const char *scion_conform_done(const struct scion_conform *conform)
{
        return conform->shared->doing;
}

const char *scion_conform_folder(struct scion_conform *conform)
{
        const char *temporary = getenv("TMPDIR");
        struct scion_conform_shared *shared = conform->shared;
        char path[sizeof shared->folder];

        if (!temporary ||
            !*temporary) /* where writing through to the disk takes no time, if there is such a place */
                temporary = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
        int length = snprintf(path, sizeof path, "%s/scion-check-XXXXXX", temporary);

        if (length >= (int)sizeof path || !mkdtemp(path))
                return scion_fail_null("no folder for trial runs, %s: %s", path,
                                       length >= (int)sizeof path ? "the path is too long" : strerror(errno));
        return strcpy(shared->folder, path);
}

const char *scion_conform_reason(void)
{
        return *scion_error() ? scion_error() : "it gives no reason: scion_fail() leaves one";
}

/* --- One test ------------------------------------------------------------------------------------------- */

struct checking {
        const struct scion_conform_request *request;
        struct scion_pool *pool;
        struct scion_conform conform;
        void (*report)(void *context, const struct scion_conform_outcome *outcome);
        void *context;
        struct scion_conform_counts *counts;
};

struct job {
        struct checking *checking;
        const struct scion_conform_test *test;
};

/* Runs in the test's process. The message of a failed check is returned as the error, everything else in the note. */
static enum scion_status test_execute(void *context, const struct scion_observer *observer,
                                      struct scion_row *cells, struct scion_text *note)
{
        struct job *job = context;
        struct scion_conform *conform = &job->checking->conform;
        int more;

        (void)observer;
        (void)cells;
        scion_error_clear();
        job->test->run(conform);
        more = conform->findings - MOST_FINDINGS;
        if (more > 0)
                scion_text_add(&conform->text, "\nand %d more", more);
        if (conform->text.failed) {
                scion_fail("out of memory");
                conform->shared->ending = TROUBLE;
        }
        *note = conform->text;
        return conform->shared->ending >= UNUSABLE ? SCION_BAD_INPUT : SCION_GOOD;
}

static void outcome_report(struct checking *checking, const char *test, enum scion_conform_verdict verdict,
                           const char *text)
{
        const struct scion_conform_outcome outcome = { test, verdict, text };

        switch (verdict) {
        case SCION_CONFORM_GOOD:
                checking->counts->good++;
                break;
        case SCION_CONFORM_WRONG:
                checking->counts->wrong++;
                break;
        case SCION_CONFORM_SKIPPED:
                checking->counts->skipped++;
                break;
        }
        checking->report(checking->context, &outcome);
}

/* Reports a test whose process did not finish: `how` says what happened to it. */
static void outcome_report_end(struct checking *checking, const char *test, const char *how)
{
        const char *doing = checking->conform.shared->doing;
        struct scion_text text = { 0 };

        scion_text_add(&text, "%s%s%s", how, *doing ? ", in " : "", doing);
        outcome_report(checking, test, SCION_CONFORM_WRONG, text.text ? text.text : how);
        free(text.text);
}

static enum scion_status report_judge(struct checking *checking, const struct scion_conform_test *test,
                                      const struct scion_report *report, bool late)
{
        char how[128];

        if (late) {
                snprintf(how, sizeof how, "hangs: it had not finished after %g seconds",
                         checking->request->seconds);
                outcome_report_end(checking, test->name, how);
                return SCION_GOOD;
        }
        if (report->status == SCION_STOPPED) {
                scion_fail("stopped");
                return SCION_STOPPED;
        }
        if (report->status == SCION_FAILED) {
                outcome_report_end(checking, test->name, report->message);
                return SCION_GOOD;
        }
        switch (checking->conform.shared->ending) {
        case HELD:
                outcome_report(checking, test->name, SCION_CONFORM_GOOD, report->note);
                return SCION_GOOD;
        case WRONG:
                outcome_report(checking, test->name, SCION_CONFORM_WRONG, report->note);
                return SCION_GOOD;
        case SKIPPED:
                outcome_report(checking, test->name, SCION_CONFORM_SKIPPED, report->note);
                return SCION_GOOD;
        case UNUSABLE:
                scion_fail("%s%s", report->message,
                           checking->request->sets ? "" : " (parameters are given by --set KEY=VALUE)");
                return SCION_BAD_INPUT;
        case TROUBLE:
                break;
        }
        scion_fail("%s: %s", test->name, report->message);
        return SCION_FAILED;
}

/* Removes a folder with everything in it. */
static void folder_remove(const char *path)
{
        DIR *folder = opendir(path);
        struct dirent *entry;

        while (folder && (entry = readdir(folder))) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                char *inner = scion_path_join(path, entry->d_name);

                if (inner && unlink(inner) != 0)
                        folder_remove(inner);
                free(inner);
        }
        if (folder)
                closedir(folder);
        rmdir(path);
}

/* Returns SCION_GOOD when the outcome was reported, whatever it is. */
static enum scion_status test_run(struct checking *checking, const struct scion_conform_test *test)
{
        const struct scion_limits none = { 0 };
        struct job job = { checking, test };
        double end = scion_clock() + checking->request->seconds;
        struct scion_event event;
        bool late = false;

        memset(checking->conform.shared, 0, sizeof *checking->conform.shared);
        if (!scion_pool_start(checking->pool, 0, &none, test_execute, &job))
                return SCION_FAILED;
        for (;;) {
                if (!scion_pool_next(checking->pool, late ? INFINITY : fmax(end - scion_clock(), 0), &event))
                        return SCION_FAILED;
                if (event.kind == SCION_EVENT_ENDED)
                        break;
                if (event.kind == SCION_EVENT_TIMEOUT)
                        late = true;
                else if (event.kind != SCION_EVENT_SIGNAL || event.signal == SIGWINCH)
                        continue;
                scion_pool_stop(checking->pool, true);
        }
        enum scion_status status = report_judge(checking, test, &event.report, late && !scion_pool_signal());

        if (*checking->conform.shared->folder)
                folder_remove(checking->conform.shared->folder);

        scion_report_finish(&event.report);
        return status;
}

/* --- All tests of a plugin ------------------------------------------------------------------------------ */

static enum scion_status tests_run(struct checking *checking, const struct scion_conform_test *tests)
{
        enum scion_status status = SCION_GOOD;

        for (; tests->name && status == SCION_GOOD; tests++)
                status = test_run(checking, tests);
        return status;
}

/* Runs the first test of the list, and the others only if it passed, because they depend on it. */
static enum scion_status tests_run_after_first(struct checking *checking,
                                               const struct scion_conform_test *tests)
{
        int before = checking->counts->wrong;
        enum scion_status status = tests->name ? test_run(checking, tests) : SCION_GOOD;

        if (status != SCION_GOOD || !tests->name || checking->counts->wrong > before)
                return status;
        return tests_run(checking, tests + 1);
}

/* Checks that every parameter without a default was given. */
static bool params_check_required(const struct scion_plugin *plugin, const struct scion_config *map)
{
        struct scion_text text = { 0 };

        for (const struct scion_param *p = plugin->params; p && p->type != SCION_PARAM_END; p++)
                if (p->required && !scion_config_get(map, p->name))
                        scion_text_add(&text, "%s%s=VALUE (%s)", text.length ? ", --set " : "--set ", p->name,
                                       p->help);
        if (!text.text)
                return true;
        scion_fail("%s '%s' has parameters without a default: give %s", scion_kind_name(plugin->kind),
                   plugin->name, text.text);
        free(text.text);
        return false;
}

static bool map_create(struct checking *checking)
{
        const struct scion_plugin *plugin = &checking->conform.descriptor->plugin;
        const struct scion_param *lr = plugin->params ? scion_params_find(plugin->params, "lr") : NULL;
        struct scion_text text = { 0 };
        bool good;

        scion_text_add(&text, "{ use: '%s' }", plugin->name);
        checking->conform.map = text.text ? scion_config_parse(text.text, checking->request->path) : NULL;
        free(text.text);
        good = checking->conform.map != NULL;
        if (good)
                checking->conform.map->line = 0; /* no place to show in messages */
        if (good && plugin->kind == SCION_OPTIMIZER && lr && lr->required)
                good = scion_config_override(checking->conform.map, "lr=0.01");
        for (size_t i = 0; good && i < checking->request->sets; i++)
                good = scion_config_override(checking->conform.map, checking->request->set[i]);
        return good && params_check_required(plugin, checking->conform.map);
}

/* Returns the list of a kind's tests, or NULL for a kind that has none. */
static const struct scion_conform_test *kind_tests(enum scion_kind kind)
{
        switch (kind) {
        case SCION_LOSS:
                return scion_conform_loss;
        case SCION_OPTIMIZER:
                return scion_conform_optimizer;
        case SCION_DATASET:
                return scion_conform_dataset;
        case SCION_MODEL:
                return scion_conform_model;
        case SCION_STRATEGY:
                return scion_conform_strategy;
        case SCION_BACKEND:
                return scion_conform_backend;
        case SCION_KINDS_END:
                break;
        }
        return NULL;
}

/* Runs all tests. The plugin is loaded into this process only after another process has loaded it without a crash. */
static enum scion_status plugin_run_tests(struct checking *checking)
{
        enum scion_status status = tests_run(checking, scion_conform_loading);
        const struct scion_plugin *plugin;

        if (status != SCION_GOOD || checking->counts->wrong > 0)
                return status;
        plugin = scion_plugin_open(checking->request->path);
        if (!plugin)
                return SCION_FAILED;
        scion_plugins_prefer(plugin);
        checking->conform.descriptor = (const union scion_descriptor *)plugin;
        status = tests_run(checking, scion_conform_descriptor);
        if (status != SCION_GOOD || checking->counts->wrong > 0)
                return status;
        if (!map_create(checking))
                return SCION_BAD_INPUT;
        status = tests_run_after_first(checking, scion_conform_instances);
        if (status != SCION_GOOD || checking->counts->wrong > 0 || !kind_tests(plugin->kind))
                return status; /* a kind's tests need an instance */
        return tests_run_after_first(checking, kind_tests(plugin->kind));
}

enum scion_status scion_conform_check(const struct scion_conform_request *request,
                                      void (*report)(void *context,
                                                     const struct scion_conform_outcome *outcome),
                                      void *context, struct scion_conform_counts *counts)
{
        struct checking checking = {
                .request = request, .report = report, .context = context, .counts = counts
        };
        enum scion_status status = SCION_FAILED;
        void *shared = mmap(NULL, sizeof *checking.conform.shared, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        *counts = (struct scion_conform_counts){ 0 };
        if (shared == MAP_FAILED) {
                scion_fail("out of memory");
                return status;
        }
        checking.conform.path = request->path;
        checking.conform.shared = shared;
        checking.pool = scion_pool_create(1);
        if (checking.pool)
                status = plugin_run_tests(&checking);
        scion_pool_destroy(checking.pool);
        scion_plugins_prefer(NULL);
        scion_config_destroy(checking.conform.map);
        munmap(shared, sizeof *checking.conform.shared);
        return status == SCION_GOOD && counts->wrong > 0 ? SCION_BAD_INPUT : status;
}
