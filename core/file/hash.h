/* Hashes of contents, as texts. */
#ifndef SCION_FILE_HASH_H
#define SCION_FILE_HASH_H

#include <scion/api.h>
#include <xxhash.h>

#define SCION_HASH_TEXT 33 /* bytes of a hash as a text, with the NUL */

/* 32 hexadecimal digits. Returns `text`. */
const char *scion_hash_text(XXH128_hash_t hash, char text[SCION_HASH_TEXT]);

/* The same of `bytes` bytes: their XXH3. */
const char *scion_hash_bytes(const void *data, size_t bytes, char text[SCION_HASH_TEXT]);

/* The same of a file's bytes. */
bool scion_hash_file(const char *path, char text[SCION_HASH_TEXT]);

#endif
