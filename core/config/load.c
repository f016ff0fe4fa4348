/* Loads a file and the files that it extends. */
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
#define MOST_FILES 64   /* in a chain of extends */
#define MOST_NAMES 1000 /* of a folder that are compared with a misspelt name */

/* A file that is being read, in the chain of those that extend it. */
struct link {
        const char *path;
        dev_t device;
        ino_t inode;
        const struct link *from; /* the file that extends this one; NULL for the first */
        int length;              /* of the chain */
};

struct scion_config *scion_config_parse(const char *text, const char *name)
{
        struct scion_config *root = scion_config_read(text, strlen(text), name, true);
        const struct scion_config *extends = scion_config_get(root, "extends");

        if (extends)
                scion_config_fail(extends, "only a file can extend a file");
        if (root && !extends && scion_config_spell_out(root))
                return root;
        scion_config_destroy(root);
        return NULL;
}

/* --- Missing files -------------------------------------------------------------------------------------- */

/* Adds "(did you mean 'FOLDER/NAME'?)" if the folder has a file of a similar name. */
static void message_suggest_file(struct scion_text *message, const char *path)
{
        size_t length = scion_path_folder_length(path), count = 0;
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

static bool path_fail_missing(const char *path, int why)
{
        struct scion_text message = { 0 };

        scion_text_add(&message, "%s: %s", path, strerror(why));
        if (why == ENOENT)
                message_suggest_file(&message, path);
        scion_fail("%s", message.text ? message.text : "out of memory");
        free(message.text);
        return false;
}

/* --- Reading -------------------------------------------------------------------------------------------- */

static void link_write_chain(const struct link *link, struct scion_text *text)
{
        if (link->from)
                link_write_chain(link->from, text);
        scion_text_add(text, "%s -> ", link->path);
}

/* Fails if the file is in the chain of those that extend it. */
static bool link_check_loop(const struct link *link)
{
        struct scion_text chain = { 0 };
        const struct link *same = link->from;

        if (link->length > MOST_FILES)
                return scion_fail("a chain of more than %d files", MOST_FILES);
        while (same && (same->device != link->device || same->inode != link->inode))
                same = same->from;
        if (!same)
                return true;
        link_write_chain(link->from, &chain);
        scion_fail("a loop: %s%s", chain.text ? chain.text : "", link->path);
        free(chain.text);
        return false;
}

/* Reads the file's text, and stores its device and inode in `link`, by which loops are found. */
static char *link_read(struct link *link, size_t *bytes)
{
        struct stat status;

        if (stat(link->path, &status)) {
                path_fail_missing(link->path, errno);
                return NULL;
        }
        link->device = status.st_dev;
        link->inode = status.st_ino;
        return link_check_loop(link) ? scion_file_read(link->path, MOST_BYTES, bytes) : NULL;
}

static struct scion_config *map_parse(const char *text, size_t bytes, const char *path)
{
        struct scion_config *root = scion_config_read(text, bytes, path, true);
        char got[64];

        if (root && root->kind != SCION_CONFIG_MAP)
                scion_config_fail(root, "an experiment must be a map, with lines `key: value`, got %s",
                                  scion_config_describe(root, got, sizeof got));
        else if (root && scion_config_spell_out(root))
                return root;
        scion_config_destroy(root);
        return NULL;
}

static struct scion_config *file_load(const char *path, const struct link *from,
                                      const struct scion_config *extends);

/* Returns the path of the extended file, which is relative to the file that extends it. The caller frees it. */
static char *extends_path(const struct scion_config *extends, const char *path)
{
        size_t folder = *extends->text == '/' ? 0 : scion_path_folder_length(path);
        size_t bytes = folder + strlen(extends->text) + 1;
        char *joined = malloc(bytes);

        if (!joined)
                return scion_fail_null("out of memory");
        snprintf(joined, bytes, "%.*s%s", (int)folder, path, extends->text);
        return joined;
}

/* Returns the tree of the file that `root` extends, with `root` merged over it. */
static struct scion_config *root_extend(struct scion_config *root, const struct link *link)
{
        const struct scion_config *extends = scion_config_get(root, "extends");
        struct scion_config *base;
        char got[64], *path;

        if (extends->kind != SCION_CONFIG_SCALAR || scion_config_is_null(extends) || !*extends->text) {
                scion_config_fail(extends, "extends takes the path of one file, got %s",
                                  scion_config_describe(extends, got, sizeof got));
                return NULL;
        }
        path = extends_path(extends, link->path);
        base = path ? file_load(path, link, extends) : NULL;
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

/* `extends` is the value that names the file, for messages; NULL for the first file. */
static struct scion_config *file_load(const char *path, const struct link *from,
                                      const struct scion_config *extends)
{
        struct link link = { .path = path, .from = from, .length = from ? from->length + 1 : 1 };
        struct scion_config *root, *merged;
        size_t bytes;
        char *text = link_read(&link, &bytes);

        if (!text) {
                if (extends)
                        scion_config_fail(extends, "extends: %s", scion_error());
                return NULL;
        }
        root = map_parse(text, bytes, path);
        free(text);
        if (!scion_config_get(root, "extends"))
                return root;
        merged = root_extend(root, &link);
        scion_config_destroy(root);
        return merged;
}

struct scion_config *scion_config_load(const char *path)
{
        return file_load(path, NULL, NULL);
}
