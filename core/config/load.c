/* Files: reading one and what it extends. */
#include "config/tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "file/files.h"

#define MOST_BYTES ((size_t)16 << 20)
#define MOST_FILES 64 /* in a chain of extends */
#define MOST_NAMES 1000

/* A file that is being read, and the one that extends it. */
struct link {
        const char *path;
        dev_t device;
        ino_t number;
        const struct link *from;
        int length;
};

struct scion_config *scion_config_parse(const char *text, const char *name)
{
        struct scion_config *root = scion_config_read(text, strlen(text), name, true);
        const struct scion_config *extends = scion_config_get(root, "extends");

        if (extends)
                scion_config_fail(extends, "a text that stands in no file cannot extend one");
        if (root && !extends && scion_config_spell_out(root))
                return root;
        scion_config_destroy(root);
        return NULL;
}

/* --- Missing files
 * ----------------------------------------------------------------------------------------------------- */

/* The length of the folder in a path, with its last slash. */
static size_t folder_length(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Adds "(did you mean 'NAME'?)" when the folder has such a file. */
static void add_near_file(const char *path, struct scion_text *message)
{
        size_t length = folder_length(path), count = 0;
        char *folder = length ? strndup(path, length) : strdup(".");
        char **names = calloc(MOST_NAMES, sizeof *names);
        DIR *directory = folder && names ? opendir(folder) : NULL;
        const struct dirent *entry;
        const char *near;

        while (directory && count < MOST_NAMES && (entry = readdir(directory)))
                if (entry->d_name[0] != '.' && (names[count] = strdup(entry->d_name)))
                        count++;
        near = count ? scion_nearest(path + length, (const char *const *)names, count) : NULL;
        if (near)
                scion_text_add(message, " (did you mean '%.*s%s'?)", (int)length, path, near);
        if (directory)
                closedir(directory);
        for (size_t i = 0; i < count; i++)
                free(names[i]);
        free(names);
        free(folder);
}

static bool fail_missing(const char *path, int why)
{
        struct scion_text message = { 0 };

        scion_text_add(&message, "%s: %s", path, strerror(why));
        if (why == ENOENT)
                add_near_file(path, &message);
        scion_fail("%s", message.text ? message.text : "out of memory");
        free(message.text);
        return false;
}

/* --- Reading -------------------------------------------------------------------------------------------- */

static void add_chain(const struct link *link, struct scion_text *text)
{
        if (link->from)
                add_chain(link->from, text);
        scion_text_add(text, "%s -> ", link->path);
}

/* The file is not one of those that lead to it. */
static bool check_loop(const struct link *link)
{
        struct scion_text chain = { 0 };
        const struct link *same = link->from;

        if (link->length > MOST_FILES)
                return scion_fail("a chain of more than %d files", MOST_FILES);
        while (same && (same->device != link->device || same->number != link->number))
                same = same->from;
        if (!same)
                return true;
        add_chain(link->from, &chain);
        scion_fail("a loop: %s%s", chain.text ? chain.text : "", link->path);
        free(chain.text);
        return false;
}

/* The file's text; its place in the file system goes into `link`. */
static char *open_file(struct link *link, size_t *bytes)
{
        struct stat status;

        if (stat(link->path, &status)) {
                fail_missing(link->path, errno);
                return NULL;
        }
        link->device = status.st_dev;
        link->number = status.st_ino;
        return check_loop(link) ? scion_file_read(link->path, MOST_BYTES, bytes) : NULL;
}

static struct scion_config *read_map(const char *text, size_t bytes, const char *path)
{
        struct scion_config *root = scion_config_read(text, bytes, path, true);
        char got[64];

        if (root && root->kind != SCION_CONFIG_MAP)
                scion_config_fail(root, "an experiment is a map, lines of `key: value`; this is %s",
                                  scion_config_describe(root, got, sizeof got));
        else if (root && scion_config_spell_out(root))
                return root;
        scion_config_destroy(root);
        return NULL;
}

static struct scion_config *load(const char *path, const struct link *from,
                                 const struct scion_config *extends);

/* The path that `extends` gives, which is relative to the file that says so. The caller frees it. */
static char *extended_path(const struct scion_config *extends, const char *path)
{
        size_t folder = *extends->text == '/' ? 0 : folder_length(path);
        size_t bytes = folder + strlen(extends->text) + 1;
        char *joined = malloc(bytes);

        if (!joined)
                return scion_fail_null("out of memory");
        snprintf(joined, bytes, "%.*s%s", (int)folder, path, extends->text);
        return joined;
}

/* What the file that `root` extends makes of `root`. */
static struct scion_config *extend(struct scion_config *root, const struct link *link)
{
        const struct scion_config *extends = scion_config_get(root, "extends");
        struct scion_config *base;
        char got[64], *path;

        if (extends->kind != SCION_CONFIG_SCALAR || scion_config_is_null(extends) || !*extends->text) {
                scion_config_fail(extends, "extends takes the path of one file, got %s",
                                  scion_config_describe(extends, got, sizeof got));
                return NULL;
        }
        path = extended_path(extends, link->path);
        base = path ? load(path, link, extends) : NULL;
        free(path);
        scion_config_remove(root, "extends");
        if (!base)
                return NULL;
        base->file = root->file;
        base->line = root->line;
        base->column = root->column;
        if (scion_config_merge(base, root))
                return base;
        scion_config_destroy(base);
        return NULL;
}

/* `extends` is what asks for the file, or NULL. */
static struct scion_config *load(const char *path, const struct link *from,
                                 const struct scion_config *extends)
{
        struct link link = { .path = path, .from = from, .length = from ? from->length + 1 : 1 };
        struct scion_config *root, *whole;
        size_t bytes;
        char *text = open_file(&link, &bytes);

        if (!text) {
                if (extends)
                        scion_config_fail(extends, "extends: %s", scion_error());
                return NULL;
        }
        root = read_map(text, bytes, path);
        free(text);
        if (!scion_config_get(root, "extends"))
                return root;
        whole = extend(root, &link);
        scion_config_destroy(root);
        return whole;
}

struct scion_config *scion_config_load(const char *path)
{
        return load(path, NULL, NULL);
}
