/*
 * Files for dataset plugins: their contents in memory, whatever they are compressed by. What a file is, its
 * first bytes say, not its name. Gzip data (RFC 1952, also several joined) are inflated, and checked whole:
 * lengths, sums, nothing after the end.
 *
 * What was inflated once is kept for the next time, in $SCION_CACHE/inflated, where SCION_CACHE is, when it
 * is not set, $XDG_CACHE_HOME/scion or ~/.cache/scion. An entry is found by the hash of all compressed bytes
 * and checked by the hash of all inflated ones, so that it is as good as inflating anew. SCION_CACHE set to
 * nothing: none is kept, nor is when the folder cannot be written. Entries may be deleted at any time.
 *
 * Any thread may call these. Messages begin with the path.
 */
#ifndef SCION_FILE_H
#define SCION_FILE_H

#include <scion/api.h>

SCION_BEGIN

/*
 * The first bytes of the contents, as many as there are, up to `room`; `bytes` is how many. Costs next to
 * nothing, and checks no more than it reads: for a header that says how long the contents are to be.
 */
SCION_API bool scion_file_head(const char *path, void *head, size_t room, size_t *bytes);

/*
 * The contents whole, read-only; `bytes` is how many there are. NULL for a file that cannot be read, is no
 * regular file, is damaged, or has more than `most` bytes; no more than that is ever inflated. A plain file
 * is mapped: while it is in use, nobody may make it shorter. The caller gives the contents back to
 * scion_file_unmap().
 */
SCION_API const void *scion_file_map(const char *path, size_t most, size_t *bytes);

/* `bytes` is what scion_file_map() said. Takes NULL. */
SCION_API void scion_file_unmap(const void *data, size_t bytes);

SCION_END

#endif
