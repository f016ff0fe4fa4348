/* Runs that are killed and gone on with: in the end nobody can tell, but by the times. */
#define _DEFAULT_SOURCE /* glob */
#include "support/command.h"

#include <glob.h>

#include "support/results.h"

#define RUN "run --plugin-path " BUILD_DIR "/tests/suite/plugins --quiet --checkpoint 0 "
#define DATASET(classes)                                                                                    \
        "  dataset: { use: random, shape: [1, 6, 6], num_classes: " classes ", train_size: 48, test_size: " \
        "12, valid: 0.25 }\n  loss: fatal\n"

/* Everything that has a state: running statistics, dropout, momenta and their steps, warm-up, the best epoch. */
static const char *const files[] = {
        /* batch normalisation, adam, warm-up and cosine; the best epoch is seldom the last */
        "name: resnet\nsource:\n" DATASET("3") "  model: { use: resnet, depth: 8, width: 2 }\n"
                                               "  optimizer: { use: adam, lr: 0.02 }\n"
                                               "  train: { epochs: 3, batch_size: 8 }\n"
                                               "strategy: fine-tune\n"
                                               "target:\n" DATASET(
                                                       "4") "  optimizer: { use: adam, lr: 0.02 }\n"
                                                            "  schedule: { use: cosine, warmup: 2 }\n"
                                                            "  train: { epochs: 5, batch_size: 8 }\n",
        /* dropout, momentum, steps of the learning rate; a strategy that changes the source and logs by chance */
        "name: mlp\nsource:\n" DATASET("3") "  model: { use: mlp, hidden: [16, 8], dropout: 0.3 }\n"
                                            "  optimizer: { use: sgd, lr: 0.1, momentum: 0.9 }\n"
                                            "  train: { epochs: 3, batch_size: 9 }\n"
                                            "strategy: restless\n"
                                            "target:\n" DATASET(
                                                    "4") "  optimizer: { use: adamw, lr: 0.02 }\n"
                                                         "  schedule: { use: step, every: 2, gamma: 0.5 }\n"
                                                         "  train: { epochs: 6, batch_size: 7 }\n",
        /* nothing to choose by, no source */
        "name: plain\nstrategy: scratch\n"
        "target:\n"
        "  dataset: { use: random, shape: [1, 6, 6], num_classes: 4, train_size: 40 }\n  loss: fatal\n"
        "  model: { use: mlp, hidden: [8], dropout: 0.5 }\n"
        "  optimizer: { use: sgd, lr: 0.1, momentum: 0.9, nesterov: true }\n"
        "  train: { epochs: 14, batch_size: 8 }\n",
};

/* The one path that matches. */
static const char *only(const char *pattern)
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

        snprintf(command, sizeof command, "cmp %s %s", only(pattern), only(other));
        assert_int_equal(system(command), 0);
}

static void assert_same_run(void)
{
        assert_same(only("whole/*/results.csv"), only("killed/*/results.csv"));
        assert_same(only("whole/*/*/metrics.csv"), only("killed/*/*/metrics.csv"));
        assert_same_file("whole/*/*/model.safetensors", "killed/*/*/model.safetensors");
        assert_same_file("whole/*/*/config.yaml", "killed/*/*/config.yaml");
}

/* The command is killed at the N-th loss, again and again, each time with another N, until none is killed. */
static int kill_until_done(const char *options, const int *calls, size_t count)
{
        int kills = 0;

        for (size_t i = 0;; i = (i + 1) % count) {
                char number[16];

                snprintf(number, sizeof number, "%d", calls[i]);
                write_text("fatal", number);
                const struct command_result *result = run_scion(RUN "file.yaml --out killed %s", options);

                if (result->status == 0)
                        break;
                if (result->status != 128 + 9 || access("fatal", F_OK) == 0)
                        fail_msg("status %d: %s", result->status, result->output);
                assert_true(++kills < 200);
        }
        assert_int_equal(unlink("fatal"), 0); /* more calls than there were to come */
        return kills;
}

static void begin(const char *file)
{
        write_text("file.yaml", file);
        assert_int_equal(system("rm -rf whole killed fatal cache"), 0);
        run_scion_expecting(0, RUN "file.yaml --out whole --cache ''");
}

/* Some kills within the first epoch, so that nothing is gained, some after one or more. */
static void kill_and_compare(const char *options)
{
        static const int calls[] = { 17, 5, 12, 23, 9 };

        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
                begin(files[i]);
                assert_true(kill_until_done(options, calls, sizeof calls / sizeof *calls) >= 4);
                assert_same_run();
                assert_int_equal(system("grep -q 'target: resumed after epoch' killed/*/*/log.txt"), 0);
        }
}

static void killed_again_and_again(void **state)
{
        (void)state;
        kill_and_compare("--cache ''");
}

/* The source's checkpoints are with the cache, for whichever run comes to train it. */
static void killed_while_sharing(void **state)
{
        (void)state;
        kill_and_compare("--cache cache");
        assert_int_equal(system("ls cache/sources/*.checkpoint 2>/dev/null"), 2 << 8);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(killed_again_and_again),
                cmocka_unit_test(killed_while_sharing),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
