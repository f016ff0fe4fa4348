#define _DEFAULT_SOURCE /* flock() */
#include "file/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "file/files.h"

/* Returns whether the locked file is still the one at the path. Releasing a lock deletes the file, so a
 * process that opened it just before would lock a file that no other process can find. */
static bool lock_file_exists(const struct scion_lock *lock)
{
        struct stat held, present;

        return !fstat(lock->descriptor, &held) && !lstat(lock->path, &present) &&
               held.st_ino == present.st_ino && held.st_dev == present.st_dev;
}

static int lock_file_open(const char *path)
{
        int descriptor = scion_file_open_regular(path, O_RDWR | O_CREAT);

        if (descriptor < 0 && errno == EACCES) /* another user's file: flock() does not need write access */
                descriptor = scion_file_open_regular(path, O_RDONLY);
        return descriptor;
}

static bool descriptor_lock(int descriptor)
{
        int result;

        do
                result = flock(descriptor, LOCK_EX | LOCK_NB);
        while (result && errno == EINTR);
        return result == 0;
}

/* Writes the holder into the lock file. Leaves it empty if the disk is full; the lock holds nevertheless. */
static void lock_write_holder(const struct scion_lock *lock)
{
        char text[512], host[256] = "?", when[64] = "?";
        time_t now = time(NULL);
        struct tm local;

        gethostname(host, sizeof host - 1);
        if (localtime_r(&now, &local))
                strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S %z", &local);
        snprintf(text, sizeof text, "process %ld on %s, since %s", (long)getpid(), host, when);
        if (ftruncate(lock->descriptor, 0) == 0 && !scion_write_all(lock->descriptor, text, strlen(text)))
                (void)!ftruncate(lock->descriptor, 0);
}

static void lock_fail_busy(const struct scion_lock *lock)
{
        char text[512];
        ssize_t got = pread(lock->descriptor, text, sizeof text - 1, 0);

        text[got > 0 ? got : 0] = '\0';
        scion_text_make_printable(text, false);
        scion_fail("%s: held by %s", lock->path, got > 0 ? text : "another process");
}

enum scion_locked scion_lock_take(const char *path, struct scion_lock *lock)
{
        struct scion_text text = { 0 };
        bool busy = false;

        *lock = (struct scion_lock){ .descriptor = -1 };
        scion_text_add(&text, "%s.lock", path);
        lock->path = text.text;
        while (!text.failed) {
                lock->descriptor = lock_file_open(lock->path);
                if (lock->descriptor < 0) {
                        free(lock->path);
                        *lock = (struct scion_lock){ .descriptor = -1 };
                        return SCION_LOCK_FAILED;
                }
                if (!descriptor_lock(lock->descriptor)) {
                        busy = errno == EWOULDBLOCK;
                        break;
                }
                if (lock_file_exists(lock)) {
                        lock_write_holder(lock);
                        return SCION_LOCKED;
                }
                close(lock->descriptor);
        }
        if (busy)
                lock_fail_busy(lock);
        else
                scion_fail("%s.lock: %s", path, strerror(text.failed ? ENOMEM : errno));
        if (lock->descriptor >= 0)
                close(lock->descriptor);
        free(lock->path);
        *lock = (struct scion_lock){ .descriptor = -1 };
        return busy ? SCION_LOCK_BUSY : SCION_LOCK_FAILED;
}

void scion_lock_release(struct scion_lock *lock)
{
        if (!lock->path)
                return;
        unlink(lock->path);
        close(lock->descriptor);
        free(lock->path);
        *lock = (struct scion_lock){ .descriptor = -1 };
}
