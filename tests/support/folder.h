/*
 * A temporary folder for the tests of a program, which is the working directory while they run:
 * cmocka_run_group_tests(tests, enter_folder, leave_folder). The tests use short relative paths.
 */
#ifndef SCION_TESTS_SUPPORT_FOLDER_H
#define SCION_TESTS_SUPPORT_FOLDER_H

#include "support/test.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

/* Removes a file, or a folder and everything in it. */
static inline void remove_tree(const char *path)
{
        DIR *folder = opendir(path);
        char inner[4096];

        if (folder) {
                for (struct dirent *entry; (entry = readdir(folder));) {
                        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
                                continue;
                        assert_in_range(snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name), 1,
                                        sizeof inner - 1);
                        struct stat status;

                        if (!lstat(inner, &status) && S_ISDIR(status.st_mode))
                                remove_tree(inner);
                        else
                                unlink(inner);
                }
                closedir(folder);
        }
        remove(path);
}

/* Group setup: creates the folder and makes it the working directory. */
static inline int enter_folder(void **state)
{
        const char *temporary = getenv("TMPDIR");
        char path[4096];

        snprintf(path, sizeof path, "%s/scion-test-XXXXXX", temporary && *temporary ? temporary : "/tmp");
        if (!mkdtemp(path) || chdir(path))
                return -1;
        *state = strdup(path);
        return *state ? 0 : -1;
}

/* Group teardown: removes the folder. */
static inline int leave_folder(void **state)
{
        if (chdir("/"))
                return -1;
        remove_tree(*state);
        free(*state);
        return 0;
}

static inline void write_bytes(const char *path, const void *bytes, size_t count)
{
        FILE *file = fopen(path, "wb");

        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, count, file), count);
        assert_int_equal(fclose(file), 0);
}

static inline void write_text(const char *path, const char *text)
{
        write_bytes(path, text, strlen(text));
}

/* Returns the contents of a file as a string, which the caller frees. */
static inline char *read_text(const char *path)
{
        FILE *file = fopen(path, "rb");
        size_t length = 0, room = 1 << 20;
        char *text = malloc(room);

        assert_non_null(file);
        assert_non_null(text);
        length = fread(text, 1, room - 1, file);
        assert_int_not_equal(feof(file), 0);
        text[length] = '\0';
        fclose(file);
        return text;
}

static inline void assert_file_is(const char *path, const char *expected)
{
        char *text = read_text(path);

        assert_string_equal(text, expected);
        free(text);
}

static inline bool exists(const char *path)
{
        return access(path, F_OK) == 0;
}

/* Returns the number of entries in a folder. */
static inline int count_entries(const char *path)
{
        DIR *folder = opendir(path);
        int count = 0;

        assert_non_null(folder);
        while (readdir(folder))
                count++;
        closedir(folder);
        return count - 2; /* "." and ".." */
}

#endif
