/*
 * The user's cache of files that can be computed again. It has a folder for each kind of entry, and a file
 * for each entry, named by the hash of everything that the entry was computed from. An entry appears
 * complete or not at all; readers verify it. A process that computes an entry holds its lock (file/lock.h).
 * Entries may be deleted at any time. The modification time of a file is the time of its last use.
 */
#ifndef SCION_FILE_CACHE_H
#define SCION_FILE_CACHE_H

#include <scion/api.h>

/*
 * Returns the path of the folder `name` in the user's cache, or of the cache itself if name is NULL. The
 * cache is $SCION_CACHE, else $XDG_CACHE_HOME/scion, else ~/.cache/scion. The folder need not exist.
 * Returns NULL, without a message, if the cache is disabled (SCION_CACHE is empty), or there is no home
 * directory. The caller frees the path.
 */
char *scion_cache_folder(const char *name);

/* Creates a folder of the cache and its missing parents. Only the user may read it (mode 0700), because
 * entries may be derived from private data. */
bool scion_cache_create_folder(const char *folder);

/* Returns whether the entry exists. */
bool scion_cache_has(const char *path);

/* Sets the time of an entry's last use to now. */
void scion_cache_touch(const char *path);

/* --- Listing and deleting ------------------------------------------------------------------------------- */

struct scion_cache_entry {
        const char *kind; /* "sources", "inflated" */
        char *path;
        const char *name; /* points into path */
        uint64_t bytes;
        int64_t age;     /* seconds since the last use; 0 for a time in the future */
        bool unfinished; /* a lock or a temporary file, of a process that is running or was killed */
};

struct scion_cache_list {
        char *folder; /* the cache; NULL if it is disabled */
        size_t count;
        struct scion_cache_entry *entry; /* the most recently used first */
};

/* Lists the entries of one kind (NULL: of all kinds) that are at least `age` seconds old. Skips files that
 * the cache did not create. Returns false, with a message, if the kind is unknown or a folder cannot be
 * read. */
bool scion_cache_list(const char *kind, int64_t age, struct scion_cache_list *list);
void scion_cache_list_finish(struct scion_cache_list *list);

/* Deletes an entry. Returns false, with a message, if that fails, or if a process is computing the entry. */
bool scion_cache_delete(const struct scion_cache_entry *entry);

#endif
