/* The command `scion cache`: what it lists and deletes. */
#define _DEFAULT_SOURCE /* flock */
#include "support/command.h"

#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

#define OLD "cache/inflated/0123456789abcdef0123456789abcdef"
#define NEW "cache/inflated/fedcba9876543210fedcba9876543210"
#define TEMPORARY "cache/inflated/.scion-12-0.tmp"
#define LOCK "cache/sources/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.safetensors.lock"

static const char experiment[] =
        "name: cached\n"
        "source:\n"
        "  dataset: { use: random, shape: [4], num_classes: 2, train_size: 8, test_size: 4 }\n"
        "  model: { use: mlp, hidden: [2] }\n"
        "  optimizer: sgd\n"
        "  train: { epochs: 3 }\n"
        "strategy: fine-tune\n"
        "target:\n"
        "  dataset: { use: random, shape: [4], num_classes: 2, train_size: 8, test_size: 4 }\n"
        "  optimizer: sgd\n"
        "  train: { epochs: 1 }\n"
        "seed: 7\n";

static int enter(void **state)
{
        if (enter_folder(state))
                return -1;
        setenv("SCION_CACHE", "cache", 1);
        write_text("run.yaml", experiment);
        return 0;
}

static void entry_last_used(const char *path, int64_t days)
{
        struct timespec then = { .tv_sec = time(NULL) - days * 86400 }, times[2] = { then, then };

        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/*
 * A cache with a trained source, an old and a new file of inflated data, and the leftovers of two killed
 * processes.
 */
static int fill(void **state)
{
        (void)state;
        remove_tree("cache");
        remove_tree("runs");
        run_scion_expecting(0, "run run.yaml");
        mkdir("cache/inflated", 0700);
        write_text(OLD, "old");
        write_text(NEW, "new");
        write_text(TEMPORARY, "cut");
        write_text(LOCK, "");
        entry_last_used(OLD, 31);
        entry_last_used(TEMPORARY, 31);
        entry_last_used(LOCK, 31);
        return 0;
}

static void lists_what_there_is(void **state)
{
        const struct command_result *result = run_scion_expecting(0, "cache");

        (void)state;
        assert_output_has(result, "mlp on random, 3 epochs, seed 7; source_test_accuracy ", NULL);
        assert_output_has(result, "inflated         3 B       31 d  0123456789abcdef0123456789abcdef\n",
                          NULL);
        assert_output_has(result, "       31 d  .scion-12-0.tmp  unfinished\n",
                          "       31 d  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  unfinished\n", "cache: 5 entries, ",
                          NULL);
        assert_non_null(strstr(strstr(result->output, "fedcba98"), "0123456789abcdef0123")); /* by age */
        assert_output_has(run_scion_expecting(0, "cache sources"), "cache: 2 entries, ", NULL);
        assert_output_has(run_scion_expecting(0, "cache inflated --older-than 4w"), "cache: 2 entries, 6 B\n",
                          NULL);
        assert_output_has(run_scion_expecting(0, "cache --older-than 32d"), "cache: 0 entries, 0 B\n", NULL);
        assert_true(exists(OLD) && exists(NEW) && exists(TEMPORARY) && exists(LOCK));
}

static void deletes_what_is_old(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(0, "cache --older-than 30d --delete"),
                          "cache: 3 entries, 6 B deleted\n", NULL);
        assert_false(exists(OLD) || exists(TEMPORARY) || exists(LOCK));
        assert_true(exists(NEW));
        assert_output_has(run_scion_expecting(0, "cache"), "cache: 2 entries, ", NULL);
}

/* Using an entry updates its age. */
static void use_makes_it_new(void **state)
{
        (void)state;
        assert_int_equal(system("touch -d '40 days ago' cache/sources/*.safetensors"), 0);
        assert_output_has(run_scion_expecting(0, "cache sources --older-than 40d"), "cache: 1 entry, ", NULL);
        remove_tree("runs");
        run_scion_expecting(0, "run run.yaml");
        assert_output_has(run_scion_expecting(0, "cache sources --older-than 40d"), "cache: 0 entries, ",
                          NULL);
}

static void what_is_in_the_making_stays(void **state)
{
        int lock = open(LOCK, O_RDWR | O_CLOEXEC);

        (void)state;
        assert_int_equal(flock(lock, LOCK_EX), 0);
        entry_last_used(TEMPORARY, 0);
        assert_output_has(run_scion_expecting(1, "cache --delete"), "a run is making it",
                          "a run may be writing it", "cache: 3 entries, ", NULL);
        assert_true(exists(LOCK) && exists(TEMPORARY));
        assert_int_equal(count_entries("cache/sources") + count_entries("cache/inflated"), 2);
        close(lock);
}

/* Files in a folder that is given by mistake are not deleted. */
static void others_files_stay(void **state)
{
        static const char *const files[] = { "cache/notes", "cache/sources/model.safetensors",
                                             "cache/inflated/0123456789abcdef",
                                             "cache/other/0123456789abcdef" };

        (void)state;
        mkdir("cache/other", 0777);
        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
                write_text(files[i], "mine");
        mkdir("cache/inflated/00000000000000000000000000000000", 0777);
        run_scion_expecting(0, "cache --delete");
        assert_output_has(run_scion_expecting(0, "cache"), "cache: 0 entries, 0 B\n", NULL);
        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
                assert_true(exists(files[i]));
        assert_true(exists("cache/inflated/00000000000000000000000000000000"));
}

static void without_a_cache(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(0, "cache --cache ''"), "There is no cache", NULL);
        assert_output_has(run_scion_expecting(0, "cache --cache not-there"), "not-there: 0 entries, 0 B\n",
                          NULL);
        assert_output_has(run_scion_expecting(2, "cache --cache run.yaml"),
                          "run.yaml/sources: Not a directory", NULL);
}

static void bad_usage(void **state)
{
        static const char *const ages[] = { "30", "d", "-1d", "30x", "30dd", "''", "99999999999d", "1.5d" };

        (void)state;
        for (size_t i = 0; i < sizeof ages / sizeof ages[0]; i++)
                assert_output_has(run_scion_expecting(2, "cache --delete --older-than %s", ages[i]),
                                  "takes a number and a unit, s, m, h, d or w", NULL);
        assert_output_has(run_scion_expecting(2, "cache model"), "there are sources and inflated", NULL);
        assert_output_has(run_scion_expecting(2, "cache sources inflated"), "'inflated' is a second one",
                          NULL);
        assert_output_has(run_scion_expecting(2, "cache --all"), "unknown option '--all'", NULL);
        assert_true(exists(OLD));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(lists_what_there_is, fill),
                cmocka_unit_test_setup(deletes_what_is_old, fill),
                cmocka_unit_test_setup(use_makes_it_new, fill),
                cmocka_unit_test_setup(what_is_in_the_making_stays, fill),
                cmocka_unit_test_setup(others_files_stay, fill),
                cmocka_unit_test_setup(without_a_cache, fill),
                cmocka_unit_test_setup(bad_usage, fill),
        };

        return cmocka_run_group_tests(tests, enter, leave_folder);
}
