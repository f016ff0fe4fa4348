/* 128-bit XXH3 hashes as text. */
#ifndef SCION_FILE_HASH_H
#define SCION_FILE_HASH_H

#include <scion/api.h>
#include <xxhash.h>

#define SCION_HASH_TEXT 33 /* bytes: 32 hexadecimal digits and a NUL */

/* Writes the hash as 32 hexadecimal digits. Returns text. */
const char *scion_hash_text(XXH128_hash_t hash, char text[SCION_HASH_TEXT]);

/* Writes the hash of `bytes` bytes. Returns text. */
const char *scion_hash_bytes(const void *data, size_t bytes, char text[SCION_HASH_TEXT]);

/* Writes the hash of a file's contents. Returns false, with a message, if the file cannot be read. */
bool scion_hash_file(const char *path, char text[SCION_HASH_TEXT]);

#endif
