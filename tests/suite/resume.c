/*
 * Runs that are killed and resumed: the results are the same as without interruption, except for the times.
 */
#define _DEFAULT_SOURCE /* glob */
#include "support/command.h"
#include "support/limit.h"

#include <errno.h>
#include <glob.h>
#include <signal.h>

#include "support/results.h"

#define RUN "run --plugin-path " BUILD_DIR "/tests/suite/plugins --quiet --checkpoint 0 "
#define SOURCE                                                                                             \
        "source:\n  dataset: { use: random, shape: [1, 6, 6], num_classes: 3, train_size: 48, test_size: " \
        "12, "                                                                                             \
        "valid: 0.25 }\n  loss: fatal\n"
#define TARGET                                                                                        \
        "target:\n  loss: fatal\n"                                                                    \
        "  dataset: { use: random, shape: [1, 6, 6], num_classes: 4, train_size: 96, test_size: 12, " \
        "limit: 48, unlabelled: true, valid: 0.25 }\n"

/* Everything with a state: running statistics, dropout, momenta and their steps, warm-up, the best epoch. */
static const char *const files[] = {
        /* batch normalisation, adam, warm-up and cosine; the best epoch is rarely the last */
        "name: resnet\n" SOURCE "  model: { use: resnet, depth: 8, width: 2 }\n"
        "  optimizer: { use: adam, lr: 0.02 }\n"
        "  train: { epochs: 3, batch_size: 8 }\n"
        "strategy: fine-tune\n" TARGET "  optimizer: { use: adam, lr: 0.02 }\n"
        "  schedule: { use: cosine, warmup: 2 }\n"
        "  train: { epochs: 5, batch_size: 8 }\n",
        /* dropout, momentum, stepwise learning rate; a strategy that uses and changes all state it may */
        "name: mlp\n" SOURCE "  model: { use: mlp, hidden: [16, 8], dropout: 0.3 }\n"
        "  optimizer: { use: sgd, lr: 0.1, momentum: 0.9 }\n"
        "  train: { epochs: 3, batch_size: 9 }\n"
        "strategy: restless\n" TARGET "  optimizer: { use: adamw, lr: 0.02 }\n"
        "  schedule: { use: step, every: 2, gamma: 0.5 }\n"
        "  train: { epochs: 6, batch_size: 7 }\n",
        /* no validation split, no source */
        "name: plain\n"
        "strategy: scratch\n"
        "target:\n"
        "  dataset: { use: random, shape: [1, 6, 6], num_classes: 4, train_size: 40 }\n"
        "  loss: fatal\n"
        "  model: { use: mlp, hidden: [8], dropout: 0.5 }\n"
        "  optimizer: { use: sgd, lr: 0.1, momentum: 0.9, nesterov: true }\n"
        "  train: { epochs: 14, batch_size: 8 }\n",
        /* masks */
        "name: ticket\n" SOURCE "  model: { use: resnet, depth: 8, width: 2 }\n"
        "  optimizer: { use: sgd, lr: 0.1, momentum: 0.9 }\n"
        "  train: { epochs: 3, batch_size: 8 }\n"
        "strategy: { use: lottery-ticket, share: 0.5 }\n" TARGET
        "  optimizer: { use: sgd, lr: 0.1, momentum: 0.9, weight_decay: 0.01 }\n"
        "  train: { epochs: 5, batch_size: 8 }\n",
        /* grafts, in a frozen model */
        "name: adapter\n" SOURCE "  model: { use: resnet, depth: 8, width: 2 }\n"
        "  optimizer: { use: sgd, lr: 0.1, momentum: 0.9 }\n"
        "  train: { epochs: 3, batch_size: 8 }\n"
        "strategy: { use: adapter, bottleneck: 3 }\n" TARGET "  optimizer: { use: adam, lr: 0.02 }\n"
        "  train: { epochs: 5, batch_size: 8 }\n",
        /*
         * the cached outputs of frozen modules that are unfrozen later are recomputed, in a step with dropout
         */
        "name: thaw\n" SOURCE "  model: { use: mlp, hidden: [16, 8, 6], dropout: 0.3 }\n"
        "  optimizer: { use: sgd, lr: 0.1, momentum: 0.9 }\n"
        "  train: { epochs: 3, batch_size: 8 }\n"
        "strategy: { use: gradual-unfreeze, every: 2 }\n" TARGET
        "  optimizer: { use: sgd, lr: 0.1, momentum: 0.9 }\n"
        "  train: { epochs: 5, batch_size: 8 }\n",
};

/* Returns the only path that matches. */
static const char *path_only_match(const char *pattern)
{
        static char path[2][512];
        static int next;
        glob_t found;

        if (glob(pattern, 0, NULL, &found))
                fail_msg("%s: not there", pattern);
        assert_int_equal(found.gl_pathc, 1);
        next = !next;
        snprintf(path[next], sizeof path[next], "%s", found.gl_pathv[0]);
        globfree(&found);
        return path[next];
}

static void assert_same_file(const char *pattern, const char *other)
{
        char command[1200];

        snprintf(command, sizeof command, "cmp %s %s", path_only_match(pattern), path_only_match(other));
        assert_int_equal(system(command), 0);
}

static bool file_exists(const char *pattern)
{
        glob_t found;
        bool there = glob(pattern, 0, NULL, &found) == 0;

        if (there)
                globfree(&found);
        return there;
}

static void assert_log_has(const char *text)
{
        char *log = read_text(path_only_match("killed/*/*/log.txt"));

        if (!strstr(log, text))
                fail_msg("\"%s\" is not in the log:\n%s", text, log);
        free(log);
}

static void assert_same_run(void)
{
        assert_same(path_only_match("whole/*/results.csv"), path_only_match("killed/*/results.csv"));
        assert_same(path_only_match("whole/*/*/metrics.csv"), path_only_match("killed/*/*/metrics.csv"));
        assert_same_file("whole/*/*/model.safetensors", "killed/*/*/model.safetensors");
        assert_same_file("whole/*/*/config.yaml", "killed/*/*/config.yaml");
        assert_false(file_exists("killed/*/*/checkpoint*"));
        assert_false(file_exists("killed/*/*/.scion-*"));
}

static void kill_at_loss(int call, int number)
{
        char text[32];

        snprintf(text, sizeof text, "%d %d", call, number);
        write_text("fatal", text);
}

/* Kills the command at its N-th loss, repeatedly with another N, until it finishes. */
static int kill_until_done(const char *options, const int *calls, size_t count)
{
        int kills = 0;

        for (size_t i = 0;; i = (i + 1) % count) {
                kill_at_loss(calls[i], SIGKILL);
                const struct command_result *result = run_scion(RUN "file.yaml --out killed %s", options);

                if (result->status == 0)
                        break;
                if (result->status != 128 + SIGKILL || access("fatal", F_OK) == 0)
                        fail_msg("status %d: %s", result->status, result->output);
                assert_true(++kills < 200);
        }
        assert_int_equal(unlink("fatal"), 0); /* fewer calls than N were left */
        return kills;
}

static void suite_begin(const char *file)
{
        write_text("file.yaml", file);
        assert_int_equal(system("rm -rf whole killed fatal cache"), 0);
        run_scion_expecting(0, RUN "file.yaml --out whole --cache ''");
}

/* Some kills are within the first epoch, so that nothing is saved, others after one or more. */
static void suite_kill_and_compare(const char *options, size_t count)
{
        static const int calls[] = { 17, 5, 12, 23, 9 };

        for (size_t i = 0; i < count; i++) {
                suite_begin(files[i]);
                assert_true(kill_until_done(options, calls, sizeof calls / sizeof *calls) >= 4);
                assert_same_run();
                assert_log_has("target: resumed after epoch");
        }
}

static void killed_again_and_again(void **state)
{
        (void)state;
        suite_kill_and_compare("--cache ''", sizeof files / sizeof *files);
}

/* The source's checkpoints are in the cache, for any run that trains it. */
static void killed_while_sharing(void **state)
{
        (void)state;
        suite_kill_and_compare("--cache cache", 2);
        assert_false(file_exists("cache/sources/*.checkpoint"));
}

/* --- What is not gone on with --------------------------------------------------------------------------- */

/* Kills the command in the third epoch of the target. */
static void suite_begin_and_kill(const char *options)
{
        suite_begin(files[2]);
        kill_at_loss(15, SIGKILL);
        assert_int_equal(run_scion(RUN "file.yaml --out killed %s", options)->status, 128 + SIGKILL);
        assert_true(file_exists("killed/*/*/checkpoint.bin"));
}

static void damaged_checkpoint(void **state)
{
        static const char *const damages[] = {
                "truncate -s -1",
                "truncate -s 0",
                "truncate -s +1",
                "sed -i s/loop.step/loop.stop/",
        };

        (void)state;
        for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
                char command[128];

                suite_begin_and_kill("");
                snprintf(command, sizeof command, "%s killed/*/*/checkpoint.bin", damages[i]);
                assert_int_equal(system(command), 0);
                run_scion_expecting(0, RUN "file.yaml --out killed");
                assert_log_has("the checkpoint is not used: ");
                assert_same_run();
        }
}

/* A change of a plugin restarts its runs from the beginning. */
static void another_plugin(void **state)
{
        (void)state;
        suite_begin_and_kill("");
        assert_int_equal(system("mkdir -p own/losses && cp " BUILD_DIR
                                "/tests/suite/plugins/losses/fatal.so own/losses && "
                                "printf x >> own/losses/fatal.so"),
                         0);
        run_scion_expecting(0, "run --plugin-path own file.yaml --out killed");
        assert_log_has("the checkpoint is not used: killed/plain/scratch-seed1-");
        assert_log_has("checkpoint.bin: of another configuration, data or plugin");
        assert_same_run();
}

/* Temporary files of the killed process are removed. */
static void leftovers(void **state)
{
        (void)state;
        suite_begin_and_kill("");
        assert_int_equal(
                system("for folder in killed/* killed/*/*/; do touch $folder/.scion-12345-6.tmp; done"), 0);
        run_scion_expecting(0, RUN "file.yaml --out killed");
        assert_log_has("target: resumed after epoch 2");
        assert_same_run();
        assert_false(file_exists("killed/*/.scion-*"));
}

/* A run that exceeded a limit resumes with another limit. */
static void another_limit(void **state)
{
        (void)state;
        suite_begin_and_kill("--set limits.minutes=100");
        run_scion_expecting(0, RUN "file.yaml --out killed --set limits.minutes=50");
        assert_log_has("target: resumed after epoch 2");
}

/* A run that finished, but was killed before its row was written. */
static void row_is_lost(void **state)
{
        (void)state;
        suite_begin_and_kill("");
        assert_int_equal(system("cp killed/*/*/checkpoint.bin kept"), 0);
        run_scion_expecting(0, RUN "file.yaml --out killed");
        assert_int_equal(system("sed -i 2d killed/*/results.csv && mv kept $(dirname "
                                "killed/*/*/config.yaml)/checkpoint.bin"),
                         0);
        run_scion_expecting(0, RUN "file.yaml --out killed");
        assert_same_run();
}

/* --- Ends that are no accident -------------------------------------------------------------------------- */

/* An interrupted run finishes its epoch and saves it, however long the checkpoint interval is. */
static void interrupted(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
                suite_begin(files[i]);
                for (int times = 0; times < 3; times++) {
                        kill_at_loss(12, SIGINT);
                        assert_output_has(
                                run_scion(RUN "--checkpoint 1000 file.yaml --out killed --cache cache"),
                                "the same command goes on", NULL);
                }
                assert_true(file_exists("killed/*/*/checkpoint.bin"));
                run_scion_expecting(0, RUN "file.yaml --out killed --cache cache");
                assert_same_run();
        }
}

/* A checkpoint that cannot be written is not a failure; the run reports it. */
static void no_room_for_checkpoints(void **state)
{
        (void)state;
        suite_begin(files[2]);
        limit_files_to(4096);
        run_scion_expecting(0, RUN "file.yaml --out killed");
        limit_files_no_more();
        assert_log_has("no checkpoint: killed/plain/scratch-seed1-");
        assert_log_has(strerror(EFBIG));
        assert_same_run();
}

static void interval_of_checkpoints(void **state)
{
        (void)state;
        write_text("file.yaml", files[2]);
        assert_output_has(run_scion_expecting(2, RUN "--checkpoint x file.yaml"),
                          "--checkpoint takes a number of seconds, not 'x'", NULL);
        run_scion_expecting(2, RUN "--checkpoint -1 file.yaml");
        run_scion_expecting(2, RUN "--checkpoint '' file.yaml");
        run_scion_expecting(2, RUN "--checkpoint nan file.yaml");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(killed_again_and_again),
                cmocka_unit_test(killed_while_sharing),
                cmocka_unit_test(damaged_checkpoint),
                cmocka_unit_test(another_plugin),
                cmocka_unit_test(leftovers),
                cmocka_unit_test(another_limit),
                cmocka_unit_test(row_is_lost),
                cmocka_unit_test(interrupted),
                cmocka_unit_test(no_room_for_checkpoints),
                cmocka_unit_test(interval_of_checkpoints),
        };

        if (access("/dev/shm", W_OK) == 0)
                setenv("TMPDIR", "/dev/shm", 0); /* every epoch is synced to disk */
        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
