#include "support/folder.h"
#include "support/limit.h"

#include <scion/file.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <xxhash.h>
#include <zlib.h>

#define ENTRIES "cache/inflated"
#define HEADER 64  /* bytes of an entry before the contents */
#define HASH_AT 48 /* offset of the contents' hash in the header */
#define BYTES (size_t)20000

static unsigned char contents[BYTES];

/* Each test begins with an empty cache in the working directory. */
static int empty_cache(void **state)
{
        (void)state;
        remove_tree("cache");
        for (size_t i = 0; i < BYTES; i++)
                contents[i] = (unsigned char)(i * 7 + i / 97);
        scion_error_clear();
        return setenv("SCION_CACHE", "cache", 1);
}

static void write_level(const char *path, const void *bytes, size_t count, const char *mode)
{
        gzFile file = gzopen(path, mode);

        assert_non_null(file);
        if (count > 0)
                assert_int_equal(gzwrite(file, bytes, (unsigned)count), count);
        assert_int_equal(gzclose(file), Z_OK);
}

static void write_gzip(const char *path, const void *bytes, size_t count)
{
        write_level(path, bytes, count, "wb1");
}

static void assert_maps_to(const char *path, const void *expected, size_t count)
{
        size_t bytes = SIZE_MAX;
        const void *data;

        scion_error_clear();
        data = scion_file_map(path, count, &bytes);
        if (!data)
                fail_msg("%s", scion_error());
        assert_int_equal(bytes, count);
        assert_memory_equal(data, expected, count);
        scion_file_unmap(data, bytes);
        assert_string_equal(scion_error(), "");
}

static void assert_refused(const char *path, size_t most, const char *text)
{
        size_t bytes;

        scion_error_clear();
        assert_null(scion_file_map(path, most, &bytes));
        assert_error_has(path, text, NULL);
}

/* Returns the number of files in the cache's folder, entries and others. */
static int entries_count(void)
{
        return access(ENTRIES, F_OK) == 0 ? count_entries(ENTRIES) : 0;
}

/* Returns the path of the only entry. */
static const char *entry_path(void)
{
        static char path[512];
        DIR *folder = opendir(ENTRIES);

        assert_int_equal(entries_count(), 1);
        for (struct dirent *entry; (entry = readdir(folder));)
                if (entry->d_name[0] != '.')
                        snprintf(path, sizeof path, ENTRIES "/%.255s", entry->d_name);
        closedir(folder);
        return path;
}

static size_t read_back(const char *path, unsigned char *bytes, size_t room)
{
        FILE *file = fopen(path, "rb");

        assert_non_null(file);
        size_t count = fread(bytes, 1, room, file);

        assert_true(count < room);
        fclose(file);
        return count;
}

/* --- Contents ------------------------------------------------------------------------------------------- */

static void plain_files(void **state)
{
        unsigned char head[10];
        size_t bytes;

        (void)state;
        write_bytes("plain", contents, BYTES);
        assert_maps_to("plain", contents, BYTES);
        assert_true(scion_file_head("plain", head, sizeof head, &bytes));
        assert_int_equal(bytes, sizeof head);
        assert_memory_equal(head, contents, sizeof head);
        write_bytes("small", "\x1f", 1); /* the first byte of gzip's magic number */
        assert_maps_to("small", "\x1f", 1);
        assert_true(scion_file_head("small", head, sizeof head, &bytes));
        assert_int_equal(bytes, 1);
        write_bytes("empty", "", 0);
        assert_maps_to("empty", "", 0);
        assert_refused("plain", BYTES - 1, "too long: it has 20000 bytes, 19999 expected");
        assert_int_equal(entries_count(), 0);
        scion_file_unmap(NULL, 0);
}

static void compressed_files(void **state)
{
        unsigned char head[10];
        size_t bytes, large = (size_t)20 << 20;
        unsigned char *zeros = calloc(1, large);

        (void)state;
        setenv("SCION_CACHE", "", 1);
        write_gzip("a.gz", contents, BYTES);
        assert_maps_to("a.gz", contents, BYTES);
        assert_true(scion_file_head("a.gz", head, sizeof head, &bytes));
        assert_int_equal(bytes, sizeof head);
        assert_memory_equal(head, contents, sizeof head);
        write_gzip("a.gz", contents, 3);
        assert_maps_to("a.gz", contents, 3);
        assert_true(scion_file_head("a.gz", head, sizeof head, &bytes));
        assert_int_equal(bytes, 3);
        write_gzip("a.gz", "", 0);
        assert_maps_to("a.gz", "", 0);
        /* More than the memory that is allocated at first. */
        assert_non_null(zeros);
        zeros[large - 1] = 1;
        write_gzip("a.gz", zeros, large);
        assert_maps_to("a.gz", zeros, large);
        free(zeros);
        /* Two members, joined. */
        write_gzip("a.gz", contents, 5000);
        write_level("a.gz", contents + 5000, BYTES - 5000, "ab6");
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(access("cache", F_OK), -1);
}

static void no_regular_files(void **state)
{
        unsigned char head[4];
        size_t bytes = 1;

        (void)state;
        assert_refused("missing", 10, "No such file or directory");
        assert_int_equal(mkdir("folder", 0777), 0);
        assert_refused("folder", 10, "is a directory, not a file");
        assert_int_equal(mkfifo("pipe", 0666), 0);
        assert_refused("pipe", 10, "is not a file");
        scion_error_clear();
        assert_false(scion_file_head("pipe", head, sizeof head, &bytes));
        assert_error_has("pipe: is not a file", NULL);
}

/* Neither the memory nor the cache grows beyond the bytes expected. */
static void too_much(void **state)
{
        size_t large = (size_t)16 << 20;
        unsigned char *zeros = calloc(1, large);

        (void)state;
        assert_non_null(zeros);
        write_gzip("bomb.gz", zeros, large);
        free(zeros);
        assert_refused("bomb.gz", 1000, "too long: it has more than the 1000 bytes expected");
        assert_refused("bomb.gz", 0, "too long: it has more than the 0 bytes expected");
        assert_int_equal(entries_count(), 0);
        write_gzip("a.gz", contents, BYTES);
        assert_maps_to("a.gz", contents, BYTES);
        assert_refused("a.gz", BYTES - 1, "too long: it has more than the 19999 bytes expected");
        assert_int_equal(entries_count(), 1);
}

static void damaged(void **state)
{
        static unsigned char bytes[40000];
        size_t count, mapped;

        (void)state;
        write_gzip("a.gz", contents, BYTES);
        count = read_back("a.gz", bytes, sizeof bytes - 3);
        for (size_t cut = 2; cut < count; cut += cut < 20 || cut > count - 10 ? 1 : 1009) {
                write_bytes("a.gz", bytes, cut);
                assert_refused("a.gz", SIZE_MAX, "truncated gzip data: it ends after ");
        }
        for (size_t i = 0; i < 8; i++) {
                bytes[count - 8 + i] ^= 0x10;
                write_bytes("a.gz", bytes, count);
                assert_refused("a.gz", SIZE_MAX, i < 4 ? "incorrect data check" : "incorrect length check");
                bytes[count - 8 + i] ^= 0x10;
        }
        memcpy(bytes + count, "end", 3);
        write_bytes("a.gz", bytes, count + 3);
        assert_refused("a.gz", SIZE_MAX, "bytes that are no gzip data after the end of its gzip data");
        /* Reading only the beginning may succeed nevertheless. */
        assert_true(scion_file_head("a.gz", bytes, 100, &mapped));
        assert_memory_equal(bytes, contents, 100);
        assert_int_equal(entries_count(), 0);
}

/* --- The cache ------------------------------------------------------------------------------------------ */

static void found_again(void **state)
{
        static unsigned char entry[HEADER + BYTES + 1];
        const struct timespec long_ago[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
        struct stat first, second;
        XXH128_canonical_t hash;

        (void)state;
        write_gzip("a.gz", contents, BYTES);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(stat(entry_path(), &first), 0);
        assert_int_equal(first.st_size, HEADER + BYTES);
        assert_int_equal(utimensat(AT_FDCWD, entry_path(), long_ago, 0), 0);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(stat(entry_path(), &second), 0);
        assert_int_equal(first.st_ino, second.st_ino);
        assert_true(second.st_mtim.tv_sec > 1000); /* the last use */
        assert_int_equal(stat(ENTRIES, &first), 0);
        assert_int_equal(first.st_mode & 0777, 0700);

        /* The entry is used: an entry with other contents, and the right hash of those, is returned. */
        assert_int_equal(read_back(entry_path(), entry, sizeof entry), HEADER + BYTES);
        assert_memory_equal(entry + HEADER, contents, BYTES);
        entry[HEADER + 100] ^= 1;
        XXH128_canonicalFromHash(&hash, XXH3_128bits(entry + HEADER, BYTES));
        memcpy(entry + HASH_AT, &hash, sizeof hash);
        write_bytes(entry_path(), entry, HEADER + BYTES);
        assert_maps_to("a.gz", entry + HEADER, BYTES);

        /* Another file with the same bytes has the same entry. Empty contents can be stored too. */
        write_gzip("b.gz", contents, BYTES);
        assert_maps_to("b.gz", entry + HEADER, BYTES);
        assert_int_equal(entries_count(), 1);
        write_gzip("b.gz", "", 0);
        assert_maps_to("b.gz", "", 0);
        assert_maps_to("b.gz", "", 0);
        assert_int_equal(entries_count(), 2);
}

/* Replaces the entry by bad bytes: the contents are right nevertheless, and the entry is replaced by a
 * valid one. */
static void assert_replaced(const void *bad, size_t count, const unsigned char *good)
{
        static unsigned char now[HEADER + BYTES + 1];

        write_bytes(entry_path(), bad, count);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(read_back(entry_path(), now, sizeof now), HEADER + BYTES);
        assert_memory_equal(now, good, HEADER + BYTES);
}

static void bad_entries(void **state)
{
        static unsigned char good[HEADER + BYTES + 1], bad[HEADER + BYTES + 1];
        static const size_t lengths[] = { 0, 1, HEADER - 1, HEADER, HEADER + 1, 4096, HEADER + BYTES - 1 };

        (void)state;
        write_gzip("a.gz", contents, BYTES);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(read_back(entry_path(), good, sizeof good), HEADER + BYTES);
        /* Every byte of the header, and some of the contents. */
        for (size_t i = 0; i < HEADER + BYTES; i += i < HEADER ? 1 : 3989) {
                memcpy(bad, good, sizeof bad);
                bad[i] ^= 0x40;
                assert_replaced(bad, HEADER + BYTES, good);
        }
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
                assert_replaced(good, lengths[i], good);
        memcpy(bad, good, sizeof bad);
        bad[HEADER + BYTES] = 0;
        assert_replaced(bad, HEADER + BYTES + 1, good);
}

/* A valid entry of another file under this file's name. */
static void foreign_entry(void **state)
{
        static unsigned char other[HEADER + BYTES + 1], good[HEADER + BYTES + 1];

        (void)state;
        contents[0] ^= 1;
        write_gzip("a.gz", contents, BYTES);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(read_back(entry_path(), other, sizeof other), HEADER + BYTES);
        remove(entry_path());
        contents[0] ^= 1;
        write_gzip("a.gz", contents, BYTES);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(read_back(entry_path(), good, sizeof good), HEADER + BYTES);
        assert_replaced(other, HEADER + BYTES, good);
}

/* A folder or pipe with the name of an entry is left alone; a broken link is replaced. */
static void odd_entries(void **state)
{
        char path[512];
        struct stat status;

        (void)state;
        write_gzip("a.gz", contents, BYTES);
        assert_maps_to("a.gz", contents, BYTES);
        strcpy(path, entry_path());
        remove(path);
        assert_int_equal(mkdir(path, 0777), 0);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(mkfifo(path, 0666), 0);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(remove(path), 0);
        assert_int_equal(symlink("nothing", path), 0);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(lstat(entry_path(), &status), 0);
        assert_true(S_ISREG(status.st_mode));
        assert_int_equal(access(ENTRIES "/nothing", F_OK), -1);
}

/* The changed file has the same name, size and modification time: only the bytes differ. */
static void changed_file(void **state)
{
        struct stat before, after;

        (void)state;
        write_level("a.gz", contents, BYTES, "wb0");
        assert_int_equal(stat("a.gz", &before), 0);
        assert_maps_to("a.gz", contents, BYTES);
        contents[BYTES / 2] ^= 0xff;

        const struct timespec times[2] = { before.st_atim, before.st_mtim };

        write_level("a.gz", contents, BYTES, "wb0");
        assert_int_equal(utimensat(AT_FDCWD, "a.gz", times, 0), 0);
        assert_int_equal(stat("a.gz", &after), 0);
        assert_int_equal(before.st_size, after.st_size);
        assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(entries_count(), 2);
}

static void deleted_while_in_use(void **state)
{
        size_t bytes;
        const unsigned char *data;

        (void)state;
        write_gzip("a.gz", contents, BYTES);
        assert_maps_to("a.gz", contents, BYTES);
        data = scion_file_map("a.gz", BYTES, &bytes);
        assert_non_null(data);
        remove_tree("cache");
        assert_memory_equal(data, contents, BYTES);
        scion_file_unmap(data, bytes);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(entries_count(), 1);
}

/* --- No cache ------------------------------------------------------------------------------------------- */

static void cache_folders(void **state)
{
        char here[4096], path[4200], *home = getenv("HOME"), *caches = getenv("XDG_CACHE_HOME");
        char *old_home = home ? strdup(home) : NULL, *old_caches = caches ? strdup(caches) : NULL;

        (void)state;
        assert_non_null(getcwd(here, sizeof here));
        write_gzip("a.gz", contents, BYTES);
        unsetenv("SCION_CACHE");
        unsetenv("XDG_CACHE_HOME");

        /* No home directory: not set, missing, or a relative path. */
        unsetenv("HOME");
        assert_maps_to("a.gz", contents, BYTES);
        snprintf(path, sizeof path, "%s/nobody", here);
        setenv("HOME", path, 1);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(access("nobody", F_OK), -1);
        assert_int_equal(mkdir("home", 0777), 0);
        setenv("HOME", "home", 1);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(count_entries("home"), 0);

        snprintf(path, sizeof path, "%s/home", here);
        setenv("HOME", path, 1);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(count_entries("home/.cache/scion/inflated"), 1);
        remove_tree("home/.cache");
        snprintf(path, sizeof path, "%s/caches", here);
        setenv("XDG_CACHE_HOME", path, 1);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(count_entries("home"), 0);
        assert_int_equal(count_entries("caches/scion/inflated"), 1);
        setenv("XDG_CACHE_HOME", "caches", 1); /* a relative path is ignored */
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(count_entries("home/.cache/scion/inflated"), 1);
        remove_tree("home");
        remove_tree("caches");

        old_home ? setenv("HOME", old_home, 1) : unsetenv("HOME");
        old_caches ? setenv("XDG_CACHE_HOME", old_caches, 1) : unsetenv("XDG_CACHE_HOME");
        free(old_home);
        free(old_caches);
}

static void not_writable(void **state)
{
        (void)state;
        write_gzip("a.gz", contents, BYTES);
        write_bytes("occupied", "x", 1);
        setenv("SCION_CACHE", "occupied", 1);
        assert_maps_to("a.gz", contents, BYTES);
        setenv("SCION_CACHE", "occupied/below", 1);
        assert_maps_to("a.gz", contents, BYTES);
        assert_file_is("occupied", "x");
        setenv("SCION_CACHE", "/proc/self/cache", 1);
        assert_maps_to("a.gz", contents, BYTES);
        if (geteuid() == 0)
                return;
        setenv("SCION_CACHE", "cache", 1);
        assert_maps_to("a.gz", contents, BYTES);
        remove(entry_path());
        assert_int_equal(chmod(ENTRIES, 0500), 0);
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(entries_count(), 0);
        assert_int_equal(chmod(ENTRIES, 0700), 0);
}

/* The disk is full while writing the header, or the contents. No file is left behind. */
static void full_disk(void **state)
{
        static const rlim_t room[] = { 0, 10, HEADER, 4096, HEADER + BYTES - 1 };

        (void)state;
        write_gzip("a.gz", contents, BYTES);
        for (size_t i = 0; i < sizeof room / sizeof room[0]; i++) {
                size_t bytes = 0;

                limit_files_to(room[i]);
                const void *data = scion_file_map("a.gz", BYTES, &bytes);

                limit_files_no_more();
                assert_non_null(data);
                assert_memory_equal(data, contents, BYTES);
                scion_file_unmap(data, bytes);
                assert_string_equal(scion_error(), "");
                assert_int_equal(entries_count(), 0);
        }
        assert_maps_to("a.gz", contents, BYTES);
        assert_int_equal(entries_count(), 1);
}

/* --- Concurrency ---------------------------------------------------------------------------------------- */

static bool same(void)
{
        size_t bytes = 0;
        const void *data = scion_file_map("a.gz", BYTES, &bytes);
        bool good = data && bytes == BYTES && memcmp(data, contents, BYTES) == 0;

        scion_file_unmap(data, bytes);
        return good;
}

/* Processes that store, find and delete the same entry concurrently. */
static void concurrent(void **state)
{
        enum { PROCESSES = 6, TURNS = 20 };
        char path[512];
        pid_t pid[PROCESSES];

        (void)state;
        write_gzip("a.gz", contents, BYTES);
        assert_maps_to("a.gz", contents, BYTES);
        strcpy(path, entry_path());
        remove(path);
        for (int i = 0; i < PROCESSES; i++) {
                pid[i] = fork();
                assert_true(pid[i] >= 0);
                if (pid[i] > 0)
                        continue;
                bool good = true;

                for (int turn = 0; good && turn < TURNS; turn++) {
                        good = same();
                        if (turn % PROCESSES == i && turn < TURNS - 1)
                                unlink(path);
                }
                _Exit(good ? 0 : 1);
        }
        for (int i = 0; i < PROCESSES; i++) {
                int status = -1;

                assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
                assert_true(WIFEXITED(status));
                assert_int_equal(WEXITSTATUS(status), 0);
        }
        assert_maps_to("a.gz", contents, BYTES);
        assert_string_equal(entry_path(), path);
        assert_maps_to("a.gz", contents, BYTES);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(plain_files, empty_cache),
                cmocka_unit_test_setup(compressed_files, empty_cache),
                cmocka_unit_test_setup(no_regular_files, empty_cache),
                cmocka_unit_test_setup(too_much, empty_cache),
                cmocka_unit_test_setup(damaged, empty_cache),
                cmocka_unit_test_setup(found_again, empty_cache),
                cmocka_unit_test_setup(bad_entries, empty_cache),
                cmocka_unit_test_setup(foreign_entry, empty_cache),
                cmocka_unit_test_setup(odd_entries, empty_cache),
                cmocka_unit_test_setup(changed_file, empty_cache),
                cmocka_unit_test_setup(deleted_while_in_use, empty_cache),
                cmocka_unit_test_setup(cache_folders, empty_cache),
                cmocka_unit_test_setup(not_writable, empty_cache),
                cmocka_unit_test_setup(full_disk, empty_cache),
                cmocka_unit_test_setup(concurrent, empty_cache),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
