#define _GNU_SOURCE /* dladdr: where this library lies */

#include "base/text.h"
#include "plugin/loader.h"
#include "plugin/plugin.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LAST_KIND SCION_MODEL

/* Directories, in the order in which they are looked through. */
struct places {
        size_t count;
        char **directory;
};

static struct places given; /* by scion_plugins_add_path() */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void places_finish(struct places *places)
{
        for (size_t i = 0; i < places->count; i++)
                free(places->directory[i]);
        free(places->directory);
        *places = (struct places){ 0 };
}

/* Takes over `directory`, a string to be freed; fails on NULL. Each place stands once. */
static bool add(struct places *places, char *directory)
{
        char **larger = NULL;

        for (size_t i = 0; directory && i < places->count; i++)
                if (strcmp(places->directory[i], directory) == 0) {
                        free(directory);
                        return true;
                }
        if (directory)
                larger = realloc(places->directory, (places->count + 1) * sizeof *larger);
        if (!larger) {
                free(directory);
                return scion_fail("out of memory");
        }
        places->directory = larger;
        larger[places->count++] = directory;
        return true;
}

/* "DIRECTORY/NAME", to be freed; NULL when memory is out. */
static char *joined(const char *directory, const char *name)
{
        struct scion_text text = { 0 };

        scion_text_add(&text, "%s/%s", directory, name);
        if (text.failed) {
                free(text.text);
                return scion_fail_null("out of memory");
        }
        return text.text;
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
        good = add(&given, strdup(directory));
        pthread_mutex_unlock(&lock);
        return good;
}

/* Of a list with colons; empty parts are passed over. */
static bool add_list(struct places *places, const char *list)
{
        while (list && *list) {
                size_t length = strcspn(list, ":");

                if (length > 0 && !add(places, strndup(list, length)))
                        return false;
                list += length + (list[length] == ':');
        }
        return true;
}

/* As the XDG base directory specification has it: a relative path there is ignored. */
static bool add_user(struct places *places)
{
        const char *data = getenv("XDG_DATA_HOME");
        const char *home = getenv("HOME");

        if (data && data[0] == '/')
                return add(places, joined(data, "scion/plugins"));
        if (home && home[0] == '/')
                return add(places, joined(home, ".local/share/scion/plugins"));
        return true;
}

/*
 * Those that belong to this library, by where it lies, so that an installation can be moved: scion/plugins
 * beside it; or, in a build tree, where it is BUILD/core/libscion.so, BUILD/plugins. `directory` stays NULL when
 * that is not known.
 */
static bool find_own(char **directory)
{
        Dl_info info;
        struct stat status;
        char *self = NULL, *slash;
        bool good = true;

        if (!dladdr((const void *)&given, &info) || !info.dli_fname ||
            !(self = realpath(info.dli_fname, NULL)))
                return true; /* the others remain */
        slash = strrchr(self, '/');
        if (!slash || slash == self)
                goto done;
        *slash = '\0';
        *directory = joined(self, "scion/plugins");
        slash = strrchr(self, '/');
        if (*directory && stat(*directory, &status) != 0 && slash && strcmp(slash, "/core") == 0) {
                *slash = '\0';
                free(*directory);
                *directory = joined(self, "plugins");
        }
        good = *directory != NULL;

done:
        free(self);
        return good;
}

/* Looked for once: it takes a hundred system calls, and a large suite asks for its plugins a million times. */
bool scion_plugins_own(const char **directory)
{
        static char *own;
        bool good;

        pthread_mutex_lock(&lock);
        good = own || find_own(&own);
        *directory = own;
        pthread_mutex_unlock(&lock);
        return good;
}

static bool add_own(struct places *places)
{
        const char *own;

        return scion_plugins_own(&own) && (!own || add(places, strdup(own)));
}

static bool places_find(struct places *places)
{
        bool good = true;

        *places = (struct places){ 0 };
        pthread_mutex_lock(&lock);
        for (size_t i = 0; i < given.count && good; i++)
                good = add(places, strdup(given.directory[i]));
        pthread_mutex_unlock(&lock);
        good = good && add_list(places, getenv("SCION_PLUGIN_PATH")) && add_user(places) && add_own(places);
        if (!good)
                places_finish(places);
        return good;
}

/* --- What there is -------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
        const struct scion_plugin_entry *x = a, *y = b;

        return strcmp(x->name, y->name);
}

static bool is_listed(const struct scion_plugin_list *list, const char *name, size_t length)
{
        for (size_t i = 0; i < list->count; i++)
                if (strlen(list->entry[i].name) == length && memcmp(list->entry[i].name, name, length) == 0)
                        return true;
        return false;
}

/* Takes over `path`, a string to be freed. */
static bool list_file(struct scion_plugin_list *list, const char *name, size_t length, char *path)
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

/* Adds the files NAME.so of a directory, opening none. A directory that is not there has none. */
static bool list_directory(struct scion_plugin_list *list, const char *directory)
{
        DIR *files = opendir(directory);
        struct dirent *file;
        bool good = true;

        while (files && good && (file = readdir(files))) {
                size_t length = strlen(file->d_name);

                if (file->d_name[0] == '.' || length <= 3 || strcmp(file->d_name + length - 3, ".so") != 0 ||
                    is_listed(list, file->d_name, length - 3))
                        continue;
                good = list_file(list, file->d_name, length - 3, joined(directory, file->d_name));
        }
        if (files)
                closedir(files);
        return good;
}

/* The files of one kind, sorted, each name once: where it was found first. */
static bool list_files(enum scion_kind kind, const struct places *places, struct scion_plugin_list *list)
{
        *list = (struct scion_plugin_list){ 0 };
        for (size_t i = 0; i < places->count; i++) {
                char *directory = joined(places->directory[i], scion_kind_folder(kind));
                bool good = directory && list_directory(list, directory);

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
        struct places places;
        bool good;

        *list = (struct scion_plugin_list){ 0 };
        if (!places_find(&places))
                return false;
        good = list_files(kind, &places, list);
        places_finish(&places);
        for (size_t i = 0; good && i < list->count; i++) {
                struct scion_plugin_entry *entry = &list->entry[i];

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

/* The path of the first file for that name, to be freed; NULL with a message only when memory is out. */
static char *find_file(enum scion_kind kind, const char *name, const struct places *places, bool *failed)
{
        struct stat status;

        for (size_t i = 0; i < places->count; i++) {
                struct scion_text path = { 0 };

                scion_text_add(&path, "%s/%s/%s.so", places->directory[i], scion_kind_folder(kind), name);
                if (path.failed) {
                        free(path.text);
                        *failed = true;
                        return scion_fail_null("out of memory");
                }
                /* A link that leads nowhere is found too: opening it says what is wrong. */
                if (lstat(path.text, &status) == 0)
                        return path.text;
                free(path.text);
        }
        return NULL;
}

/* Another kind has one of this very name: that says more than a name like it. */
static bool hint_kind(struct scion_text *text, const char *name, const struct places *places)
{
        bool failed = false, found = false;

        for (int other = 1; !found && !failed && other <= LAST_KIND; other++) {
                char *path = find_file((enum scion_kind)other, name, places, &failed);

                found = path != NULL;
                if (found)
                        scion_text_add(text, " (there is one of the kind %s)",
                                       scion_kind_name((enum scion_kind)other));
                free(path);
        }
        return found;
}

static void hint_near(struct scion_text *text, enum scion_kind kind, const char *name,
                      const struct places *places)
{
        struct scion_plugin_list list;
        const char **names;

        if (!list_files(kind, places, &list))
                return;
        names = calloc(list.count + 1, sizeof *names);
        for (size_t i = 0; names && i < list.count; i++)
                names[i] = list.entry[i].name;
        const char *near = names ? scion_nearest(name, names, list.count) : NULL;

        if (near)
                scion_text_add(text, " (did you mean '%s'?)", near);
        free(names);
        scion_plugin_list_finish(&list);
}

static void fail_unknown(enum scion_kind kind, const char *name, const struct places *places)
{
        struct scion_text text = { 0 };

        scion_text_add(&text, "no %s '%s'", scion_kind_name(kind), name);
        if (!hint_kind(&text, name, places))
                hint_near(&text, kind, name, places);
        scion_text_add(&text, "; looked in ");
        for (size_t i = 0; i < places->count; i++)
                scion_text_add(&text, "%s%s/%s", i ? ", " : "", places->directory[i],
                               scion_kind_folder(kind));
        scion_fail("%s%s", text.failed ? "out of memory" : text.text, places->count ? "" : "no directory");
        free(text.text);
}

/* Is looked for before all places; NULL: none. */
static const struct scion_plugin *preferred;

void scion_plugins_prefer(const struct scion_plugin *plugin)
{
        pthread_mutex_lock(&lock);
        preferred = plugin;
        pthread_mutex_unlock(&lock);
}

static const struct scion_plugin *find_preferred(enum scion_kind kind, const char *name)
{
        const struct scion_plugin *plugin;

        pthread_mutex_lock(&lock);
        plugin = preferred;
        pthread_mutex_unlock(&lock);
        return plugin && plugin->kind == kind && strcmp(plugin->name, name) == 0 ? plugin : NULL;
}

const struct scion_plugin *scion_plugin_find(enum scion_kind kind, const char *name)
{
        const struct scion_plugin *plugin = name ? find_preferred(kind, name) : NULL;
        struct places places;
        bool failed = false;
        char *path;

        if (plugin)
                return plugin;
        if (!scion_plugin_name_check(name) || !places_find(&places))
                return NULL;
        path = find_file(kind, name, &places, &failed);
        if (path)
                plugin = scion_plugin_load(path, kind);
        else if (!failed)
                fail_unknown(kind, name, &places);
        free(path);
        places_finish(&places);
        return plugin;
}
