/*
 * What was inflated before: a folder of the user's cache, with an entry for each compressed file, named by
 * the hash of its bytes. No call fails: without a cache nothing is found and nothing kept, and no message is
 * left.
 */
#ifndef SCION_FILE_DECOMPRESSED_H
#define SCION_FILE_DECOMPRESSED_H

#include <scion/api.h>
#include <xxhash.h>

/* A compressed file, by its contents. */
struct scion_compressed {
        XXH128_hash_t hash;
        uint64_t bytes;
};

/* What the open file inflates to, mapped, after a check of every byte; NULL when no good entry is there. For
 * scion_file_unmap(). Leaves the descriptor where it stands. */
const void *scion_inflated_find(int descriptor, size_t *bytes);

/* Keeps it, in place of an entry that was no good. The entry is there whole or not at all, whoever else makes
 * it at the same time. */
void scion_inflated_keep(const struct scion_compressed *compressed, const void *data, size_t bytes);

#endif
