/*
 * Sources that runs share: trained once, identified by everything that determines them, and equal to a newly
 * trained one.
 */
#define _DEFAULT_SOURCE /* flock */
#include "support/command.h"
#include "support/results.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#define CACHE "cache/sources"

static const char suite[] =
        "name: shared\n"
        "source:\n"
        "  dataset: { use: idx, root: data }\n"
        "  model: { use: mlp, hidden: [5] }\n"
        "  optimizer: { use: sgd, lr: 0.05, momentum: 0.9 }\n"
        "  train: { epochs: 2, batch_size: 4 }\n"
        "target:\n"
        "  dataset: { use: random, shape: [1, 6, 6], num_classes: 3, train_size: 12, test_size: 12 }\n"
        "  optimizer: { use: sgd, lr: 0.01 }\n"
        "  train: { epochs: 1, batch_size: 4 }\n"
        "matrix:\n"
        "  strategy: [fine-tune, linear-probe, scratch]\n"
        "  seed: [1, 2]\n";

/* A suite with one run. */
#define ONE "--set 'matrix={strategy: [fine-tune], seed: [1]}'"

static void write_idx(const char *path, unsigned count, bool images, unsigned seed)
{
        unsigned char bytes[16 + 64 * 36] = { 0, 0, 8, images ? 3 : 1, 0, 0, 0, (unsigned char)count };
        size_t head = images ? 16 : 8, values = images ? 36 : 1;

        if (images)
                bytes[11] = bytes[15] = 6;
        for (size_t i = 0; i < count * values; i++)
                bytes[head + i] = (unsigned char)(images ? (seed = seed * 75 + 74) >> 4 & 0xff : i % 2);
        write_bytes(path, bytes, head + count * values);
}

static int enter(void **state)
{
        if (enter_folder(state))
                return -1;
        setenv("SCION_CACHE", "cache", 1);
        write_text("suite.yaml", suite);
        mkdir("data", 0777);
        write_idx("data/train-images-idx3-ubyte", 24, true, 1);
        write_idx("data/train-labels-idx1-ubyte", 24, false, 1);
        write_idx("data/t10k-images-idx3-ubyte", 16, true, 2);
        write_idx("data/t10k-labels-idx1-ubyte", 16, false, 2);
        return 0;
}

static int start_afresh(void **state)
{
        (void)state;
        remove_tree("cache");
        remove_tree("runs");
        remove_tree("good");
        return 0;
}

/* Returns the path of the only cache entry. */
static const char *cache_only_entry(void)
{
        static char path[512];
        DIR *folder = opendir(CACHE);

        assert_non_null(folder);
        assert_int_equal(count_entries(CACHE), 1);
        for (struct dirent *file; (file = readdir(folder));)
                if (file->d_name[0] != '.')
                        snprintf(path, sizeof path, "%s/%s", CACHE, file->d_name);
        closedir(folder);
        return path;
}

static void assert_log_has(const char *out, const char *run, const char *text)
{
        char folder[512], path[1024];

        snprintf(folder, sizeof folder, "%s/shared", out);
        find_run(folder, run, path, sizeof path - 16);
        strcat(path, "/log.txt");
        char *log = read_text(path);

        if (!strstr(log, text))
                fail_msg("\"%s\" is not in %s:\n%s", text, path, log);
        free(log);
}

/* --- The same results ----------------------------------------------------------------------------------- */

static void assert_same_run(const char *a, const char *b, const char *run)
{
        char folder[512], from[1024], to[1024];

        snprintf(folder, sizeof folder, "%s/shared", a);
        find_run(folder, run, from, sizeof from);
        snprintf(folder, sizeof folder, "%s/shared", b);
        find_run(folder, run, to, sizeof to);
        assert_same_folders(from, to);
}

static void trained_or_taken_is_the_same(void **state)
{
        static const char *const runs[] = { "fine-tune-seed1", "fine-tune-seed2", "linear-probe-seed1",
                                            "linear-probe-seed2" };
        static const char *const ways[] = { "cold", "warm", "many" };

        (void)state;
        run_scion_expecting(0, "run suite.yaml -j 1 --out none --cache ''");
        assert_int_equal(access("cache", F_OK), -1);
        run_scion_expecting(0, "run suite.yaml -j 4 --out cold");
        assert_int_equal(count_entries(CACHE), 2); /* one source for each seed, and no lock file */
        run_scion_expecting(0, "run suite.yaml -j 1 --out warm");
        run_scion_expecting(0, "run suite.yaml -j 4 --out many");
        assert_int_equal(count_entries(CACHE), 2);
        for (size_t way = 0; way < 3; way++) {
                char results[64];

                snprintf(results, sizeof results, "%s/shared/results.csv", ways[way]);
                assert_same("none/shared/results.csv", results);
                for (size_t run = 0; run < 4; run++)
                        assert_same_run("none", ways[way], runs[run]);
        }
        for (size_t run = 0; run < 4; run++)
                assert_log_has("warm", runs[run], "source: taken from cache/sources/");
}

/* --- What makes another source -------------------------------------------------------------------------- */

static int run_count_entries(const char *options)
{
        remove_tree("runs");
        run_scion_expecting(0, "run suite.yaml " ONE " --quiet %s", options);
        return count_entries(CACHE);
}

static void what_does_not_matter(void **state)
{
        static const char *const options[] = {
                "",
                "--out elsewhere",
                "--set name=other",
                "--set target.train.epochs=2",
                "--set 'matrix.strategy=[linear-probe]'",
                /* in another order */
                "--set 'source.optimizer={momentum: 0.9, lr: 0.05, use: sgd}'",
                /* an explicit default */
                "--set 'source.optimizer={use: sgd, lr: 0.05, momentum: 0.9, weight_decay: 0}'",
                "--set source.loss=cross-entropy",
        };

        (void)state;
        for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
                if (run_count_entries(options[i]) != 1)
                        fail_msg("another source for %s", options[i]);
}

static void what_matters(void **state)
{
        static const char *const options[] = {
                "",
                "--set source.train.epochs=1",
                "--set source.train.batch_size=5",
                "--set source.train.test_split=train",
                "--set source.optimizer.lr=0.06",
                "--set 'source.model.hidden=[6]'",
                "--set source.dataset.limit=8",
                "--set source.dataset.normalize=standard",
                "--set 'source.schedule={use: cosine}'",
                "--set 'matrix.seed=[2]'",
                "--set threads=2",
        };
        int count = 0;

        (void)state;
        for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
                if (run_count_entries(options[i]) != ++count)
                        fail_msg("the same source for %s", options[i]);

        /* Changes one byte of the data, and restores it. */
        write_idx("data/t10k-images-idx3-ubyte", 16, true, 3);
        assert_int_equal(run_count_entries(""), ++count);
        write_idx("data/t10k-images-idx3-ubyte", 16, true, 2);
        assert_int_equal(run_count_entries(""), count);

        /* The files of the plugins. */
        static const char *const plugins[] = { "datasets/idx", "models/mlp", "losses/cross-entropy",
                                               "optimizers/sgd" };

        for (size_t i = 0; i < 4; i++) {
                char command[512];

                snprintf(command, sizeof command,
                         "mkdir -p own/$(dirname %s); cp %s/plugins/%s.so own/%s.so && printf x >> own/%s.so",
                         plugins[i], BUILD_DIR, plugins[i], plugins[i], plugins[i]);
                assert_int_equal(system(command), 0);
                assert_int_equal(run_count_entries("--plugin-path own"), ++count);
                assert_int_equal(run_count_entries(""), count);
        }
        remove_tree("own");

#ifdef __x86_64__
        /* Other kernels round differently. */
        if (__builtin_cpu_supports("avx")) {
                setenv("DNNL_MAX_CPU_ISA", "SSE41", 1);
                assert_int_equal(run_count_entries(""), ++count);
                unsetenv("DNNL_MAX_CPU_ISA");
        }
#endif
        assert_int_equal(run_count_entries(""), count);
        assert_int_equal(count_entries(CACHE), count); /* no lock file is left */
}

/* --- Entries that are no good --------------------------------------------------------------------------- */

static void damaged_is_made_again(void **state)
{
        char path[512];

        (void)state;
        run_scion_expecting(0, "run suite.yaml " ONE " --out good");
        snprintf(path, sizeof path, "%s", cache_only_entry());
        for (int way = 0; way < 4; way++) {
                FILE *file = fopen(path, "r+b");

                assert_non_null(file);
                fseek(file, 0, SEEK_END);
                long size = ftell(file), at = way == 0 ? size - 2 : way == 1 ? size / 2 : 400;

                if (way == 3) {
                        assert_int_equal(ftruncate(fileno(file), size - 1), 0);
                } else {
                        fseek(file, at, SEEK_SET);
                        int byte = fgetc(file);

                        fseek(file, at, SEEK_SET);
                        fputc(byte ^ 1, file);
                }
                fclose(file);
                remove_tree("runs");
                run_scion_expecting(0, "run suite.yaml " ONE);
                assert_log_has("runs", "fine-tune-seed1", "is damaged and made again: ");
                assert_same_run("good", "runs", "fine-tune-seed1");
                remove_tree("runs");
                run_scion_expecting(0, "run suite.yaml " ONE);
                assert_log_has("runs", "fine-tune-seed1", "source: taken from ");
        }
}

/* A valid entry under the name of another one is rejected. */
static void another_ones_entry_is_not_taken(void **state)
{
        char first[512], command[2048];

        (void)state;
        run_scion_expecting(0, "run suite.yaml " ONE " --out good");
        snprintf(first, sizeof first, "%s", cache_only_entry());
        assert_int_equal(rename(first, "kept"), 0);
        run_scion_expecting(0, "run suite.yaml " ONE " --set source.train.epochs=1");
        snprintf(command, sizeof command, "mv %s %s", cache_only_entry(), first);
        assert_int_equal(system(command), 0);
        remove_tree("runs");
        run_scion_expecting(0, "run suite.yaml " ONE);
        assert_log_has("runs", "fine-tune-seed1", "it has another fingerprint");
        assert_same_run("good", "runs", "fine-tune-seed1");
}

static void without_a_cache(void **state)
{
        (void)state;
        write_text("cache", "a file, where a folder is to be");
        run_scion_expecting(0, "run suite.yaml " ONE);
        assert_log_has("runs", "fine-tune-seed1", "source: not shared with other runs: cache: ");
        remove("cache");
        remove_tree("runs");
        run_scion_expecting(0, "run suite.yaml " ONE " --cache elsewhere");
        assert_int_equal(count_entries("elsewhere/sources"), 1);
        assert_int_equal(access("cache", F_OK), -1);
        remove_tree("elsewhere");
}

/* A source whose training failed is not kept. */
static void failed_is_not_kept(void **state)
{
        (void)state;
        run_scion_expecting(1, "run suite.yaml " ONE " --set source.optimizer.lr=1e30");
        assert_int_equal(count_entries(CACHE), 0);
}

/* --- Waiting -------------------------------------------------------------------------------------------- */

static bool log_has(const char *text)
{
        char command[256];

        snprintf(command, sizeof command, "grep -qs '%s' runs/shared/fine-tune-seed1-*/log.txt", text);
        return system(command) == 0;
}

/* Starts a run while this process holds the lock of its source; returns when the run waits for it. */
static pid_t run_start_waiting(int *lock, char *path, size_t bytes)
{
        char held[600];

        run_scion_expecting(0, "run suite.yaml " ONE " --out good");
        snprintf(path, bytes, "%s", cache_only_entry());
        assert_int_equal(rename(path, "kept"), 0);
        snprintf(held, sizeof held, "%s.lock", path);
        *lock = open(held, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(flock(*lock, LOCK_EX), 0);
        return start_scion(
                "grep -qs waiting runs/shared/fine-tune-seed1-*/log.txt",
                "run suite.yaml --quiet --set 'matrix={strategy: [fine-tune], seed: [1]}' >/dev/null");
}

static void run_wait_for_end(pid_t pid)
{
        assert_int_equal(end_of_scion(pid), 0);
        assert_same_run("good", "runs", "fine-tune-seed1");
        assert_int_equal(count_entries(CACHE), 1);
}

static void waits_for_who_trains_it(void **state)
{
        char path[512];
        int lock;
        pid_t pid = run_start_waiting(&lock, path, sizeof path);

        (void)state;
        assert_int_equal(rename("kept", path), 0);
        close(lock);
        run_wait_for_end(pid);
        assert_true(log_has("source: taken from "));
}

/* The lock is released when the process that held it ends. */
static void trains_when_the_first_dies(void **state)
{
        char path[512];
        int lock;
        pid_t pid = run_start_waiting(&lock, path, sizeof path);

        (void)state;
        close(lock);
        run_wait_for_end(pid);
        assert_true(log_has("source: first step done"));
        assert_false(log_has("source: taken from "));
}

static void an_interrupt_ends_the_waiting(void **state)
{
        char path[512];
        int lock;
        pid_t pid = run_start_waiting(&lock, path, sizeof path);

        (void)state;
        kill(pid, SIGINT);
        assert_int_not_equal(end_of_scion(pid), 0);
        assert_false(log_has("first step done")); /* it did not train the source without the lock */
        close(lock);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(trained_or_taken_is_the_same, start_afresh),
                cmocka_unit_test_setup(what_does_not_matter, start_afresh),
                cmocka_unit_test_setup(what_matters, start_afresh),
                cmocka_unit_test_setup(damaged_is_made_again, start_afresh),
                cmocka_unit_test_setup(another_ones_entry_is_not_taken, start_afresh),
                cmocka_unit_test_setup(without_a_cache, start_afresh),
                cmocka_unit_test_setup(failed_is_not_kept, start_afresh),
                cmocka_unit_test_setup(waits_for_who_trains_it, start_afresh),
                cmocka_unit_test_setup(trains_when_the_first_dies, start_afresh),
                cmocka_unit_test_setup(an_interrupt_ends_the_waiting, start_afresh),
        };

        return cmocka_run_group_tests(tests, enter, leave_folder);
}
