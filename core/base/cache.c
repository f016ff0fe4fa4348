#include "base/cache.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"

/* The environment's word for a folder that is to be somewhere for sure: an absolute path. */
static const char *absolute(const char *variable)
{
        const char *path = getenv(variable);

        return path && path[0] == '/' ? path : NULL;
}

char *scion_cache_folder(const char *name)
{
        const char *given = getenv("SCION_CACHE"), *caches = absolute("XDG_CACHE_HOME"),
                   *home = absolute("HOME");
        struct scion_text path = { 0 };
        struct stat status;

        if (given && !*given)
                return NULL;
        if (given)
                scion_text_add(&path, "%s/%s", given, name);
        else if (caches)
                scion_text_add(&path, "%s/scion/%s", caches, name);
        else if (home && !stat(home, &status) && S_ISDIR(status.st_mode)) /* a home is not ours to make */
                scion_text_add(&path, "%s/.cache/scion/%s", home, name);
        if (!path.failed)
                return path.text;
        free(path.text);
        return NULL;
}
