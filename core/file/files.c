#include "file/files.h"

#include <scion/error.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The names of temporary files. */
#define PREFIX ".scion-"
#define SUFFIX ".tmp"

#define DEVICE_BYTES ((size_t)16 << 20) /* the most that is read of a device */

struct scion_file {
        int descriptor;
        char *path;
        char *temporary; /* the path of the temporary file; NULL when there is none */
};

/* --- Reading -------------------------------------------------------------------------------------------- */

static ssize_t descriptor_read(int descriptor, char *data, size_t bytes)
{
        ssize_t got;

        do
                got = read(descriptor, data, bytes);
        while (got < 0 && errno == EINTR);
        return got;
}

ssize_t scion_read_all(int descriptor, void *data, size_t bytes)
{
        size_t length = 0;

        while (length < bytes) {
                ssize_t got = descriptor_read(descriptor, (char *)data + length, bytes - length);

                if (got < 0)
                        return -1;
                if (got == 0)
                        break;
                length += (size_t)got;
        }
        return (ssize_t)length;
}

/* Reads to the end of the file. `guess` is the expected size, which may be wrong: pipes report 0. */
static char *descriptor_read_to_end(int descriptor, const char *path, size_t guess, size_t most,
                                    size_t *bytes)
{
        size_t room = guess < 4096 ? 4096 : guess, length = 0;
        char *data = malloc(room + 1);

        while (data) {
                ssize_t got = descriptor_read(descriptor, data + length, room - length);

                if (got < 0) {
                        scion_fail("%s: %s", path, strerror(errno));
                        goto failed;
                }
                length += (size_t)got;
                if (length > most) {
                        scion_fail("%s: larger than %zu bytes, the most that is read here", path, most);
                        goto failed;
                }
                if (got == 0) {
                        data[length] = '\0';
                        *bytes = length;
                        return data;
                }
                if (length == room) {
                        char *larger = room < SIZE_MAX / 4 ? realloc(data, 2 * room + 1) : NULL;

                        if (!larger)
                                break;
                        data = larger;
                        room *= 2;
                }
        }
        scion_fail("%s: out of memory, at byte %zu of it", path, length);
failed:
        free(data);
        return NULL;
}

char *scion_file_read(const char *path, size_t most, size_t *bytes)
{
        struct stat status;
        char *data = NULL;
        int descriptor = open(path, O_RDONLY | O_CLOEXEC);

        if (descriptor < 0)
                return scion_fail_null("%s: %s", path, strerror(errno));
        if (fstat(descriptor, &status))
                scion_fail("%s: %s", path, strerror(errno));
        else if (S_ISDIR(status.st_mode))
                scion_fail("%s: is a directory, not a file", path);
        else if (S_ISCHR(status.st_mode)) /* /dev/zero has no end */
                data = descriptor_read_to_end(descriptor, path, 0, most < DEVICE_BYTES ? most : DEVICE_BYTES,
                                              bytes);
        else if (status.st_size < 0 || (uintmax_t)status.st_size > most)
                scion_fail("%s: larger than %zu bytes, the most that is read here", path, most);
        else /* room for one byte more, so that the first read() also finds the end */
                data = descriptor_read_to_end(descriptor, path, (size_t)status.st_size + 1, most, bytes);
        close(descriptor);
        return data;
}

int scion_file_open_regular(const char *path, int flags)
{
        struct stat status;
        int descriptor = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666), why;

        if (descriptor >= 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode))
                return descriptor;
        why = errno;
        if (descriptor >= 0) {
                close(descriptor);
                why = EINVAL;
        }
        if (why == ELOOP)
                scion_fail("%s: is a symbolic link, which is not followed: remove it", path);
        else if (why == EINVAL || why == ENXIO)
                scion_fail("%s: is not a regular file: remove it", path);
        else
                scion_fail("%s: %s", path, strerror(why));
        errno = why;
        return -1;
}

/* --- Writing -------------------------------------------------------------------------------------------- */

bool scion_write_all(int descriptor, const void *data, size_t bytes)
{
        const char *rest = data;

        while (bytes > 0) {
                /* Linux writes at most 2 GiB at a time. */
                ssize_t written = write(descriptor, rest, bytes < (1u << 30) ? bytes : (1u << 30));

                if (written < 0 && errno == EINTR)
                        continue;
                if (written < 0)
                        return false;
                if (written == 0) {
                        errno = ENOSPC;
                        return false;
                }
                rest += written;
                bytes -= (size_t)written;
        }
        return true;
}

size_t scion_path_folder_length(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? (size_t)(slash - path) + 1 : 0;
}

char *scion_file_temporary_name(const char *path)
{
        static atomic_uint made;
        size_t folder = scion_path_folder_length(path), room = folder + 64;
        char *name = malloc(room);

        /* The name does not contain the file's own name, which may already have the longest length allowed. */
        if (name)
                snprintf(name, room, "%.*s" PREFIX "%ld-%u" SUFFIX, (int)folder, path, (long)getpid(),
                         atomic_fetch_add(&made, 1));
        return name;
}

/* Creates an empty temporary file in the folder of `path` and sets its name. Returns -1, with errno set, on
 * failure. */
static int temporary_open(const char *path, char **temporary)
{
        /* A killed process with the same process id may have left a file of this name. */
        for (int tries = 0; tries < 1000; tries++) {
                char *name = scion_file_temporary_name(path);
                int descriptor = name ? open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666) : -1;
                int why = name ? errno : ENOMEM;

                if (descriptor >= 0) {
                        *temporary = name;
                        return descriptor;
                }
                free(name);
                errno = why;
                if (why != EEXIST)
                        break;
        }
        return -1;
}

struct scion_file *scion_file_create(const char *path)
{
        struct stat status;
        struct scion_file *file;

        if (scion_path_folder_length(path) > 4096)
                return scion_fail_null("%s: %s", path, strerror(ENAMETOOLONG));
        if (!stat(path, &status) && !S_ISREG(status.st_mode))
                return scion_fail_null("%s: cannot be written: %s", path,
                                       S_ISDIR(status.st_mode) ? "is a directory" : "is not a regular file");
        file = calloc(1, sizeof *file);
        if (!file)
                return scion_fail_null("%s: out of memory", path);
        file->descriptor = -1;
        file->path = strdup(path);
        if (!file->path) {
                scion_fail("%s: out of memory", path);
                goto failed;
        }
        file->descriptor = temporary_open(path, &file->temporary);
        if (file->descriptor < 0) {
                scion_fail("%s: cannot be written: %s", path, strerror(errno));
                goto failed;
        }
        return file;
failed:
        scion_file_discard(file);
        return NULL;
}

bool scion_file_add(struct scion_file *file, const void *data, size_t bytes)
{
        if (scion_write_all(file->descriptor, data, bytes))
                return true;
        return scion_fail("%s: cannot be written: %s", file->path, strerror(errno));
}

/* EINVAL means that the file system cannot sync folders, and is no error. */
bool scion_folder_sync(const char *path)
{
        size_t length = scion_path_folder_length(path);
        char *folder = length ? strndup(path, length) : strdup(".");
        int descriptor = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        bool synced = descriptor >= 0 && (!fsync(descriptor) || errno == EINVAL);

        if (!synced)
                scion_fail("%s: its folder cannot be synced: %s", path, strerror(folder ? errno : ENOMEM));
        if (descriptor >= 0)
                close(descriptor);
        free(folder);
        return synced;
}

bool scion_file_commit(struct scion_file *file)
{
        bool good = false;
        int descriptor = file->descriptor;

        if (fsync(descriptor) && errno != EINVAL) {
                scion_fail("%s: cannot be written: %s", file->path, strerror(errno));
                goto done;
        }
        file->descriptor = -1;
        if (close(descriptor)) { /* network file systems may report a full disk only on close() */
                scion_fail("%s: cannot be written: %s", file->path, strerror(errno));
                goto done;
        }
        if (rename(file->temporary, file->path)) {
                scion_fail("%s: cannot be written: %s", file->path, strerror(errno));
                goto done;
        }
        free(file->temporary);
        file->temporary = NULL;
        good = scion_folder_sync(file->path);
done:
        scion_file_discard(file);
        return good;
}

void scion_file_discard(struct scion_file *file)
{
        if (!file)
                return;
        if (file->descriptor >= 0)
                close(file->descriptor);
        if (file->temporary)
                unlink(file->temporary);
        free(file->temporary);
        free(file->path);
        free(file);
}

bool scion_file_write(const char *path, const void *data, size_t bytes)
{
        struct scion_file *file = scion_file_create(path);

        if (!file)
                return false;
        if (!scion_file_add(file, data, bytes)) {
                scion_file_discard(file);
                return false;
        }
        return scion_file_commit(file);
}

/* Returns whether the name is that of a temporary file: PREFIX, digits and dashes, SUFFIX. */
static bool name_is_temporary(const char *name)
{
        size_t length = strlen(name), prefix = strlen(PREFIX), suffix = strlen(SUFFIX);

        return length > prefix + suffix && strncmp(name, PREFIX, prefix) == 0 &&
               strspn(name + prefix, "0123456789-") == length - prefix - suffix &&
               strcmp(name + length - suffix, SUFFIX) == 0;
}

void scion_remove_leftovers(const char *folder)
{
        DIR *entries = opendir(folder);

        if (!entries)
                return;
        for (struct dirent *entry; (entry = readdir(entries));)
                if (name_is_temporary(entry->d_name))
                        unlinkat(dirfd(entries), entry->d_name, 0);
        closedir(entries);
}

/* --- Paths ---------------------------------------------------------------------------------------------- */

char *scion_path_join(const char *folder, const char *name)
{
        size_t bytes = strlen(folder) + 1 + strlen(name) + 1;
        char *path = malloc(bytes);

        if (!path)
                return scion_fail_null("out of memory");
        snprintf(path, bytes, "%s/%s", folder, name);
        return path;
}

/* --- Folders -------------------------------------------------------------------------------------------- */

static bool folder_create(const char *path)
{
        struct stat status;

        if (!mkdir(path, 0777))
                return true;
        int why = errno; /* not EEXIST alone: a read-only file system gives EROFS for an existing folder */

        if (stat(path, &status))
                return scion_fail("%s: the folder cannot be made: %s", path, strerror(why));
        return S_ISDIR(status.st_mode) ||
               scion_fail("%s: the folder cannot be made: a file of that name is there", path);
}

bool scion_make_folders(const char *path)
{
        char *part = strdup(path);
        bool good = true;

        if (!part)
                return scion_fail("%s: out of memory", path);
        if (!*part)
                good = scion_fail("a folder without a name cannot be made");
        for (char *slash = part + 1; good && *part && (slash = strchr(slash, '/')); slash++) {
                *slash = '\0';
                good = folder_create(part);
                *slash = '/';
        }
        good = good && folder_create(part);
        free(part);
        return good;
}
