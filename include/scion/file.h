/*
 * Files for dataset plugins: their contents in memory, decompressed. A gzip file (RFC 1952, also with several
 * members) is recognised by its first bytes, not by its name. Lengths and checksums are verified, and bytes after the
 * end are an error.
 *
 * Decompressed data are cached in $SCION_CACHE/inflated; without SCION_CACHE, in $XDG_CACHE_HOME/scion/inflated or
 * ~/.cache/scion/inflated. An entry is found by the hash of the compressed bytes and verified by the hash of the
 * decompressed ones. If SCION_CACHE is empty, or the folder cannot be written, nothing is cached. Entries may be
 * deleted at any time.
 *
 * These functions may be called from any thread. Messages begin with the path.
 */
#ifndef SCION_FILE_H
#define SCION_FILE_H

#include <scion/api.h>

SCION_BEGIN

/*
 * Reads the first `room` bytes of the contents into `head`, or all if there are fewer, and sets `bytes` to their
 * number. Decompresses and verifies no more than that, so it is quick; use it for a header that tells how long the
 * contents must be. Returns false, with a message, if the file cannot be read.
 */
SCION_API bool scion_file_head(const char *path, void *head, size_t room, size_t *bytes);

/*
 * Returns the complete contents, read-only, and sets `bytes` to their length. The caller releases them by
 * scion_file_unmap(). Returns NULL, with a message, if the file cannot be read, is not a regular file, is damaged, or
 * has more than `most` bytes; decompression stops there. An uncompressed file is mapped, so it must not be truncated
 * while it is in use.
 */
SCION_API const void *scion_file_map(const char *path, size_t most, size_t *bytes);

/* Releases the contents; `bytes` is their length. Does nothing for NULL. */
SCION_API void scion_file_unmap(const void *data, size_t bytes);

SCION_END

#endif
