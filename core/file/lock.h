/* Locks between processes, of one machine or of several that share a disk: on PATH.lock, beside what is locked. */
#ifndef SCION_FILE_LOCK_H
#define SCION_FILE_LOCK_H

#include <scion/api.h>

/* It goes with the last process that holds it: children do, while they live. The file says who took it. */
struct scion_lock {
        char *path; /* NULL: not locked */
        int descriptor;
};

enum scion_locked {
        SCION_LOCKED,
        SCION_LOCK_BUSY, /* another process holds it; the message tells which, where, and since when */
        SCION_LOCK_CANNOT, /* there is no telling: no such folder, a file system without locks; there is a message */
};

/* Waits for nobody. */
enum scion_locked scion_lock_take(const char *path, struct scion_lock *lock);
/* Of one that was not taken, or { 0 }: does nothing. */
void scion_lock_release(struct scion_lock *lock);

#endif
