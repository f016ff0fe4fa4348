/*
 * A cache of decompressed files: a folder of the user's cache, with an entry for each compressed file,
 * named by the hash of its bytes. No function fails: if the cache is disabled or cannot be used, nothing is
 * found, nothing is stored, and no message is set.
 */
#ifndef SCION_FILE_DECOMPRESSED_H
#define SCION_FILE_DECOMPRESSED_H

#include <scion/api.h>
#include <xxhash.h>

/* Identifies the contents of a compressed file. */
struct scion_compressed {
        XXH128_hash_t hash;
        uint64_t bytes;
};

/* Returns the decompressed contents of the open file, mapped from the cache after every byte was verified,
 * or NULL if there is no valid entry. Release them with scion_file_unmap(). The descriptor's offset does
 * not change. */
const void *scion_decompressed_find(int descriptor, size_t *bytes);

/* Stores the decompressed contents, and replaces an invalid entry. The entry appears complete or not at
 * all, also when other processes store the same one at the same time. */
void scion_decompressed_store(const struct scion_compressed *compressed, const void *data, size_t bytes);

#endif
