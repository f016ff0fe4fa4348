#define _GNU_SOURCE /* dladdr() */

#include "base/text.h"
#include "file/files.h"
#include "plugin/loader.h"
#include "plugin/plugin.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Directories, in the order in which they are searched. */
struct search_path {
        size_t count;
        char **directory;
};

static struct search_path given; /* directories of scion_plugins_add_path() */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void path_finish(struct search_path *path)
{
        for (size_t i = 0; i < path->count; i++)
                free(path->directory[i]);
        free(path->directory);
        *path = (struct search_path){ 0 };
}

/* Appends a directory, unless the path has it already. Takes ownership of the string, also on failure;
 * fails if it is NULL. */
static bool path_add(struct search_path *path, char *directory)
{
        char **larger = NULL;

        for (size_t i = 0; directory && i < path->count; i++)
                if (strcmp(path->directory[i], directory) == 0) {
                        free(directory);
                        return true;
                }
        if (directory)
                larger = realloc(path->directory, (path->count + 1) * sizeof *larger);
        if (!larger) {
                free(directory);
                return scion_fail("out of memory");
        }
        path->directory = larger;
        larger[path->count++] = directory;
        return true;
}

bool scion_plugins_add_path(const char *directory)
{
        struct stat status;
        bool good;

        if (stat(directory, &status) != 0)
                return scion_fail("plugin path '%s': %s", directory, strerror(errno));
        if (!S_ISDIR(status.st_mode))
                return scion_fail("plugin path '%s': is not a directory", directory);
        pthread_mutex_lock(&lock);
        good = path_add(&given, strdup(directory));
        pthread_mutex_unlock(&lock);
        return good;
}

/* Adds the directories of a colon-separated list; skips empty parts. */
static bool path_add_list(struct search_path *path, const char *list)
{
        while (list && *list) {
                size_t length = strcspn(list, ":");

                if (length > 0 && !path_add(path, strndup(list, length)))
                        return false;
                list += length + (list[length] == ':');
        }
        return true;
}

/* Adds the user's directory. The XDG base directory specification says to ignore relative paths. */
static bool path_add_user(struct search_path *path)
{
        const char *data = getenv("XDG_DATA_HOME");
        const char *home = getenv("HOME");

        if (data && data[0] == '/')
                return path_add(path, scion_path_join(data, "scion/plugins"));
        if (home && home[0] == '/')
                return path_add(path, scion_path_join(home, ".local/share/scion/plugins"));
        return true;
}

/*
 * Finds the directory of the plugins that were installed with this library from the library's own path, so
 * that an installation can be moved. It is scion/plugins in the library's directory; in a build tree, where
 * the library is BUILD/core/libscion.so, it is BUILD/plugins. Leaves `directory` NULL if the library's path
 * is not known.
 */
static bool own_directory_find(char **directory)
{
        Dl_info info;
        struct stat status;
        char *self = NULL, *slash;
        bool good = true;

        if (!dladdr((const void *)&given, &info) || !info.dli_fname ||
            !(self = realpath(info.dli_fname, NULL)))
                return true; /* the other directories are still searched */
        slash = strrchr(self, '/');
        if (!slash || slash == self)
                goto done;
        *slash = '\0';
        *directory = scion_path_join(self, "scion/plugins");
        slash = strrchr(self, '/');
        if (*directory && stat(*directory, &status) != 0 && slash && strcmp(slash, "/core") == 0) {
                *slash = '\0';
                free(*directory);
                *directory = scion_path_join(self, "plugins");
        }
        good = *directory != NULL;

done:
        free(self);
        return good;
}

/* Caches the result: finding it takes a hundred system calls, and a large suite finds plugins a million
 * times. */
bool scion_plugins_own(const char **directory)
{
        static char *own;
        bool good;

        pthread_mutex_lock(&lock);
        good = own || own_directory_find(&own);
        *directory = own;
        pthread_mutex_unlock(&lock);
        return good;
}

static bool path_add_own(struct search_path *path)
{
        const char *own;

        return scion_plugins_own(&own) && (!own || path_add(path, strdup(own)));
}

static bool path_init(struct search_path *path)
{
        bool good = true;

        *path = (struct search_path){ 0 };
        pthread_mutex_lock(&lock);
        for (size_t i = 0; i < given.count && good; i++)
                good = path_add(path, strdup(given.directory[i]));
        pthread_mutex_unlock(&lock);
        good = good && path_add_list(path, getenv("SCION_PLUGIN_PATH")) && path_add_user(path) &&
               path_add_own(path);
        if (!good)
                path_finish(path);
        return good;
}

/* --- Listing -------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
        const struct scion_plugin_entry *x = a, *y = b;

        return strcmp(x->name, y->name);
}

static bool list_has(const struct scion_plugin_list *list, const char *name, size_t length)
{
        for (size_t i = 0; i < list->count; i++)
                if (strlen(list->entry[i].name) == length && memcmp(list->entry[i].name, name, length) == 0)
                        return true;
        return false;
}

/* Appends an entry. Takes ownership of `path`, also on failure; fails if it is NULL. */
static bool list_add_file(struct scion_plugin_list *list, const char *name, size_t length, char *path)
{
        struct scion_plugin_entry *larger = NULL;
        char *copy = strndup(name, length);

        if (copy && path)
                larger = realloc(list->entry, (list->count + 1) * sizeof *larger);
        if (!larger) {
                free(copy);
                free(path);
                return scion_fail("out of memory");
        }
        list->entry = larger;
        larger[list->count++] = (struct scion_plugin_entry){ .name = copy, .path = path };
        return true;
}

/* Adds the files NAME.so of a directory without opening them. A directory that does not exist has none. */
static bool list_add_directory(struct scion_plugin_list *list, const char *directory)
{
        DIR *files = opendir(directory);
        struct dirent *file;
        bool good = true;

        while (files && good && (file = readdir(files))) {
                size_t length = strlen(file->d_name);

                if (file->d_name[0] == '.' || length <= 3 || strcmp(file->d_name + length - 3, ".so") != 0 ||
                    list_has(list, file->d_name, length - 3))
                        continue;
                good = list_add_file(list, file->d_name, length - 3,
                                     scion_path_join(directory, file->d_name));
        }
        if (files)
                closedir(files);
        return good;
}

/* Returns the back end of the processor, which is part of libscion, when that is asked for; else NULL. */
static const struct scion_plugin *plugin_built_in(enum scion_kind kind, const char *name)
{
        const struct scion_backend_plugin *processor = scion_backend_cpu();

        return kind == SCION_BACKEND && strcmp(name, processor->name) == 0
                       ? (const struct scion_plugin *)processor
                       : NULL;
}

/* Lists the files of one kind, sorted by name. A name that is in several directories is listed for the
 * first one. */
static bool list_files(struct scion_plugin_list *list, enum scion_kind kind, const struct search_path *path)
{
        const char *processor = scion_backend_cpu()->name;

        *list = (struct scion_plugin_list){ 0 };
        if (kind == SCION_BACKEND &&
            !list_add_file(list, processor, strlen(processor), strdup(SCION_PLUGIN_BUILT_IN)))
                return false;
        for (size_t i = 0; i < path->count; i++) {
                char *directory = scion_path_join(path->directory[i], scion_kind_folder(kind));
                bool good = directory && list_add_directory(list, directory);

                free(directory);
                if (!good) {
                        scion_plugin_list_finish(list);
                        return false;
                }
        }
        if (list->count)
                qsort(list->entry, list->count, sizeof *list->entry, by_name);
        return true;
}

bool scion_plugins_list(enum scion_kind kind, struct scion_plugin_list *list)
{
        struct search_path path;
        bool good;

        *list = (struct scion_plugin_list){ 0 };
        if (!path_init(&path))
                return false;
        good = list_files(list, kind, &path);
        path_finish(&path);
        for (size_t i = 0; good && i < list->count; i++) {
                struct scion_plugin_entry *entry = &list->entry[i];

                entry->plugin = plugin_built_in(kind, entry->name);
                if (!entry->plugin)
                        entry->plugin = scion_plugin_load(entry->path, kind);
                if (!entry->plugin && !(entry->error = strdup(scion_error()))) {
                        scion_plugin_list_finish(list);
                        good = scion_fail("out of memory");
                }
        }
        return good;
}

void scion_plugin_list_finish(struct scion_plugin_list *list)
{
        for (size_t i = 0; i < list->count; i++) {
                free(list->entry[i].name);
                free(list->entry[i].path);
                free(list->entry[i].error);
        }
        free(list->entry);
        *list = (struct scion_plugin_list){ 0 };
}

/* --- Finding one ---------------------------------------------------------------------------------------- */

/* Returns the path of the first file of that kind and name, to be freed. NULL if there is none; NULL, with
 * a message and `*failed` set, when memory runs out. */
static char *path_find_file(const struct search_path *path, enum scion_kind kind, const char *name,
                            bool *failed)
{
        struct stat status;

        for (size_t i = 0; i < path->count; i++) {
                struct scion_text file = { 0 };

                scion_text_add(&file, "%s/%s/%s.so", path->directory[i], scion_kind_folder(kind), name);
                if (file.failed) {
                        free(file.text);
                        *failed = true;
                        return scion_fail_null("out of memory");
                }
                /* lstat() also finds a broken link; opening it will report what is wrong. */
                if (lstat(file.text, &status) == 0)
                        return file.text;
                free(file.text);
        }
        return NULL;
}

/* Says if another kind has a plugin of the same name, which is a better hint than a similar name. */
static bool text_hint_kind(struct scion_text *text, const char *name, const struct search_path *path)
{
        bool failed = false, found = false;

        for (int other = 1; !found && !failed && other < SCION_KINDS_END; other++) {
                char *file = path_find_file(path, (enum scion_kind)other, name, &failed);

                found = file != NULL;
                if (found)
                        scion_text_add(text, " (there is one of the kind %s)",
                                       scion_kind_name((enum scion_kind)other));
                free(file);
        }
        return found;
}

static void text_hint_name(struct scion_text *text, enum scion_kind kind, const char *name,
                           const struct search_path *path)
{
        struct scion_plugin_list list;
        const char **names;

        if (!list_files(&list, kind, path))
                return;
        names = calloc(list.count + 1, sizeof *names);
        for (size_t i = 0; names && i < list.count; i++)
                names[i] = list.entry[i].name;
        if (names)
                scion_suggest(text, name, names, list.count);
        free(names);
        scion_plugin_list_finish(&list);
}

static void path_fail_unknown(const struct search_path *path, enum scion_kind kind, const char *name)
{
        struct scion_text text = { 0 };

        scion_text_add(&text, "no %s '%s'", scion_kind_name(kind), name);
        if (!text_hint_kind(&text, name, path))
                text_hint_name(&text, kind, name, path);
        scion_text_add(&text, "; looked in ");
        for (size_t i = 0; i < path->count; i++)
                scion_text_add(&text, "%s%s/%s", i ? ", " : "", path->directory[i], scion_kind_folder(kind));
        scion_fail("%s%s", text.failed ? "out of memory" : text.text, path->count ? "" : "no directory");
        free(text.text);
}

/* A plugin that is found before all others; NULL for none. */
static const struct scion_plugin *preferred;

void scion_plugins_prefer(const struct scion_plugin *plugin)
{
        pthread_mutex_lock(&lock);
        preferred = plugin;
        pthread_mutex_unlock(&lock);
}

static const struct scion_plugin *preferred_find(enum scion_kind kind, const char *name)
{
        const struct scion_plugin *plugin;

        pthread_mutex_lock(&lock);
        plugin = preferred;
        pthread_mutex_unlock(&lock);
        return plugin && plugin->kind == kind && strcmp(plugin->name, name) == 0 ? plugin : NULL;
}

const struct scion_plugin *scion_plugin_find(enum scion_kind kind, const char *name)
{
        const struct scion_plugin *plugin = name ? plugin_built_in(kind, name) : NULL;
        struct search_path path;
        bool failed = false;
        char *file;

        if (!plugin && name)
                plugin = preferred_find(kind, name);
        if (plugin)
                return plugin;
        if (!scion_plugin_name_check(name) || !path_init(&path))
                return NULL;
        file = path_find_file(&path, kind, name, &failed);
        if (file)
                plugin = scion_plugin_load(file, kind);
        else if (!failed)
                path_fail_unknown(&path, kind, name);
        free(file);
        path_finish(&path);
        return plugin;
}
