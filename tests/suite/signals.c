/*
 * Interrupted suites: one SIGINT ends them after the current epochs, a second one or SIGTERM at once; they
 * can be resumed.
 */
#include "support/command.h"

#include <signal.h>
#include <sys/wait.h>

static const char suite[] =
        "name: signals\n"
        "strategy: scratch\n"
        "target:\n"
        "  dataset: { use: random, shape: [16], num_classes: 2, train_size: 20000, test_size: 4 }\n"
        "  model: { use: mlp, hidden: [32] }\n"
        "  optimizer: sgd\n"
        "matrix: { seed: [1, 2, 3] }\n";

static int write_suite(void **state)
{
        if (enter_folder(state))
                return -1;
        write_text("suite.yaml", suite);
        return 0;
}

static pid_t suite_start(const char *out, int epochs)
{
        char condition[256];

        snprintf(condition, sizeof condition, "ls %s/signals/*/metrics.csv >/dev/null 2>&1", out);
        return start_scion(condition, "run suite.yaml --out %s --quiet --jobs 2 --set target.train.epochs=%d",
                           out, epochs);
}

/* Checks that the command ended by the signal, so that a shell's loop around it ends too. */
static void assert_ended_by(pid_t pid, int number)
{
        int status = end_of_scion(pid);

        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), number);
}

/* Every run that was running has complete epochs, a note in its log, and no row yet. */
static void once(void **state)
{
        pid_t pid = suite_start("once", 1000000);

        (void)state;
        kill(pid, SIGINT);
        assert_ended_by(pid, SIGINT);
        assert_int_equal(access("once/signals/results.csv", F_OK), -1);
        assert_int_equal(access("once/signals/suite.lock", F_OK), -1);
}

/* Starts a run whose first epoch never ends; its output goes to `messages`. */
static pid_t suite_start_endless(const char *out)
{
        char condition[256];

        snprintf(condition, sizeof condition, "grep -qs trouble: %s/signals/*/log.txt", out);
        return start_scion(
                condition,
                "run suite.yaml --out %s --plugin-path " BUILD_DIR
                "/tests/suite/plugins --set 'strategy={use: trouble, how: loop, after: 50}' >messages 2>&1",
                out);
}

static void twice(void **state)
{
        pid_t pid = suite_start_endless("twice");

        (void)state;
        kill(pid, SIGINT);
        wait_until(pid, "grep -qs 'interrupt again to stop now' messages");
        kill(pid, SIGINT);
        assert_ended_by(pid, SIGINT);
        assert_int_equal(access("twice/signals/results.csv", F_OK), -1);
}

static void terminated(void **state)
{
        pid_t pid = suite_start_endless("terminated");

        (void)state;
        kill(pid, SIGTERM);
        assert_ended_by(pid, SIGTERM);
        assert_int_equal(access("terminated/signals/results.csv", F_OK), -1);
}

/* The results are the same as without interruption. */
static void goes_on(void **state)
{
        (void)state;
        run_scion_expecting(0, "run suite.yaml --quiet --out whole --set target.train.epochs=20");
        pid_t pid = suite_start("broken", 20);

        kill(pid, SIGINT);
        end_of_scion(pid); /* it may have finished before the signal */
        run_scion_expecting(0, "run suite.yaml --quiet --out broken --set target.train.epochs=20");
        assert_int_equal(system("for run in whole/signals/*/; do cmp $run/model.safetensors "
                                "broken/signals/$(basename $run)/model.safetensors || exit 1; done"),
                         0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(once),
                cmocka_unit_test(twice),
                cmocka_unit_test(terminated),
                cmocka_unit_test(goes_on),
        };

        return cmocka_run_group_tests(tests, write_suite, leave_folder);
}
