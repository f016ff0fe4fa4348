/*
 * Where things are kept that can be made again: a folder of the user's, with a folder in it for each kind of
 * thing, and a file in that for each. An entry is named by the hash of all that it was made from, appears whole or
 * not at all, and is checked by who takes it. It may be deleted at any time. A file's time is that of its last use.
 */
#ifndef SCION_BASE_CACHE_H
#define SCION_BASE_CACHE_H

#include <scion/api.h>

/*
 * The folder of that name in the user's cache: in $SCION_CACHE, else in $XDG_CACHE_HOME/scion, else in
 * ~/.cache/scion; the cache itself when the name is NULL. It need not be there. NULL, without a message, when there
 * is to be no cache (SCION_CACHE is empty) or no home to have it in. The caller frees it.
 */
char *scion_cache_folder(const char *name);

/* Makes a folder of the cache, and those above it. Nobody else looks into it: what it is made from may have been
 * this user's alone. */
bool scion_cache_make(const char *folder);

bool scion_cache_has(const char *path);

/* Says that an entry was of use. */
void scion_cache_used(const char *path);

/* --- Who makes an entry --------------------------------------------------------------------------------- */

/* A lock on an entry: PATH.lock, while somebody makes PATH. It goes with the process that holds it. */
struct scion_cache_lock {
        char *path;
        int descriptor;
};

enum scion_cache_locked {
        SCION_CACHE_LOCKED,
        SCION_CACHE_BUSY,        /* another process holds it */
        SCION_CACHE_CANNOT_LOCK, /* there is a message; whoever wants the entry makes it, perhaps beside others */
};

/* With `wait`, waits until nobody else holds it. Only what was locked is to be unlocked. */
enum scion_cache_locked scion_cache_lock(const char *path, bool wait, struct scion_cache_lock *lock);
void scion_cache_unlock(struct scion_cache_lock *lock);

#endif
