#include "scaffold/scaffold.h"

#include "base/text.h"
#include "config/scalar.h"
#include "file/files.h"
#include "plugin/loader.h"
#include "scaffold/templates.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Names ---------------------------------------------------------------------------------------------- */

static bool name_is_among(const char *name, const char *const *names)
{
        while (*names && strcmp(name, *names) != 0)
                names++;
        return *names != NULL;
}

/* Rejects names that are valid for plugins but have a special meaning elsewhere. */
static bool name_check_reserved(const char *name)
{
        /* Meson's own targets, whose names it reserves. */
        static const char *const targets[] = { "all",         "benchmark",   "clean",     "coverage",
                                               "dist",        "phony",       "PHONY",     "install",
                                               "uninstall",   "test",        "distcheck", "scan-build",
                                               "reconfigure", "build.ninja", NULL };

        if (scion_scalar_null(name))
                return scion_fail("'%s' means null in YAML: 'use: %s' would name no plugin", name, name);
        if (name[0] == '-')
                return scion_fail("'%s' would be taken for an option: begin with a letter", name);
        if (name_is_among(name, targets))
                return scion_fail("'%s' is a name that Meson reserves: choose another", name);
        return true;
}

static bool name_check_unused(enum scion_kind kind, const char *name)
{
        struct scion_text path = { 0 };
        const char *own;
        struct stat status;
        bool good = scion_plugins_own(&own);

        if (own)
                scion_text_add(&path, "%s/%s/%s.so", own, scion_kind_folder(kind), name);
        if (path.failed)
                good = scion_fail("out of memory");
        else if (path.text && lstat(path.text, &status) == 0)
                good = scion_fail("there is a %s '%s' in Scion already, which the new one would hide: choose "
                                  "another name",
                                  scion_kind_name(kind), name);
        free(path.text);
        return good;
}

bool scion_scaffold_check(enum scion_kind kind, const char *name, const char *folder)
{
        struct stat status;

        if (kind == SCION_BACKEND)
                return scion_fail("there is no template for a back end: its functions are described in "
                                  "scion/backend.h");
        if (!scion_plugin_name_check(name) || !name_check_reserved(name) || !name_check_unused(kind, name))
                return false;
        if (lstat(folder, &status) == 0)
                return scion_fail("'%s' exists already: remove it, or choose another folder with --out",
                                  folder);
        return true;
}

/* Returns the name as a C identifier, which the caller frees. Reserved words get a prefix. */
static char *name_identifier(const char *name)
{
        static const char *const words[] = {
                "auto",     "break",  "case",   "char",     "const",    "continue", "default",  "do",
                "double",   "else",   "enum",   "extern",   "float",    "for",      "goto",     "if",
                "inline",   "int",    "long",   "register", "restrict", "return",   "short",    "signed",
                "sizeof",   "static", "struct", "switch",   "typedef",  "union",    "unsigned", "void",
                "volatile", "while",  "bool",   "true",     "false",    "NULL",     NULL,
        };
        struct scion_text text = { 0 };

        if (!isalpha((unsigned char)name[0]) || name_is_among(name, words) || strncmp(name, "scion", 5) == 0)
                scion_text_add(&text, "my_");
        scion_text_add(&text, "%s", name);
        for (char *c = text.text; !text.failed && *c; c++)
                if (*c == '-' || *c == '.')
                        *c = '_';
        if (text.failed) {
                free(text.text);
                return scion_fail_null("out of memory");
        }
        return text.text;
}

/* --- Templates ------------------------------------------------------------------------------------------ */

#define WORDS 4

struct project {
        enum scion_kind kind;
        const char *folder;
        struct {
                const char *template, *text;
        } word[WORDS]; /* the words of the templates and their replacements */
};

/* Returns the text with all words replaced, which the caller frees. */
static char *text_fill(const struct project *project, const char *text)
{
        struct scion_text out = { 0 };

        while (*text) {
                const char *next = strstr(text + 1, "my");
                size_t length = next ? (size_t)(next - text) : strlen(text);
                int i = 0;

                while (i < WORDS &&
                       strncmp(text, project->word[i].template, strlen(project->word[i].template)) != 0)
                        i++;
                if (i < WORDS) {
                        scion_text_add(&out, "%s", project->word[i].text);
                        length = strlen(project->word[i].template);
                } else {
                        scion_text_add(&out, "%.*s", (int)length, text);
                }
                text += length;
        }
        if (out.failed || !out.text) {
                free(out.text);
                return scion_fail_null("out of memory");
        }
        return out.text;
}

/* Returns "FOLDER/PATH" for a template, which the caller frees. */
static char *template_path(const struct project *project, const struct scion_template *file)
{
        char *name = text_fill(project, file->path);
        char *path = name ? scion_path_join(project->folder, name) : NULL;

        free(name);
        return path;
}

/* Creates the folder that contains the file. */
static bool folder_create(char *path)
{
        char *slash = strrchr(path, '/');
        bool good;

        *slash = '\0';
        good = mkdir(path, 0777) == 0 || errno == EEXIST ||
               scion_fail("cannot make the folder '%s': %s", path, strerror(errno));
        *slash = '/';
        return good;
}

static bool template_write(const struct project *project, char *path, const struct scion_template *file)
{
        char *text = text_fill(project, file->text);
        bool good = text && folder_create(path) && scion_file_write(path, text, strlen(text));

        free(text);
        return good;
}

/* Removes the file, and its folder when that is empty. */
static bool template_remove(const struct project *project, char *path, const struct scion_template *file)
{
        (void)project;
        (void)file;
        unlink(path);
        *strrchr(path, '/') = '\0';
        rmdir(path);
        return true;
}

static bool templates_each(const struct project *project,
                           bool (*each)(const struct project *, char *path, const struct scion_template *))
{
        bool good = true;

        for (const struct scion_template *file = scion_templates; file->set && good; file++) {
                if (strcmp(file->set, "project") != 0 &&
                    strcmp(file->set, scion_kind_name(project->kind)) != 0)
                        continue;
                char *path = template_path(project, file);

                good = path && each(project, path, file);
                free(path);
        }
        return good;
}

bool scion_scaffold_write(enum scion_kind kind, const char *name, const char *folder)
{
        char *tag = name_identifier(name);
        struct project project = { kind,
                                   folder,
                                   { { "my-plugin", name },
                                     { "my_plugin", tag },
                                     { "my-kinds", scion_kind_folder(kind) },
                                     { "my-kind", scion_kind_name(kind) } } };
        bool good = tag != NULL;

        if (good && mkdir(folder, 0777) != 0) {
                good = scion_fail("cannot make the folder '%s': %s", folder, strerror(errno));
        } else if (good && !templates_each(&project, template_write)) {
                good = false;
                templates_each(&project, template_remove);
                rmdir(folder);
        }
        free(tag);
        return good;
}
