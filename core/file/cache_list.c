#include "file/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "file/files.h"
#include "file/hash.h"
#include "file/lock.h"

#define BEING_WRITTEN 3600 /* seconds; a temporary file younger than this may still be written */

/* The kinds of entries: their folder, and the suffix after the hash in the name of a file. */
static const struct {
        const char *name, *suffix;
} kinds[] = { { "sources", ".safetensors" }, { "inflated", "" } };

#define KINDS (sizeof kinds / sizeof kinds[0])

/* Returns whether the file is the cache's own: HASH, HASH.ANYTHING, or a temporary file. Everything but a
 * complete entry is unfinished. */
static bool name_classify(const char *name, const char *suffix, bool *unfinished)
{
        size_t digits = strspn(name, "0123456789abcdef");

        *unfinished = digits != SCION_HASH_TEXT - 1 || strcmp(name + digits, suffix) != 0;
        if (digits == SCION_HASH_TEXT - 1)
                return name[digits] == '\0' || name[digits] == '.';
        return strncmp(name, ".scion-", 7) == 0 && strlen(name) > 11 &&
               strcmp(name + strlen(name) - 4, ".tmp") == 0;
}

static bool list_add(struct scion_cache_list *list, const char *folder, const char *name,
                     struct scion_cache_entry *entry)
{
        struct scion_cache_entry *larger = realloc(list->entry, (list->count + 1) * sizeof *larger);

        if (!larger)
                return scion_fail("out of memory");
        list->entry = larger;
        entry->path = scion_path_join(folder, name);
        if (!entry->path)
                return false;
        entry->name = entry->path + strlen(entry->path) - strlen(name);
        larger[list->count++] = *entry;
        return true;
}

static bool list_add_kind(size_t kind, int64_t age, struct scion_cache_list *list)
{
        char *folder = scion_cache_folder(kinds[kind].name);
        DIR *files = folder ? opendir(folder) : NULL;
        bool good = files || errno == ENOENT || scion_fail("%s: %s", folder, strerror(errno));
        time_t now = time(NULL);

        for (struct dirent *file; good && files && (file = readdir(files));) {
                struct scion_cache_entry entry = { .kind = kinds[kind].name };
                struct stat status;

                if (!name_classify(file->d_name, kinds[kind].suffix, &entry.unfinished) ||
                    fstatat(dirfd(files), file->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
                    !S_ISREG(status.st_mode))
                        continue;
                entry.bytes = (uint64_t)status.st_size;
                entry.age = now > status.st_mtime ? (int64_t)(now - status.st_mtime) : 0;
                if (entry.age >= age)
                        good = list_add(list, folder, file->d_name, &entry);
        }
        if (files)
                closedir(files);
        free(folder);
        return good;
}

static int by_age(const void *a, const void *b)
{
        const struct scion_cache_entry *x = a, *y = b;

        return x->age != y->age ? (x->age > y->age ? 1 : -1) : strcmp(x->path, y->path);
}

bool scion_cache_list(const char *kind, int64_t age, struct scion_cache_list *list)
{
        bool good = true, known = !kind;

        *list = (struct scion_cache_list){ .folder = scion_cache_folder(NULL) };
        for (size_t i = 0; good && i < KINDS; i++) {
                if (kind && strcmp(kind, kinds[i].name) != 0)
                        continue;
                known = true;
                good = !list->folder || list_add_kind(i, age, list);
        }
        if (!known)
                good = scion_fail("the cache keeps no '%s': there are %s and %s", kind, kinds[0].name,
                                  kinds[1].name);
        if (!good)
                scion_cache_list_finish(list);
        else if (list->count > 0)
                qsort(list->entry, list->count, sizeof *list->entry, by_age);
        return good;
}

void scion_cache_list_finish(struct scion_cache_list *list)
{
        for (size_t i = 0; i < list->count; i++)
                free(list->entry[i].path);
        free(list->entry);
        free(list->folder);
        *list = (struct scion_cache_list){ 0 };
}

static bool entry_unlink(const struct scion_cache_entry *entry)
{
        return unlink(entry->path) == 0 || errno == ENOENT ||
               scion_fail("%s: %s", entry->path, strerror(errno));
}

/* Deletes an unfinished file of an entry while holding the entry's lock, so that no process can be
 * computing it. Releasing the lock deletes the lock file. */
static bool entry_unlink_locked(const struct scion_cache_entry *entry, const char *suffix)
{
        struct scion_lock lock;
        struct scion_text path = { 0 };
        size_t stem = (size_t)(entry->name - entry->path) + SCION_HASH_TEXT - 1;
        enum scion_locked locked = SCION_LOCK_FAILED;

        scion_text_add(&path, "%.*s%s", (int)stem, entry->path, suffix);
        if (!path.failed)
                locked = scion_lock_take(path.text, &lock);
        free(path.text);
        if (locked == SCION_LOCK_BUSY)
                return scion_fail("%s: a run is making it", entry->path);
        bool good = entry_unlink(entry);

        if (locked == SCION_LOCKED)
                scion_lock_release(&lock);
        return good;
}

bool scion_cache_delete(const struct scion_cache_entry *entry)
{
        if (!entry->unfinished)
                return entry_unlink(entry);
        if (entry->name[0] != '.')
                return entry_unlink_locked(entry, kinds[0].suffix);
        if (entry->age < BEING_WRITTEN)
                return scion_fail("%s: a run may be writing it", entry->path);
        return entry_unlink(entry);
}
