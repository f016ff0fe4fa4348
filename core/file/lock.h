/* Locks between processes, on one machine or on several that share a file system. The lock for PATH is the
 * file PATH.lock. */
#ifndef SCION_FILE_LOCK_H
#define SCION_FILE_LOCK_H

#include <scion/api.h>

/* A lock is released when the last process that holds it ends; forked children hold it too. The lock file
 * names the process that took it. Initialise with { 0 }. */
struct scion_lock {
        char *path; /* of the lock file; NULL if not locked */
        int descriptor;
};

enum scion_locked {
        SCION_LOCKED,
        SCION_LOCK_BUSY, /* another process holds it; the message names the process, its machine, and the time */
        SCION_LOCK_FAILED, /* the lock file cannot be opened or locked; the message says why */
};

/* Tries to take the lock for `path`; never waits. */
enum scion_locked scion_lock_take(const char *path, struct scion_lock *lock);

/* Releases the lock and deletes its file. Does nothing if the lock was not taken. */
void scion_lock_release(struct scion_lock *lock);

#endif
