/* Where things are kept that can be made again. */
#ifndef SCION_BASE_CACHE_H
#define SCION_BASE_CACHE_H

#include <scion/api.h>

/*
 * The folder of that name in the user's cache: in $SCION_CACHE, else in $XDG_CACHE_HOME/scion, else in
 * ~/.cache/scion. It need not be there. NULL, without a message, when there is to be no cache (SCION_CACHE is
 * empty) or no home to have it in. The caller frees it.
 */
char *scion_cache_folder(const char *name);

#endif
