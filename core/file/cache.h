/*
 * Where things are kept that can be made again: a folder of the user's, with a folder in it for each kind of
 * thing, and a file in that for each. An entry is named by the hash of all that it was made from, appears whole or
 * not at all, and is checked by who takes it. Who makes one holds its lock (base/lock.h). It may be deleted at any
 * time. A file's time is that of its last use.
 */
#ifndef SCION_FILE_CACHE_H
#define SCION_FILE_CACHE_H

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

/* --- What is there -------------------------------------------------------------------------------------- */

struct scion_cache_entry {
        const char *kind; /* "sources", "inflated" */
        char *path;
        const char *name; /* within the path */
        uint64_t bytes;
        int64_t age;     /* seconds since it was made or of use; 0 for a time to come */
        bool unfinished; /* a lock, or a file in the making; of a process that was killed, unless it still runs */
};

struct scion_cache_list {
        char *folder; /* the cache; NULL when there is to be none */
        size_t count;
        struct scion_cache_entry *entry; /* those of use last come first */
};

/* The entries of that kind (NULL: of all) that are at least so old. What is in the folders and is none of the
 * cache's is left out. False, with a message, when there is no such kind or a folder cannot be read. */
bool scion_cache_list(const char *kind, int64_t age, struct scion_cache_list *list);
void scion_cache_list_finish(struct scion_cache_list *list);

/* False, with a message, when it cannot be deleted, or a process is making it. */
bool scion_cache_delete(const struct scion_cache_entry *entry);

#endif
