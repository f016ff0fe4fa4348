/* A suite that is interrupted: once it ends with its epochs, twice or asked to terminate at once; it goes on later. */
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

static pid_t start(const char *out, int epochs)
{
        char condition[256];

        snprintf(condition, sizeof condition, "ls %s/signals/*/metrics.csv >/dev/null 2>&1", out);
        return start_scion(condition, "run suite.yaml --out %s --quiet --jobs 2 --set target.train.epochs=%d",
                           out, epochs);
}

/* It ends by the signal, so that a shell's loop around it ends too. */
static void assert_ended_by(pid_t pid, int number)
{
        int status = end_of_scion(pid);

        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), number);
}

/* Each run that was at work has whole epochs, says so in its log, and has no row yet. */
static void once(void **state)
{
        pid_t pid = start("once", 1000000);

        (void)state;
        kill(pid, SIGINT);
        assert_ended_by(pid, SIGINT);
        assert_int_equal(access("once/signals/results.csv", F_OK), -1);
        assert_int_equal(access("once/signals/suite.lock", F_OK), -1);
}

/* A run whose first epoch never ends; what is said is in `messages`. */
static pid_t start_endless(const char *out)
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
        pid_t pid = start_endless("twice");

        (void)state;
        kill(pid, SIGINT);
        wait_until(pid, "grep -qs 'interrupt again to stop now' messages");
        kill(pid, SIGINT);
        assert_ended_by(pid, SIGINT);
        assert_int_equal(access("twice/signals/results.csv", F_OK), -1);
}

static void terminated(void **state)
{
        pid_t pid = start_endless("terminated");

        (void)state;
        kill(pid, SIGTERM);
        assert_ended_by(pid, SIGTERM);
        assert_int_equal(access("terminated/signals/results.csv", F_OK), -1);
}

/* What comes out is as if nothing had happened. */
static void goes_on(void **state)
{
        (void)state;
        run_scion_expecting(0, "run suite.yaml --quiet --out whole --set target.train.epochs=20");
        pid_t pid = start("broken", 20);

        kill(pid, SIGINT);
        end_of_scion(pid); /* it may have been through before */
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
