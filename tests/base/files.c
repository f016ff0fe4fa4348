#include "support/folder.h"
#include "support/limit.h"

#include "file/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void reads_complete_files(void **state)
{
        static char large[100000];
        size_t bytes = 0;
        char *data;

        (void)state;
        for (size_t i = 0; i < sizeof large; i++)
                large[i] = (char)(i * 7 % 251);
        write_bytes("large", large, sizeof large);
        data = scion_file_read("large", SIZE_MAX, &bytes);
        assert_non_null(data);
        assert_int_equal(bytes, sizeof large);
        assert_memory_equal(data, large, sizeof large);
        assert_int_equal(data[bytes], '\0');
        free(data);

        write_bytes("empty", "", 0);
        data = scion_file_read("empty", 0, &bytes);
        assert_non_null(data);
        assert_int_equal(bytes, 0);
        assert_string_equal(data, "");
        free(data);
}

/* A pipe reports the size 0, and its buffer is smaller than what is sent through it. */
static void reads_pipes(void **state)
{
        size_t bytes = 0;
        pid_t writer;
        int status;
        char *data;

        (void)state;
        assert_int_equal(mkfifo("pipe", 0600), 0);
        writer = fork();
        assert_int_not_equal(writer, -1);
        if (writer == 0) {
                static char zeros[300000];
                int descriptor = open("pipe", O_WRONLY);

                _exit(descriptor < 0 || !scion_write_all(descriptor, zeros, sizeof zeros));
        }
        data = scion_file_read("pipe", SIZE_MAX, &bytes);
        assert_non_null(data);
        assert_int_equal(bytes, 300000);
        free(data);
        assert_int_equal(waitpid(writer, &status, 0), writer);
        assert_int_equal(status, 0);
}

static void refuses_to_read(void **state)
{
        size_t bytes = 0;

        (void)state;
        assert_null(scion_file_read("missing", SIZE_MAX, &bytes));
        assert_error_has("missing: No such file", NULL);
        assert_null(scion_file_read(".", SIZE_MAX, &bytes));
        assert_error_has(".: is a directory", NULL);
        write_text("ten", "0123456789");
        assert_null(scion_file_read("ten", 9, &bytes));
        assert_error_has("ten: larger than 9 bytes", NULL);
        assert_null(scion_file_read("/dev/zero", 1000000, &bytes)); /* has the size 0 and no end */
        assert_error_has("/dev/zero: larger than 1000000 bytes", NULL);
}

static void writes_complete_files(void **state)
{
        struct stat status;
        mode_t mask = umask(027);

        (void)state;
        assert_int_equal(mkdir("out", 0777), 0);
        assert_true(scion_file_write("out/a", "first", 5));
        assert_file_is("out/a", "first");
        assert_true(scion_file_write("out/a", "2nd", 3));
        assert_file_is("out/a", "2nd");
        assert_int_equal(count_entries("out"), 1); /* no temporary file is left */
        assert_int_equal(stat("out/a", &status), 0);
        assert_int_equal(status.st_mode & 0777, 0640); /* by the umask */
        umask(mask);
}

static void old_file_stays_until_commit(void **state)
{
        struct scion_file *file;

        (void)state;
        write_text("kept", "old");
        file = scion_file_create("kept");
        assert_non_null(file);
        assert_true(scion_file_add(file, "ne", 2));
        assert_file_is("kept", "old");
        assert_true(scion_file_add(file, "w", 1));
        assert_true(scion_file_commit(file));
        assert_file_is("kept", "new");

        int entries = count_entries(".");

        file = scion_file_create("kept");
        assert_non_null(file);
        assert_true(scion_file_add(file, "lost", 4));
        scion_file_discard(file);
        scion_file_discard(NULL);
        assert_file_is("kept", "new");
        assert_int_equal(count_entries("."), entries);
}

/* A process that was killed while writing has left a temporary file with the name that would be used next. */
static void leftovers_do_not_block_writing(void **state)
{
        char name[64];
        int number = 0;

        (void)state;
        for (int i = 0; i < 100; i++) {
                snprintf(name, sizeof name, ".scion-%ld-%d.tmp", (long)getpid(), i);
                write_text(name, "left");
        }
        assert_true(scion_file_write("new", "text", 4));
        assert_file_is("new", "text");
        for (int i = 0; i < 100; i++) {
                snprintf(name, sizeof name, ".scion-%ld-%d.tmp", (long)getpid(), i);
                assert_file_is(name, "left");
                number += !unlink(name);
        }
        assert_int_equal(number, 100);
}

static void refuses_to_write(void **state)
{
        char longest[300];

        (void)state;
        assert_false(scion_file_write("no/such/folder", "", 0));
        assert_error_has("no/such/folder: cannot be written: No such file or directory", NULL);
        assert_false(scion_file_write(".", "", 0));
        assert_error_has(".: cannot be written: is a directory", NULL);
        assert_false(scion_file_write("/dev/full", "", 0));
        assert_error_has("/dev/full: cannot be written: is not a regular file", NULL);
        memset(longest, 'x', sizeof longest - 1);
        longest[sizeof longest - 1] = '\0';
        int entries = count_entries(".");

        assert_false(scion_file_write(longest, "", 0)); /* found only when it is renamed */
        assert_error_has("File name too long", NULL);
        assert_int_equal(count_entries("."), entries);
        longest[255] = '\0'; /* the longest name allowed */
        assert_true(scion_file_write(longest, "", 0));
}

static void full_disk_keeps_the_old_file(void **state)
{
        static char much[100000];
        struct scion_file *file;

        (void)state;
        write_text("precious", "old");
        int entries = count_entries(".");

        limit_files_to(50000);
        bool written = scion_file_write("precious", much, sizeof much);

        limit_files_no_more();
        assert_false(written);
        assert_error_has("precious: cannot be written: ", strerror(EFBIG), NULL);
        assert_file_is("precious", "old");
        assert_int_equal(count_entries("."), entries);

        int full = open("/dev/full", O_WRONLY);

        assert_true(full >= 0);
        errno = 0;
        assert_false(scion_write_all(full, much, sizeof much));
        assert_int_equal(errno, ENOSPC);
        close(full);
        file = scion_file_create("precious");
        assert_non_null(file);
        assert_true(scion_file_add(file, much, 0)); /* writing no bytes succeeds */
        scion_file_discard(file);
}

static void makes_folders(void **state)
{
        struct stat status;

        (void)state;
        assert_true(scion_make_folders("a/b/c"));
        assert_int_equal(stat("a/b/c", &status), 0);
        assert_true(S_ISDIR(status.st_mode));
        assert_true(scion_make_folders("a/b/c"));
        assert_true(scion_make_folders("a//b/d/"));
        assert_int_equal(stat("a/b/d", &status), 0);
        assert_true(scion_make_folders("."));
        assert_true(scion_make_folders("/"));
        assert_false(scion_make_folders(""));

        write_text("a/file", "");
        assert_false(scion_make_folders("a/file"));
        assert_error_has("a/file: the folder cannot be made: a file of that name is there", NULL);
        assert_false(scion_make_folders("a/file/b"));
        assert_error_has("a/file: the folder", NULL); /* the message names the file in the way */
        assert_false(scion_make_folders("/proc/scion/b"));
        assert_error_has("/proc/scion: the folder cannot be made: No such file", NULL);
}

static void leftovers_are_removed(void **state)
{
        static const char *const others[] = { ".scion-12-x.tmp", ".scion-.tmp", "scion-1-2.tmp",
                                              ".scion-1-2.tmp2", "results.csv" };

        (void)state;
        assert_int_equal(mkdir("left", 0777), 0);
        write_text("left/.scion-4711-0.tmp", "half");
        write_text("left/.scion-1-23.tmp", "half");
        assert_int_equal(mkdir("left/.scion-3-3.tmp", 0777), 0); /* a folder, not a temporary file */
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
                char path[64];

                snprintf(path, sizeof path, "left/%s", others[i]);
                write_text(path, "whole");
        }
        scion_remove_leftovers("left");
        assert_int_equal(count_entries("left"), 6);
        assert_int_equal(access("left/.scion-4711-0.tmp", F_OK), -1);
        assert_int_equal(access("left/.scion-1-23.tmp", F_OK), -1);
        scion_remove_leftovers("missing");
}

/* /dev/zero has no end, and neither may take the memory that a large limit allows. */
static void devices_are_bounded(void **state)
{
        size_t bytes = 1;
        char *data;

        (void)state;
        assert_null(scion_file_read("/dev/zero", SIZE_MAX, &bytes));
        assert_error_has("/dev/zero: larger than 16777216 bytes", NULL);
        assert_null(scion_file_read("/dev/zero", 10, &bytes));
        assert_error_has("/dev/zero: larger than 10 bytes", NULL);
        data = scion_file_read("/dev/null", 10, &bytes);
        assert_non_null(data);
        assert_int_equal(bytes, 0);
        free(data);
}

static void opens_regular_files_alone(void **state)
{
        int descriptor;

        (void)state;
        write_text("regular", "x");
        assert_int_equal(symlink("regular", "symbolic"), 0);
        assert_int_equal(mkfifo("fifo", 0600), 0);
        descriptor = scion_file_open_regular("regular", O_RDWR);
        assert_true(descriptor >= 0);
        close(descriptor);
        assert_int_equal(scion_file_open_regular("symbolic", O_RDWR), -1);
        assert_error_has("symbolic: is a symbolic link, which is not followed: remove it", NULL);
        assert_int_equal(scion_file_open_regular("fifo", O_RDWR), -1);
        assert_error_has("fifo: is not a regular file: remove it", NULL);
        assert_int_equal(scion_file_open_regular("fifo", O_WRONLY), -1); /* does not wait for a reader */
        assert_error_has("fifo: is not a regular file: remove it", NULL);
        assert_int_equal(scion_file_open_regular("missing", O_RDONLY), -1);
        assert_error_has("missing: No such file", NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_complete_files),
                cmocka_unit_test(reads_pipes),
                cmocka_unit_test(refuses_to_read),
                cmocka_unit_test(devices_are_bounded),
                cmocka_unit_test(opens_regular_files_alone),
                cmocka_unit_test(writes_complete_files),
                cmocka_unit_test(old_file_stays_until_commit),
                cmocka_unit_test(leftovers_do_not_block_writing),
                cmocka_unit_test(leftovers_are_removed),
                cmocka_unit_test(refuses_to_write),
                cmocka_unit_test(full_disk_keeps_the_old_file),
                cmocka_unit_test(makes_folders),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
