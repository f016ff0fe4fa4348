#define _DEFAULT_SOURCE /* flock: a lock that goes with its process */
#include "base/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/text.h"

/* The environment's word for a folder that is to be somewhere for sure: an absolute path. */
static const char *absolute(const char *variable)
{
        const char *path = getenv(variable);

        return path && path[0] == '/' ? path : NULL;
}

char *scion_cache_folder(const char *name)
{
        const char *given = getenv("SCION_CACHE"), *caches = absolute("XDG_CACHE_HOME"),
                   *home = absolute("HOME");
        struct scion_text path = { 0 };
        struct stat status;

        if (given && !*given)
                return NULL;
        if (given)
                scion_text_add(&path, "%s", given);
        else if (caches)
                scion_text_add(&path, "%s/scion", caches);
        else if (home && !stat(home, &status) && S_ISDIR(status.st_mode)) /* a home is not ours to make */
                scion_text_add(&path, "%s/.cache/scion", home);
        if (path.text && name)
                scion_text_add(&path, "/%s", name);
        if (!path.failed)
                return path.text;
        free(path.text);
        return NULL;
}

bool scion_cache_make(const char *folder)
{
        char *above = strndup(folder, (size_t)(strrchr(folder, '/') - folder));
        bool good = above || scion_fail("out of memory");

        good = good && scion_make_folders(above) && (!mkdir(folder, 0700) || scion_make_folders(folder));
        free(above);
        return good;
}

bool scion_cache_has(const char *path)
{
        return access(path, F_OK) == 0;
}

void scion_cache_used(const char *path)
{
        utimensat(AT_FDCWD, path, NULL, 0);
}

/* --- Locks ---------------------------------------------------------------------------------------------- */

/* Who unlocks takes the file away; one that was waiting for it then has a lock that says nothing. */
static bool is_there(const struct scion_cache_lock *lock)
{
        struct stat held, there;

        return !fstat(lock->descriptor, &held) && !stat(lock->path, &there) && held.st_ino == there.st_ino &&
               held.st_dev == there.st_dev;
}

static bool take_lock(int descriptor, bool wait)
{
        int result;

        do
                result = flock(descriptor, wait ? LOCK_EX : LOCK_EX | LOCK_NB);
        while (result && errno == EINTR);
        return result == 0;
}

enum scion_cache_locked scion_cache_lock(const char *path, bool wait, struct scion_cache_lock *lock)
{
        struct scion_text text = { 0 };
        bool busy = false;

        *lock = (struct scion_cache_lock){ .descriptor = -1 };
        scion_text_add(&text, "%s.lock", path);
        lock->path = text.text;
        while (!text.failed) {
                lock->descriptor = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
                if (lock->descriptor < 0)
                        break;
                if (!take_lock(lock->descriptor, wait)) {
                        busy = errno == EWOULDBLOCK;
                        break;
                }
                if (is_there(lock))
                        return SCION_CACHE_LOCKED;
                close(lock->descriptor);
        }
        scion_fail("%s.lock: %s", path, strerror(text.failed ? ENOMEM : errno));
        if (lock->descriptor >= 0)
                close(lock->descriptor);
        free(lock->path);
        return busy ? SCION_CACHE_BUSY : SCION_CACHE_CANNOT_LOCK;
}

void scion_cache_unlock(struct scion_cache_lock *lock)
{
        unlink(lock->path);
        close(lock->descriptor);
        free(lock->path);
}
