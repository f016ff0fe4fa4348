/* Repeated calls of a suite: which results are kept after changes of the plan, and locking. */
#define _DEFAULT_SOURCE /* flock */
#include "support/command.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "file/lock.h"

static const char suite[] =
        "name: again\n"
        "strategy: scratch\n"
        "target:\n"
        "  dataset: { use: random, shape: [4], num_classes: 2, train_size: 8, test_size: 4 }\n"
        "  model: { use: mlp, hidden: [2] }\n"
        "  optimizer: sgd\n"
        "  train: { epochs: 1 }\n"
        "matrix: { seed: [1, 2, 3] }\n";

static int run_suite(void **state)
{
        if (enter_folder(state))
                return -1;
        write_text("suite.yaml", suite);
        return run_scion("run suite.yaml")->status;
}

static ino_t file_inode(const char *path)
{
        struct stat status;

        assert_int_equal(stat(path, &status), 0);
        return status.st_ino;
}

/* A finished suite is not written to, and so works in a read-only folder. */
static void finished_suite_is_not_written(void **state)
{
        ino_t before = file_inode("runs/again/results.csv");

        (void)state;
        assert_output_has(run_scion_expecting(0, "run suite.yaml"), "3 of 3 runs were done before",
                          "test_accuracy", NULL);
        assert_int_equal(file_inode("runs/again/results.csv"), before);
        assert_int_equal(access("runs/again/results.old.csv", F_OK), -1);
}

/* Three plans with the same name in turn, and then the first again: its results are still there. */
static void plans_take_turns(void **state)
{
        char *first = read_text("runs/again/results.csv");

        (void)state;
        run_scion_expecting(0, "run suite.yaml --set target.train.epochs=2");
        run_scion_expecting(0, "run suite.yaml --set target.train.epochs=3");
        assert_output_has(run_scion_expecting(0, "run suite.yaml"), "3 of 3 runs were done before", NULL);
        assert_file_is("runs/again/results.csv", first);
        assert_output_has(run_scion_expecting(0, "run suite.yaml --set target.train.epochs=2"),
                          "3 of 3 runs were done before", NULL);
        assert_output_has(run_scion_expecting(0, "run suite.yaml --set matrix.seed=[2,3,4]"),
                          "2 of 3 runs were done before", "[3/3] scratch-seed4-", NULL);
        assert_output_has(run_scion_expecting(0, "run suite.yaml"), "3 of 3 runs were done before", NULL);
        assert_file_is("runs/again/results.csv", first);
        free(first);
}

#define FIRST                                                                                       \
        "# Two strategies.\nname: changed\ntarget:\n  model: { use: mlp, hidden: [2] }\n"           \
        "  dataset: { use: random, shape: [4], num_classes: 2, train_size: 8, test_size: 4 }\n"     \
        "  optimizer: { use: sgd, lr: 0.1 }\n  train: { epochs: 1 }\n"                              \
        "matrix:\n  seed: [1, 2]\n  target.optimizer:\n    - { use: sgd, lr: 0.1, label: first }\n" \
        "    - { use: sgd, lr: 0.2, label: second }\nstrategy: scratch\n"
/* The same plan written differently: spaces, quotes, an explicit default. */
#define REWORDED                                                                                    \
        "name: 'changed'\ntarget:\n  model: {use: mlp, hidden: [ 2 ], activation: relu}\n"          \
        "  dataset: { use: random, shape: [4], num_classes: 2, train_size: 8, test_size: 4 }\n"     \
        "  optimizer:\n    use: sgd\n    lr: 0.1\n  train: { epochs: 1 }\n"                         \
        "matrix:\n  seed: [1, 2]\n  target.optimizer:\n    - { use: sgd, lr: 0.1, label: first }\n" \
        "    - { use: sgd, lr: 0.2, label: second }\nstrategy: { use: scratch }\n"

/* Returns the rows of results.csv whose run ids begin with the given text, as one string. */
static char *rows_text(const char *results, const char *run)
{
        char *text = read_text(results), *rows = calloc(1, strlen(text) + 1);

        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
                if (strncmp(line, run, strlen(run)) == 0)
                        strcat(strcat(rows, line), "\n");
        free(text);
        return rows;
}

/* A change reruns only the runs that it affects. */
static void changed_file(void **state)
{
        (void)state;
        write_text("changed.yaml", FIRST);
        run_scion_expecting(0, "run changed.yaml");
        char *first = rows_text("runs/changed/results.csv", "scratch-seed1-first"),
             *second = rows_text("runs/changed/results.csv", "scratch-seed1-second");

        write_text("changed.yaml", REWORDED);
        assert_output_has(run_scion_expecting(0, "run changed.yaml"), "4 of 4 runs were done before", NULL);
        assert_int_equal(system("sed -i 's/lr: 0.2/lr: 0.3/' changed.yaml"), 0);
        assert_output_has(run_scion_expecting(0, "run changed.yaml"), "2 of 4 runs were done before",
                          "] scratch-seed1-second-", "] scratch-seed2-second-", NULL);
        char *first_now = rows_text("runs/changed/results.csv", "scratch-seed1-first"),
             *second_now = rows_text("runs/changed/results.csv", "scratch-seed1-second");

        assert_true(strlen(first) > 0 && strlen(second) > 0 && strlen(second_now) > 0);
        assert_string_equal(first_now, first);
        assert_string_not_equal(second_now, second);
        free(first);
        free(second);
        free(first_now);
        free(second_now);
}

/* An incomplete row, as after a power failure, is ignored; the complete rows are kept. */
static void cut_row_runs_again(void **state)
{
        char *whole = read_text("runs/again/results.csv"), *cut = strdup(whole);
        size_t rows = strlen(whole);

        (void)state;
        cut[rows - 20] = '\0';
        write_text("runs/again/results.csv", cut);
        assert_output_has(run_scion_expecting(0, "run suite.yaml"), "2 of 3 runs were done before", "[3/3] ",
                          NULL);
        char *mended = read_text("runs/again/results.csv");
        char *last = strrchr(cut, '\n') + 1;

        assert_int_equal(strncmp(mended, whole, (size_t)(last - cut)), 0);
        assert_non_null(strstr(mended + (last - cut), ",done,"));
        free(mended);

        snprintf(cut + (last - cut), 20, "\"scratch-see"); /* within quotes, of a run that does not exist */
        write_text("runs/again/results.csv", cut);
        run_scion_expecting(0, "run suite.yaml");
        free(cut);
        free(whole);
}

static void removed_folder_runs_again(void **state)
{
        (void)state;
        assert_int_equal(system("rm -r runs/again/scratch-seed2-*"), 0);
        assert_output_has(run_scion_expecting(0, "run suite.yaml"), "2 of 3 runs were done before",
                          "[3/3] scratch-seed2-", NULL);
}

static void one_at_a_time(void **state)
{
        char holder[128];
        struct scion_lock lock;

        (void)state;
        assert_int_equal(scion_lock_take("runs/again/suite", &lock), SCION_LOCKED);
        snprintf(holder, sizeof holder, "held by process %ld on ", (long)getpid());
        assert_output_has(run_scion_expecting(1, "run suite.yaml --set matrix.seed=[9]"),
                          "another scion process is running this suite: runs/again/suite.lock: ", holder,
                          ", since 20", NULL);
        scion_lock_release(&lock);
        run_scion_expecting(0, "run suite.yaml");
        assert_int_equal(access("runs/again/suite.lock", F_OK), -1);
}

/* A lock file of a killed command does not lock: the system has released its lock. */
static void left_lock(void **state)
{
        (void)state;
        write_text("runs/again/suite.lock", "process 1 on nowhere, since long ago");
        run_scion_expecting(0, "run suite.yaml");
        assert_int_equal(access("runs/again/suite.lock", F_OK), -1);
}

/* Runs a part of the suite in a folder; the output must have the message, and no other file be written. */
static void assert_stays_inside(const char *out, const char *message)
{
        char command[128];

        snprintf(command, sizeof command, "run suite.yaml --out %s --set matrix.seed=[1]", out);
        alarm(30); /* for a pipe that is waited for */
        assert_output_has(run_scion("%s", command), message, NULL);
        alarm(0);
        assert_file_is("mine", "precious");
}

/* Someone else may have put a link or a pipe where a file of the suite is expected. */
static void links_and_pipes_are_not_written(void **state)
{
        char command[256];

        (void)state;
        write_text("mine", "precious");
        assert_int_equal(system("mkdir -p links/again pipes/again tables/again && "
                                "ln -s ../../mine links/again/suite.lock && mkfifo pipes/again/suite.lock && "
                                "mkfifo tables/again/results.csv"),
                         0);
        assert_stays_inside("links", "[1/1]"); /* runs without a lock */
        assert_stays_inside("pipes", "[1/1]");
        assert_stays_inside("tables", "tables/again/results.csv: is not a regular file");
        for (int pipe = 0; pipe < 2; pipe++) {
                snprintf(command, sizeof command,
                         "rm -r links pipes; cp -r runs links && rm links/again/results*.csv && "
                         "for run in links/again/*/; do rm $run/*; %s $run/log.txt; done",
                         pipe ? "mkfifo" : "ln -s ../../../mine");
                assert_int_equal(system(command), 0);
                assert_stays_inside("links", pipe ? "log.txt: is not a regular file"
                                                  : "log.txt: is a symbolic link, which is not followed");
        }
}

/*
 * The children of a killed command end with it; otherwise they would write to the same files as the next
 * command.
 */
static void killed_command_takes_its_runs_along(void **state)
{
        pid_t pid = start_scion("ls killed/again/*/metrics.csv >/dev/null 2>&1",
                                "run suite.yaml --out killed --quiet --set target.train.epochs=1000000000");

        (void)state;
        kill(pid, SIGKILL);
        end_of_scion(pid);
        alarm(60);
        int lock = open("killed/again/suite.lock", O_RDONLY);

        assert_int_equal(flock(lock, LOCK_EX), 0); /* the last child has released the lock */
        alarm(0);
        close(lock);
}

static void two_files_of_one_name(void **state)
{
        (void)state;
        write_text("other.yaml", "extends: suite.yaml\ntarget: { train: { epochs: 5 } }\n");
        assert_output_has(run_scion_expecting(2, "run suite.yaml other.yaml --out twice"),
                          "suite.yaml and other.yaml have the same name, 'again'", NULL);
        assert_int_equal(access("twice", F_OK), -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(finished_suite_is_not_written),
                cmocka_unit_test(plans_take_turns),
                cmocka_unit_test(changed_file),
                cmocka_unit_test(cut_row_runs_again),
                cmocka_unit_test(removed_folder_runs_again),
                cmocka_unit_test(one_at_a_time),
                cmocka_unit_test(left_lock),
                cmocka_unit_test(links_and_pipes_are_not_written),
                cmocka_unit_test(killed_command_takes_its_runs_along),
                cmocka_unit_test(two_files_of_one_name),
        };

        return cmocka_run_group_tests(tests, run_suite, leave_folder);
}
