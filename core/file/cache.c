#include "file/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "file/files.h"

/* Returns the environment variable if it is an absolute path, else NULL. */
static const char *variable_absolute_path(const char *variable)
{
        const char *path = getenv(variable);

        return path && path[0] == '/' ? path : NULL;
}

char *scion_cache_folder(const char *name)
{
        const char *given = getenv("SCION_CACHE"), *caches = variable_absolute_path("XDG_CACHE_HOME"),
                   *home = variable_absolute_path("HOME");
        struct scion_text path = { 0 };
        struct stat status;

        if (given && !*given)
                return NULL;
        if (given)
                scion_text_add(&path, "%s", given);
        else if (caches)
                scion_text_add(&path, "%s/scion", caches);
        else if (home && !stat(home, &status) && S_ISDIR(status.st_mode)) /* never creates a home directory */
                scion_text_add(&path, "%s/.cache/scion", home);
        if (path.text && name)
                scion_text_add(&path, "/%s", name);
        if (!path.failed)
                return path.text;
        free(path.text);
        return NULL;
}

bool scion_cache_create_folder(const char *folder)
{
        char *above = strndup(folder, (size_t)(strrchr(folder, '/') - folder));
        bool good = above || scion_fail("out of memory");

        good = good && scion_make_folders(above) && (!mkdir(folder, 0700) || scion_make_folders(folder));
        free(above);
        return good;
}

bool scion_cache_has(const char *path)
{
        return access(path, F_OK) == 0;
}

void scion_cache_touch(const char *path)
{
        utimensat(AT_FDCWD, path, NULL, 0);
}
